//! The transport by standard input and output: one JSON message a line.
//!
//! The protocol library has one of its own, which passes over in silence what is no message. Here it is
//! counted and told: a server that prints to its standard output is the usual reason for one that
//! doesn't start.

use std::io;
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
/// Lines that are no messages and are logged, of one connection. Chosen, not measured.
const NOISE_LOGGED_MAX: u64 = 5;
/// Bytes of such a line that are shown. Chosen, not measured.
const NOISE_BYTES_MAX: usize = 200;

/// What came on standard output and is no message.
pub(super) struct Noise {
    server: String,
    heard: Mutex<(u64, String)>,
}

impl Noise {
    pub(super) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            heard: Mutex::default(),
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

    /// What was heard, as the end of a sentence.
    pub(super) fn told(&self) -> Option<String> {
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
    /// Whether the rest of the line is passed over.
    is_too_long: bool,
    to: Arc<tokio::sync::Mutex<Option<W>>>,
    noise: Arc<Noise>,
}

impl<R: AsyncRead + Unpin, W> Stdio<R, W> {
    pub(super) fn new(from: R, to: W, noise: Arc<Noise>) -> Self {
        Self {
            from: BufReader::new(from),
            line: Vec::new(),
            is_too_long: false,
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
            if !self.is_too_long {
                if self.line.len() + count > MESSAGE_BYTES_MAX {
                    self.is_too_long = true;
                    self.line.truncate(NOISE_BYTES_MAX);
                } else {
                    self.line.extend_from_slice(&bytes[..count]);
                }
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
            self.noise.take(&line);
            return None;
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
        assert!(stdio.noise.told().is_some());
    }
}
