//! Plays a recording over a real server, its own bytes: as a worker to today's coordinator, and as a coordinator to
//! today's worker.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use async_nats::{Client, HeaderMap, Subscriber};
use callboard_coordinator::catalogue::Catalogue;
use callboard_coordinator::dispatch::{Dispatch, Options as DispatchOptions};
use callboard_coordinator::link::nats::NatsLink;
use callboard_coordinator::model::ToolUse;
use callboard_coordinator_core::TurnOptions;
use callboard_proto::message::CallItem;
use callboard_proto::server::ServerOptions;
use callboard_proto::{
    AttemptKey, CoordinatorId, InstanceId, Kind, Outcome, Tenant, ToolName, TurnKey, subject,
};
use callboard_tests::corpus::{Body, Direction, Message, stand_in};
use callboard_tests::harness::PATIENCE;
use futures_util::StreamExt as _;
use uuid::Uuid;

/// How long a turn may take: longer than any does.
const DEADLINE: Duration = Duration::from_secs(30);
/// Beats are sent this often, as the recorded worker did.
const BEAT: Duration = callboard_proto::limit::BEAT_INTERVAL;

fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        headers.insert(name.as_str(), value.as_str());
    }
    headers
}

/// Publishes the bytes of a recorded message.
async fn say(client: &Client, message: &Message, to: String, reply: Option<String>) {
    let (headers, body) = (headers(message), message.body.clone().into());
    match reply {
        Some(reply) => {
            client
                .publish_with_reply_and_headers(to, reply, headers, body)
                .await
        }
        None => client.publish_with_headers(to, headers, body).await,
    }
    .unwrap();
}

/// The worker that announced itself first, and the tenant that it worked for.
fn first_worker(messages: &[Message]) -> (InstanceId, Tenant) {
    let mut beats = messages
        .iter()
        .filter_map(|message| match message.decoded() {
            Some(Body::Beat(beat)) => Some((beat.instance, message.tenant().unwrap())),
            _ => None,
        });
    beats.next().unwrap()
}

/// The attempts that a message to a worker names.
fn attempts(message: &Message) -> Vec<AttemptKey> {
    fn of<H, I>(
        batch: callboard_proto::codec::Batch<H, I>,
        of: impl Fn(I) -> AttemptKey,
    ) -> Vec<AttemptKey> {
        batch.items.into_iter().flatten().map(of).collect()
    }
    match message.decoded() {
        Some(Body::Call(batch)) => of(batch, |item| item.of),
        Some(Body::Grant(batch)) => of(batch, |item| item.of),
        Some(Body::Cancel(batch)) => of(batch, |item| item.of),
        Some(Body::Status(batch)) => of(batch, |item| item.of),
        _ => Vec::new(),
    }
}

/// How the calls ended that were recorded.
fn ends<'a>(messages: impl Iterator<Item = &'a Message>) -> BTreeMap<AttemptKey, Outcome> {
    let results = messages.filter_map(|message| match message.decoded() {
        Some(Body::Result(batch)) => Some(batch.items.into_iter().flatten()),
        _ => None,
    });
    results
        .flatten()
        .map(|item| (item.of, item.outcome))
        .collect()
}

/// A worker that says what the recorded one said: each answer to the question that it answered then.
struct Understudy<'a> {
    client: Client,
    messages: &'a [Message],
    instance: InstanceId,
}

impl Understudy<'_> {
    /// Answers until it is dropped.
    async fn play(&self, mut questions: Subscriber, mut discoveries: Subscriber) {
        let own = self.instance.to_string();
        let is_its = |message: &&Message| {
            message.direction == Direction::FromWorker
                && message.kind() == Some(Kind::Beat)
                && message.subject.ends_with(&own)
        };
        let beat = self.messages.iter().find(is_its).unwrap();
        let mut beats = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                _ = beats.tick() => say(&self.client, beat, beat.subject.clone(), None).await,
                Some(question) = discoveries.next() => {
                    let answer = self.messages.iter().find(|message| {
                        matches!(message.decoded(), Some(Body::Announce(announce)) if announce.instance == self.instance)
                    });
                    say(&self.client, answer.unwrap(), question.reply.unwrap().to_string(), None).await;
                }
                Some(question) = questions.next() => self.answer(question).await,
            }
        }
    }

    async fn answer(&self, question: async_nats::Message) {
        let reply = question.reply.clone().unwrap().to_string();
        let heard = Message::hear(&question, Duration::ZERO).unwrap();
        if heard.kind() == Some(Kind::Describe) {
            let page = self.messages.iter().find(|message| {
                matches!(message.decoded(), Some(Body::Tools(page)) if page.head.announce.instance == self.instance)
            });
            return say(&self.client, page.unwrap(), reply, None).await;
        }
        let of: BTreeSet<AttemptKey> = attempts(&heard).into_iter().collect();
        let is_same = |then: &&Message| {
            then.kind() == heard.kind() && attempts(then).iter().any(|attempt| of.contains(attempt))
        };
        // What was asked and wasn't then, such as one more status, waits for the answer that comes.
        let Some(then) = self.messages.iter().find(is_same) else {
            return;
        };
        for answer in self.messages {
            if Some(&answer.subject) == then.reply.as_ref() {
                say(&self.client, answer, reply.clone(), None).await;
            }
        }
    }
}

