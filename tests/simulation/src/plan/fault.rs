//! What may go wrong in a schedule.

use crate::clock::{MS, Nanos};
use crate::rng::Rng;

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The one kind of trouble that a schedule has, so that its price can be told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FaultClass { $($(#[$doc])* $variant,)* }

        impl FaultClass {
            /// Every class.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The class in one word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

classes! {
    /// Nothing.
    Calm = "calm",
    /// Messages are lost.
    Drop = "drop",
    /// Messages come twice, the second time up to seconds later.
    Duplicate = "duplicate",
    /// Messages, and all behind them, are late.
    Delay = "delay",
    /// Messages overtake each other.
    Reorder = "reorder",
    /// Pairs, or a node and all others, don't hear each other; what was sent meanwhile is lost.
    Cut = "cut",
    /// The same, and what was sent meanwhile comes when the cut heals.
    HeldCut = "held_cut",
    /// 503s for messages that are not delivered.
    NoResponders = "no_responders",
    /// Grants are lost, doubled and late.
    Grants = "grants",
    /// The link refuses messages as too large.
    TooLarge = "too_large",
    /// A coordinator's link goes down and says so.
    LinkDown = "link_down",
    /// Workers crash, and may come back under their name.
    Crash = "crash",
    /// Tools kill their workers.
    Killer = "killer",
    /// Workers crash, and what was meant for them reaches their successors.
    Successor = "successor",
    /// A coordinator's own link is cut without a word, echoes too, and heals.
    OwnCut = "own_cut",
    /// Workers stop for seconds and go on.
    Stall = "stall",
    /// Coordinators stop for seconds and go on.
    Pause = "pause",
    /// Coordinators die.
    Die = "die",
    /// A coordinator's echoes are lost, and pairs are cut.
    Echo = "echo",
    /// A worker forges replies, and somebody forges grants and acks.
    Hostile = "hostile",
    /// Workers drain.
    Drain = "drain",
    /// Items of batches can't be read.
    Corrupt = "corrupt",
    /// Workers offer other digests than they announced.
    Rolling = "rolling",
    /// Workers whose memory is too small, and messages that come twice.
    Forgetful = "forgetful",
    /// A little of everything.
    Mixed = "mixed",
}

/// Faults of single messages, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Lost.
    pub drop: u64,
    /// Delivered twice.
    pub duplicate: u64,
    /// Late, with all behind it.
    pub delay: u64,
    /// Late alone.
    pub reorder: u64,
    /// Answered by a 503 instead.
    pub no_responders: u64,
    /// Refused by the link as too large (calls only).
    pub too_large: u64,
    /// One item made unreadable.
    pub corrupt: u64,
    /// Delivered to the successor of the instance that it names.
    pub misroute: u64,
    /// Grants lost.
    pub grant_drop: u64,
    /// Grants doubled.
    pub grant_double: u64,
    /// Grants late.
    pub grant_late: u64,
    /// Echoes lost.
    pub echo_drop: u64,
}

impl Rates {
    /// Draws how bad it is for a class.
    pub(crate) fn draw(class: FaultClass, rng: &mut Rng) -> Self {
        let some = rng.pick(&[20, 60, 150, 300]);
        let mut rates = Self::default();
        match class {
            FaultClass::Drop => rates.drop = some,
            FaultClass::Duplicate | FaultClass::Forgetful => rates.duplicate = some,
            FaultClass::Delay => rates.delay = some / 2,
            FaultClass::Reorder => rates.reorder = some,
            FaultClass::NoResponders => rates.no_responders = some,
            FaultClass::Grants => {
                rates.grant_drop = some;
                rates.grant_double = some;
                rates.grant_late = some;
            }
            FaultClass::TooLarge => rates.too_large = some,
            FaultClass::Successor => {
                rates.misroute = 700;
                rates.duplicate = 300;
                rates.grant_double = 300;
            }
            FaultClass::Echo => rates.echo_drop = 300 + some,
            FaultClass::Corrupt => rates.corrupt = some,
            FaultClass::Mixed => {
                let little = some / 6;
                rates = Self {
                    drop: little,
                    duplicate: little,
                    delay: little,
                    reorder: little,
                    no_responders: little,
                    too_large: little / 2,
                    corrupt: little / 2,
                    misroute: some,
                    grant_drop: little,
                    grant_double: some,
                    grant_late: little,
                    echo_drop: little,
                };
            }
            FaultClass::Calm
            | FaultClass::Cut
            | FaultClass::HeldCut
            | FaultClass::LinkDown
            | FaultClass::OwnCut
            | FaultClass::Crash
            | FaultClass::Killer
            | FaultClass::Stall
            | FaultClass::Pause
            | FaultClass::Die
            | FaultClass::Hostile
            | FaultClass::Drain
            | FaultClass::Rolling => {}
        }
        rates
    }
}

/// Which way a cut goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Workers don't hear coordinators.
    ToWorker,
    /// Coordinators don't hear workers.
    ToCoordinator,
    /// Neither hears the other.
    Both,
}

/// Something that goes wrong at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// These don't hear each other; `None` is everyone.
    Cut {
        /// One side.
        coordinator: Option<u8>,
        /// The other side.
        worker: Option<u8>,
        /// Which way.
        way: Way,
        /// Whether what was sent meanwhile comes later.
        held: bool,
        /// How long.
        lasts: Nanos,
    },
    /// A coordinator's own link goes down and says so.
    LinkDown {
        /// Whose.
        coordinator: u8,
        /// How long.
        lasts: Nanos,
    },
    /// A worker's process ends.
    Crash {
        /// Whose.
        worker: u8,
        /// How long the server still takes messages for it.
        silent: Nanos,
        /// When it is back under its name.
        back_after: Option<Nanos>,
    },
    /// A coordinator stops and goes on.
    StallCoordinator {
        /// Which.
        coordinator: u8,
        /// How long.
        lasts: Nanos,
    },
    /// A worker stops and goes on.
    StallWorker {
        /// Which.
        worker: u8,
        /// How long.
        lasts: Nanos,
    },
    /// A coordinator's process ends.
    Die {
        /// Which.
        coordinator: u8,
    },
    /// A worker takes no more calls.
    Drain {
        /// Which.
        worker: u8,
        /// Time until what still runs is cancelled.
        grace: Nanos,
    },
    /// A worker, or somebody who knows its ids, forges a message.
    Forge {
        /// Which.
        worker: u8,
    },
}

/// Draws what goes wrong, and when.
pub(crate) fn troubles(
    class: FaultClass,
    coordinators: u8,
    workers: u8,
    rng: &mut Rng,
) -> Vec<(Nanos, Trouble)> {
    let count = match class {
        FaultClass::Cut | FaultClass::HeldCut | FaultClass::Echo => rng.range(1..4),
        FaultClass::LinkDown | FaultClass::OwnCut | FaultClass::Stall | FaultClass::Pause => {
            rng.range(1..4)
        }
        FaultClass::Crash | FaultClass::Successor => rng.range(1..5),
        FaultClass::Die | FaultClass::Drain => rng.range(1..3),
        FaultClass::Hostile => rng.range(10..40),
        FaultClass::Mixed => rng.range(1..6),
        FaultClass::Killer => 0,
        FaultClass::Calm
        | FaultClass::Drop
        | FaultClass::Duplicate
        | FaultClass::Delay
        | FaultClass::Reorder
        | FaultClass::NoResponders
        | FaultClass::Grants
        | FaultClass::TooLarge
        | FaultClass::Corrupt
        | FaultClass::Forgetful
        | FaultClass::Rolling => 0,
    };
    let mut all: Vec<(Nanos, Trouble)> = (0..count)
        .map(|_| (when(rng), trouble(class, coordinators, workers, rng)))
        .collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// Most work is done in the first second, so most trouble falls there too.
fn when(rng: &mut Rng) -> Nanos {
    let until = rng.pick(&[60, 300, 1_000, 4_000]);
    rng.range(0..until * 1000) * MS / 1000
}

fn trouble(class: FaultClass, coordinators: u8, workers: u8, rng: &mut Rng) -> Trouble {
    let coordinator = u8::try_from(rng.index(usize::from(coordinators))).expect("few");
    let worker = u8::try_from(rng.index(usize::from(workers))).expect("few");
    let lasts = rng.pick(&[300, 1_500, 3_500, 6_000, 12_000]) * MS;
    let lasts = rng.range(lasts / 2..lasts);
    let class = if class == FaultClass::Mixed {
        rng.pick(&[
            FaultClass::Cut,
            FaultClass::HeldCut,
            FaultClass::LinkDown,
            FaultClass::Crash,
            FaultClass::OwnCut,
            FaultClass::Stall,
            FaultClass::Pause,
            FaultClass::Die,
            FaultClass::Hostile,
            FaultClass::Hostile,
            FaultClass::Drain,
        ])
    } else {
        class
    };
    match class {
        FaultClass::Cut | FaultClass::HeldCut | FaultClass::Echo => Trouble::Cut {
            coordinator: rng.chance(700).then_some(coordinator),
            worker: rng.chance(600).then_some(worker),
            way: rng.pick(&[Way::ToWorker, Way::ToCoordinator, Way::Both]),
            held: class == FaultClass::HeldCut,
            lasts,
        },
        FaultClass::LinkDown => Trouble::LinkDown { coordinator, lasts },
        FaultClass::OwnCut => Trouble::Cut {
            coordinator: Some(coordinator),
            worker: None,
            way: Way::Both,
            held: rng.chance(400),
            lasts,
        },
        FaultClass::Pause => Trouble::StallCoordinator { coordinator, lasts },
        FaultClass::Stall => Trouble::StallWorker { worker, lasts },
        FaultClass::Die => Trouble::Die { coordinator },
        FaultClass::Drain => Trouble::Drain {
            worker,
            grace: rng.pick(&[0, 50, 1_000, 10_000]) * MS,
        },
        FaultClass::Hostile => Trouble::Forge { worker },
        FaultClass::Successor => Trouble::Crash {
            worker,
            silent: 0,
            back_after: Some(rng.pick(&[1, 20, 200]) * MS),
        },
        FaultClass::Calm
        | FaultClass::Drop
        | FaultClass::Duplicate
        | FaultClass::Delay
        | FaultClass::Reorder
        | FaultClass::NoResponders
        | FaultClass::Grants
        | FaultClass::TooLarge
        | FaultClass::Crash
        | FaultClass::Killer
        | FaultClass::Corrupt
        | FaultClass::Forgetful
        | FaultClass::Rolling
        | FaultClass::Mixed => Trouble::Crash {
            worker,
            silent: rng.pick(&[0, 0, 2_000, 10_000]) * MS,
            back_after: rng
                .chance(700)
                .then(|| rng.pick(&[1, 50, 1_000, 5_000]) * MS),
        },
    }
}
