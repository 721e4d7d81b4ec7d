//! Plays scenarios against an adapter.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use callboard_coordinator::link as coordinator;
use callboard_coordinator_core::{Address, Undelivered};
use callboard_proto::message::RefusalCode;
use callboard_worker::link as worker;
use callboard_worker_core::ReplyTo;

use super::scenario::{self, Body, Scenario, Step, What};
use super::{
    Adapter, Heard, Line, Party, announce, beat, coordinator_id, instance_id, pool, token,
};

/// Echo number with which the suite ends each scenario.
const LAST_ECHO: u64 = u64::MAX;

/// The folder of the scenario files.
#[must_use]
pub fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "scenarios", "link"]
        .iter()
        .collect()
}

/// Plays every scenario of the folder that the adapter can play, each on one of its own, and says
/// how many there were.
///
/// # Errors
/// When a file can't be read or a scenario fails.
pub async fn play_all<A: Adapter>() -> anyhow::Result<usize> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    let mut played = 0;
    for path in files {
        let text = std::fs::read_to_string(&path)?;
        let scenario: Scenario =
            serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        if scenario.is_for(A::NAME) {
            play(&A::start().await?, &scenario)
                .await
                .with_context(|| format!("{} on {}", path.display(), A::NAME))?;
            played += 1;
        }
    }
    Ok(played)
}

impl Scenario {
    fn is_for(&self, adapter: &str) -> bool {
        self.adapters
            .as_ref()
            .is_none_or(|adapters| adapters.iter().any(|name| name == adapter))
    }
}

/// Plays one scenario: every step, and then nobody may have heard more than was said.
///
/// # Errors
/// When something else is heard, or nothing.
pub async fn play<A: Adapter>(adapter: &A, scenario: &Scenario) -> anyhow::Result<()> {
    let mut stage = Stage::open(adapter, scenario).await?;
    for (number, step) in scenario.steps.iter().enumerate() {
        stage
            .take(step)
            .await
            .with_context(|| format!("step {}: {step:?}", number + 1))?;
    }
    stage.close(scenario).await
}

struct Stage<'a, A: Adapter> {
    adapter: &'a A,
    parties: BTreeMap<String, (Party, A::Line)>,
}

impl<'a, A: Adapter> Stage<'a, A> {
    async fn open(adapter: &'a A, scenario: &Scenario) -> anyhow::Result<Self> {
        let mut parties = BTreeMap::new();
        for label in &scenario.coordinators {
            let party = adapter.coordinator(coordinator_id(label)).await?;
            parties.insert(label.clone(), party);
        }
        for (label, tools) in &scenario.workers {
            let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
            let party = adapter.worker(announce(label, &tools)).await?;
            parties.insert(label.clone(), party);
        }
        Ok(Self { adapter, parties })
    }

    /// Lets all that is on its way arrive, and sees that nobody heard what no step expected.
    async fn close(mut self, scenario: &Scenario) -> anyhow::Result<()> {
        for label in &scenario.coordinators {
            let echo = coordinator::Outgoing::Echo { seq: LAST_ECHO };
            self.party(label)?.send(echo).await?;
            let last = Heard::Echo { seq: LAST_ECHO };
            self.party(label)?.expect(&last).await?;
        }
        for (label, (party, _line)) in &mut self.parties {
            let rest = party.rest();
            ensure!(rest.is_empty(), "{label} also heard {rest:?}");
        }
        Ok(())
    }

