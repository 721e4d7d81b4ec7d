//! The transport by standard input and output: one JSON message a line.
//!
//! The protocol library has one of its own, which passes over in silence what is no message. Here it is
//! counted and told: a server that prints to its standard output is the usual reason for one that
//! doesn't start.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{ErrorData, JsonRpcMessage, RequestId};
use rmcp::service::{RoleClient, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::process::Captured;

/// Longest message that is read, in bytes; what is longer is passed over, and told. The protocol
/// library's own number.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes that are kept of each end of a message that is too long: its id is in one of them. Chosen, not
/// measured.
const ENDS_BYTES_MAX: usize = 400;
/// How an id begins.
const ID: &str = "\"id\":";
/// Lines that are no messages and are logged, of one connection. Chosen, not measured.
const NOISE_LOGGED_MAX: u64 = 5;
/// Bytes of such a line that are shown. Chosen, not measured.
const NOISE_BYTES_MAX: usize = 200;

/// What came on standard output and is no message.
pub(super) struct Noise {
    server: String,
    heard: Mutex<(u64, String)>,
    /// Lines that were longer than a message may be.
    too_long: AtomicU64,
}

impl Noise {
    pub(super) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            heard: Mutex::default(),
            too_long: AtomicU64::new(0),
        }
    }

    fn take(&self, line: &[u8]) {
        let mut shown = Captured::new(NOISE_BYTES_MAX);
        shown.take(line);
        let shown = shown.text();
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.0 += 1;
        if heard.0 == 1 {
            heard.1.clone_from(&shown);
        }
        if heard.0 <= NOISE_LOGGED_MAX {
            tracing::warn!(
                server = self.server,
                line = shown,
                "an MCP server printed what is no message to its standard output; it belongs on its standard error"
            );
        }
    }

    /// Counts a line that is too long. It may be somebody's result, so nothing of it is repeated.
    fn take_too_long(&self) {
        self.too_long.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            server = self.server,
            bytes_max = MESSAGE_BYTES_MAX,
            "an MCP server sent a message that is too long; it was passed over"
        );
    }

    /// What was heard, as the end of a sentence.
    pub(super) fn told(&self) -> Option<String> {
        let too_long = self.too_long.load(Ordering::Relaxed);
        let too_long = (too_long > 0)
            .then(|| format!("it sent {too_long} messages of more than {MESSAGE_BYTES_MAX} bytes"));
        match (self.lines_told(), too_long) {
            (Some(lines), Some(too_long)) => Some(format!("{lines}; {too_long}")),
            (lines, too_long) => lines.or(too_long),
        }
    }

    fn lines_told(&self) -> Option<String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        match heard.0 {
            0 => None,
            1 => Some(format!(
                "it printed a line to its standard output that is no message: {:?}",
                heard.1
            )),
            count => Some(format!(
                "it printed {count} lines to its standard output that are no messages, the first: {:?}",
                heard.1
            )),
        }
    }
}

/// A server's standard input and output.
pub(super) struct Stdio<R, W> {
    from: BufReader<R>,
    /// The part of a line that has come; kept here, for a read may be dropped halfway.
    line: Vec<u8>,
    /// Whether the rest of the line is passed over, but for its last bytes.
    is_too_long: bool,
    /// The last bytes of a line that is too long.
    tail: Vec<u8>,
    to: Arc<tokio::sync::Mutex<Option<W>>>,
    noise: Arc<Noise>,
}

impl<R: AsyncRead + Unpin, W> Stdio<R, W> {
    pub(super) fn new(from: R, to: W, noise: Arc<Noise>) -> Self {
        Self {
            from: BufReader::new(from),
            line: Vec::new(),
            is_too_long: false,
            tail: Vec::new(),
            to: Arc::new(tokio::sync::Mutex::new(Some(to))),
            noise,
        }
    }

