//! What a tool does to the world, and whether it did.

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, safe = $safe:ident, $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every word, in the order of `docs/wire.md`.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word as the wire spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads a word; one that this version doesn't know becomes the safe value (P22).
            #[must_use]
            pub fn from_word(word: &str) -> Self {
                match word {
                    $($text => Self::$variant,)*
                    _ => Self::$safe,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::codec::checked(deserializer, |word| {
                    Ok::<_, std::convert::Infallible>(Self::from_word(word))
                })
            }
        }
    };
}
pub(crate) use word;

word!(
    /// What executing a tool does to the world. An unknown word reads as [`Effect::Write`].
    Effect, safe = Write,
    /// Changes nothing: runs at least once, may be repeated and hedged.
    Read = "read",
    /// Changes something, and a repetition changes nothing more: runs at least once.
    Idempotent = "idempotent",
    /// Changes something each time: runs at most once, under a grant.
    Write = "write",
);

word!(
    /// Whether any attempt of a call entered its tool (P19). An unknown word reads as [`Executed::Unknown`].
    Executed, safe = Unknown,
    /// No attempt entered the tool, and none ever can.
    No = "no",
    /// At least one attempt entered the tool.
    Yes = "yes",
    /// It can't be known.
    Unknown = "unknown",
);
