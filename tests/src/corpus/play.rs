//! The script of a recording. Each scene makes sure that what it is for was said.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use callboard_proto::message::{AckState, RefusalCode};
use callboard_proto::server::ServerOptions;
use callboard_proto::{Kind, Outcome, VERSION};

use super::cast::{Coordinator, SOLO, Worker};
use super::foreign::{Foreigner, Item, other_digest};
use super::recorder::Recorder;
use super::{Body, Message};

/// Longer than any scene takes.
const BUDGET: Duration = Duration::from_secs(60);
/// Longer than the time between two beats, so that one says that the worker drains.
const DRAIN_GRACE: Duration = Duration::from_millis(1_200);
/// How often the scene of the one slot is tried: a beat at the wrong moment keeps the second coordinator from asking.
const ROUNDS: u32 = 10;

/// Records one session on a server: real workers and coordinators, and a foreign client, in every kind of exchange.
///
/// # Errors
/// When the server can't be used, or a scene doesn't come to its end; the text names what wasn't heard.
pub async fn record(url: &str) -> anyhow::Result<Vec<Message>> {
    let client = async_nats::connect(url).await?;
    let mut recorder = Recorder::start(client.clone()).await?;
    let server = ServerOptions::new(url.parse()?);
    let ensemble = Worker::ensemble(&server).await?;
    let soloist = Worker::soloist(&server).await?;
    let mut first = Coordinator::start(&server).await?;
    let mut second = Coordinator::start(&server).await?;
    let foreigner = Foreigner::new(client);

    fast_calls(&mut first).await?;
    a_write(&mut first, &ensemble, &mut recorder).await?;
    a_slow_call(&mut first, &ensemble, &mut recorder).await?;
    a_cancel(&mut first, &ensemble, &mut recorder).await?;
    two_on_one_slot(&mut first, &mut second, &soloist, &mut recorder).await?;
    words_of_a_foreigner(&foreigner, &ensemble, &mut recorder).await?;
    questions(&foreigner, &ensemble, &soloist, &mut recorder).await?;
    refusals(&foreigner, &ensemble, &mut recorder).await?;
    a_drain(&foreigner, &ensemble, &mut recorder).await?;

    ensemble.ended().await?;
    first.close().await?;
    second.close().await?;
    soloist.stop().await?;
    recorder.finish().await
}

async fn fast_calls(first: &mut Coordinator) -> anyhow::Result<()> {
    let report = first.next_turn(&[("c0", "look")]).await?.report().await?;
    ensure!(report.calls.len() == 1, "{report:?}");
    let calls = [
        ("c0", "order get.v2"),
        ("c1", "picture"),
        ("c2", "complain"),
        ("c3", "decline"),
        ("c4", "fall"),
    ];
    let report = first.next_turn(&calls).await?.report().await?;
    let completed = report.calls.iter().filter(|call| completed(&call.outcome));
    ensure!(completed.count() == 3, "{report:?}");
    Ok(())
}

/// Beside a call that is done at once, so that one ack names both.
async fn a_write(
    first: &mut Coordinator,
    ensemble: &Worker,
    recorder: &mut Recorder,
) -> anyhow::Result<()> {
    ensemble.gate.set(false);
    let turn = first
        .next_turn(&[("seen", "look"), ("paid", "pay")])
        .await?;
    acked(recorder, "paid", AckState::Waiting).await?;
    acked(recorder, "paid", AckState::Running).await?;
    ensemble.gate.set(true);
    let report = turn.report().await?;
    ensure!(
        report.calls.iter().all(|call| completed(&call.outcome)),
        "{report:?}"
    );
    Ok(())
}

