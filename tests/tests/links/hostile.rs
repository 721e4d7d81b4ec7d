//! A worker that forges, doubles, replays and floods, with all that the key of its pool lets it do: it changes
//! no outcome but those of its own pool, whose workers are one trust, and keeps nobody else's calls from their deadlines.

use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use bytes::Bytes;
use callboard_coordinator::catalogue::Catalogue;
use callboard_coordinator::dispatch::{Dispatch, DispatchHandle, Options as DispatchOptions};
use callboard_coordinator::link::nats::NatsLink as CoordinatorLink;
use callboard_coordinator::model::ToolUse;
use callboard_coordinator_core::{Report, TurnOptions};
use callboard_proto::message::{
    AckItem, AckState, Beat, CallHead, CallItem, Load, Refusal, RefusalCode, ReplyHead, ResultItem,
};
use callboard_proto::server::ServerOptions;
use callboard_proto::{
    AttemptKey, CoordinatorId, Effect, InstanceId, Kind, Manifest, Outcome, Pool, RunId, Tenant,
    Token, ToolName, ToolSpec, ToolUseId, Turn, TurnKey, WorkerName, codec, subject,
};
use callboard_tests::harness::until;
use callboard_worker::executor::{Executor, Options as WorkerOptions};
use callboard_worker::link::nats::NatsLink as WorkerLink;
use callboard_worker::tool::{Answer, Tools, tool_fn};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use super::locked::Locked;

/// Forged answers of the flood, the number that the issue which built this names.
const FLOOD: usize = 100_000;
/// What must have been counted of them: whatever comes faster than it is taken is lost, and says nothing.
const COUNTED_MIN: u64 = 10_000;
/// Turns while the flood comes.
const TURNS: u32 = 4;
/// Longest time of a turn. Its calls need half a second; an answer that the flood displaces is asked for again
/// within one (P16).
const DEADLINE: Duration = Duration::from_secs(8);
/// What a turn may be reported after its deadline (the promise G3, on a busy machine).
const MARGIN: Duration = Duration::from_millis(500);
/// The hostile worker's own tool.
const BAIT: &str = "bait";

fn options(locked: &Locked, role: &str) -> ServerOptions {
    ServerOptions {
        nkey_file: Some(locked.path(&format!("acme/{role}.nk"))),
        root_certificates_file: Some(locked.path("tls/ca.pem")),
        ..ServerOptions::new(locked.url().parse().unwrap())
    }
}

fn tenant() -> Tenant {
    Tenant::new("acme").unwrap()
}

fn gpu() -> Pool {
    Pool::new("gpu").unwrap()
}

/// A worker of the pool `gpu` that answers honestly and only when the gate is open, so that its accomplice has
/// time: that one holds the same key and hears all that is said to the pool.
async fn bait(locked: &Locked, gate: &watch::Sender<bool>) -> InstanceId {
    let spec = ToolSpec {
        name: ToolName::new(BAIT).unwrap(),
        description: "Is called, and so told where answers go.".to_owned(),
        input_schema: r#"{"type":"object"}"#.to_owned(),
        manifest: Manifest::new(Effect::Read),
    };
    let gate = gate.clone();
    let tool = tool_fn(spec, move |_: Value, _call| {
        let mut gate = gate.subscribe();
        async move {
            // The gate's own sender outlives the wait.
            let _open = gate.wait_for(|is_open| *is_open).await;
            Ok(Answer::text("its own"))
        }
    });
    let tools = Tools::new([tool.into()]).unwrap();
    // The name of the honest one, in another pool.
    let options = WorkerOptions::new(WorkerName::new("honest").unwrap(), gpu());
    let instance = options.instance;
    let announce = options.announce(&tools, 0);
    let server = self::options(locked, "worker-gpu");
    let link = WorkerLink::connect(&server, tenant(), announce)
        .await
        .unwrap();
    let (executor, _handle) = Executor::new(options, tools, link).unwrap();
    tokio::spawn(async move {
        let _handle = _handle;
        executor.run().await;
    });
    instance
}

struct Coordinator {
    id: CoordinatorId,
    dispatch: DispatchHandle,
    run: RunId,
}

impl Coordinator {
    async fn start(locked: &Locked, role: &str, tools: &[&str]) -> Self {
        let id = match role {
            "viewer" => CoordinatorId::VIEWER,
            _ => CoordinatorId::new(Uuid::new_v4()),
        };
        let server = options(locked, role);
        let link = CoordinatorLink::connect(&server, tenant(), id)
            .await
            .unwrap();
        let (actor, dispatch) = Dispatch::new(DispatchOptions::new(id), link);
        tokio::spawn(actor.run());
        let wanted = tools.iter().map(|name| ToolName::new(*name).unwrap());
        let found = dispatch.await_tools(wanted.collect(), Duration::from_secs(20));
        assert!(found.await.unwrap(), "the workers are there");
        Self {
            id,
            dispatch,
            run: RunId::new(Uuid::new_v4()),
        }
    }

