//! Server-sent events, as the providers stream them: bytes in, in whatever pieces they come, events out.
//!
//! Our own, for two reasons: a recorded stream is read by the same code without an executor, and memory
//! is bounded whatever a server sends.

/// Bytes of one event, at most: a call's arguments and a reasoning item come whole in one. Chosen, not
/// measured: twice what the largest inline call may have, with room for its envelope and for images.
pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty where the stream names none.
    pub name: String,
    /// Its data lines, joined by line feeds.
    pub data: String,
}

/// Why a stream can't be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// A line isn't UTF-8.
    #[error("the stream holds bytes that aren't UTF-8")]
    NotUtf8,
    /// An event doesn't end.
    #[error("an event of the stream is larger than {EVENT_BYTES_MAX} bytes")]
    TooLarge,
}

/// Takes a stream apart. After an error it gives nothing more.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The line that isn't whole yet.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return: a line feed after it ends no second line.
    after_cr: bool,
    has_begun: bool,
    name: String,
    data: String,
    has_data: bool,
}

impl Decoder {
    /// Takes the next bytes and appends the events that they complete. An event that isn't ended by an
    /// empty line when the stream ends is no event.
    ///
    /// # Errors
    /// When the stream isn't UTF-8, or an event is too large.
    pub fn take(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SseError> {
        for &byte in bytes {
            let is_lf_of_crlf = byte == b'\n' && std::mem::take(&mut self.after_cr);
            match byte {
                _ if is_lf_of_crlf => {}
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    self.end_line(events)?;
                }
                _ => {
                    self.after_cr = false;
                    if self.line.len() + self.data.len() >= EVENT_BYTES_MAX {
                        return Err(SseError::TooLarge);
                    }
                    self.line.push(byte);
                }
            }
        }
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) -> Result<(), SseError> {
        let line = std::mem::take(&mut self.line);
        let mut line = std::str::from_utf8(&line).map_err(|_| SseError::NotUtf8)?;
        if !std::mem::replace(&mut self.has_begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = std::mem::take(&mut self.data);
            if std::mem::take(&mut self.has_data) {
                events.push(Event { name, data });
            }
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // Comments, ids and retry times mean nothing here: no provider resumes a stream.
            _ => {}
        }
        Ok(())
    }
}

/// Whether these bytes look like a recorded stream, and not like JSON.
#[must_use]
pub fn is_stream(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_start();
    [&b"event:"[..], b"data:", b"id:", b"retry:", b":"]
        .iter()
        .any(|field| bytes.starts_with(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\nevent: a\r\ndata: {\"text\":\"gr\u{fc}\u{df} \u{1f600}\"}   \r\n\r\n\
                          data:one\ndata: two\nid: 7\nwhat: ever\n\n\
                          event: empty\n\n\
                          data\r\r\
                          event: cut\ndata: never";

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Event>, SseError> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            decoder.take(piece, &mut events)?;
        }
        Ok(events)
    }

    #[test]
    fn events_are_the_same_in_whatever_pieces_they_come() {
        let event = |name: &str, data: &str| Event {
            name: name.to_owned(),
            data: data.to_owned(),
        };
        let expected = [
            event("a", "{\"text\":\"gr\u{fc}\u{df} \u{1f600}\"}   "),
            event("", "one\ntwo"),
            event("", ""),
        ];
        let bytes = STREAM.as_bytes();
        assert_eq!(decode([bytes]).as_deref(), Ok(&expected[..]));
        assert_eq!(decode(bytes.chunks(1)).as_deref(), Ok(&expected[..]));
        for at in 0..bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(decode([a, b]).as_deref(), Ok(&expected[..]), "cut at {at}");
        }
    }

    #[test]
    fn what_is_no_text_or_has_no_end_is_an_error() {
        assert_eq!(decode([&b"data: \xff\n"[..]]), Err(SseError::NotUtf8));
        let endless = vec![b'x'; EVENT_BYTES_MAX + 1];
        assert_eq!(decode([&endless[..]]), Err(SseError::TooLarge));
        let lines = b"data: 0123456789\n".repeat(EVENT_BYTES_MAX / 10);
        assert_eq!(decode([&lines[..]]), Err(SseError::TooLarge));
    }

    #[test]
    fn a_recording_is_told_from_a_message() {
        assert!(is_stream(b"\xef\xbb\xbf\nevent: message_start\n"));
        assert!(is_stream(b": ping\n") && is_stream(b"data: {}\n\n"));
        assert!(!is_stream(b"{\"role\":\"assistant\"}") && !is_stream(b"[]") && !is_stream(b""));
    }
}
