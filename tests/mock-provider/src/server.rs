//! Connections, routes, bodies. hyper without a framework: a fault may close a connection before any header.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming as Body};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::carry::Step;
use crate::digest::Digest;
use crate::format::Format;
use crate::judge::{self, Verdict};
use crate::mock::State;
use crate::recorded::Recorded;
use crate::refusal::{Refusal, RefusalKind};
use crate::reply::Reply;
use crate::request::{Incoming, PathSays, SECRET};

/// Time for answers on their way when the mock ends. Chosen: a test waits no longer.
const GRACE: Duration = Duration::from_secs(1);

type Reader = UnsyncBoxBody<Bytes, io::Error>;

/// Accepts connections until it is told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    state: Arc<State>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that is gone before it is accepted is the client's affair.
                let Ok((socket, _)) = accepted else { continue };
                connections.spawn(connection(socket, Arc::clone(&state), stop.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stop) => break,
        }
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    // What isn't finished by then is dropped with the set.
    let _ = tokio::time::timeout(GRACE, finished).await;
}

/// Waits for the mock's end; that its handle is gone is one too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(socket: TcpStream, state: Arc<State>, mut stop: watch::Receiver<bool>) {
    // Writes go out one by one, as the script has cut them.
    let _ = socket.set_nodelay(true);
    let at_end = stop.clone();
    let service = service_fn(move |request| answer(request, Arc::clone(&state), at_end.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    tokio::select! {
        // However it ends, it was the client's or the script's will.
        _ = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// What a path asks for.
struct Route<'a> {
    format: Format,
    version: &'a str,
    path: PathSays<'a>,
}

fn route<'a>(method: &Method, path: &'a str, query: &str) -> Option<Route<'a>> {
    if method != Method::POST {
        return None;
    }
    let plain = |format| {
        Some(Route {
            format,
            version: "v1",
            path: PathSays::default(),
        })
    };
    match path {
        "/v1/messages" => return plain(Format::Anthropic),
        "/v1/chat/completions" => return plain(Format::Chat),
        "/v1/responses" => return plain(Format::Responses),
        _ => {}
    }
    let (version, rest) = path.strip_prefix('/')?.split_once("/models/")?;
    let (model, verb) = rest.rsplit_once(':')?;
    if !matches!(version, "v1" | "v1beta") {
        return None;
    }
    let stream = match verb {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return None,
    };
    Some(Route {
        format: Format::Gemini,
        version,
        path: PathSays {
            model,
            stream,
            sse: query.split('&').any(|pair| pair == "alt=sse"),
        },
    })
}

async fn answer(
    request: Request<Body>,
    state: Arc<State>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<Response<Reader>> {
    let at = Instant::now();
    let (head, body) = request.into_parts();
    if head.method == Method::GET && head.uri.path() == "/healthz" {
        // For whoever waits for the mock: no question, and so not judged and not recorded.
        let steps = vec![Step::Write(Bytes::from_static(b"ok\n"))];
        return Ok(Response::new(reader(steps, stop)));
    }
    let (body, is_too_large) = read(body).await.map_err(io::Error::other)?;
    let path = head.uri.path();
    let route = route(&head.method, path, head.uri.query().unwrap_or_default());
    let format = route.as_ref().map(|route| route.format);
    let request_id = request_id(&state, &body);
    let incoming = Incoming {
        headers: &head.headers,
        body: &body,
        path: route.as_ref().map(|route| route.path).unwrap_or_default(),
    };
    let verdict = match &route {
        None => unknown_path(&head.method, path),
        Some(route) if is_too_large => too_large(route.format, &request_id),
        Some(route) => {
            let mut memory = state.memory.lock().unwrap_or_else(PoisonError::into_inner);
            judge::judge(
                &state.script,
                &mut memory,
                route.format,
                route.version,
                &incoming,
                &request_id,
            )
        }
    };
    let key_headers = format.map(Format::key_headers).unwrap_or_default();
    let key_header = incoming.key(key_headers).map(|(name, _)| name);
    let headers = head
        .headers
        .iter()
        .filter(|(name, _)| !SECRET.contains(&name.as_str()));
    let (rule, refusal) = verdict.refused.unzip();
    state.record(Recorded {
        at,
        format,
        method: head.method.to_string(),
        path: path.to_owned(),
        headers: headers
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.to_string(), value.into_owned())
            })
            .collect(),
        key_header,
        body,
        turn: verdict.turn,
        stream: verdict.stream,
        status: match &verdict.reply {
            Reply::Response { status, .. } => Some(status.as_u16()),
            Reply::Close | Reply::Silent => None,
        },
        request_id: request_id.clone(),
        fault: verdict.fault,
        rule,
        refusal,
    });
    tokio::time::sleep(verdict.delay).await;
    match verdict.reply {
        Reply::Close => Err(io::ErrorKind::ConnectionAborted.into()),
        Reply::Silent => {
            // Whoever holds the other end has gone with the mock.
            stopped(&mut stop).await;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        Reply::Response {
            status,
            content_type,
            headers,
            body,
        } => {
            let id_header = format.map_or("x-request-id", Format::request_id_header);
            let mut response = Response::builder()
                .status(status)
                .header("content-type", content_type)
                .header(id_header, request_id);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(reader(body, stop)).map_err(io::Error::other)
        }
    }
}

/// Reads a body, of which no more is kept than allowed; what is beyond is read all the same, so that the client gets to read
/// the answer.
async fn read(mut body: Body) -> hyper::Result<(Bytes, bool)> {
    let mut kept = BytesMut::new();
    let mut is_too_large = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        is_too_large |= kept.len() + data.len() > Format::BODY_BYTES_MAX;
        if is_too_large {
            kept.clear();
        } else {
            kept.extend_from_slice(&data);
        }
    }
    Ok((kept.freeze(), is_too_large))
}

/// An id that tells requests apart: from their number and body.
fn request_id(state: &State, body: &[u8]) -> String {
    let number = state.next_number().to_string();
    let size = body.len().to_string();
    Digest::of([number.as_str(), size.as_str()]).id("req_", "request")
}

fn too_large(format: Format, request_id: &str) -> Verdict {
    let message = "Request exceeds the maximum allowed number of bytes.";
    let refusal = Refusal::new(RefusalKind::TooLarge, message);
    Verdict::refused(format, "body", refusal, request_id)
}

fn unknown_path(method: &Method, path: &str) -> Verdict {
    let message = format!("Invalid URL ({method} {path})");
    let refusal = Refusal::new(RefusalKind::NotFound, message);
    // In whose words doesn't matter: no provider has this path.
    Verdict::refused(Format::Chat, "path", refusal, "")
}

/// A body that does what its steps say.
fn reader(steps: Vec<Step>, stop: watch::Receiver<bool>) -> Reader {
    let steps = stream::unfold(
        (steps.into_iter(), stop),
        |(mut steps, mut stop)| async move {
            loop {
                match steps.next()? {
                    Step::Write(bytes) => {
                        // Lets what was written before go out on its own.
                        tokio::task::yield_now().await;
                        return Some((Ok(Frame::data(bytes)), (steps, stop)));
                    }
                    Step::Pause(time) => tokio::time::sleep(time).await,
                    Step::Abort => {
                        tokio::task::yield_now().await;
                        return Some((Err(io::ErrorKind::ConnectionAborted.into()), (steps, stop)));
                    }
                    Step::Hang => {
                        stopped(&mut stop).await;
                        return Some((Err(io::ErrorKind::ConnectionAborted.into()), (steps, stop)));
                    }
                }
            }
        },
    );
    StreamBody::new(steps).boxed_unsync()
}
