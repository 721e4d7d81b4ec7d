//! The queue groups of the tools on offer: one subscription a tool, changed when the offer changes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_nats::{Client, Message, Subscriber};
use callboard_proto::subject::{self, QUEUE_GROUP};
use callboard_proto::{Tenant, ToolName};
use futures_util::stream::SelectAll;
use futures_util::{Stream, StreamExt as _};

/// One tool's subscription.
struct Group {
    tool: ToolName,
    subscriber: Subscriber,
}

impl Stream for Group {
    type Item = (ToolName, Message);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.subscriber
            .poll_next_unpin(cx)
            .map(|message| message.map(|message| (self.tool.clone(), message)))
    }
}

/// A subscription that is being made.
type Subscribing = Pin<Box<dyn Future<Output = Group> + Send>>;

/// The queue groups that an instance has joined or is about to join.
pub(super) struct ToolGroups {
    tenant: Tenant,
    client: Client,
    groups: SelectAll<Group>,
    /// Tools to subscribe to, one after the other.
    wanted: VecDeque<ToolName>,
    subscribing: Option<Subscribing>,
    /// All tools on offer, joined or not yet.
    offered: Vec<ToolName>,
}

impl std::fmt::Debug for ToolGroups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ToolGroups").field(&self.offered).finish()
    }
}

impl ToolGroups {
    pub(super) fn new(tenant: Tenant, client: Client) -> Self {
        Self {
            tenant,
            client,
            groups: SelectAll::new(),
            wanted: VecDeque::new(),
            subscribing: None,
            offered: Vec::new(),
        }
    }

    /// Leaves the groups of tools that are no longer on offer, and joins the new ones as the groups
    /// are polled.
    pub(super) fn offer(&mut self, tools: Vec<ToolName>) {
        let kept = std::mem::take(&mut self.groups)
            .into_iter()
            // Dropping the others unsubscribes them.
            .filter(|group| tools.contains(&group.tool));
        self.groups = kept.collect();
        self.wanted.retain(|tool| tools.contains(tool));
        for tool in &tools {
            if !self.offered.contains(tool) {
                self.wanted.push_back(tool.clone());
            }
        }
        self.offered = tools;
    }

    /// Joins what is wanted; says whether all is joined.
    pub(super) fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(subscribing) = &mut self.subscribing {
                let Poll::Ready(group) = subscribing.as_mut().poll(cx) else {
                    return Poll::Pending;
                };
                self.subscribing = None;
                let is_joined = self.groups.iter().any(|other| other.tool == group.tool);
                if self.offered.contains(&group.tool) && !is_joined {
                    self.groups.push(group);
                }
            }
            let Some(tool) = self.wanted.pop_front() else {
                return Poll::Ready(());
            };
            let client = self.client.clone();
            let subject = subject::call(&self.tenant, &tool);
            self.subscribing = Some(Box::pin(async move {
                let subscriber = client
                    .queue_subscribe(subject, QUEUE_GROUP.to_owned())
                    .await
                    .expect("the subject and group are well-formed, and the client is open");
                Group { tool, subscriber }
            }));
        }
    }

    /// The next message of any group, with the tool that it came for.
    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<(ToolName, Message)> {
        match self.groups.poll_next_unpin(cx) {
            Poll::Ready(Some(message)) => Poll::Ready(message),
            // No group at all, which the next offer changes.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