    async fn take(&mut self, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Send {
                from,
                to,
                kind,
                token: label,
                body,
            } => {
                let party = self.party(from)?;
                let word = coordinator::Outgoing::ToInstance {
                    to: Address {
                        pool: pool(),
                        instance: instance_id(to),
                    },
                    kind: kind.parse()?,
                    token: token(label),
                    body: bytes(body, party.payload_bytes_max).into(),
                };
                party.send(word).await
            }
            Step::Reply {
                from,
                to,
                kind,
                token: label,
                body,
            } => {
                let party = self.party(from)?;
                let word = worker::Outgoing::Reply {
                    to: ReplyTo {
                        coordinator: coordinator_id(to),
                        token: token(label),
                    },
                    kind: kind.parse()?,
                    body: bytes(body, party.payload_bytes_max).into(),
                };
                party.answer(word).await
            }
            Step::Beat { from, seq } => {
                let body = callboard_proto::codec::encode(&beat(from, *seq));
                let party = self.party(from)?;
                party.answer(worker::Outgoing::Beat(body)).await
            }
            Step::Echo { from, seq } => {
                let echo = coordinator::Outgoing::Echo { seq: *seq };
                self.party(from)?.send(echo).await
            }
            Step::Discover { from } => {
                let party = self.party(from)?;
                party.send(coordinator::Outgoing::Discover).await
            }
            Step::Publish {
                subject,
                reply,
                headers,
                body,
            } => {
                let headers = headers.clone().into_iter().collect();
                let reply = reply.as_deref().map(with_ids);
                self.adapter
                    .publish(with_ids(subject), reply, headers, bytes(body, 0))
                    .await
            }
            Step::Cut { party } => self.line(party)?.cut().await,
            Step::Heal { party } => self.line(party)?.heal().await,
            Step::Hears { party, what } => self.hears(party, what).await,
        }
    }

    async fn hears(&mut self, label: &str, what: &What) -> anyhow::Result<()> {
        let party = self.party(label)?;
        match what {
            What::Request { kind, reply, body } => {
                let heard = Heard::Request {
                    reply: reply.as_ref().map(parts),
                    kind: kind.parse()?,
                    body: bytes(body, 0),
                };
                party.expect(&heard).await
            }
            What::Answer {
                kind,
                token: label,
                body,
            } => {
                let heard = Heard::Reply {
                    token: token(label),
                    kind: kind.parse()?,
                    body: bytes(body, 0),
                };
                party.expect(&heard).await
            }
            What::Undelivered { token: label, why } => {
                let heard = Heard::Undelivered {
                    token: token(label),
                    why: undelivered(why)?,
                };
                party.expect(&heard).await
            }
            What::Beat { of, seq } => party.expect(&Heard::Beat(beat(of, *seq))).await,
            What::Announcements { of } => {
                let mut missing: Vec<_> = of.iter().map(|label| instance_id(label)).collect();
                let any = Heard::Announce(announce("any", &[]));
                while !missing.is_empty() {
                    let heard = party.hear_like(&any).await?;
                    let Heard::Announce(announced) = heard else {
                        unreachable!("it is like an announcement")
                    };
                    let known = missing.iter().position(|id| *id == announced.instance);
                    let known = known.with_context(|| format!("heard {announced:?}"))?;
                    missing.swap_remove(known);
                }
                Ok(())
            }
            What::Echo { seq } => party.expect(&Heard::Echo { seq: *seq }).await,
            What::Unreadable { code, reply } => {
                let expected = Heard::Unreadable {
                    code: code.as_deref().map(RefusalCode::from_word),
                    reply: reply.as_ref().map(parts),
                    reason: String::new(),
                };
                let heard = without_reason(party.hear_like(&expected).await?);
                ensure!(heard == expected, "expected {expected:?}, heard {heard:?}");
                Ok(())
            }
            What::Down {} => party.expect(&Heard::Down).await,
            What::Up {} => party.expect(&Heard::Up).await,
        }
    }

    fn party(&mut self, label: &str) -> anyhow::Result<&mut Party> {
        let (party, _line) = self.parties.get_mut(label).context("no such party")?;
        Ok(party)
    }

    fn line(&mut self, label: &str) -> anyhow::Result<&mut A::Line> {
        let (_party, line) = self.parties.get_mut(label).context("no such party")?;
        Ok(line)
    }
}

fn without_reason(heard: Heard) -> Heard {
    if let Heard::Unreadable { code, reply, .. } = heard {
        let reason = String::new();
        Heard::Unreadable {
            code,
            reply,
            reason,
        }
    } else {
        heard
    }
}

fn parts(reply: &scenario::ReplyTo) -> (callboard_proto::CoordinatorId, callboard_proto::Token) {
    (coordinator_id(&reply.coordinator), token(&reply.token))
}

fn bytes(body: &Body, max: usize) -> Vec<u8> {
    match body {
        Body::Text(text) => text.clone().into_bytes(),
        Body::BeyondMax { bytes_beyond_max } => vec![b'x'; max + bytes_beyond_max],
    }
}

fn undelivered(why: &str) -> anyhow::Result<Undelivered> {
    Ok(match why {
        "no_responders" => Undelivered::NoResponders,
        "too_large" => Undelivered::TooLarge,
        "link_down" => Undelivered::LinkDown,
        other => bail!("no reason is called {other:?}"),
    })
}

/// A subject with the ids of the labels that it names.
fn with_ids(subject: &str) -> String {
    let mut text = String::new();
    let mut rest = subject;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (label, after) = after.split_once('}').expect("a brace that opens closes");
        let id = match label.split_once(':') {
            Some(("instance", label)) => instance_id(label).to_string(),
            Some(("coordinator", label)) => coordinator_id(label).to_string(),
            Some(("token", label)) => token(label).to_string(),
            Some(_) | None => panic!("{label:?} names no id"),
        };
        text.push_str(&id);
        rest = after;
    }
    text + rest
}
