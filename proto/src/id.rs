//! Identities (P1, P2, P3). A call is (run, turn, `tool_use_id`); an attempt adds its number.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::codec::{Reader, Writer};
use crate::limit::TOOL_USE_ID_BYTES_MAX;

/// Why a value is no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The id has no characters.
    #[error("the id is empty")]
    Empty,
    /// The id is longer than the wire carries.
    #[error("the id has {bytes} bytes, more than the {max} that are allowed")]
    TooLong {
        /// Bytes that it has.
        bytes: usize,
        /// Bytes that it may have.
        max: usize,
    },
    /// The id holds a control character.
    #[error("the id holds a control character")]
    Control,
    /// The text is not the hexadecimal form of a digest.
    #[error("a digest is 64 hexadecimal digits")]
    Digest,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes 128 bits that the caller made unique (or, for tokens, unguessable).
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The id as a UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_simple().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// One conversation driven to its end.
    RunId
);
uuid_id!(
    /// One life of a worker process (P2).
    InstanceId
);
uuid_id!(
    /// One life of a coordinator process.
    CoordinatorId
);
impl CoordinatorId {
    /// Under which everybody asks who only looks: viewers hear what is answered to each other, and nothing that is
    /// answered to a coordinator.
    pub const VIEWER: Self = Self(Uuid::max());
}
uuid_id!(
    /// The random last token of a reply subject: one for each published message (P3).
    Token
);
uuid_id!(
    /// One permission to execute a `write` once (P17).
    GrantId
);

/// Number of a model response within its run, from 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Turn(pub u32);

/// Number of a delivery within its call, from 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Attempt(pub u32);

/// Fencing number of the coordinator that owns a durable run; 0 where runs are not durable.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    pub(crate) fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

/// The provider's id of one tool use; unique only within its turn. Ids as short as those of the known
/// providers are held in place, without an allocation: each stands in many places.
// In this order it is copied by whole words.
#[derive(Clone)]
#[repr(C)]
pub struct ToolUseId {
    bytes: [u8; IN_PLACE_BYTES],
    length: u8,
    /// The whole id, where it is longer than there is place.
    long: Option<Arc<String>>,
}

/// Bytes that an id may have to be held in place (chosen: providers write 29 to 36, and this fills words).
const IN_PLACE_BYTES: usize = 39;

impl ToolUseId {
    /// Checks and takes a provider's id.
    ///
    /// # Errors
    /// When the id is empty, longer than 256 bytes, or holds a control character.
    pub fn new(id: impl AsRef<str>) -> Result<Self, IdError> {
        let id = id.as_ref();
        if id.is_empty() {
            return Err(IdError::Empty);
        }
        if id.len() > TOOL_USE_ID_BYTES_MAX {
            return Err(IdError::TooLong {
                bytes: id.len(),
                max: TOOL_USE_ID_BYTES_MAX,
            });
        }
        let is_control = if id.is_ascii() {
            // All of it is looked at, without a branch: that is many bytes at a time.
            let controls = id.bytes().map(|byte| byte.is_ascii_control());
            controls.fold(false, |any, is_control| any | is_control)
        } else {
            id.chars().any(char::is_control)
        };
        if is_control {
            return Err(IdError::Control);
        }
        Ok(Self::held(id))
    }

    /// Mints `c{index}`, for a provider that gives no id (P1).
    #[must_use]
    pub fn minted(index: usize) -> Self {
        Self::held(&format!("c{index}"))
    }

    fn held(id: &str) -> Self {
        let mut held = Self {
            bytes: [0; IN_PLACE_BYTES],
            length: 0,
            long: None,
        };
        match (u8::try_from(id.len()), held.bytes.get_mut(..id.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(id.as_bytes());
                held.length = length;
            }
            (Ok(_) | Err(_), Some(_) | None) => held.long = Some(Arc::new(id.to_owned())),
        }
        held
    }

    /// The id as the provider wrote it.
    ///
    /// # Panics
    /// Never: it was a text when it was taken.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.long {
            None => std::str::from_utf8(self.as_bytes()).expect("it was a text when it was taken"),
            Some(id) => id,
        }
    }

    /// The bytes of the id as the provider wrote it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.long {
            None => &self.bytes[..usize::from(self.length)],
            Some(id) => id.as_bytes(),
        }
    }
}

