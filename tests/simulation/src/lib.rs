//! Both cores in a simulated world: thousands of schedules a second, each of them its seed and
//! nothing else.
//!
//! [`Plan`] draws a schedule from a seed, [`run`] plays it, [`check`] judges what the referee wrote
//! down, [`suite`] does so by the hundred thousand.

mod arms;
mod check;
mod clock;
mod history;
mod ident;
mod letter;
mod mutant;
mod network;
mod oracle;
mod plan;
mod probe;
mod rng;
pub mod suite;
mod world;

pub use arms::{Arm, Arms};
pub use check::{Invariant, Violation, check};
pub use clock::{Clock, MS, Nanos, S, US};
pub use history::{Asked, AttemptRef, Ending, Entry, Fact, History, Word};
pub use ident::{CallRef, InstanceRef, TurnRef};
pub use mutant::Mutant;
pub use plan::{
    Act, CallPlan, Cancel, CancelWhat, CoordinatorPlan, End, FaultClass, Plan, Rates, RunPlan,
    ToolPlan, Trouble, TurnPlan, Way, WorkerPlan, act,
};
pub use world::{Outcome, run};
