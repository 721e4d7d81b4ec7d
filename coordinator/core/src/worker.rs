//! What a coordinator knows of one instance: what it offers, its free slots, its word, its health.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use callboard_proto::message::{Announce, Beat, Down, Load};
use callboard_proto::{Digest, InstanceId, Label, Pool, Token, WorkerName};

use crate::config::Limits;
use crate::effect::Address;
use crate::health::Health;
use crate::share::Shares;

/// Answer times that are remembered of an instance.
const ANSWER_SAMPLES: usize = 100;

/// Call messages by which an instance may say that slots are free: it answers its newest, and some may be on
/// their way (chosen, not measured).
const CALL_TOKENS: usize = 64;

/// How long an owed `free` keeps a coordinator from knocking again: two beats.
const KNOCK_AGAIN: Duration = Duration::from_secs(2);

/// One instance.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) address: Address,
    pub(crate) name: WorkerName,
    pub(crate) version: String,
    pub(crate) labels: Vec<Label>,
    /// What it should offer and can't, by its own word.
    pub(crate) down: Vec<Down>,
    pub(crate) digests: Vec<Digest>,
    /// Whether its tools are known; before, nothing is placed on it.
    pub(crate) announced: bool,
    pub(crate) catalogue: u64,
    pub(crate) payload_bytes_max: usize,
    pub(crate) slots: u32,
    load_seq: u64,
    /// Slots that it says are ours to take.
    free: u32,
    /// Attempts that it wasn't heard to have received: they are not in `free` yet.
    pub(crate) unanswered: u32,
    /// Attempts of ours that may still answer.
    pub(crate) in_flight: u32,
    /// When it said `busy` last: it owes a `free` (P6).
    owes_free: Option<Instant>,
    /// The tokens of the newest call messages that it was sent.
    call_tokens: VecDeque<Token>,
    pub(crate) beat_seq: Option<u64>,
    /// What its clock showed in its newest beat, and when that was heard.
    pub(crate) clock: Option<(u64, Instant)>,
    /// When it was heard last, in lease time (P14).
    pub(crate) heard: Duration,
    pub(crate) heard_at: Instant,
    pub(crate) draining: bool,
    /// Whether the server said that nobody listens there, and it wasn't heard since.
    pub(crate) unreachable: bool,
    /// Calls with a strike that it holds (P8).
    pub(crate) struck: u32,
    /// The question that is open and when it was asked, and how many in a row had no answer (P16).
    question: Option<(Token, Instant)>,
    pub(crate) questions_unanswered: u32,
    pub(crate) health: Health,
    /// How much it gives us of the tools that have slots of their own.
    pub(crate) shares: Shares,
    answer_times: Vec<Duration>,
    answer_next: usize,
}

impl Worker {
    pub(crate) fn new(
        instance: InstanceId,
        pool: Pool,
        name: WorkerName,
        lease_time: Duration,
        now: Instant,
    ) -> Self {
        Self {
            address: Address { pool, instance },
            name,
            version: String::new(),
            labels: Vec::new(),
            down: Vec::new(),
            digests: Vec::new(),
            announced: false,
            catalogue: 0,
            payload_bytes_max: usize::MAX,
            slots: 0,
            load_seq: 0,
            free: 0,
            unanswered: 0,
            in_flight: 0,
            owes_free: None,
            call_tokens: VecDeque::new(),
            beat_seq: None,
            clock: None,
            heard: lease_time,
            heard_at: now,
            draining: false,
            unreachable: false,
            struck: 0,
            question: None,
            questions_unanswered: 0,
            health: Health::default(),
            shares: Shares::default(),
            answer_times: Vec::new(),
            answer_next: 0,
        }
    }

    pub(crate) fn instance(&self) -> InstanceId {
        self.address.instance
    }

    /// It is sent a call message.
    pub(crate) fn was_posted(&mut self, token: Token) {
        if self.call_tokens.len() == CALL_TOKENS {
            self.call_tokens.pop_front();
        }
        self.call_tokens.push_back(token);
    }

    /// Whether it knows this token from one of its newest call messages.
    pub(crate) fn knows(&self, token: Token) -> bool {
        self.call_tokens.iter().rev().any(|known| *known == token)
    }

    /// Whether an announcement names it as it is known.
    pub(crate) fn is_called(&self, announce: &Announce) -> bool {
        self.name == announce.worker && self.address.pool == announce.pool
    }

    /// Whether an announcement says nothing new of it.
    pub(crate) fn offers_as(&self, announce: &Announce) -> bool {
        let digests = announce.tools.iter().map(|tool| &tool.digest);
        self.catalogue == announce.catalogue
            && self.labels == announce.labels
            && self.down == announce.down
            && self.digests.iter().eq(digests)
    }