/// Lets today's coordinator ask for the recorded turns of the first worker, in the recorded words.
///
/// # Panics
/// When a call ends in another way than it did then.
pub(crate) async fn as_a_worker(url: &str, messages: &[Message]) {
    let (instance, tenant) = first_worker(messages);
    let client = async_nats::connect(url).await.unwrap();
    let own = format!("{}.worker.{tenant}.*.{instance}.*", subject::PREFIX);
    let questions = client.subscribe(own).await.unwrap();
    let discoveries = client.subscribe(subject::DISCOVER).await.unwrap();
    client.flush().await.unwrap();
    let understudy = Understudy {
        client,
        messages,
        instance,
    };
    let compared = tokio::select! {
        compared = ask(url, tenant, messages, instance) => compared,
        () = understudy.play(questions, discoveries) => unreachable!("it plays on"),
    };
    assert!(compared >= 9, "{compared} calls, a write among them");
}

/// The recorded calls to an instance by turn, of the coordinator that called it first; but for those that were
/// cancelled, which is a word of the caller.
fn turns(messages: &[Message], instance: InstanceId) -> BTreeMap<TurnKey, Vec<CallItem>> {
    let own = format!(".{instance}.");
    let of_kind = |kind| {
        let to_it = messages
            .iter()
            .filter(|message| message.subject.contains(&own));
        to_it.filter(move |message| message.kind() == Some(kind) && message.refused.is_none())
    };
    let cancelled: BTreeSet<TurnKey> = of_kind(Kind::Cancel)
        .flat_map(attempts)
        .map(|of| turn_of(&of))
        .collect();
    let mut turns = BTreeMap::new();
    let mut caller = None;
    for message in of_kind(Kind::Call) {
        let Some(Body::Call(batch)) = message.decoded() else {
            continue;
        };
        if *caller.get_or_insert(batch.head.coordinator) != batch.head.coordinator {
            continue;
        }
        for item in batch.items.into_iter().flatten() {
            let turn = turn_of(&item.of);
            if !cancelled.contains(&turn) {
                turns.entry(turn).or_insert_with(Vec::new).push(item);
            }
        }
    }
    turns
}

fn turn_of(of: &AttemptKey) -> TurnKey {
    TurnKey {
        run: of.run,
        turn: of.turn,
    }
}

/// Gathers the recorded turns; how many calls were compared.
async fn ask(url: &str, tenant: Tenant, messages: &[Message], instance: InstanceId) -> usize {
    let id = CoordinatorId::new(Uuid::new_v4());
    let options = ServerOptions::new(url.parse().unwrap());
    let link = NatsLink::connect(&options, tenant, id).await.unwrap();
    let (actor, dispatch) = Dispatch::new(DispatchOptions::new(id), link);
    let actor = tokio::spawn(actor.run());
    let turns = turns(messages, instance);
    let wanted: BTreeSet<ToolName> = turns
        .values()
        .flatten()
        .map(|item| item.tool.clone())
        .collect();
    let wanted = wanted.into_iter().collect();
    assert!(dispatch.await_tools(wanted, DEADLINE).await.unwrap());
    let recorded = ends(messages.iter());
    let mut compared = 0;
    for (turn, items) in turns {
        let uses: Vec<ToolUse> = items
            .iter()
            .map(|item| {
                ToolUse::new(
                    item.of.id.clone(),
                    item.tool.to_string(),
                    item.arguments.clone(),
                )
            })
            .collect();
        let calls = Catalogue::freeze(dispatch.offers().await.unwrap()).check_all(&uses);
        let options = TurnOptions {
            epoch: items[0].of.epoch,
            ..TurnOptions::until(Instant::now() + DEADLINE)
        };
        let report = dispatch.gather(turn, options, calls).await.unwrap();
        for (call, item) in report.calls.iter().zip(&items) {
            let then = recorded.get(&item.of).unwrap();
            assert!(is_like(&call.outcome, then), "{call:?}, and then {then:?}");
            compared += 1;
        }
    }
    dispatch.shut_down().await.unwrap();
    actor.await.unwrap();
    compared
}

