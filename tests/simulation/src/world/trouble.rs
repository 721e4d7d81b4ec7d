//! Trouble that comes at a time: cuts, crashes, stalls.

use crate::arms::Arm;
use crate::clock::Nanos;
use crate::history::Fact;
use crate::plan::Trouble;
use crate::world::World;
use crate::world::queue::What;

impl World<'_> {
    pub(super) fn trouble(&mut self, number: usize) {
        let trouble = self.planned(number);
        self.say(|_| format!("trouble: {trouble:?}"));
        let lasts = match trouble {
            Trouble::Cut {
                coordinator,
                worker,
                way,
                held,
                lasts,
            } => {
                self.network.cut(number, (coordinator, worker), way, held);
                Some(lasts)
            }
            Trouble::LinkDown { coordinator, lasts } => {
                self.arms.hit(Arm::LinkDown);
                self.link_changes(coordinator, false);
                Some(lasts)
            }
            Trouble::Crash {
                worker,
                silent,
                back_after,
            } => {
                self.crash(worker, silent);
                if let Some(after) = back_after {
                    self.queue.push(self.now + after, What::Birth(worker));
                }
                None
            }
            Trouble::StallCoordinator { coordinator, lasts } => {
                self.stall_coordinator(coordinator).then_some(lasts)
            }
            Trouble::StallWorker { worker, lasts } => {
                let node = &mut self.workers[usize::from(worker)];
                if node.stalled || !node.is_alive() {
                    None
                } else {
                    self.arms.hit(Arm::Stalled);
                    node.stalled = true;
                    Some(lasts)
                }
            }
            Trouble::Die { coordinator } => {
                self.kill_coordinator(coordinator);
                None
            }
            Trouble::Drain { worker, grace } => {
                if !self.workers[usize::from(worker)].stalled {
                    self.tell_drain(worker, grace);
                }
                None
            }
            Trouble::Forge { worker } => {
                self.forge(worker);
                None
            }
        };
        match lasts {
            Some(lasts) => self.queue.push(self.now + lasts, What::TroubleOver(number)),
            None => self.troubles_left -= 1,
        }
    }

    pub(super) fn trouble_over(&mut self, number: usize) {
        self.troubles_left -= 1;
        let trouble = self.planned(number);
        self.say(|_| format!("trouble over: {trouble:?}"));
        match trouble {
            Trouble::Cut { .. } => {
                let mut arrivals = std::mem::take(&mut self.arrivals);
                let now = self.now;
                self.network
                    .heal(number, now, &mut self.arms, &mut arrivals);
                self.arrive(arrivals);
            }
            Trouble::LinkDown { coordinator, .. } => self.link_changes(coordinator, true),
            Trouble::StallCoordinator { coordinator, .. } => self.wake_coordinator(coordinator),
            Trouble::StallWorker { worker, .. } => {
                // It may have crashed meanwhile, and its successor was never stopped.
                if self.workers[usize::from(worker)].stalled {
                    self.wake_worker(worker);
                }
            }
            Trouble::Crash { .. }
            | Trouble::Die { .. }
            | Trouble::Drain { .. }
            | Trouble::Forge { .. } => {}
        }
    }

    /// A worker's process ends, and its memory with it.
    pub(super) fn crash(&mut self, worker: u8, silent: Nanos) {
        let Some(id) = self.end_life(worker) else {
            return;
        };
        self.arms.hit(Arm::Crashed);
        self.workers[usize::from(worker)].interest_until = self.now + silent;
        self.abandon_tools(id);
    }

    fn kill_coordinator(&mut self, coordinator: u8) {
        if self.end_coordinator(coordinator) {
            self.arms.hit(Arm::CoordinatorDied);
            self.record(Fact::Died { coordinator });
        }
    }
}