async fn a_slow_call(
    first: &mut Coordinator,
    ensemble: &Worker,
    recorder: &mut Recorder,
) -> anyhow::Result<()> {
    ensemble.gate.set(false);
    let turn = first.next_turn(&[("slow", "rehearse")]).await?;
    acked(recorder, "slow", AckState::Running).await?;
    let answered = |messages: &Vec<Message>| {
        let mut questions = messages
            .iter()
            .filter(|message| message.kind() == Some(Kind::Status))
            .filter_map(|message| message.reply.as_ref());
        questions.any(|to| messages.iter().any(|message| message.subject == *to))
    };
    recorder.until("an answer to a status", answered).await?;
    ensemble.gate.set(true);
    turn.report().await?;
    Ok(())
}

async fn a_cancel(
    first: &mut Coordinator,
    ensemble: &Worker,
    recorder: &mut Recorder,
) -> anyhow::Result<()> {
    ensemble.gate.set(false);
    let turn = first.next_turn(&[("cancelled", "rehearse")]).await?;
    acked(recorder, "cancelled", AckState::Running).await?;
    first.cancel(turn.turn, "cancelled").await?;
    ended(recorder, "cancelled").await?;
    turn.report().await?;
    Ok(())
}

/// The second coordinator asks for the slot that the first one holds, and is told when it is free.
async fn two_on_one_slot(
    first: &mut Coordinator,
    second: &mut Coordinator,
    soloist: &Worker,
    recorder: &mut Recorder,
) -> anyhow::Result<()> {
    for round in 0..ROUNDS {
        let (holds, asks) = (format!("holds{round}"), format!("asks{round}"));
        soloist.gate.set(false);
        // From here on there is most of a second until the next beat tells everyone that the slot is taken.
        let before = recorder.count();
        let has_free_slot = |body: &Body| free_slots(body, soloist) == Some(1);
        heard_since(recorder, before, "a beat of the free slot", has_free_slot).await?;
        let holder = first.next_turn(&[(&holds, SOLO)]).await?;
        acked(recorder, &holds, AckState::Running).await?;
        let asked = recorder.count();
        let asker = second.next_turn(&[(&asks, SOLO)]).await?;
        let is_known =
            |body: &Body| free_slots(body, soloist) == Some(0) || says(body, &asks, AckState::Busy);
        heard_since(recorder, asked, "`busy`, or a beat", is_known).await?;
        soloist.gate.set(true);
        holder.report().await?;
        asker.report().await?;
        if recorder.has(asked, Kind::Free) {
            return Ok(());
        }
    }
    anyhow::bail!("nobody was told of a free slot in {ROUNDS} rounds")
}

async fn words_of_a_foreigner(
    foreigner: &Foreigner,
    ensemble: &Worker,
    recorder: &mut Recorder,
) -> anyhow::Result<()> {
    let item = foreigner.item("anyone", "order get.v2", BUDGET);
    foreigner.call_anyone(item).await?;
    ended(recorder, "anyone").await?;

    let mut changed = foreigner.item("changed", "look", BUDGET);
    changed.digest = Some(other_digest());
    let torn = Item::Torn {
        of: foreigner.of("torn"),
        tool: 7,
    };
    let items = [
        Item::Call(Box::new(changed)),
        torn,
        Item::Noise("no call at all".to_owned()),
    ];
    foreigner.call(ensemble, None, &items).await?;
    acked(recorder, "changed", AckState::WrongDigest).await?;
    ended(recorder, "torn").await?;

    // Older than its budget and two beats.
    let is_old = |body: &Body| matches!(body, Body::Beat(beat) if beat.instance == ensemble.instance && beat.seq >= 5);
    heard_since(recorder, 0, "the fifth beat", is_old).await?;
    let stale = foreigner.item("stale", "look", Duration::from_millis(1));
    let stale = Item::Call(Box::new(stale));
    foreigner.call(ensemble, Some(1), &[stale]).await?;
    acked(recorder, "stale", AckState::Stale).await?;

    ensemble.gate.set(false);
    let late = foreigner.item("late", "rehearse", Duration::from_millis(100));
    let late = Item::Call(Box::new(late));
    foreigner.call(ensemble, None, &[late]).await?;
    ended(recorder, "late").await
}

