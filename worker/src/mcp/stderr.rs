//! What a server says on its standard error: logged with its name, in bounds, and its last words kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::Instant;

use crate::process::Captured;

/// Bytes of a line that are logged. Chosen, not measured.
const LINE_BYTES_MAX: usize = 1024;
/// Lines that are logged in each [`WINDOW`]; of more, only their number is. Chosen, not measured.
const LINES_MAX: u32 = 50;
/// See [`LINES_MAX`].
const WINDOW: Duration = Duration::from_secs(10);
/// Bytes of the last words. Chosen, not measured.
const LAST_BYTES_MAX: usize = 400;
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 4 * 1024;

/// The last line that a server said.
#[derive(Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<String>>);

impl LastWords {
    /// The last words, as the end of a sentence.
    pub(super) fn told(&self) -> Option<String> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!last.is_empty()).then(|| format!("the last that it said: {last:?}"))
    }

    fn set(&self, line: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = line.floor_char_boundary(LAST_BYTES_MAX);
        line[..end].clone_into(&mut last);
    }
}

/// Logs what comes until its end.
pub(super) async fn log(server: String, mut from: impl AsyncRead + Unpin, last: LastWords) {
    let mut lines = Lines {
        server,
        last,
        line: Captured::new(LINE_BYTES_MAX),
        window_ends: Instant::now() + WINDOW,
        logged: 0,
        left_out: 0,
    };
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match from.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(count) => lines.take(&chunk[..count]),
        }
    }
    lines.end_line();
    lines.end_window();
}

struct Lines {
    server: String,
    last: LastWords,
    line: Captured,
    window_ends: Instant,
    logged: u32,
    left_out: u64,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.line.take(piece);
            if pieces.peek().is_some() {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::replace(&mut self.line, Captured::new(LINE_BYTES_MAX)).text();
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        self.last.set(line);
        if Instant::now() >= self.window_ends {
            self.end_window();
        }
        if self.logged < LINES_MAX {
            self.logged += 1;
            tracing::info!(server = self.server, line, "an MCP server says");
        } else {
            self.left_out += 1;
        }
    }

    fn end_window(&mut self) {
        if self.left_out > 0 {
            tracing::info!(
                server = self.server,
                lines = self.left_out,
                "an MCP server said more than is logged"
            );
        }
        self.window_ends = Instant::now() + WINDOW;
        self.logged = 0;
        self.left_out = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_words_are_kept_in_bounds() {
        let last = LastWords::default();
        log("s".to_owned(), &b"one\ntwo\n\n"[..], last.clone()).await;
        assert_eq!(
            last.told().as_deref(),
            Some("the last that it said: \"two\"")
        );
        let long = "\u{20ac}".repeat(10_000);
        log("s".to_owned(), long.as_bytes(), last.clone()).await;
        let told = last.told().expect("something was said");
        assert!(told.len() < LAST_BYTES_MAX + 100, "{told}");
    }
}
