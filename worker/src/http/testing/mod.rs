//! What tests of requests share: a server, names, and results in words.

#![expect(clippy::unwrap_used, reason = "tests")]

mod server;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use callboard_proto::Part;
use futures_util::future::{BoxFuture, FutureExt as _};

pub(crate) use server::{Act, Server, json, reply};

use super::{HttpClients, Lookup};
use crate::tool::{Answer, ToolError, ToolResult};

/// Knows only what it was told.
#[derive(Default)]
struct Names(HashMap<String, Vec<IpAddr>>);

impl Lookup for Names {
    fn lookup(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let found = self.0.get(name).cloned();
        let found = found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"));
        std::future::ready(found).boxed()
    }
}

/// Clients that know these names alone.
pub(crate) fn names(pairs: &[(&str, &[&str])]) -> HttpClients {
    let of = |addresses: &[&str]| {
        addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect()
    };
    HttpClients::new(Arc::new(Names(
        pairs
            .iter()
            .map(|(name, addresses)| ((*name).to_owned(), of(addresses)))
            .collect(),
    )))
}

/// A result in words.
pub(crate) fn said(result: &ToolResult) -> String {
    let answer = |answer: &Answer| {
        let parts: Vec<String> = answer
            .content()
            .iter()
            .map(|part| match part {
                Part::Text(text) => format!("text {text:?}"),
                Part::Json(json) => format!("json {json}"),
                Part::Image { media_type, data } => format!("{} bytes of {media_type}", data.len()),
                Part::Document {
                    media_type, data, ..
                } => format!("{} bytes of {media_type}, a document", data.len()),
                Part::Resource { .. } | Part::Unknown { .. } => panic!("nobody makes those"),
            })
            .collect();
        let mark = if answer.is_error() { "error: " } else { "" };
        format!("{mark}{}", parts.join(", "))
    };
    match result {
        Ok(ok) => answer(ok),
        Err(ToolError::Answered(answered)) => answer(answered),
        Err(ToolError::Failed(failure)) => format!(
            "{} (executed: {}{}): {}",
            failure.kind,
            failure.executed,
            failure
                .retry_after
                .map_or_else(String::new, |after| format!(", again after {after:?}")),
            failure.message
        ),
    }
}