async fn questions(
    foreigner: &Foreigner,
    ensemble: &Worker,
    soloist: &Worker,
    recorder: &mut Recorder,
) -> anyhow::Result<()> {
    foreigner.ask(ensemble, "never").await?;
    acked(recorder, "never", AckState::NotHeld).await?;
    foreigner.ask(ensemble, "anyone").await?;
    acked(recorder, "anyone", AckState::Done).await?;

    let item = foreigner.item("evicted", SOLO, BUDGET);
    let item = Item::Call(Box::new(item));
    foreigner.call(soloist, None, &[item]).await?;
    ended(recorder, "evicted").await?;
    foreigner.ask(soloist, "evicted").await?;
    acked(recorder, "evicted", AckState::Forgotten).await
}

async fn refusals(
    foreigner: &Foreigner,
    ensemble: &Worker,
    recorder: &mut Recorder,
) -> anyhow::Result<()> {
    let call = Kind::Call.as_str();
    let noise = Bytes::from_static(b"no message");
    for (version, kind, body, expected) in [
        ("2", call, None, RefusalCode::Version),
        (VERSION, "encore", None, RefusalCode::Kind),
        (VERSION, call, Some(noise), RefusalCode::Malformed),
        (VERSION, call, None, RefusalCode::Instance),
    ] {
        foreigner.call_badly(ensemble, version, kind, body).await?;
        let is_refused =
            |body: &Body| matches!(body, Body::Refusal(refusal) if refusal.code == expected);
        heard_since(recorder, 0, "a refusal", is_refused).await?;
    }
    Ok(())
}

async fn a_drain(
    foreigner: &Foreigner,
    ensemble: &Worker,
    recorder: &mut Recorder,
) -> anyhow::Result<()> {
    ensemble.gate.set(false);
    let last = foreigner.item("interrupted", "rehearse", BUDGET);
    let last = Item::Call(Box::new(last));
    foreigner.call(ensemble, None, &[last]).await?;
    acked(recorder, "interrupted", AckState::Running).await?;
    foreigner.drain(ensemble, DRAIN_GRACE).await?;
    let late = foreigner.item("turned away", "look", BUDGET);
    let late = Item::Call(Box::new(late));
    foreigner.call(ensemble, None, &[late]).await?;
    acked(recorder, "turned away", AckState::Draining).await?;
    ended(recorder, "interrupted").await?;
    Ok(())
}

fn completed(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Completed(_) => true,
        Outcome::Failed(_) => false,
    }
}

/// The free slots that a worker's beat tells.
fn free_slots(body: &Body, of: &Worker) -> Option<u32> {
    let Body::Beat(beat) = body else {
        return None;
    };
    (beat.instance == of.instance).then_some(beat.load.free)
}

fn says(body: &Body, id: &str, state: AckState) -> bool {
    let Body::Ack(batch) = body else {
        return false;
    };
    let mut items = batch.items.iter().flatten();
    items.any(|item| item.of.id.as_str() == id && item.state == state)
}

async fn acked(recorder: &mut Recorder, id: &str, state: AckState) -> anyhow::Result<()> {
    let what = format!("that {id:?} is {state}");
    heard_since(recorder, 0, &what, |body| says(body, id, state)).await
}

async fn ended(recorder: &mut Recorder, id: &str) -> anyhow::Result<()> {
    let is_result = |body: &Body| {
        let Body::Result(batch) = body else {
            return false;
        };
        let mut items = batch.items.iter().flatten();
        items.any(|item| item.of.id.as_str() == id)
    };
    heard_since(recorder, 0, &format!("the end of {id:?}"), is_result).await
}

fn since(messages: &[Message], first: usize) -> impl Iterator<Item = Body> {
    messages.iter().skip(first).filter_map(Message::decoded)
}

async fn heard_since(
    recorder: &mut Recorder,
    first: usize,
    what: &str,
    is_it: impl Fn(&Body) -> bool,
) -> anyhow::Result<()> {
    recorder
        .until(what, |messages| {
            since(messages, first).any(|body| is_it(&body))
        })
        .await
        .context("the recording stopped short")
}
