//! The baseline's worker: answers each call with its result.

use async_nats::{Client, Message, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;

use super::batched::CHUNK;
use super::{Reading, Variant};
use crate::bench::payload;
use crate::bench::serve::Side;

/// A worker has nothing to be asked.
#[derive(Debug)]
pub struct RawWorker;

impl Side for RawWorker {}

impl RawWorker {
    /// Subscribes and answers until the process ends.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn start(client: Client, fleet: &str, variant: Variant) -> anyhow::Result<Self> {
        let calls = client
            .queue_subscribe(super::subject(fleet), "workers".to_owned())
            .await?;
        super::settled(&client).await?;
        match variant.reading {
            Reading::OneShot => tokio::spawn(one_by_one(client, calls)),
            Reading::Batched => tokio::spawn(in_chunks(client, calls)),
        };
        Ok(Self)
    }
}

async fn one_by_one(client: Client, mut calls: Subscriber) -> anyhow::Result<()> {
    let result: Bytes = payload::result().into();
    while let Some(call) = calls.next().await {
        answer(&client, call, &result).await?;
    }
    Ok(())
}

async fn in_chunks(client: Client, calls: Subscriber) -> anyhow::Result<()> {
    let result: Bytes = payload::result().into();
    let mut chunks = calls.ready_chunks(CHUNK);
    while let Some(chunk) = chunks.next().await {
        for call in chunk {
            answer(&client, call, &result).await?;
        }
    }
    Ok(())
}

async fn answer(client: &Client, call: Message, result: &Bytes) -> anyhow::Result<()> {
    if let Some(reply) = call.reply {
        client.publish(reply, result.clone()).await?;
    }
    Ok(())
}
