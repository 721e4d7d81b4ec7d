//! What a conversation begins with.

use serde_json::value::RawValue;

/// What a conversation begins with.
#[derive(Clone, Debug)]
pub enum Opening {
    /// A task in words; each format has its own message for it.
    Prompt(String),
    /// Messages, contents or items in the format of the model that is asked, each repeated byte for
    /// byte. Whether they make sense is its provider's to judge.
    Messages(Vec<Box<RawValue>>),
}

impl Opening {
    /// The first messages of every request; `prompt` writes one of words.
    pub(crate) fn messages(
        &self,
        prompt: impl FnOnce(&str) -> Box<RawValue>,
    ) -> Vec<Box<RawValue>> {
        match self {
            Self::Prompt(text) => vec![prompt(text)],
            Self::Messages(messages) => messages.clone(),
        }
    }
}

impl From<String> for Opening {
    fn from(text: String) -> Self {
        Self::Prompt(text)
    }
}

impl From<&str> for Opening {
    fn from(text: &str) -> Self {
        Self::Prompt(text.to_owned())
    }
}
