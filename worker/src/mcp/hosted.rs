//! A server that is hosted: its instances, what it lists, and how it stands.

use std::sync::{Arc, Mutex, PoisonError};

use callboard_proto::ToolName;
use tokio::sync::watch;

use super::life::Life;
use super::listing::{Listing, listing};
use super::paging::List;
use super::pool::{Pool, State};
use super::spec::Server;
use super::tool::McpTool;
use crate::process::Host;
use crate::tool::Tool;

/// A server that is hosted.
pub(super) struct Hosted {
    pub(super) server: Server,
    pub(super) host: Host,
    pub(super) pool: Arc<Pool>,
    listing: Mutex<Arc<Listing>>,
    /// Counts the changes of all servers, for who gathers what they offer.
    news: watch::Sender<u64>,
}

/// How a server stands.
pub(super) struct Standing {
    /// What it offers now.
    pub(super) tools: Vec<Arc<dyn Tool>>,
    /// What the operator should know.
    pub(super) troubles: Vec<String>,
}

impl Hosted {
    pub(super) fn new(server: Server, host: Host, news: watch::Sender<u64>) -> Self {
        Self {
            pool: Arc::new(Pool::new(server.instances, server.parallel)),
            server,
            host,
            listing: Mutex::default(),
            news,
        }
    }

    /// An instance serves.
    pub(super) fn up(&self, life: Arc<Life>, list: &List) {
        self.list(list);
        self.pool.set(life.id.seat, State::Up(life));
        self.tell();
    }

    /// An instance's list of tools.
    pub(super) fn list(&self, list: &List) {
        let new = Arc::new(listing(&self.server, list));
        let old = std::mem::replace(&mut *self.lock(), Arc::clone(&new));
        if old.problems != new.problems {
            for problem in &new.problems {
                tracing::warn!(
                    server = self.server.name,
                    at = self.server.declared_at,
                    "the MCP server {}: {problem}",
                    self.server.name
                );
            }
        }
        if *old != *new {
            self.tell();
        }
    }

    /// An instance doesn't serve any more, or yet.
    pub(super) fn down(&self, seat: usize, why: String, is_soon: bool) {
        let name = &self.server.name;
        let state = if is_soon {
            tracing::warn!(
                server = name,
                at = self.server.declared_at,
                why,
                "an MCP server ended; it is started again"
            );
            State::Soon
        } else {
            let is_news =
                !matches!(&self.pool.states()[seat], State::Down(before) if *before == why);
            if is_news {
                tracing::error!(
                    "the MCP server {name:?} ({}) is down: {why}; it is tried again, at the latest every minute",
                    self.server.declared_at
                );
            }
            State::Down(why)
        };
        self.pool.set(seat, state);
        self.tell();
    }

    /// Whether its first starts are over: one instance serves, or each was tried.
    pub(super) fn is_settled(&self) -> bool {
        let states = self.pool.states();
        let is_up = |state: &State| matches!(state, State::Up(_));
        let is_new = |state: &State| matches!(state, State::New);
        states.iter().any(is_up) || !states.iter().any(is_new)
    }

    /// What it offers now, and what is wrong with it.
    pub(super) fn standing(&self) -> Standing {
        let states = self.pool.states();
        let listing = Arc::clone(&self.lock());
        let mut troubles = Vec::new();
        let mut is_offered = false;
        let mut down = Vec::new();
        for state in &states {
            match state {
                State::Up(_) | State::Soon => is_offered = true,
                State::New => {}
                State::Down(why) => down.push(why),
            }
        }
        if let Some(why) = down.last() {
            let share = if states.len() == 1 {
                String::new()
            } else {
                format!(
                    "{} of its {} instances are down: ",
                    down.len(),
                    states.len()
                )
            };
            troubles.push(format!("{share}{why}"));
        } else if !is_offered {
            troubles.push("it is being started".to_owned());
        }
        if !is_offered {
            return Standing {
                tools: Vec::new(),
                troubles,
            };
        }
        troubles.extend(listing.problems.iter().cloned());
        let server: Arc<str> = self.server.name.as_str().into();
        let tools = listing.tools.iter().map(|listed| {
            let pool = Arc::clone(&self.pool);
            let tool = McpTool::new(listed.clone(), Arc::clone(&server), pool);
            Arc::new(tool) as Arc<dyn Tool>
        });
        Standing {
            tools: tools.collect(),
            troubles,
        }
    }

    /// Whether it lists a tool that the worker names so.
    pub(super) fn lists(&self, name: &ToolName) -> bool {
        let listing = Arc::clone(&self.lock());
        listing.tools.iter().any(|tool| tool.spec.name == *name)
    }

    fn tell(&self) {
        self.news.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Listing>> {
        // What is behind the lock is replaced as a whole, so a panic leaves it sound.
        self.listing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