    /// Reads to the end of a line, which then stands in `line`; `false` at the end of all.
    async fn read_line(&mut self) -> io::Result<bool> {
        loop {
            let bytes = self.from.fill_buf().await?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(bytes.len(), |end| end + 1);
            if !self.is_too_long && self.line.len() + count > MESSAGE_BYTES_MAX {
                self.is_too_long = true;
                let from = self.line.len().saturating_sub(ENDS_BYTES_MAX);
                self.tail = self.line[from..].to_vec();
                self.line.truncate(ENDS_BYTES_MAX);
            }
            if self.is_too_long {
                let from = count.saturating_sub(ENDS_BYTES_MAX);
                self.tail.extend_from_slice(&bytes[from..count]);
                let over = self.tail.len().saturating_sub(ENDS_BYTES_MAX);
                self.tail.drain(..over);
            } else {
                self.line.extend_from_slice(&bytes[..count]);
            }
            self.from.consume(count);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    /// What the line says, if it says anything; the next one begins.
    fn take_line(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_too_long) {
            self.noise.take_too_long();
            let id = id_of(&line, &std::mem::take(&mut self.tail))?;
            let text =
                format!("its answer has more than {MESSAGE_BYTES_MAX} bytes, which is too large");
            let error = ErrorData::internal_error(text, None);
            return Some(JsonRpcMessage::error(error, Some(id)));
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            return None;
        }
        match serde_json::from_slice(line) {
            Ok(message) => Some(message),
            Err(error) => {
                let answer = broken_answer(line, &error);
                if answer.is_none() && !is_message(line) {
                    self.noise.take(line);
                }
                answer
            }
        }
    }
}

/// The call that an answer of which only both ends are known belongs to. Servers write the id before the
/// result, or behind it.
fn id_of(head: &[u8], tail: &[u8]) -> Option<RequestId> {
    let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
    let begins = ["\"result\"", "\"error\""];
    let end = begins.iter().filter_map(|key| head.find(key)).min();
    let before = &head[..end.unwrap_or(head.len())];
    if before.contains("\"method\"") {
        return None;
    }
    if let Some(at) = before.find(ID) {
        return first_value(&before[at + ID.len()..]).map(|(id, _)| id);
    }
    let (id, rest) = first_value(&tail[tail.rfind(ID)? + ID.len()..])?;
    // Anything else would stand deeper in the answer.
    let rest: String = rest.split_whitespace().collect();
    matches!(&*rest, "}" | ",\"jsonrpc\":\"2.0\"}").then_some(id)
}

fn first_value(text: &str) -> Option<(RequestId, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let id = values.next()?.ok()?;
    Some((id, &text[values.byte_offset()..]))
}

/// A line that is a message, though one that this worker can't read: a newer notice, for example.
fn is_message(line: &[u8]) -> bool {
    let value = serde_json::from_slice::<Value>(line);
    value.is_ok_and(|value| value.get("jsonrpc").is_some())
}

/// An answer that can't be read ends its call, which would wait for it in vain.
fn broken_answer(line: &[u8], error: &serde_json::Error) -> Option<RxJsonRpcMessage<RoleClient>> {
    #[derive(Deserialize)]
    struct Answer {
        id: RequestId,
        #[serde(default)]
        method: Option<Value>,
    }
    let answer: Answer = serde_json::from_slice(line).ok()?;
    if answer.method.is_some() {
        return None;
    }
    let error = ErrorData::internal_error(format!("its answer can't be read: {error}"), None);
    Some(JsonRpcMessage::error(error, Some(answer.id)))
}

impl<R, W> Transport<RoleClient> for Stdio<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let to = Arc::clone(&self.to);
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            let mut to = to.lock().await;
            let Some(to) = &mut *to else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            to.write_all(&line).await?;
            to.flush().await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        while self.read_line().await.unwrap_or(false) {
            if let Some(message) = self.take_line() {
                return Some(message);
            }
        }
        None
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.to.lock().await.take();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn stdio(text: &[u8]) -> Stdio<&[u8], Vec<u8>> {
        Stdio::new(text, Vec::new(), Arc::new(Noise::new("s")))
    }

    #[tokio::test]
    async fn what_is_no_message_is_passed_over_and_told() {
        let mut stdio = stdio(
            b"Starting...\n\n{\"a\":1}\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\r\n\xff\n",
        );
        let message = stdio.receive().await.unwrap();
        assert!(matches!(message, JsonRpcMessage::Notification(_)));
        assert!(stdio.receive().await.is_none());
        insta::assert_snapshot!(
            stdio.noise.told().unwrap(),
            @r#"it printed 3 lines to its standard output that are no messages, the first: "Starting...""#
        );
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_ends_its_call() {
        let mut stdio = stdio(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":\"no\"}\n");
        let message = stdio.receive().await.unwrap();
        let JsonRpcMessage::Error(error) = message else {
            panic!("{message:?}");
        };
        assert_eq!(error.id, Some(RequestId::Number(7)));
        assert!(stdio.noise.told().is_none());
    }

    #[tokio::test]
    async fn a_message_that_is_too_long_is_passed_over_in_bounded_memory() {
        let mut text = vec![b'x'; MESSAGE_BYTES_MAX * 2];
        text.extend_from_slice(b"\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
        let mut stdio = stdio(&text);
        let message = stdio.receive().await.unwrap();
        assert!(
            matches!(message, JsonRpcMessage::Response(_)),
            "{message:?}"
        );
        assert!(stdio.line.capacity() <= MESSAGE_BYTES_MAX);
        let told = stdio.noise.told().unwrap();
        assert!(!told.contains('x'), "{told}");
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_ends_its_call() {
        let text = "t".repeat(MESSAGE_BYTES_MAX);
        for line in [
            format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{{\"content\":\"{text}\"}}}}\n"),
            format!(
                "{{\"result\":{{\"id\":8,\"content\":\"{text}\"}},\"jsonrpc\":\"2.0\",\"id\":7}}\n"
            ),
        ] {
            let mut stdio = stdio(line.as_bytes());
            let message = stdio.receive().await.unwrap();
            let JsonRpcMessage::Error(error) = message else {
                panic!("{message:?}");
            };
            assert_eq!(error.id, Some(RequestId::Number(7)));
            let told = stdio.noise.told().unwrap();
            assert!(!told.contains("ttt"), "{told}");
        }
        assert_eq!(
            id_of(b"{\"id\":7,\"method\":\"a\",\"params\":\"t", b"t\"}"),
            None
        );
        assert_eq!(id_of(b"{\"result\":{\"a\":", b"{\"id\":7}}}"), None);
    }
}
