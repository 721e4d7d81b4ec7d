//! The worker's answer, made of what a server answered.

use callboard_proto::{Completed, Part};
use data_encoding::BASE64;
use rmcp::model::{CallToolResult, ContentBlock, Resource, ResourceContents};
use serde_json::Value;

use crate::plain;

/// Makes an answer of a result: its parts in their order, structured content as JSON.
pub(super) fn answer(result: CallToolResult) -> Completed {
    let CallToolResult {
        content,
        structured_content,
        is_error,
        ..
    } = result;
    let mut parts = Vec::with_capacity(content.len() + 1);
    let mut structured = structured_content;
    for block in content {
        // Servers repeat structured content as text, for clients that know none.
        if let (ContentBlock::Text(text), Some(value)) = (&block, &structured)
            && is_same(&text.text, value)
        {
            parts.push(Part::Json(text.text.clone()));
            structured = None;
        } else {
            take(block, &mut parts);
        }
    }
    if let Some(value) = structured {
        parts.push(Part::Json(value.to_string()));
    }
    if parts.is_empty() {
        parts.push(Part::Text(
            "The tool answered without any content.".to_owned(),
        ));
    }
    Completed {
        content: parts,
        is_error: is_error.unwrap_or(false),
    }
}

fn is_same(text: &str, value: &Value) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|text| text == *value)
}

fn take(block: ContentBlock, parts: &mut Vec<Part>) {
    if let ContentBlock::Text(text) = block {
        parts.push(Part::Text(plain(&text.text)));
    } else if let ContentBlock::Image(image) = block {
        parts.push(match BASE64.decode(image.data.as_bytes()) {
            Ok(data) => Part::Image {
                media_type: image.mime_type,
                data,
            },
            Err(_) => left_out("an image", &image.mime_type, "its data is no base64"),
        });
    } else if let ContentBlock::Audio(audio) = block {
        let why = format!(
            "{} bytes of sound can't be shown here",
            audio.data.len() / 4 * 3
        );
        parts.push(left_out("a recording", &audio.mime_type, &why));
    } else if let ContentBlock::Resource(embedded) = block {
        parts.push(resource(embedded.resource));
    } else if let ContentBlock::ResourceLink(link) = block {
        link_parts(link, parts);
    } else {
        parts.push(Part::Text(
            "[A part of a kind that this worker doesn't know is left out.]".to_owned(),
        ));
    }
}

fn link_parts(link: Resource, parts: &mut Vec<Part>) {
    if let Some(description) = link.description {
        let title = link.title.unwrap_or(link.name);
        parts.push(Part::Text(plain(&format!("{title}: {description}"))));
    }
    parts.push(Part::Resource {
        uri: link.uri,
        media_type: link.mime_type,
        text: None,
    });
}

fn resource(contents: ResourceContents) -> Part {
    if let ResourceContents::TextResourceContents {
        uri,
        mime_type,
        text,
        ..
    } = contents
    {
        return Part::Resource {
            uri,
            media_type: mime_type,
            text: Some(plain(&text)),
        };
    }
    let ResourceContents::BlobResourceContents {
        uri,
        mime_type,
        blob,
        ..
    } = contents
    else {
        return left_out("a resource", "", "its kind isn't known to this worker");
    };
    let media_type = mime_type.unwrap_or_default();
    let Ok(data) = BASE64.decode(blob.as_bytes()) else {
        return left_out(&uri, &media_type, "its data is no base64");
    };
    if media_type.starts_with("image/") {
        return Part::Image { media_type, data };
    }
    if media_type == "application/pdf" {
        return Part::Document {
            media_type,
            name: Some(uri),
            data,
        };
    }
    Part::Resource {
        text: Some(format!(
            "[{} bytes that are no text are left out]",
            data.len()
        )),
        media_type: Some(media_type).filter(|media_type| !media_type.is_empty()),
        uri,
    }
}

fn left_out(what: &str, media_type: &str, why: &str) -> Part {
    Part::Text(plain(&format!(
        "[{what} ({media_type}) is left out: {why}]"
    )))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn of(result: Value) -> Completed {
        answer(serde_json::from_value(result).unwrap())
    }

    #[test]
    fn parts_keep_their_order_and_what_cannot_be_shown_is_said() {
        let completed = of(json!({ "content": [
            { "type": "text", "text": "one" },
            { "type": "image", "data": "AAEC", "mimeType": "image/png" },
            { "type": "image", "data": "%", "mimeType": "image/png" },
            { "type": "audio", "data": "AAEC", "mimeType": "audio/wav" },
            { "type": "resource", "resource": { "uri": "a:text", "mimeType": "text/plain", "text": "two" } },
            { "type": "resource", "resource": { "uri": "a:picture", "mimeType": "image/gif", "blob": "AAEC" } },
            { "type": "resource", "resource": { "uri": "a:paper", "mimeType": "application/pdf", "blob": "AAEC" } },
            { "type": "resource", "resource": { "uri": "a:bytes", "blob": "AAEC" } },
            { "type": "resource_link", "uri": "a:link", "name": "link", "description": "Leads away." },
            { "type": "resource_link", "uri": "a:bare", "name": "bare" },
        ] }));
        insta::assert_debug_snapshot!(completed.content);
        assert!(!completed.is_error);
    }

    #[test]
    fn structured_content_is_json_and_stands_once() {
        let once = of(json!({
            "content": [{ "type": "text", "text": "{ \"a\": 1 }" }, { "type": "text", "text": "more" }],
            "structuredContent": { "a": 1 },
        }));
        assert_eq!(
            once.content,
            [
                Part::Json("{ \"a\": 1 }".to_owned()),
                Part::Text("more".to_owned())
            ]
        );
        let beside = of(json!({
            "content": [{ "type": "text", "text": "sunny" }],
            "structuredContent": { "a": 1 },
            "isError": true,
        }));
        assert_eq!(
            beside.content,
            [
                Part::Text("sunny".to_owned()),
                Part::Json("{\"a\":1}".to_owned())
            ]
        );
        assert!(beside.is_error);
    }

    #[test]
    fn what_steers_terminals_reaches_nobody() {
        let answered = of(json!({ "content": [
            { "type": "text", "text": "\u{1b}[31mred\u{1b}[0m" },
            { "type": "resource", "resource": { "uri": "a:b", "text": "\u{1b}]0;title\u{7}text" } },
        ] }));
        let shown = format!("{:?}", answered.content);
        assert!(
            shown.contains("\"red\"") && shown.contains("\"text\""),
            "{shown}"
        );
    }

    #[test]
    fn an_empty_answer_says_so() {
        let empty = of(json!({ "content": [] }));
        assert_eq!(empty.content.len(), 1);
    }
}
