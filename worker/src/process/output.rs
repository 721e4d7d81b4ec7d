//! What a process prints: all of it is read, its head and its tail are kept.

use std::collections::VecDeque;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::plain::plain;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// The head and tail of an output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_max: usize,
    tail_max: usize,
    /// Bytes between head and tail that were not kept.
    dropped: u64,
}

impl Captured {
    /// Keeps so many bytes, at most: the first half and the last half.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        let head_max = bytes_max.div_ceil(2);
        Self {
            head_max,
            tail_max: bytes_max - head_max,
            ..Self::default()
        }
    }

    /// Takes what comes next.
    pub fn take(&mut self, bytes: &[u8]) {
        let room = self.head_max - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        // Of a chunk larger than the tail, only its own end can stay.
        let skip = rest.len().saturating_sub(self.tail_max);
        self.tail.extend(&rest[skip..]);
        let over = self.tail.len().saturating_sub(self.tail_max);
        self.tail.drain(..over);
        self.dropped += u64::try_from(skip + over).unwrap_or(u64::MAX);
    }

    /// Whether something was dropped.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.dropped > 0
    }

    /// Whether nothing was printed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// The output as text: what isn't UTF-8 becomes U+FFFD, a cut says how much is missing, terminal
    /// control sequences are left out.
    #[must_use]
    pub fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.dropped == 0 {
            let whole = [&self.head[..], &tail].concat();
            return plain(&String::from_utf8_lossy(&whole));
        }
        format!(
            "{}\n[… {} bytes left out …]\n{}",
            plain(&String::from_utf8_lossy(&self.head)),
            self.dropped,
            plain(&String::from_utf8_lossy(&tail))
        )
    }
}

/// Reads to the end, so that the process never blocks on a full pipe. What was read stands in `captured`,
/// also where the reading is given up.
///
/// # Errors
/// As the pipe does.
pub(super) async fn capture(
    from: Option<impl AsyncRead + Unpin>,
    captured: &mut Captured,
) -> io::Result<()> {
    let Some(mut from) = from else {
        return Ok(());
    };
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match from.read(&mut chunk).await? {
            0 => return Ok(()),
            bytes => captured.take(&chunk[..bytes]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(max: usize, chunks: &[&str]) -> Captured {
        let mut captured = Captured::new(max);
        for chunk in chunks {
            captured.take(chunk.as_bytes());
        }
        captured
    }

    #[test]
    fn head_and_tail_are_kept_in_whatever_pieces_they_come() {
        let text = "0123456789abcdef";
        for at in 0..text.len() {
            let (a, b) = text.split_at(at);
            let cut = captured(6, &[a, b]);
            assert_eq!(
                cut.text(),
                "012\n[… 10 bytes left out …]\ndef",
                "split at {at}"
            );
            assert!(cut.is_cut());
            let whole = captured(16, &[a, b]);
            assert_eq!(whole.text(), text);
            assert!(!whole.is_cut());
        }
        let ones: Vec<&str> = (0..text.len()).map(|at| &text[at..=at]).collect();
        assert_eq!(captured(6, &ones), captured(6, &[text]));
        assert_eq!(captured(0, &["ab"]).text(), "\n[… 2 bytes left out …]\n");
        assert!(captured(6, &[]).is_empty());
    }

    #[tokio::test]
    async fn everything_is_read() {
        let bytes = vec![b'x'; 100_000];
        let mut captured = Captured::new(10);
        let read = capture(Some(&bytes[..]), &mut captured).await;
        read.expect("memory can be read");
        assert_eq!(captured.text(), "xxxxx\n[… 99990 bytes left out …]\nxxxxx");
    }
}
