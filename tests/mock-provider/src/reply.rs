//! What is sent back: an error, an answer, or whatever a fault makes of it.

use hyper::StatusCode;

use crate::answer::{Answer, Asked};
use crate::carry::{self, Step};
use crate::delivery::Delivery;
use crate::digest::Digest;
use crate::fault::Fault;
use crate::format::Format;
use crate::refusal::{Refusal, RefusalKind};
use crate::script::Turn;

/// What is sent back.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Nothing: the connection closes.
    Close,
    /// Nothing, and the connection stays open.
    Silent,
    /// A response.
    Response {
        status: StatusCode,
        content_type: &'static str,
        headers: Vec<(&'static str, String)>,
        body: Vec<Step>,
    },
}

/// The response that an error makes.
pub(crate) fn error(format: Format, refusal: &Refusal, request_id: &str) -> Reply {
    let (status, body) = format.error(refusal, request_id);
    Reply::Response {
        status,
        content_type: JSON,
        headers: refusal.headers.clone(),
        body: carry::plain(body.as_str(), &Delivery::default(), None),
    }
}

const JSON: &str = "application/json";

/// A request that is answered, if need be with a fault.
pub(crate) struct Served<'a> {
    pub(crate) format: Format,
    pub(crate) asked: &'a Asked,
    pub(crate) turn: &'a Turn,
    /// Everything before it.
    pub(crate) seed: Digest,
    pub(crate) fault: Option<&'a Fault>,
    pub(crate) request_id: &'a str,
}

impl Served<'_> {
    pub(crate) fn reply(&self) -> Result<Reply, Refusal> {
        match self.fault {
            Some(Fault::Close) => return Ok(Reply::Close),
            Some(Fault::Silent) => return Ok(Reply::Silent),
            Some(Fault::Html { status }) => return Ok(html(*status)),
            Some(fault) => {
                if let Some(refusal) = fault.refusal() {
                    return Ok(error(self.format, &refusal, self.request_id));
                }
            }
            None => {}
        }
        let calls_max = if self.asked.parallel { usize::MAX } else { 1 };
        let is_truncated = self.fault == Some(&Fault::Truncate);
        let answer = Answer::new(
            self.turn,
            self.asked,
            self.seed,
            self.format.id_prefix(),
            calls_max,
            is_truncated,
        );
        let delivery = &self.turn.delivery;
        let (content_type, body) = if self.asked.stream && self.fault != Some(&Fault::NotJson) {
            let events = self.format.stream(&answer)?;
            if self.asked.as_list {
                let chunks: Vec<&str> = events.iter().map(|event| event.data.as_str()).collect();
                let list = format!("[{}]", chunks.join(",\n"));
                (JSON, carry::plain(&list, delivery, self.fault))
            } else {
                let extras = self.format.extras(&answer);
                (
                    "text/event-stream; charset=utf-8",
                    carry::stream(&events, delivery, &extras, self.fault),
                )
            }
        } else {
            if matches!(self.fault, Some(Fault::StreamError(_))) {
                let refusal = Refusal::new(RefusalKind::Server, "Internal server error");
                return Ok(error(self.format, &refusal, self.request_id));
            }
            let body = self.format.plain(&answer)?;
            (JSON, carry::plain(body.as_str(), delivery, self.fault))
        };
        Ok(Reply::Response {
            status: StatusCode::OK,
            content_type,
            headers: Vec::new(),
            body,
        })
    }
}

fn html(status: u16) -> Reply {
    let page = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n";
    Reply::Response {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
        content_type: "text/html; charset=utf-8",
        headers: Vec::new(),
        body: carry::plain(page, &Delivery::default(), None),
    }
}
