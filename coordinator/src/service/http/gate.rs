//! Who asks: a bearer token, or anybody on this machine where there are no tokens.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use callboard_proto::Tenant;

use super::App;
use crate::service::refusal::Refusal;
use crate::service::token::{Caller, Tokens};

/// Says who asks.
#[derive(Debug)]
pub struct Gate(Kind);

#[derive(Debug)]
enum Kind {
    /// Anybody, but under a name of this machine alone: a page that somebody else's name server points
    /// here is turned away (DNS rebinding).
    Open(Arc<Caller>),
    /// Who has one of these.
    Tokens(RwLock<Tokens>),
}

impl Gate {
    /// Lets anybody in who asks this machine by its own name. For loopback addresses alone.
    #[must_use]
    pub fn open(tenant: Tenant) -> Self {
        Self(Kind::Open(Arc::new(Caller::anybody(tenant))))
    }

    /// Lets in who has one of these tokens.
    #[must_use]
    pub fn with_tokens(tokens: Tokens) -> Self {
        Self(Kind::Tokens(RwLock::new(tokens)))
    }

    /// Takes other tokens from now on; without effect on a gate that is open. Requests that were let in
    /// go on.
    pub fn replace(&self, tokens: Tokens) {
        match &self.0 {
            Kind::Open(_) => {}
            Kind::Tokens(known) => *known.write().unwrap_or_else(PoisonError::into_inner) = tokens,
        }
    }

    fn caller(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Refusal> {
        match &self.0 {
            Kind::Open(caller) => {
                let host = headers.get(HOST).and_then(|host| host.to_str().ok());
                if host.is_some_and(is_here) {
                    Ok(Arc::clone(caller))
                } else {
                    Err(Refusal::Host)
                }
            }
            Kind::Tokens(tokens) => {
                let token = headers
                    .get(AUTHORIZATION)
                    .and_then(|value| value.to_str().ok())
                    .and_then(|value| {
                        let (scheme, token) = value.split_once(' ')?;
                        scheme
                            .eq_ignore_ascii_case("bearer")
                            .then_some(token.trim())
                    });
                let tokens = tokens.read().unwrap_or_else(PoisonError::into_inner);
                let caller = token.and_then(|token| tokens.find(token));
                caller.cloned().ok_or(Refusal::Unauthorized)
            }
        }
    }

    /// Whether a `Host` may ask what needs no token.
    fn admits_host(&self, headers: &HeaderMap) -> bool {
        match &self.0 {
            Kind::Open(_) => self.caller(headers).is_ok(),
            Kind::Tokens(_) => true,
        }
    }
}

/// Whether a `Host` header names this machine.
fn is_here(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    let address = literal.parse::<std::net::IpAddr>();
    !host.contains('@')
        && (name.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.is_loopback()))
}

/// Lets a request in with its [`Caller`], or answers it.
pub(super) async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match app.gate.caller(request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Lets a request in that needs no token.
pub(super) async fn admit_host(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.gate.admits_host(request.headers()) {
        next.run(request).await
    } else {
        Refusal::Host.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn this_machine_has_few_names() {
        for host in [
            "localhost",
            "LOCALHOST:8090",
            "127.0.0.1:1",
            "127.1.2.3",
            "[::1]:8090",
        ] {
            assert!(is_here(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "example.com:8090",
            "10.0.0.1",
            "[::2]",
            "0.0.0.0",
            "evil.com@localhost",
            "localhost/x",
        ] {
            assert!(!is_here(host), "{host}");
        }
    }
}
