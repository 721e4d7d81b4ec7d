//! Forged messages: what a worker that lies about others' calls, or somebody who knows ids, can send.
//! It never lies about an attempt that it holds: nobody could tell.

use std::collections::VecDeque;
use std::sync::Arc;

use callboard_proto::message::{
    AckItem, AckState, CallItem, GrantHead, GrantItem, Load, ReplyHead, ResultItem,
};
use callboard_proto::{
    Attempt, AttemptKey, Budget, Epoch, Executed, FailureKind, GrantId, Outcome, Token, Turn,
};
use std::time::Duration;
use uuid::Uuid;

use crate::arms::Arm;
use crate::ident::{InstanceRef, coordinator_id};
use crate::letter::{Body, Letter, Node};
use crate::rng::Rng;
use crate::world::{World, instance};

/// Messages and attempts that are remembered: what is open now is among the newest.
const KNOWN_MAX: usize = 48;

/// An attempt that a coordinator posted.
#[derive(Clone)]
struct Posted {
    coordinator: u8,
    to: InstanceRef,
    of: AttemptKey,
}

/// A call message that a worker heard.
#[derive(Clone)]
struct Heard {
    worker: u8,
    coordinator: u8,
    token: Token,
    of: AttemptKey,
}

/// What forgers know.
pub(super) struct Forger {
    rng: Rng,
    posted: VecDeque<Posted>,
    heard: VecDeque<Heard>,
}

impl Forger {
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            rng,
            posted: VecDeque::new(),
            heard: VecDeque::new(),
        }
    }

    pub(super) fn posted(&mut self, coordinator: u8, to: InstanceRef, items: &[CallItem]) {
        for item in items {
            if self.posted.len() == KNOWN_MAX {
                self.posted.pop_front();
            }
            self.posted.push_back(Posted {
                coordinator,
                to,
                of: item.of.clone(),
            });
        }
    }

    pub(super) fn hear(&mut self, worker: u8, letter: &Letter) {
        let (Body::Call(_, items), Node::Coordinator(coordinator)) = (&letter.body, letter.from)
        else {
            return;
        };
        for item in items {
            if self.heard.len() == KNOWN_MAX {
                self.heard.pop_front();
            }
            self.heard.push_back(Heard {
                worker,
                coordinator,
                token: letter.token,
                of: item.of.clone(),
            });
        }
    }

    fn token(&mut self) -> Token {
        Token::new(Uuid::from_u64_pair(self.rng.next(), self.rng.next()))
    }
}

impl World<'_> {
    /// A worker, or somebody who knows what it heard, sends a message that a core must not believe.
    pub(super) fn forge(&mut self, worker: u8) {
        let own = instance(worker, self.workers[usize::from(worker)].life);
        let Some(posted) = self.recent_post() else {
            return;
        };
        let heard = self
            .forger
            .heard
            .iter()
            .rev()
            .filter(|heard| heard.worker == worker && heard.coordinator == posted.coordinator)
            .nth(self.forger.rng.index(4))
            .cloned();
        let choice = self.forger.rng.range(0..6);
        match (choice, heard) {
            // Its own token, another worker's attempt.
            (0..3, Some(heard)) if posted.to != own => {
                self.arms.hit(Arm::ForgedSibling);
                let speaker = if self.forger.rng.chance(700) {
                    posted.to
                } else {
                    own
                };
                self.forge_reply(&posted, heard.token, speaker, posted.of.clone());
            }
            // Its own token and attempt, in the name of another instance.
            (3, Some(heard)) => {
                self.arms.hit(Arm::ForgedInstance);
                let other = instance(worker, own.life.wrapping_add(7));
                self.forge_reply(&posted, heard.token, other, heard.of);
            }
            // Its own token, an attempt that was never made.
            (4, Some(heard)) => {
                self.arms.hit(Arm::ForgedAttempt);
                let of = self.bend(heard.of);
                self.forge_reply(&posted, heard.token, own, of);
            }
            // A grant that nobody gave.
            (5, Some(heard)) => self.forge_grant(own, &heard),
            // No token at all.
            _ => {
                self.arms.hit(Arm::ForgedToken);
                let token = self.forger.token();
                self.forge_reply(&posted, token, posted.to, posted.of.clone());
            }
        }
    }

    fn recent_post(&mut self) -> Option<Posted> {
        let known = self.forger.posted.len();
        if known == 0 {
            return None;
        }
        let back = self.forger.rng.index(known.min(12));
        self.forger.posted.get(known - 1 - back).cloned()
    }

    /// Another attempt of the same call, or another call: one that isn't out.
    fn bend(&mut self, mut of: AttemptKey) -> AttemptKey {
        match self.forger.rng.range(0..3) {
            0 => of.attempt = Attempt(of.attempt.0 + 40),
            1 => of.epoch = Epoch(of.epoch.0 + 1),
            _ => of.turn = Turn(of.turn.0 + 40),
        }
        of
    }

    fn forge_reply(&mut self, posted: &Posted, token: Token, speaker: InstanceRef, of: AttemptKey) {
        let head = ReplyHead {
            instance: speaker.id(),
            load: Load {
                seq: u64::MAX / 2,
                slots: 1,
                free: 0,
            },
            bad: Vec::new(),
        };
        let result = |outcome| {
            vec![Arc::new(ResultItem {
                of: of.clone(),
                outcome,
                queued: Duration::ZERO,
                executed: Duration::ZERO,
            })]
        };
        let body = match self.forger.rng.range(0..5) {
            0 | 1 => Body::Result(head, result(Outcome::text("forged"))),
            2 => Body::Result(
                head,
                result(Outcome::failed(
                    FailureKind::Refused,
                    "forged",
                    Executed::No,
                )),
            ),
            state => Body::Ack(
                head,
                vec![AckItem {
                    of,
                    state: if state == 3 {
                        AckState::NotHeld
                    } else {
                        AckState::Stale
                    },
                    grant: None,
                    tool_full: false,
                }],
            ),
        };
        let from = Node::Instance(speaker);
        self.send_forged(from, Node::Coordinator(posted.coordinator), token, body);
    }

    fn forge_grant(&mut self, own: InstanceRef, heard: &Heard) {
        self.arms.hit(Arm::ForgedGrant);
        let rightly_named = self.forger.rng.chance(500);
        let of = if rightly_named {
            self.bend(heard.of.clone())
        } else {
            heard.of.clone()
        };
        let named = if rightly_named {
            own
        } else {
            instance(own.worker, own.life.wrapping_add(7))
        };
        let head = GrantHead {
            coordinator: coordinator_id(heard.coordinator),
            instance: named.id(),
            seen: None,
        };
        let item = GrantItem {
            of,
            grant: GrantId::new(self.forger.token().uuid()),
            budget_ms: Budget::new(Duration::from_secs(5)),
        };
        let token = self.forger.token();
        let from = Node::Coordinator(heard.coordinator);
        self.send_forged(
            from,
            Node::Instance(own),
            token,
            Body::Grant(head, vec![item]),
        );
    }

    /// A forged message doesn't go the way of the honest ones: it disturbs no order.
    fn send_forged(&mut self, from: Node, to: Node, token: Token, body: Body) {
        let letter = Letter {
            from,
            to,
            token,
            body,
            forged: true,
            copy: false,
            corrupt: None,
        };
        let after = self.forger.rng.range(1_000..2_000_000);
        let at = self.now + after;
        self.letters += 1;
        self.queue
            .push(at, super::queue::What::Letter(Box::new(letter)));
    }
}
