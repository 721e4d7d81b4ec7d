//! What a tool gives back: typed parts (P23).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{Reader, Writer};

/// One part of a tool's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Plain text.
    Text(String),
    /// A JSON value, as the tool wrote it.
    Json(String),
    /// An image, undecoded.
    Image {
        /// Its media type, such as `image/png`.
        media_type: String,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// A document, undecoded.
    Document {
        /// Its media type, such as `application/pdf`.
        media_type: String,
        /// Its title, if it has one.
        name: Option<String>,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// A reference to something that isn't inlined.
    Resource {
        /// Where it is.
        uri: String,
        /// Its media type, if known.
        media_type: Option<String>,
        /// Its text, if the tool gave it.
        text: Option<String>,
    },
    /// A part of a type that this version doesn't know; `text` is kept if there was any.
    Unknown {
        /// The type that the peer named.
        part_type: String,
        /// Its text, if any.
        text: Option<String>,
    },
}

impl Part {
    /// Bytes of payload that the part holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Text(text) | Self::Json(text) => text.len(),
            Self::Image { media_type, data } => media_type.len() + data.len(),
            Self::Document {
                media_type,
                name,
                data,
            } => media_type.len() + optional(name) + data.len(),
            Self::Resource {
                uri,
                media_type,
                text,
            } => uri.len() + optional(media_type) + optional(text),
            Self::Unknown { part_type, text } => part_type.len() + optional(text),
        }
    }
}

impl Part {
    /// Whether it is a text, with or without a form.
    pub(crate) fn is_canonical(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Json(_))
    }

    pub(crate) fn read_canonical(from: &mut Reader<'_>) -> Option<Self> {
        from.expect(b"\x82\xa4type")?;
        let is_text = from.takes(TEXT);
        if !is_text {
            from.expect(JSON)?;
        }
        let text = from.text()?.to_owned();
        Some(if is_text {
            Self::Text(text)
        } else {
            Self::Json(text)
        })
    }

    /// Writes a part of which [`Self::is_canonical`] is true; of any other, nothing.
    pub(crate) fn write_canonical(&self, to: &mut Writer<'_>) {
        let (what, text) = match self {
            Self::Text(text) => (TEXT, text),
            Self::Json(text) => (JSON, text),
            Self::Image { .. }
            | Self::Document { .. }
            | Self::Resource { .. }
            | Self::Unknown { .. } => return,
        };
        to.raw(b"\x82\xa4type");
        to.raw(what);
        to.text(text);
    }
}

/// A text's type, and the name of the field that follows.
const TEXT: &[u8; 10] = b"\xa4text\xa4text";
const JSON: &[u8; 10] = b"\xa4json\xa4text";

/// The flat form on the wire: one map whose `type` says which fields count.
#[derive(Serialize, Deserialize, Default)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    part_type: &'a str,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    text: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    media_type: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    name: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    uri: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    data: Option<&'a serde_bytes::Bytes>,
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = match self {
            Self::Text(text) => Wire {
                part_type: "text",
                text: Some(text),
                ..Wire::default()
            },
            Self::Json(text) => Wire {
                part_type: "json",
                text: Some(text),
                ..Wire::default()
            },
            Self::Image { media_type, data } => Wire {
                part_type: "image",
                media_type: Some(media_type),
                data: Some(serde_bytes::Bytes::new(data)),
                ..Wire::default()
            },
            Self::Document {
                media_type,
                name,
                data,
            } => Wire {
                part_type: "document",
                media_type: Some(media_type),
                name: name.as_deref(),
                data: Some(serde_bytes::Bytes::new(data)),
                ..Wire::default()
            },
            Self::Resource {
                uri,
                media_type,
                text,
            } => Wire {
                part_type: "resource",
                uri: Some(uri),
                media_type: media_type.as_deref(),
                text: text.as_deref(),
                ..Wire::default()
            },
            Self::Unknown { part_type, text } => Wire {
                part_type,
                text: text.as_deref(),
                ..Wire::default()
            },
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let wire = Wire::deserialize(deserializer)?;
        let text = |field: Option<&str>, name| {
            field
                .map(str::to_owned)
                .ok_or_else(|| D::Error::missing_field(name))
        };
        let data = |field: Option<&serde_bytes::Bytes>| {
            field
                .map(|bytes| bytes.to_vec())
                .ok_or_else(|| D::Error::missing_field("data"))
        };
        Ok(match wire.part_type {
            "text" => Self::Text(text(wire.text, "text")?),
            "json" => Self::Json(text(wire.text, "text")?),
            "image" => Self::Image {
                media_type: text(wire.media_type, "media_type")?,
                data: data(wire.data)?,
            },
            "document" => Self::Document {
                media_type: text(wire.media_type, "media_type")?,
                name: wire.name.map(str::to_owned),
                data: data(wire.data)?,
            },
            "resource" => Self::Resource {
                uri: text(wire.uri, "uri")?,
                media_type: wire.media_type.map(str::to_owned),
                text: wire.text.map(str::to_owned),
            },
            other => Self::Unknown {
                part_type: other.to_owned(),
                text: wire.text.map(str::to_owned),
            },
        })
    }
}
