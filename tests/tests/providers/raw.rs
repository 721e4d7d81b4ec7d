//! What the mock puts on the wire, read without any SDK and held against the SDKs' types.

use callboard_coordinator::provider::sse::Decoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::schemas::Schemas;
use super::sdk::KEY;
use super::words::Wire;

/// What is wrong with the mock's answer to a request.
pub(super) async fn faults(
    schemas: &Schemas,
    base_url: &str,
    is_streamed: bool,
    request: &Wire,
) -> Vec<String> {
    let body = answered(base_url, request).await;
    if !is_streamed {
        return match serde_json::from_slice(&body) {
            Ok(body) => schemas.response(&body),
            Err(error) => vec![format!("no JSON: {error}")],
        };
    }
    let mut events = Vec::new();
    Decoder::default().take(&body, &mut events).unwrap();
    let mut faults = Vec::new();
    if events.is_empty() {
        faults.push(format!("no event in {:?}", String::from_utf8_lossy(&body)));
    }
    for event in events.iter().filter(|event| event.data.trim() != "[DONE]") {
        match serde_json::from_str::<Value>(&event.data) {
            Ok(data) => {
                let wrong = schemas.event(&data);
                faults.extend(wrong.iter().map(|wrong| format!("{}: {wrong}", event.data)));
            }
            Err(error) => faults.push(format!("{:?} is no JSON: {error}", event.data)),
        }
    }
    faults
}

/// Asks in HTTP 1.0, where an answer's body is simply all that comes.
async fn answered(base_url: &str, request: &Wire) -> Vec<u8> {
    let base = base_url.strip_prefix("http://").unwrap();
    let (address, prefix) = base.split_at(base.find('/').unwrap_or(base.len()));
    let head = format!(
        "POST {prefix}{} HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         authorization: Bearer {KEY}\r\nx-goog-api-key: {KEY}\r\nanthropic-version: 2026-10-21\r\n\r\n",
        request.path,
        request.body.len()
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&request.body).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("an answer has a head");
    answer.split_off(end + 4)
}
