//! What others wrote in an error, for those who must change it before it is shown.

use serde::de::Error as _;

use super::error::{ApiError, ParseError, StreamError};

impl ApiError {
    /// Goes over what the provider wrote.
    pub(crate) fn each_text(&mut self, change: &mut impl FnMut(&mut String)) {
        change(&mut self.code);
        change(&mut self.message);
        self.detail.iter_mut().for_each(&mut *change);
        self.request_id.iter_mut().for_each(change);
    }
}

impl StreamError {
    /// Goes over what the provider or its model wrote.
    pub(crate) fn each_text(&mut self, change: &mut impl FnMut(&mut String)) {
        match self {
            Self::Event { name, source } => {
                change(name);
                in_source(source, change);
            }
            Self::Contradiction(text) | Self::Unknown { delta: text } => change(text),
            Self::Provider(error) => error.each_text(change),
            Self::Answer(error) => error.each_text(change),
            Self::Sse(_) | Self::Cut => {}
        }
    }
}

impl ParseError {
    /// Goes over what the provider or its model wrote.
    pub(crate) fn each_text(&mut self, change: &mut impl FnMut(&mut String)) {
        match self {
            Self::NotJson { source, .. }
            | Self::NotAMessage { source, .. }
            | Self::Block { source, .. } => in_source(source, change),
            Self::Refused { error } => error.each_text(change),
            Self::NotAssistant { role: text }
            | Self::Stopped {
                stop_reason: text, ..
            }
            | Self::BadId { id: text, .. }
            | Self::DuplicateId { id: text, .. }
            | Self::RepeatedId { id: text, .. } => change(text),
            Self::NotUtf8(_)
            | Self::NothingToRun { .. }
            | Self::NoCalls
            | Self::EmptyId { .. }
            | Self::NoName { .. } => {}
        }
    }
}

/// serde's words hold values that it didn't expect.
fn in_source(source: &mut serde_json::Error, change: &mut impl FnMut(&mut String)) {
    let before = source.to_string();
    let mut text = before.clone();
    change(&mut text);
    if text != before {
        *source = serde_json::Error::custom(text);
    }
}
