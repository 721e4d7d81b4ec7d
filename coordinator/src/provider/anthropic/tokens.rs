//! What a response says it used.

use callboard_coordinator_core::run::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The counts of a `usage` object. In a stream they come in pieces: each later one is a total that
/// takes the place of the earlier, and those that aren't said stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Tokens {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
}

impl Tokens {
    /// Reads a `usage` object; one that can't be read costs the numbers, not the response.
    pub(super) fn read(usage: &RawValue) -> Option<Self> {
        serde_json::from_str(usage.get()).ok()
    }

    /// Lets the later totals take the place of the earlier.
    pub(super) fn update(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens = later
            .cache_creation_input_tokens
            .or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = later
            .cache_read_input_tokens
            .or(self.cache_read_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
    }

    /// All that was read, from caches or not, and all that was written.
    pub(super) fn usage(self) -> Usage {
        let input = [
            self.input_tokens,
            self.cache_creation_input_tokens,
            self.cache_read_input_tokens,
        ];
        Usage {
            input_tokens: input
                .into_iter()
                .flatten()
                .fold(0, |sum, tokens| sum.saturating_add(tokens)),
            output_tokens: self.output_tokens.unwrap_or_default(),
        }
    }
}
