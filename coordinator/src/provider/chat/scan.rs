//! Whether arguments that come in pieces are one JSON object by now.

use crate::provider::fields::is_object;

/// Arguments as far as they came. Each byte is looked at once as it comes, and all of them together once,
/// when the brace closes that opened first: a stream may have as many fragments as bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    place: Place,
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
    is_object: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Nothing but blanks came.
    #[default]
    Before,
    Inside,
    /// Behind the brace that closes the first.
    Behind,
    /// This never becomes an object.
    Lost,
}

impl Scan {
    /// Takes what comes next. Whether the object is closed by it, so that it should be read.
    #[must_use]
    pub(super) fn take(&mut self, text: &str) -> bool {
        let was_behind = self.place == Place::Behind;
        for byte in text.bytes() {
            self.step(byte);
        }
        self.is_object &= self.place == Place::Behind;
        !was_behind && self.place == Place::Behind
    }

    /// Reads what seems to be an object.
    pub(super) fn read(&mut self, text: &str) {
        self.is_object = is_object(text);
    }

    /// Whether the arguments are one JSON object: then nothing can be missing.
    pub(super) fn is_object(&self) -> bool {
        self.is_object
    }

    fn step(&mut self, byte: u8) {
        match self.place {
            Place::Before | Place::Behind if byte.is_ascii_whitespace() => {}
            Place::Before if byte == b'{' => {
                self.place = Place::Inside;
                self.depth = 1;
            }
            Place::Before | Place::Behind | Place::Lost => self.place = Place::Lost,
            Place::Inside if std::mem::take(&mut self.is_escaped) => {}
            Place::Inside if self.is_in_string => match byte {
                b'\\' => self.is_escaped = true,
                b'"' => self.is_in_string = false,
                _ => {}
            },
            Place::Inside => match byte {
                b'"' => self.is_in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.place = Place::Behind;
                    }
                }
                _ => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often the text was read, and whether it is an object, in pieces of so many bytes.
    fn scanned(text: &str, piece: usize) -> (usize, bool) {
        let mut scan = Scan::default();
        let mut whole = String::new();
        let mut reads = 0;
        let bytes: Vec<char> = text.chars().collect();
        for piece in bytes.chunks(piece) {
            let piece: String = piece.iter().collect();
            whole.push_str(&piece);
            if scan.take(&piece) {
                reads += 1;
                scan.read(&whole);
            }
        }
        (reads, scan.is_object())
    }

    #[test]
    fn an_object_is_seen_when_it_closes_and_read_once() {
        for (text, reads, is_object) in [
            ("", 0, false),
            (" {} \n", 1, true),
            (r#"{"a":{"b":["}","]",{}]},"c":"\"}\\"}"#, 1, true),
            (r#"{"a":1"#, 0, false),
            (r#"{"a":"}"#, 0, false),
            ("{]", 1, false),
            ("[{}]", 0, false),
            ("7{}", 0, false),
            ("{\"a\":\u{fc}}", 1, false),
        ] {
            for piece in [1, 2, 100] {
                let expected = (reads, is_object);
                assert_eq!(scanned(text, piece), expected, "{text} by {piece}");
            }
        }
        // What follows makes it none.
        assert_eq!(scanned("{}}", 1), (1, false));
        assert_eq!(scanned("{} x", 1), (1, false));
        // However often it seems to end.
        let braces = "}".repeat(100_000);
        assert_eq!(scanned(&format!("{{\"a\":\"{braces}\"}}"), 1), (1, true));
        assert_eq!(scanned(&format!("{{{braces}"), 1).0, 1);
    }
}