impl PartialEq for ToolUseId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for ToolUseId {}

impl PartialOrd for ToolUseId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ToolUseId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for ToolUseId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for ToolUseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ToolUseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ToolUseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ToolUseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::codec::checked(deserializer, |text| Self::new(text))
    }
}

/// One turn of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnKey {
    /// The run.
    pub run: RunId,
    /// The turn within it.
    pub turn: Turn,
}

/// One call, everywhere (P1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey {
    /// The run.
    pub run: RunId,
    /// The turn within the run.
    pub turn: Turn,
    /// The tool use within the turn.
    pub id: ToolUseId,
}

impl CallKey {
    /// The turn that the call belongs to.
    #[must_use]
    pub fn turn_key(&self) -> TurnKey {
        TurnKey {
            run: self.run,
            turn: self.turn,
        }
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.run, self.turn.0, self.id)
    }
}

/// One delivery of a call to a worker. Every element of every batch begins with it, under `of`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptKey {
    /// The run.
    pub run: RunId,
    /// The turn within the run.
    pub turn: Turn,
    /// The tool use within the turn.
    pub id: ToolUseId,
    /// The delivery within the call.
    pub attempt: Attempt,
    /// The epoch of the run's owner.
    #[serde(default, skip_serializing_if = "Epoch::is_zero")]
    pub epoch: Epoch,
}

impl AttemptKey {
    /// The call that this attempt delivers.
    #[must_use]
    pub fn call(&self) -> CallKey {
        CallKey {
            run: self.run,
            turn: self.turn,
            id: self.id.clone(),
        }
    }

    /// The turn that the call belongs to.
    #[must_use]
    pub fn turn_key(&self) -> TurnKey {
        TurnKey {
            run: self.run,
            turn: self.turn,
        }
    }
}

impl AttemptKey {
    pub(crate) fn read_canonical(from: &mut Reader<'_>) -> Option<Self> {
        let fields = from.map()?;
        from.expect(b"\xa3run")?;
        let run = RunId(from.uuid()?);
        from.expect(b"\xa4turn")?;
        let turn = Turn(from.uint()?.try_into().ok()?);
        from.expect(b"\xa2id")?;
        let id = ToolUseId::new(from.text()?).ok()?;
        from.expect(b"\xa7attempt")?;
        let attempt = Attempt(from.uint()?.try_into().ok()?);
        let epoch = match fields {
            4 => Epoch(0),
            5 => {
                from.expect(b"\xa5epoch")?;
                Epoch(from.uint()?)
            }
            _ => return None,
        };
        Some(Self {
            run,
            turn,
            id,
            attempt,
            epoch,
        })
    }

    pub(crate) fn write_canonical(&self, to: &mut Writer<'_>) {
        to.map(4 + u8::from(!self.epoch.is_zero()));
        to.raw(b"\xa3run");
        to.uuid(self.run.0);
        to.raw(b"\xa4turn");
        to.uint(self.turn.0.into());
        to.raw(b"\xa2id");
        to.text_bytes(self.id.as_bytes());
        to.raw(b"\xa7attempt");
        to.uint(self.attempt.0.into());
        if !self.epoch.is_zero() {
            to.raw(b"\xa5epoch");
            to.uint(self.epoch.0);
        }
    }
}

impl fmt::Debug for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}#{}",
            self.run, self.turn.0, self.id, self.attempt.0
        )?;
        if self.epoch.0 != 0 {
            write!(f, "@{}", self.epoch.0)?;
        }
        Ok(())
    }
}

/// SHA-256 of what a tool declares: name, description, schema and manifest (P10). 32 bytes in
/// MessagePack, 64 lower-case hexadecimal digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Takes the 32 bytes of a SHA-256.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl std::str::FromStr for Digest {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(IdError::Digest);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16)
                .map_err(|_| IdError::Digest)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return crate::codec::checked(deserializer, str::parse);
        }
        let bytes = <&serde_bytes::Bytes>::deserialize(deserializer)?;
        <[u8; 32]>::try_from(bytes.as_ref())
            .map(Self)
            .map_err(|_| serde::de::Error::custom("a digest has 32 bytes"))
    }
}