    /// It was heard: its lease begins anew.
    pub(crate) fn hear(&mut self, lease_time: Duration, now: Instant) {
        self.heard = lease_time;
        self.heard_at = now;
        self.unreachable = false;
    }

    /// Takes a beat; whether it asks for a new description.
    pub(crate) fn take_beat(&mut self, beat: &Beat, now: Instant) -> bool {
        let is_news = self.beat_seq.is_none_or(|last| last < beat.seq);
        if is_news {
            self.beat_seq = Some(beat.seq);
            self.clock = beat.unix_ms.map(|shown| (shown, now));
            self.draining = beat.draining;
        }
        self.take_load(beat.load);
        !self.announced || (is_news && self.catalogue != beat.catalogue)
    }

    pub(crate) fn take_announcement(&mut self, announce: Announce) {
        self.version = announce.version;
        self.labels = announce.labels;
        self.down = announce.down;
        self.digests = announce.tools.into_iter().map(|tool| tool.digest).collect();
        self.catalogue = announce.catalogue;
        self.payload_bytes_max = usize::try_from(announce.payload_bytes_max).unwrap_or(usize::MAX);
        if self.load_seq == 0 {
            // Until its first report, what it has is taken for free: a wrong guess costs a `busy`.
            self.slots = announce.slots;
            self.free = announce.slots;
        }
        self.announced = true;
    }

    /// Takes a report of its capacity, unless a newer one was seen.
    pub(crate) fn take_load(&mut self, load: Load) {
        if load.seq <= self.load_seq {
            return;
        }
        self.load_seq = load.seq;
        self.slots = load.slots;
        self.free = load.free;
        if load.free > 0 {
            self.owes_free = None;
        }
    }

    /// Notes a question; one that is open already is older and counts first.
    pub(crate) fn was_asked(&mut self, token: Token, now: Instant) {
        self.question.get_or_insert((token, now));
    }

    /// It answered a question: it reads what it is sent, even if a later question is open.
    pub(crate) fn has_answered(&mut self, token: Token) {
        self.questions_unanswered = 0;
        self.question = self.question.filter(|(open, _)| *open != token);
    }

    /// Counts the open question as unanswered if it had a whole tick for its answer, and drops it.
    pub(crate) fn count_question(&mut self, tick: Duration, now: Instant) {
        let had_its_time =
            |(_, asked): &(Token, Instant)| now.saturating_duration_since(*asked) >= tick;
        if self.question.take_if(|open| had_its_time(open)).is_some() {
            self.questions_unanswered += 1;
        }
    }

    /// Nothing is held against it: it holds nothing of ours, or the own link was away.
    pub(crate) fn forgive_questions(&mut self) {
        self.question = None;
        self.questions_unanswered = 0;
    }

    pub(crate) fn was_busy(&mut self, now: Instant) {
        self.owes_free = Some(now);
    }

    /// Slots that are free for us by its last word.
    pub(crate) fn free(&self) -> u32 {
        self.free
    }

    /// Slots that can be filled now.
    pub(crate) fn available(&self) -> u32 {
        if self.takes_calls() {
            self.free.saturating_sub(self.unanswered)
        } else {
            0
        }
    }

    /// Whether one call may be sent although no slot is known to be free: the answer is `busy`, and
    /// with it this coordinator is known to wait (P6).
    pub(crate) fn may_knock(&self, now: Instant) -> bool {
        self.takes_calls()
            && self.in_flight == 0
            && self
                .owes_free
                .is_none_or(|since| now.saturating_duration_since(since) >= KNOCK_AGAIN)
    }

    fn takes_calls(&self) -> bool {
        self.announced && !self.draining && !self.unreachable
    }

    /// Notes how long the answer to a call message took.
    pub(crate) fn note_answer_time(&mut self, took: Duration) {
        if self.answer_times.len() < ANSWER_SAMPLES {
            self.answer_times.push(took);
        } else {
            self.answer_times[self.answer_next] = took;
        }
        self.answer_next = (self.answer_next + 1) % ANSWER_SAMPLES;
    }

    /// How long an answer to a call message is waited for (P7): four times the measured p99, which
    /// of a hundred samples is the largest but one.
    pub(crate) fn accept_timeout(&self, limits: &Limits) -> Duration {
        let mut largest = Duration::ZERO;
        let mut second = Duration::ZERO;
        for took in &self.answer_times {
            if *took >= largest {
                second = largest;
                largest = *took;
            } else if *took > second {
                second = *took;
            }
        }
        let p99 = if self.answer_times.len() == ANSWER_SAMPLES {
            second
        } else {
            largest
        };
        limits.accept_timeout_min.max(p99 * 4)
    }

    pub(crate) fn has_label(&self, label: &Label) -> bool {
        self.labels.contains(label)
    }
}
