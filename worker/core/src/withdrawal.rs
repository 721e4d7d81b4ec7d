//! What is taken back: other tools on offer, and attempts that are let go before they entered theirs.

use callboard_proto::AttemptKey;
use callboard_proto::message::AckState;

use crate::admission::refusal_word;
use crate::held::Held;
use crate::{OfferedTool, ReplyTo, Worker};

impl Worker {
    /// Offers other tools. Whoever waits for one that is gone, or has another digest, is let go: a call
    /// runs the tool that its run froze, or none (P10).
    pub(crate) fn on_tools(&mut self, tools: Vec<OfferedTool>) {
        self.tool_slots.replace(&tools);
        let before = self.catalogue.replace(tools);
        self.beats.hasten();
        let meant = self.held.places().filter(|at| {
            let held = self.held.find(*at);
            let pending = held.and_then(Held::pending);
            pending.is_some_and(|pending| !self.catalogue.agrees_on(&pending.tool, &before))
        });
        let meant = meant.collect();
        self.counters.wrong_digest += self.let_go(meant, AckState::WrongDigest);
    }

    /// Refuses attempts that have not entered their tools, and says so: another worker can take them.
    /// Gives their number.
    pub(crate) fn let_go(&mut self, places: Vec<usize>, word: AckState) -> u64 {
        let mut count = 0;
        let mut refused: Vec<(ReplyTo, Vec<(AttemptKey, AckState)>)> = Vec::new();
        for at in places {
            let held = self.held.get(at);
            let reply = held.reply;
            let line = (held.of.clone(), refusal_word(word, held.may_have_run));
            match refused.last_mut() {
                Some((last, attempts)) if *last == reply => attempts.push(line),
                Some(_) | None => refused.push((reply, vec![line])),
            }
            count += 1;
            self.drop_unstarted(at);
        }
        for (reply, attempts) in refused {
            let mut answer = self.answers.begin(reply, attempts.len(), self.now);
            for (of, word) in attempts {
                answer.stated(of, word);
            }
            self.answers.commit(answer);
        }
        count
    }
}
