//! Web pages as text.

use std::collections::HashMap;

use callboard_proto::{Executed, FailureKind};

use crate::plain::plain;
use crate::tool::ToolError;

/// Columns of a text, as tables need some number: wider than most, so that few lines are broken (chosen).
const COLUMNS: usize = 160;

/// Elements within each other, at most: beyond, laying out takes time with the square of the depth and more
/// (measured 2026-11: 2,000 nested tables would take minutes). Pages of people stay below 100.
const DEPTH_MAX: usize = 512;
/// Elements that have no end, or whose end is mostly left out: they don't nest without another around them.
const WITHOUT_END: [&str; 26] = [
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta",
    "optgroup", "option", "p", "param", "rp", "rt", "source", "tbody", "td", "th", "tr", "track",
    "wbr",
];

/// The text of a page, with its links numbered and listed at the end. A page that can't be laid out is given
/// as it is.
pub(super) async fn text(html: String) -> Result<String, ToolError> {
    // Laying out a large page takes long enough to hold up others.
    let laid_out = tokio::task::spawn_blocking(move || match laid_out(&html) {
        Some(text) => text,
        None => html,
    });
    laid_out.await.map_err(|_| {
        ToolError::new(
            FailureKind::Internal,
            "the page could not be turned into text; fetch it again with \"raw\": true",
            Executed::Yes,
        )
    })
}

fn laid_out(html: &str) -> Option<String> {
    if depth(html) > DEPTH_MAX {
        return None;
    }
    let config = html2text::config::plain()
        .no_table_borders()
        .no_link_wrapping()
        .allow_width_overflow();
    let text = config.string_from_read(html.as_bytes(), COLUMNS).ok()?;
    let text = plain(&text);
    (!text.trim().is_empty()).then(|| text.trim_end().to_owned())
}

/// How deeply the elements of a page are within each other; rather too much than too little.
fn depth(html: &str) -> usize {
    // Each name for itself, so that ends of what never began hide nothing.
    let mut open: HashMap<String, usize> = HashMap::new();
    let (mut depth, mut deepest) = (0_usize, 0);
    for tag in html.split('<').skip(1) {
        let (is_end, tag) = match tag.strip_prefix('/') {
            Some(tag) => (true, tag),
            None => (false, tag),
        };
        let name = tag
            .split(|character: char| !character.is_ascii_alphanumeric())
            .next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() || WITHOUT_END.contains(&name.as_str()) {
            continue;
        }
        let of_name = open.entry(name).or_default();
        if !is_end {
            *of_name += 1;
            depth += 1;
            deepest = deepest.max(depth);
        } else if *of_name > 0 {
            *of_name -= 1;
            depth -= 1;
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_page_is_its_text_and_its_links() {
        let html = r#"<!doctype html><html><head><title>T</title><style>p { color: red }</style></head>
            <body><script>alert(1)</script><h1>News &amp; more</h1><p>First <a href="https://example.com/a?b=1&amp;c=2">link</a>,
            <em>second</em>.</p><ul><li>one</li><li>two</li></ul>
            <table><tr><th>name</th><th>n</th></tr><tr><td>tea</td><td>3</td></tr></table>
            <pre>a  b
  c</pre></body></html>"#;
        insta::assert_snapshot!(text(html.to_owned()).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_hardly_a_page_is_taken_all_the_same() {
        for html in [
            "",
            "<",
            "<p",
            "plain",
            "</div></p>",
            "<table><td>",
            "&#x1b;[31m&#7;",
        ] {
            let text = text(html.to_owned()).await.unwrap();
            assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
        }
    }

    #[tokio::test]
    async fn what_is_nested_without_end_is_given_as_it_is() {
        for page in [
            "<div>",
            "<div></x>",
            "<b><i><ul><li><table><tr><td>",
            "<p><DIV a=b>",
            "<span/>",
        ] {
            let page = page.repeat(10_000) + "deep";
            assert_eq!(text(page.clone()).await.unwrap(), page);
        }
        let page = "<ul><li>".repeat(100) + "deep";
        assert!(!text(page).await.unwrap().contains("<ul>"));
    }

    #[test]
    fn depth_is_that_of_open_elements() {
        assert_eq!(depth("no tags, 1 < 2 </ > <"), 0);
        assert_eq!(depth("<html><body><p>a<p>b<br><img></body></html>"), 2);
        assert_eq!(depth(&"<div><span>x</span></div>".repeat(1_000)), 2);
        assert_eq!(depth(&"<div></span>".repeat(7)), 7);
    }
}