    /// Gathers a turn of the hostile worker's call and others.
    async fn turn(&self, turn: u32) -> Report {
        let mut uses = vec![("bait".to_owned(), BAIT, "{}".to_owned())];
        uses.extend((0..8).map(|n| (format!("e{n}"), "echo", format!(r#"{{"n":{n}}}"#))));
        uses.extend((0..4).map(|n| (format!("w{n}"), "wait", r#"{"ms":400}"#.to_owned())));
        let uses: Vec<ToolUse> = uses
            .into_iter()
            .map(|(id, tool, arguments)| {
                let id = ToolUseId::new(id).unwrap();
                ToolUse::new(id, tool.to_owned(), Bytes::from(arguments))
            })
            .collect();
        let offers = self.dispatch.offers().await.unwrap();
        let calls = Catalogue::freeze(offers).check_all(&uses);
        let key = TurnKey {
            run: self.run,
            turn: Turn(turn),
        };
        let options = TurnOptions::until(Instant::now() + DEADLINE);
        self.dispatch.gather(key, options, calls).await.unwrap()
    }

    /// Answers that changed nothing.
    async fn dropped(&self) -> u64 {
        let standing = self.dispatch.standing().await.unwrap();
        let named = standing.counters.named().into_iter();
        let dropped =
            named.filter(|(name, _)| name.starts_with("replies_") || name.starts_with("results_"));
        dropped.map(|(_, count)| count).sum()
    }
}

/// All that its key allows, and more knowledge than it could have: it knows the honest worker's instance.
struct Accomplice {
    client: async_nats::Client,
    coordinator: CoordinatorId,
    instances: [InstanceId; 2],
}

impl Accomplice {
    async fn say(&self, to: String, kind: Kind, body: Bytes) {
        let mut headers = HeaderMap::new();
        headers.insert(callboard_proto::HEADER_VERSION, callboard_proto::VERSION);
        headers.insert(callboard_proto::HEADER_KIND, kind.as_str());
        self.client
            .publish_with_headers(to, headers, body)
            .await
            .unwrap();
    }

    /// Under the token that it was told and under ones that it makes up, in its own name and in the honest
    /// worker's: that the calls are done, refused, or were never held; twice.
    async fn forge(&self, told: &str, of: &AttemptKey, ids: &[String]) {
        let guessed = || subject::reply(&tenant(), self.coordinator, Token::new(Uuid::new_v4()));
        for id in ids.iter().cycle().take(2 * ids.len()) {
            let of = AttemptKey {
                id: ToolUseId::new(id.as_str()).unwrap(),
                ..of.clone()
            };
            for instance in self.instances {
                for to in [told.to_owned(), guessed()] {
                    self.say(to.clone(), Kind::Result, forged(instance, &of))
                        .await;
                    let item = AckItem {
                        of: of.clone(),
                        state: AckState::NotHeld,
                        grant: None,
                        tool_full: false,
                    };
                    let ack = codec::encode_batch(&head(instance), &[item]);
                    self.say(to, Kind::Ack, ack).await;
                }
            }
        }
        for instance in self.instances {
            let refusal = Refusal {
                instance,
                code: RefusalCode::Malformed,
                message: "forged".to_owned(),
            };
            self.say(guessed(), Kind::Refusal, codec::encode(&refusal))
                .await;
        }
        // It may beat under its own pool alone, in whatever name.
        let honest = self.instances[0];
        let beat = Beat {
            instance: honest,
            worker: WorkerName::new("honest").unwrap(),
            pool: gpu(),
            seq: u64::MAX,
            load: head(honest).load,
            draining: true,
            catalogue: 7,
            unix_ms: None,
        };
        let to = subject::beat(&tenant(), &gpu(), honest);
        self.say(to, Kind::Beat, codec::encode(&beat)).await;
        self.client.flush().await.unwrap();
    }

    /// Floods the coordinator under the token that it was told, and under others.
    async fn flood(&self, told: &str, of: &AttemptKey) {
        let of = AttemptKey {
            id: ToolUseId::new("e0").unwrap(),
            ..of.clone()
        };
        let body = forged(self.instances[0], &of);
        for count in 0..FLOOD {
            let to = if count % 2 == 0 {
                told.to_owned()
            } else {
                subject::reply(&tenant(), self.coordinator, Token::new(Uuid::new_v4()))
            };
            self.say(to, Kind::Result, body.clone()).await;
        }
        self.client.flush().await.unwrap();
    }
}

/// A full worker's head: it claims to have no slot.
fn head(instance: InstanceId) -> ReplyHead {
    let load = Load {
        seq: u64::MAX,
        slots: 1,
        free: 0,
    };
    ReplyHead {
        instance,
        load,
        bad: Vec::new(),
    }
}

fn forged(instance: InstanceId, of: &AttemptKey) -> Bytes {
    let item = ResultItem {
        of: of.clone(),
        outcome: Outcome::text("forged"),
        queued: Duration::ZERO,
        executed: Duration::ZERO,
    };
    codec::encode_batch(&head(instance), &[item])
}

/// Every call has its own answer, the hostile worker's too, and the turn was in time.
fn is_untouched(report: &Report) {
    for call in &report.calls {
        let Outcome::Completed(completed) = &call.outcome else {
            panic!("{call:?}");
        };
        let said = format!("{:?}", completed.content);
        let own = match call.id.as_str().split_at(1) {
            ("e", n) => format!(r#"{{\"n\":{n}}}"#),
            ("w", _) => "400".to_owned(),
            _ => "its own".to_owned(),
        };
        assert!(said.contains(&own) && !said.contains("forged"), "{call:?}");
    }
    assert_eq!(report.calls.len(), 13);
    assert!(report.elapsed <= DEADLINE + MARGIN, "{:?}", report.elapsed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_worker_changes_no_outcome_but_its_own() {
    let locked = Locked::start().await;
    let words = "worker --tools basic --pool main --name honest --slots 32";
    let honest = locked.command(words, "acme", "worker-main");
    let _honest = honest.offers().await.unwrap();
    let gate = watch::Sender::new(false);
    let own = bait(&locked, &gate).await;
    let coordinator = Coordinator::start(&locked, "coordinator", &["echo", "wait", BAIT]).await;
    let main = Pool::new("main").unwrap();
    let there = until("the honest worker's beat", async || {
        let workers = coordinator.dispatch.workers().await?;
        let mut workers = workers.into_iter().map(|(worker, _)| worker);
        Ok(workers.find(|worker| worker.pool == main && worker.beat.is_some()))
    });
    let there = there.await.unwrap();

    // The same key, and an ear for all that is said to its pool.
    let (client, mut refusals) = locked.client("worker-gpu").await;
    let mut ear = client.subscribe("cb.v1.worker.acme.gpu.*.*").await.unwrap();
    client.flush().await.unwrap();
    let accomplice = Accomplice {
        client,
        coordinator: coordinator.id,
        instances: [there.instance, own],
    };
    let mut heard_call = async || loop {
        let message = ear.next().await.unwrap();
        let batch = codec::decode_batch::<CallHead, CallItem>(&message.payload);
        if let Some(Ok(item)) = batch.ok().and_then(|batch| batch.items.into_iter().next()) {
            return (message.reply.unwrap().to_string(), item.of);
        }
    };

    // Forged, doubled and replayed while all of the turn is under way.
    let ids: Vec<String> = (0..8)
        .map(|n| format!("e{n}"))
        .chain((0..4).map(|n| format!("w{n}")))
        .collect();
    let (report, (told, of)) = tokio::join!(coordinator.turn(1), async {
        let (told, of) = heard_call().await;
        accomplice.forge(&told, &of, &ids).await;
        gate.send_replace(true);
        (told, of)
    });
    is_untouched(&report);
    assert!(
        report.calls.iter().all(|call| call.attempts == 1),
        "{report:?}"
    );
    // The same words after the report, and in the next turn.
    accomplice.forge(&told, &of, &ids).await;
    is_untouched(&coordinator.turn(2).await);
    let before = coordinator.dropped().await;
    assert!(before > 0, "all that was forged was counted");

    let ((), reports) = tokio::join!(accomplice.flood(&told, &of), async {
        let mut reports = Vec::new();
        for turn in 0..TURNS {
            reports.push(coordinator.turn(3 + turn).await);
        }
        reports
    });
    reports.iter().for_each(is_untouched);
    until("the flood is counted", async || {
        let counted = coordinator.dropped().await - before;
        Ok((counted >= COUNTED_MIN).then_some(()))
    })
    .await
    .unwrap();
    is_untouched(&coordinator.turn(3 + TURNS).await);
    let standing = coordinator.dispatch.standing().await.unwrap();
    assert_eq!(
        standing.counters.leases_ended + standing.counters.instances_replaced,
        0
    );
    assert!(refusals.try_recv().is_err(), "its key allowed all of it");
}

#[tokio::test]
async fn what_the_server_refuses_a_coordinator_is_counted() {
    let locked = Locked::start().await;
    let words = "worker --tools basic --pool main";
    let worker = locked.command(words, "acme", "worker-main");
    let _worker = worker.offers().await.unwrap();
    // A viewer sees who is there, and may post nothing.
    let viewer = Coordinator::start(&locked, "viewer", &["echo"]).await;
    let standing = viewer.dispatch.standing().await.unwrap();
    assert_eq!(standing.link_refused, 0);
    let counted = until("the refusal is counted", async || {
        let standing = viewer.dispatch.standing().await?;
        Ok((standing.link_refused > 0).then_some(()))
    });
    let (report, counted) = tokio::join!(viewer.turn(1), counted);
    counted.unwrap();
    let is_done = |outcome: &Outcome| matches!(outcome, Outcome::Completed(_));
    assert!(
        !report.calls.iter().any(|call| is_done(&call.outcome)),
        "{report:?}"
    );
}
