//! The NATS link: one real server, and a proxy of its own in front of each party.

use callboard_coordinator::link::nats::NatsLink as CoordinatorLink;
use callboard_proto::CoordinatorId;
use callboard_proto::message::Announce;
use callboard_proto::server::ServerOptions;
use callboard_worker::link::nats::NatsLink as WorkerLink;

use super::{Adapter, Line, Party, tenant};
use crate::proxy::Proxy;
use crate::server::{Options, Server};

/// Connects parties by a nats-server.
#[derive(Debug)]
pub struct Nats {
    server: Server,
    client: async_nats::Client,
}

impl Nats {
    /// A foreign client of the server.
    #[must_use]
    pub fn client(&self) -> &async_nats::Client {
        &self.client
    }

    /// The server's options for a link, without a proxy between.
    ///
    /// # Panics
    /// Never: a started server has an address.
    #[must_use]
    pub fn options(&self) -> ServerOptions {
        ServerOptions::new(self.server.url().parse().expect("an address"))
    }
}

impl Line for Proxy {
    async fn cut(&mut self) -> anyhow::Result<()> {
        self.refuse().await;
        Ok(())
    }

    async fn heal(&mut self) -> anyhow::Result<()> {
        Proxy::heal(self).await
    }
}

impl Adapter for Nats {
    const NAME: &'static str = "nats";

    type Line = Proxy;

    async fn start() -> anyhow::Result<Self> {
        let server = Server::start(&Options::default()).await?;
        let client = async_nats::connect(server.url()).await?;
        Ok(Self { server, client })
    }

    async fn coordinator(&self, id: CoordinatorId) -> anyhow::Result<(Party, Proxy)> {
        let proxy = Proxy::start(self.server.address()).await?;
        let options = ServerOptions::new(proxy.url().parse()?);
        let link = CoordinatorLink::connect(&options, tenant(), id).await?;
        Ok((Party::coordinator(link), proxy))
    }

    async fn worker(&self, announce: Announce) -> anyhow::Result<(Party, Proxy)> {
        let proxy = Proxy::start(self.server.address()).await?;
        let options = ServerOptions::new(proxy.url().parse()?);
        let link = WorkerLink::connect(&options, tenant(), announce).await?;
        Ok((Party::worker(link), proxy))
    }

    async fn publish(
        &self,
        subject: String,
        reply: Option<String>,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> anyhow::Result<()> {
        let mut map = async_nats::HeaderMap::new();
        for (name, value) in headers {
            map.insert(name, value);
        }
        match reply {
            Some(reply) => {
                self.client
                    .publish_with_reply_and_headers(subject, reply, map, body.into())
                    .await?;
            }
            None => {
                self.client
                    .publish_with_headers(subject, map, body.into())
                    .await?;
            }
        }
        Ok(())
    }
}
