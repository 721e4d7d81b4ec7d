//! The identities of a schedule: made from small numbers, so that a trace can be read and a
//! checker needs no text.

use std::fmt;

use callboard_proto::{
    AttemptKey, CallKey, CoordinatorId, InstanceId, RunId, ToolUseId, Turn, TurnKey,
};
use uuid::Uuid;

const RUN: u128 = 0x5111_0000_0000_4000_8000_0000_0000_0000;
const COORDINATOR: u128 = 0xc000_0000_0000_4000_8000_0000_0000_0000;
const INSTANCE: u128 = 0x1000_0000_0000_4000_8000_0000_0000_0000;

/// One turn of one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnRef {
    /// Whose run.
    pub coordinator: u8,
    /// Which of its runs.
    pub run: u8,
    /// The turn, from 1.
    pub turn: u8,
}

/// One call, by the place that the plan gave it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallRef {
    /// The turn.
    pub turn: TurnRef,
    /// Its position in the turn, which its `tool_use_id` repeats in every turn.
    pub index: u16,
}

/// One life of a worker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceRef {
    /// Whose life.
    pub worker: u8,
    /// Which of its lives, from 0.
    pub life: u8,
}

impl fmt::Debug for TurnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}r{}t{}", self.coordinator, self.run, self.turn)
    }
}

impl fmt::Debug for CallRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/call_{}", self.turn, self.index)
    }
}

impl fmt::Debug for InstanceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}.{}", self.worker, self.life)
    }
}

fn byte(bits: u128, shift: u32) -> u8 {
    u8::try_from((bits >> shift) & 0xff).expect("eight bits are a byte")
}

/// The id of a coordinator's process.
pub(crate) fn coordinator_id(coordinator: u8) -> CoordinatorId {
    CoordinatorId::new(Uuid::from_u128(COORDINATOR | u128::from(coordinator)))
}

/// The coordinator that an id names.
pub(crate) fn coordinator_of(id: CoordinatorId) -> u8 {
    byte(id.uuid().as_u128(), 0)
}

impl InstanceRef {
    /// Its id on the wire.
    pub(crate) fn id(self) -> InstanceId {
        let low = (u128::from(self.worker) << 8) | u128::from(self.life);
        InstanceId::new(Uuid::from_u128(INSTANCE | low))
    }

    /// The life that an id names.
    pub(crate) fn of(id: InstanceId) -> Self {
        let bits = id.uuid().as_u128();
        Self {
            worker: byte(bits, 8),
            life: byte(bits, 0),
        }
    }
}

impl TurnRef {
    /// Its key on the wire.
    pub(crate) fn key(self) -> TurnKey {
        let low = (u128::from(self.coordinator) << 8) | u128::from(self.run);
        TurnKey {
            run: RunId::new(Uuid::from_u128(RUN | low)),
            turn: Turn(u32::from(self.turn)),
        }
    }

    /// The turn that a key names.
    pub(crate) fn of(key: TurnKey) -> Self {
        let bits = key.run.uuid().as_u128();
        Self {
            coordinator: byte(bits, 8),
            run: byte(bits, 0),
            turn: u8::try_from(key.turn.0).unwrap_or(u8::MAX),
        }
    }

    /// The call at a position.
    #[must_use]
    pub(crate) fn call(self, index: usize) -> CallRef {
        CallRef {
            turn: self,
            index: u16::try_from(index).expect("a turn has few calls"),
        }
    }
}

impl CallRef {
    /// Its `tool_use_id`, as an OpenAI-compatible server would name it in every turn (P1).
    pub(crate) fn id(self) -> ToolUseId {
        ToolUseId::new(format!("call_{}", self.index)).expect("a short plain text is an id")
    }

    /// The call that an attempt delivers.
    pub(crate) fn of(of: &AttemptKey) -> Self {
        Self::parse(of.turn_key(), &of.id)
    }

    /// The call that a key names.
    pub(crate) fn of_key(key: &CallKey) -> Self {
        Self::parse(key.turn_key(), &key.id)
    }

    /// The call that an id names in its turn; one that no plan made has the last position.
    pub(crate) fn parse(turn: TurnKey, id: &ToolUseId) -> Self {
        let index = id.as_str().strip_prefix("call_");
        Self {
            turn: TurnRef::of(turn),
            index: index.and_then(|text| text.parse().ok()).unwrap_or(u16::MAX),
        }
    }

    /// A number that is the call's alone.
    pub(crate) fn number(self) -> u64 {
        u64::from(self.turn.coordinator) << 40
            | u64::from(self.turn.run) << 32
            | u64::from(self.turn.turn) << 16
            | u64::from(self.index)
    }
}
