//! Keeps one instance of a server running: starts it, follows it, and starts it again.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{ClientRequest, PingRequest};
use rmcp::service::{Peer, PeerRequestOptions, RoleClient, ServiceError};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::backoff::{Again, Backoff};
use super::connection::{self, Connection};
use super::errors;
use super::hosted::Hosted;
use super::life::Life;
use super::paging;
use super::sessions::LifeId;

/// How often a server elsewhere is asked whether it is there. Chosen, not measured.
const PING_EVERY: Duration = Duration::from_secs(15);
/// How long it may take to answer; a busy one may take longer, and isn't called gone for it.
const PING_WITHIN: Duration = Duration::from_secs(10);

/// Keeps an instance running until it is told to stop.
pub(super) async fn keep(hosted: Arc<Hosted>, seat: usize, mut stop: watch::Receiver<bool>) {
    let mut backoff = Backoff::default();
    let mut number = 0;
    loop {
        number += 1;
        let id = LifeId { seat, number };
        let Some(again) = live(&hosted, id, &mut backoff, &mut stop).await else {
            return;
        };
        tokio::select! {
            () = tokio::time::sleep(again.after) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// One life, from start to end; says when the next begins, if one does.
async fn live(
    hosted: &Hosted,
    id: LifeId,
    backoff: &mut Backoff,
    stop: &mut watch::Receiver<bool>,
) -> Option<Again> {
    let connected = tokio::select! {
        connected = connection::connect(&hosted.server, &hosted.host) => connected,
        () = stopped(stop) => return None,
    };
    let mut connection = match connected {
        Ok(connection) => connection,
        Err(why) => {
            hosted.down(id.seat, why, false);
            return Some(backoff.failed(fastrand::f64()));
        }
    };
    let began = Instant::now();
    let (end, ended) = watch::channel(None);
    let life = Arc::new(Life {
        id,
        peer: connection.peer.clone(),
        progress: Arc::clone(&connection.progress),
        end: ended,
        doubted: Arc::default(),
        is_elsewhere: connection.is_elsewhere(),
    });
    let list = std::mem::take(&mut connection.tools);
    hosted.up(Arc::clone(&life), &list);
    tracing::info!(
        server = hosted.server.name,
        tools = list.tools.len(),
        "an MCP server serves"
    );
    let Some(why) = follow(hosted, &mut connection, &life.doubted, stop).await else {
        connection.close().await;
        return None;
    };
    let again = backoff.ended(began.elapsed(), fastrand::f64());
    hosted.down(id.seat, why.clone(), again.is_soon);
    // Now, so that who was cut off finds the pool as it is.
    end.send_replace(Some(why));
    Some(again)
}

/// Follows a life to its end, and says why it ended; `None` where it is to be ended.
async fn follow(
    hosted: &Hosted,
    connection: &mut Connection,
    doubted: &Notify,
    stop: &mut watch::Receiver<bool>,
) -> Option<String> {
    let changed = Arc::clone(&connection.changed);
    let peer = connection.peer.clone();
    let is_elsewhere = connection.is_elsewhere();
    loop {
        tokio::select! {
            why = connection.ended() => return Some(why),
            why = gone(&peer, doubted), if is_elsewhere => return Some(why),
            () = changed.notified() => {}
            () = stopped(stop) => return None,
        }
        match paging::list(&peer).await {
            Ok(list) => hosted.list(&list),
            Err(failed) => tracing::warn!(
                server = hosted.server.name,
                why = failed.why,
                "an MCP server's list of tools changed and can't be read; the one before stands"
            ),
        }
    }
}

/// Waits until a server elsewhere can't be asked any more.
async fn gone(peer: &Peer<RoleClient>, doubted: &Notify) -> String {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PING_EVERY) => {}
            () = doubted.notified() => {}
        }
        let ping = ClientRequest::PingRequest(PingRequest {
            method: Default::default(),
            extensions: Default::default(),
        });
        let options = PeerRequestOptions::with_timeout(PING_WITHIN);
        let answered = match peer.send_cancellable_request(ping, options).await {
            Ok(handle) => handle.await_response().await,
            Err(error) => Err(error),
        };
        if let Err(error @ (ServiceError::TransportSend(_) | ServiceError::TransportClosed)) =
            answered
        {
            return format!(
                "it can't be reached any more: {}",
                errors::of_request(&error)
            );
        }
    }
}

/// Waits until it is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that who could tell is gone.
    let _ = stop.wait_for(|is_stopped| *is_stopped).await;
}
