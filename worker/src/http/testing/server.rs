//! A server that answers by script, knows what it was asked, and counts its connections.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends these bytes; the connection stays open.
    Send(String),
    /// Sends these bytes, then chunks without an end.
    Endless(String),
    /// Sends these bytes, then nothing more; the connection stays open.
    Hang(String),
    /// Sends these bytes and closes the connection.
    Close(String),
}

/// A whole answer.
pub(crate) fn reply(status: &str, headers: &[(&str, &str)], body: &str) -> Act {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    Act::Send(format!("{text}\r\n{body}"))
}

pub(crate) fn json(status: &str, body: &str) -> Act {
    reply(status, &[("Content-Type", "application/json")], body)
}

struct State {
    acts: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<String>>,
    /// Connections that were made, and that are open; requests that came.
    counts: watch::Sender<Counts>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) made: usize,
    pub(crate) open: usize,
    pub(crate) requests: usize,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

impl Server {
    /// Answers one request after the other by these acts; the last one stays.
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            acts: Mutex::new(acts.into_iter().collect()),
            asked: Mutex::default(),
            counts: watch::Sender::default(),
        });
        let of_connections = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&of_connections);
                tokio::spawn(async move {
                    state.counts.send_modify(|counts| {
                        counts.made += 1;
                        counts.open += 1;
                    });
                    serve(stream, &state).await;
                    state.counts.send_modify(|counts| counts.open -= 1);
                });
            }
        });
        Self { address, state }
    }

    /// Its URL by name, and the entry that allows it.
    pub(crate) fn at(&self, path: &str) -> String {
        let port = self.address.port();
        format!("url = \"http://local.test:{port}{path}\"\nallow = [\"local.test:{port}\"]\n")
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// All requests, head and body.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }

    pub(crate) async fn until(&self, is_so: impl Fn(&Counts) -> bool) -> Counts {
        let mut counts = self.state.counts.subscribe();
        let seen = tokio::time::timeout(std::time::Duration::from_secs(20), counts.wait_for(is_so));
        *seen.await.expect("the server sees it in time").unwrap()
    }
}

async fn serve(mut stream: TcpStream, state: &State) {
    while let Some(request) = request(&mut stream).await {
        state.asked.lock().unwrap().push(request);
        let act = {
            let mut acts = state.acts.lock().unwrap();
            if acts.len() > 1 {
                acts.pop_front()
            } else {
                acts.front().cloned()
            }
        };
        state.counts.send_modify(|counts| counts.requests += 1);
        let Some(act) = act else { return };
        let (text, is_endless) = match act {
            Act::Send(text) => (text, false),
            Act::Close(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                return;
            }
            Act::Hang(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
            Act::Endless(text) => (text, true),
        };
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
        if is_endless {
            while stream.write_all(b"4\r\nabcd\r\n").await.is_ok() {}
            return;
        }
    }
}

/// Reads one request; none when the other end has closed.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"));
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}