/// Whether two calls ended alike; a failure's words may be others in another version.
fn is_like(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Completed(one), Outcome::Completed(other)) => one == other,
        (Outcome::Failed(one), Outcome::Failed(other)) => {
            (one.kind, one.executed) == (other.kind, other.executed)
        }
        (Outcome::Completed(_), Outcome::Failed(_))
        | (Outcome::Failed(_), Outcome::Completed(_)) => false,
    }
}

/// Says to a worker of today all that the recorded one was told until it was told to go, one after the other.
///
/// # Panics
/// When something isn't answered that was then, or a call that was completed then isn't now, or comes to something else.
pub(crate) async fn as_a_coordinator(url: &str, messages: &[Message]) {
    let (instance, tenant) = first_worker(messages);
    let client = async_nats::connect(url).await.unwrap();
    let beats_subject = format!("{}.beat.{tenant}.>", subject::PREFIX);
    let mut beats = client.subscribe(beats_subject).await.unwrap();
    let replies = format!("{}.reply.{tenant}.>", subject::PREFIX);
    let mut replies = client.subscribe(replies).await.unwrap();
    client.flush().await.unwrap();
    let worker = stand_in(url, instance).await.unwrap();
    let own = format!(".{instance}.");
    let told = messages
        .iter()
        .take_while(|message| message.kind() != Some(Kind::Drain));
    let (mut beats_then, mut beats_now) = (0, 0);
    let mut heard: Vec<Message> = Vec::new();
    let mut spoken = 0;
    for message in told {
        if message.direction == Direction::FromWorker {
            let is_beat = message.kind() == Some(Kind::Beat);
            beats_then += usize::from(is_beat && message.subject.ends_with(&instance.to_string()));
            continue;
        }
        let is_anyones = message.kind() == Some(Kind::Call) && message.subject.contains(".call.");
        if !message.subject.contains(&own) && !is_anyones {
            continue;
        }
        // What names a beat is only taken by who has sent it (P13).
        while beats_now < beats_then {
            let beat = tokio::time::timeout(PATIENCE, beats.next()).await;
            let beat = beat.unwrap().unwrap();
            beats_now += usize::from(beat.subject.ends_with(&instance.to_string()));
        }
        let reply = message.reply.clone().unwrap();
        say(
            &client,
            message,
            message.subject.clone(),
            Some(reply.clone()),
        )
        .await;
        spoken += 1;
        loop {
            let answer = tokio::time::timeout(PATIENCE, replies.next()).await;
            let answer = answer
                .unwrap_or_else(|_| panic!("no answer to {message:?}"))
                .unwrap();
            let answer = Message::hear(&answer, Duration::ZERO).unwrap();
            let is_the_one = answer.subject == reply && answer.kind() != Some(Kind::Progress);
            if is_the_one {
                let is_refused = answer.kind() == Some(Kind::Refusal);
                assert_eq!(
                    is_refused,
                    message.refused.is_some(),
                    "{message:?}: {answer:?}"
                );
            }
            heard.push(answer);
            if is_the_one {
                break;
            }
        }
    }
    assert!(spoken >= 10, "{spoken}");
    worker.stop().await.unwrap();
    while let Ok(Some(late)) = tokio::time::timeout(Duration::ZERO, replies.next()).await {
        heard.extend(Message::hear(&late, Duration::ZERO));
    }
    let now = ends(heard.iter());
    let cancelled: BTreeSet<AttemptKey> = messages
        .iter()
        .filter(|message| message.kind() == Some(Kind::Cancel))
        .flat_map(attempts)
        .collect();
    let mut compared = 0;
    for (of, then) in ends(messages.iter()) {
        let is_told = now.contains_key(&of) && !cancelled.contains(&of);
        if is_told && matches!(then, Outcome::Completed(_)) {
            assert!(
                is_like(&now[&of], &then),
                "{of:?}: {:?}, and then {then:?}",
                now[&of]
            );
            compared += 1;
        }
    }
    assert!(compared >= 6, "{compared} calls");
}
