//! Reads what somebody kept of a model's turn: a message, a whole response, or a recorded stream.

use super::error::{ParseError, StreamError};
use super::format::Format;
use super::sse::{Decoder, is_stream};
use crate::model::ModelAnswer;

/// Why what was kept can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The message or response can't be worked with.
    #[error(transparent)]
    Message(#[from] ParseError),
    /// The recorded stream gives no answer.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

impl ReadError {
    /// A stable code for programs and for `docs/errors/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Message(error) => error.code(),
            Self::Stream(error) => error.code(),
        }
    }
}

/// Reads a message, a response or a recorded stream; the bytes tell which it is.
pub(super) fn read(format: Format, input: &[u8]) -> Result<ModelAnswer, ReadError> {
    if !is_stream(input) {
        return Ok(format.parse(input)?);
    }
    let mut decoder = Decoder::default();
    let mut assembler = format.assembler();
    let mut events = Vec::new();
    let decoded = decoder.take(input, &mut events);
    for event in events.drain(..) {
        assembler.take(&event)?;
    }
    decoded.map_err(StreamError::from)?;
    // What keeps a text may drop the empty line at its end. The rest is an event only if it can be read.
    decoder
        .take(b"\n\n", &mut events)
        .map_err(StreamError::from)?;
    for event in events {
        match assembler.take(&event) {
            Err(StreamError::Event { .. }) => return Err(StreamError::Cut.into()),
            taken => taken?,
        }
    }
    Ok(assembler.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_place_of_a_message_is_told_alike_in_every_format() {
        let own = |format| match format {
            Format::Anthropic => {
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded."}}"#
            }
            Format::Chat | Format::Responses => {
                r#"{"error":{"message":"Overloaded.","type":"overloaded_error","param":null,"code":null}}"#
            }
            Format::Gemini => {
                r#"{"error":{"code":503,"message":"Overloaded.","status":"overloaded_error"}}"#
            }
        };
        let expected = "the input is an error that the provider answered with, and no message: \
                        overloaded_error: Overloaded";
        for format in Format::ALL {
            let own = own(format);
            for input in [
                own.to_owned(),
                format!("\u{feff}{own}\n"),
                format!("[{own}]"),
            ] {
                let error = read(format, input.as_bytes()).err();
                let told = error.map(|error| (error.code(), error.to_string()));
                let expected = Some(("message_is_error", expected.to_owned()));
                assert_eq!(told, expected, "{format}: {input}");
            }
            let error = read(format, format!("data: {own}\n\n").as_bytes()).err();
            let told = error.map(|error| (error.code(), error.to_string()));
            let text = "the provider broke the stream off: overloaded_error: Overloaded";
            let expected = Some(("message_stream_broken_off", text.to_owned()));
            assert_eq!(told, expected, "{format}");
        }
    }
}
