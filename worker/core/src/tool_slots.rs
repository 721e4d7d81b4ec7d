//! The slots of tools that have their own, below those of the whole instance.
//!
//! Coordinators that were refused one stand in the tool's line. A slot that frees is held out to the
//! first of it, for a moment, and a `free` says so: then none starves, and none has to ask again and
//! again (P6).

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use callboard_proto::{CoordinatorId, ToolName};
use rustc_hash::FxHashMap;

use crate::{Config, OfferedTool};

/// Coordinators in the line of one tool at most: whoever comes later asks again. Foreign clients may give
/// themselves a new identity with each call. Chosen, not measured.
const LINE_MAX: usize = 1_024;

/// A tool that has, or had, slots of its own.
#[derive(Debug)]
struct Own {
    /// `None` once the tool is offered without.
    slots: Option<NonZeroU32>,
    held: u32,
    /// Who was refused, the longest wait first; each once.
    line: VecDeque<CoordinatorId>,
    /// Slots that are held out, and until when.
    offers: Vec<(CoordinatorId, Instant)>,
}

impl Own {
    fn has_free(&self) -> bool {
        self.slots.is_none_or(|slots| {
            u64::from(slots.get()) > u64::from(self.held) + self.offers.len() as u64
        })
    }

    fn offer_to(&self, coordinator: CoordinatorId) -> Option<usize> {
        self.offers.iter().position(|(to, _)| *to == coordinator)
    }
}

/// Who holds the slots of which tool, and who gets the next.
#[derive(Debug)]
pub(crate) struct ToolSlots {
    /// A place is kept for good: attempts remember it.
    tools: Vec<Own>,
    by_name: FxHashMap<ToolName, usize>,
    /// Coordinators in all lines together.
    standing: usize,
    untold: Vec<CoordinatorId>,
    /// No offer ends before.
    offers_end: Option<Instant>,
    offer_window: Duration,
}

impl ToolSlots {
    pub(crate) fn new(config: &Config, tools: &[OfferedTool]) -> Self {
        let mut slots = Self {
            tools: Vec::new(),
            by_name: FxHashMap::default(),
            standing: 0,
            untold: Vec::new(),
            offers_end: None,
            offer_window: config.offer_window,
        };
        slots.replace(tools);
        slots
    }

    /// Takes the limits of new tools; what is held of those that stay is counted on.
    pub(crate) fn replace(&mut self, tools: &[OfferedTool]) {
        for own in &mut self.tools {
            own.slots = None;
        }
        for tool in tools.iter().filter(|tool| tool.slots.is_some()) {
            match self.by_name.get(&tool.name) {
                Some(at) => self.tools[*at].slots = tool.slots,
                None => {
                    self.by_name.insert(tool.name.clone(), self.tools.len());
                    self.tools.push(Own {
                        slots: tool.slots,
                        held: 0,
                        line: VecDeque::new(),
                        offers: Vec::new(),
                    });
                }
            }
        }
    }

    /// The place of a tool that has slots of its own.
    pub(crate) fn find(&self, tool: &OfferedTool) -> Option<usize> {
        tool.slots?;
        self.by_name.get(&tool.name).copied()
    }

    /// Whether a coordinator may take a slot; who may not is in line for one from now on.
    pub(crate) fn may_take(&mut self, at: usize, coordinator: CoordinatorId) -> bool {
        let own = &mut self.tools[at];
        if own.has_free() || own.offer_to(coordinator).is_some() {
            return true;
        }
        if own.line.len() < LINE_MAX && !own.line.contains(&coordinator) {
            own.line.push_back(coordinator);
            self.standing += 1;
        }
        false
    }

    /// Takes a slot that [`Self::may_take`] promised, first of those that were held out.
    pub(crate) fn take(&mut self, at: usize, coordinator: CoordinatorId) {
        let own = &mut self.tools[at];
        if let Some(offer) = own.offer_to(coordinator) {
            own.offers.remove(offer);
        }
        own.held += 1;
    }

    /// Gives a slot back. A coordinator that hears so by its result, and is the next in line, needs no
    /// other word: the slot is held out to it at once.
    pub(crate) fn release(&mut self, at: usize, hears: Option<CoordinatorId>, now: Instant) {
        let own = &mut self.tools[at];
        own.held -= 1;
        if hears.is_some() && own.line.front().copied() == hears && own.has_free() {
            own.line.pop_front();
            self.standing -= 1;
            self.hold_out(at, hears, now);
        }
    }

    fn hold_out(&mut self, at: usize, to: Option<CoordinatorId>, now: Instant) {
        let ends = now + self.offer_window;
        self.tools[at].offers.extend(to.map(|to| (to, ends)));
        self.offers_end = Some(self.offers_end.map_or(ends, |end| end.min(ends)));
    }

    /// Holds the free slots out to those in line, and gives their number. Who `is_gone` loses its place.
    pub(crate) fn distribute(
        &mut self,
        now: Instant,
        is_gone: impl Fn(CoordinatorId) -> bool,
    ) -> u32 {
        let mut given = 0;
        if self.standing == 0 {
            return given;
        }
        for at in 0..self.tools.len() {
            while self.tools[at].has_free() {
                let Some(to) = self.tools[at].line.pop_front() else {
                    break;
                };
                self.standing -= 1;
                if is_gone(to) {
                    continue;
                }
                self.hold_out(at, Some(to), now);
                if !self.untold.contains(&to) {
                    self.untold.push(to);
                }
                given += 1;
            }
        }
        given
    }

    /// Takes those who must be told of an offer that they haven't taken already.
    pub(crate) fn take_untold(&mut self) -> Vec<CoordinatorId> {
        let mut untold = std::mem::take(&mut self.untold);
        untold.retain(|to| self.tools.iter().any(|own| own.offer_to(*to).is_some()));
        untold
    }

    /// When an offer ends next.
    pub(crate) fn offers_end(&self) -> Option<Instant> {
        self.offers_end
    }

    /// Withdraws the offers that nobody took in time, and gives their number.
    pub(crate) fn expire_offers(&mut self, now: Instant) -> u32 {
        if self.offers_end.is_none_or(|end| end > now) {
            return 0;
        }
        let mut expired = 0;
        for own in &mut self.tools {
            own.offers.retain(|(_, ends)| {
                let lasts = *ends > now;
                expired += u32::from(!lasts);
                lasts
            });
        }
        let ends = self.tools.iter().flat_map(|own| &own.offers);
        self.offers_end = ends.map(|(_, ends)| *ends).min();
        expired
    }

    /// Withdraws all offers and dissolves all lines.
    pub(crate) fn withdraw_all(&mut self) {
        for own in &mut self.tools {
            own.line.clear();
            own.offers.clear();
        }
        self.standing = 0;
        self.untold.clear();
        self.offers_end = None;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use callboard_proto::{Digest, Effect};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_line_has_an_end() {
        let tool = OfferedTool {
            name: ToolName::new("t").unwrap(),
            digest: Digest::new([1; 32]),
            effect: Effect::Read,
            slots: NonZeroU32::new(1),
        };
        let mut slots = ToolSlots::new(&Config::default(), std::slice::from_ref(&tool));
        let at = slots.find(&tool).unwrap();
        let coordinator = |of: usize| CoordinatorId::new(Uuid::from_u128(of as u128));
        slots.take(at, coordinator(0));
        for of in 1..=2 * LINE_MAX {
            assert!(!slots.may_take(at, coordinator(of)));
        }
        assert_eq!(slots.standing, LINE_MAX);
    }
}
