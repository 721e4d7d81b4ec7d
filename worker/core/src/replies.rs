//! What leaves, once everything that is ready was read: a beat, results, acks, and word of free slots.

use callboard_proto::message::{AckItem, AckState, Beat, Free, Load, ReplyHead};

use crate::answers::{Answer, Line};
use crate::held::Stage;
use crate::memory::Known;
use crate::{Effect, ReplyTo, Worker};

impl Worker {
    /// Builds all messages that leave now. Their loads are counted in the order in which they leave,
    /// and what one message tells a coordinator about free slots needs no other.
    pub(crate) fn flush(&mut self) {
        let is_done = self.is_idle_drained();
        if is_done {
            self.answers.hasten_all();
        }
        self.offer();
        self.flush_beat();
        self.flush_results();
        while let Some(answer) = self.answers.take_queued() {
            self.flush_ack(answer);
        }
        self.flush_frees();
        if is_done {
            self.tell_drained();
        }
    }

    /// Holds freed slots out to those who wait for them (P6).
    pub(crate) fn offer(&mut self) {
        let peers = &self.peers;
        let of_tools = self
            .tool_slots
            .distribute(self.now, |id| peers.find(id).is_none());
        self.counters.offers += u64::from(self.peers.distribute(self.now) + of_tools);
    }

    fn flush_beat(&mut self) {
        let Some(seq) = self.beats.take(self.now) else {
            return;
        };
        self.memory.beat_left();
        self.counters.beats += 1;
        let free = self.peers.unoffered();
        let load = self.load(free);
        self.ready.push_back(Effect::Beat(Beat {
            instance: self.identity.instance,
            worker: self.identity.worker.clone(),
            pool: self.identity.pool.clone(),
            seq,
            load,
            draining: self.drain.is_draining,
            catalogue: self.catalogue.version,
            unix_ms: None,
        }));
    }

    fn flush_results(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        let page = self.memory.pages.close();
        for (to, items) in self.outbox.take(&page) {
            self.counters.results += 1;
            let head = ReplyHead {
                instance: self.identity.instance,
                load: self.load_for(to),
                bad: Vec::new(),
            };
            self.ready.push_back(Effect::Result { to, head, items });
        }
    }

    fn flush_ack(&mut self, answer: Answer) {
        let to = answer.reply;
        let cut = self.outbox.cut;
        let items = answer.lines.into_iter().map(|line| self.ack_item(line));
        for (items, bad) in cut.acks(items, answer.bad) {
            self.counters.acks += 1;
            let head = ReplyHead {
                instance: self.identity.instance,
                load: self.load_for(to),
                bad,
            };
            self.ready.push_back(Effect::Ack { to, head, items });
        }
    }

    /// Says what an attempt's state is at this moment. A write's grant window begins with the word
    /// that it waits (P17).
    fn ack_item(&mut self, line: Line) -> AckItem {
        let known = self.find(&line.of);
        let tool_full = line.tool_full;
        let (state, grant) = match known {
            Some(Known::Held(at)) => {
                self.held
                    .open_window(at, self.now + self.config.grant_window);
                let held = self.held.get(at);
                let state = match held.stage {
                    Stage::Waiting { .. } => AckState::Waiting,
                    Stage::Queued(_) | Stage::Running => AckState::Running,
                };
                (state, held.grant)
            }
            Some(Known::Kept(number)) => (AckState::Done, self.memory.kept(number).delivery.grant),
            Some(Known::Refused) => (AckState::NotHeld, None),
            // Nothing is known only if it was dropped since, by a memory that is too small.
            Some(Known::Forgotten) | None => (AckState::Forgotten, None),
        };
        AckItem {
            of: line.of,
            state: line.fixed.unwrap_or(state),
            grant,
            tool_full,
        }
    }

    fn flush_frees(&mut self) {
        let mut untold = self.peers.take_untold();
        for id in self.tool_slots.take_untold() {
            // A load says nothing of a tool's own slots: no other message stands for this one.
            if let Some(at) = self.peers.find(id) {
                let to = self.peers.get_mut(at).reply;
                if !untold.contains(&to) {
                    untold.push(to);
                }
            }
        }
        for to in untold {
            self.counters.frees += 1;
            let free = Free {
                instance: self.identity.instance,
                load: self.load_for(to),
            };
            self.ready.push_back(Effect::Free { to, free });
        }
    }

    /// The load as one coordinator may use it; it is told by this.
    fn load_for(&mut self, to: ReplyTo) -> Load {
        let free = self.peers.free_for(to.coordinator);
        self.peers.told(to.coordinator);
        self.load(free)
    }

    fn load(&mut self, free: u32) -> Load {
        self.reports += 1;
        Load {
            seq: self.reports,
            slots: self.config.slots,
            free: if self.drain.is_draining { 0 } else { free },
        }
    }
}
