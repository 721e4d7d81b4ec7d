//! A server that says what it was told to say, one reply for each connection.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard_coordinator_core::{Report, StopReason};
use callboard_proto::{Turn, TurnKey};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is said to one request.
#[derive(Clone, Default)]
pub(super) struct Reply {
    head: String,
    body: Vec<u8>,
    /// Whether it hangs up when all is said.
    hangs_up: bool,
}

impl Reply {
    pub(super) fn of(status: u16, content_type: &str, body: &str) -> Self {
        let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
        if !content_type.is_empty() {
            head.push_str(&format!("content-type: {content_type}\r\n"));
        }
        Self {
            head,
            body: body.as_bytes().to_vec(),
            hangs_up: true,
        }
    }

    pub(super) fn json(status: u16, body: &str) -> Self {
        Self::of(status, "application/json", body)
    }

    pub(super) fn stream(body: &str) -> Self {
        Self::of(200, "text/event-stream; charset=utf-8", body)
    }

    /// A stream with one byte that no text has.
    pub(super) fn bytes(body: &[u8], byte: u8) -> Self {
        let mut reply = Self::stream("");
        reply.body = [&[byte], body].concat();
        reply
    }

    /// Hangs up without a word.
    pub(super) fn closed() -> Self {
        Self {
            hangs_up: true,
            ..Self::default()
        }
    }

    /// Listens and says nothing.
    pub(super) fn silent() -> Self {
        Self::default()
    }

    pub(super) fn and_silence(mut self) -> Self {
        self.hangs_up = false;
        self
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }
}

pub(super) struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let replies: Vec<Reply> = replies.into_iter().collect();
        let task = tokio::spawn(serve(listener, replies, Arc::clone(&requests)));
        Self {
            address,
            requests,
            task,
        }
    }

    pub(super) fn address(&self) -> String {
        self.address.clone()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far, as they came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, replies: Vec<Reply>, requests: Arc<Mutex<Vec<String>>>) {
    let mut silent = Vec::new();
    for reply in replies {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = request(&mut stream).await;
        requests.lock().unwrap().push(request);
        if !reply.head.is_empty() {
            let whole = [reply.head.as_bytes(), b"\r\n", &reply.body].concat();
            // Who was asked for may have gone already.
            let _ = stream.write_all(&whole).await;
        }
        if !reply.hangs_up {
            silent.push(stream);
        }
    }
    // Nobody else is answered, and the silent stay as they are.
    tokio::time::sleep(Duration::MAX).await;
}

async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        // What begins like TLS never becomes a request.
        let is_tls = bytes.first() == Some(&0x16);
        if is_tls || stream.read_buf(&mut bytes).await.unwrap_or_default() == 0 {
            return text;
        }
    }
}

/// A report of no calls.
pub(super) fn empty_report() -> Report {
    Report {
        turn: TurnKey {
            run: "00000000000000000000000000000001".parse().unwrap(),
            turn: Turn(1),
        },
        calls: Vec::new(),
        stopped: StopReason::Settled,
        elapsed: Duration::ZERO,
    }
}
