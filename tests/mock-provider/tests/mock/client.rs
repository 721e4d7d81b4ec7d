//! A client that sees each chunk as it was written, and how a connection ended.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body as it was written, write by write where it was chunked.
    pub(crate) chunks: Vec<Vec<u8>>,
    /// Whether the body ended in order.
    pub(crate) is_whole: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body())
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The data of each event.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = self.text().replace("\r\n", "\n").replace('\r', "\n");
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| data.trim_end().to_owned()).collect()
    }
}

/// Sends a request and reads all that comes, to the end of the connection.
pub(crate) async fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Reply> {
    let mut socket = send(address, path, headers, body).await?;
    let mut all = Vec::new();
    // A connection that breaks ends the reading as its end does.
    let _ = socket.read_to_end(&mut all).await;
    parse(&all)
}

/// Sends a request.
pub(crate) async fn send(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<TcpStream> {
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: mock\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(head.as_bytes()).await?;
    socket.write_all(body).await?;
    Ok(socket)
}

/// Reads until some text has come.
pub(crate) async fn read_until(socket: &mut TcpStream, text: &str) -> Vec<u8> {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains(text) {
        let read = socket.read_buf(&mut all).await.unwrap();
        assert_ne!(read, 0, "ended before {text:?}");
    }
    all
}

fn parse(all: &[u8]) -> io::Result<Reply> {
    let split = all
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = std::str::from_utf8(&all[..split]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut rest = &all[split + 4..];
    let mut chunks = Vec::new();
    let is_chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
    let mut is_whole = !is_chunked;
    if !is_chunked {
        chunks.push(rest.to_vec());
        rest = &[];
    }
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let start = end + 2;
        if size == 0 {
            is_whole = true;
            break;
        }
        let Some(chunk) = rest.get(start..start + size) else {
            break;
        };
        chunks.push(chunk.to_vec());
        rest = rest.get(start + size + 2..).unwrap_or_default();
    }
    Ok(Reply {
        status: status.parse().unwrap(),
        headers,
        chunks,
        is_whole,
    })
}
