//! What all readers need.

use std::collections::HashSet;

use crate::json::Node;
use crate::refusal::Refusal;

/// Reads a body as one object; the provider's words for what isn't JSON.
pub(super) fn body(bytes: &[u8], not_json: &str) -> Result<Node, Refusal> {
    let node = Node::read(bytes).map_err(|error| Refusal::invalid(format!("{not_json}{error}")))?;
    if node.is_object() {
        Ok(node)
    } else {
        Err(Refusal::invalid(format!("{not_json}expected an object")))
    }
}

/// The first key of an object that isn't among those known.
pub(super) fn unknown<'a>(object: &'a Node, known: &[&str]) -> Option<&'a str> {
    object
        .entries()?
        .iter()
        .map(|(key, _)| key.as_str())
        .find(|key| !known.contains(key))
}

/// The first name that is there twice.
pub(super) fn twice<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

/// Whether a text is made of letters, digits, `_` and `-`, and at least one of them.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A number that counts something.
pub(super) fn count(node: &Node) -> Option<u64> {
    match node {
        Node::Number(digits) => digits.parse().ok(),
        Node::Null | Node::Bool(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => None,
    }
}
