//! Names to addresses, under the guard: what it lets through is what is connected to, so that a name can't
//! lead elsewhere between the check and the connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{Blocked, Guard};

/// Looks names up.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of a name.
    ///
    /// # Errors
    /// When it has none, or none can be had.
    fn lookup(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Looks names up as the system does.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let name = name.to_owned();
        async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }
}

/// Resolves names to those of their addresses that the guard lets through.
pub(super) struct GuardedResolver {
    pub(super) guard: Arc<Guard>,
    pub(super) lookup: Arc<dyn Lookup>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let found = self.lookup.lookup(&name);
        let guard = Arc::clone(&self.guard);
        async move {
            let mut blocked: Option<Blocked> = None;
            let mut open = Vec::new();
            for address in found.await? {
                match guard.check_address(&name, address) {
                    // The port is the URL's.
                    Ok(()) => open.push(SocketAddr::new(address, 0)),
                    Err(why) => blocked = Some(why),
                }
            }
            match blocked {
                Some(blocked) if open.is_empty() => Err(blocked.into()),
                Some(_) | None => Ok(Box::new(open.into_iter()) as Addrs),
            }
        }
        .boxed()
    }
}
