//! How a history can be broken. Each format has its own words for it.

/// A place in a request: a message, and a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) message: usize,
    pub(crate) part: usize,
}

impl Place {
    pub(crate) fn new(message: usize, part: usize) -> Self {
        Self { message, part }
    }
}

/// What is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Calls that have no result right behind them.
    Unanswered {
        /// Where the results belong: the assistant's message.
        at: Place,
        ids: Vec<String>,
    },
    /// A result that no call just before it asked for.
    UnaskedResult { at: Place, id: String },
    /// A second result for one call.
    RepeatedResult { at: Place, id: String },
    /// A second call with one id.
    RepeatedCall { at: Place, id: String },
    /// An id that the provider's pattern doesn't allow.
    BadId { at: Place, id: String },
    /// A result at another's place.
    OutOfOrder {
        at: Place,
        expected: String,
        found: String,
    },
    /// Not as many results as calls.
    Count {
        at: Place,
        calls: usize,
        results: usize,
    },
    /// A result that names another tool than its call.
    WrongTool {
        at: Place,
        expected: String,
        found: String,
    },
    /// Thinking that was changed, moved or taken out.
    Thinking { at: Place },
    /// A signature that doesn't belong to what comes before it.
    Signature { at: Place },
    /// A call without the signature that it came with.
    MissingSignature { at: Place, tool: String },
    /// A turn that isn't what was sent.
    Altered { at: Place, what: String },
    /// Something before an answer that was another when it was given.
    Prefix { at: Place },
}

impl Violation {
    /// Its name in what is logged.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Unanswered { .. } => "unanswered",
            Self::UnaskedResult { .. } => "unasked_result",
            Self::RepeatedResult { .. } => "repeated_result",
            Self::RepeatedCall { .. } => "repeated_call",
            Self::BadId { .. } => "bad_id",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::Count { .. } => "count",
            Self::WrongTool { .. } => "wrong_tool",
            Self::Thinking { .. } => "thinking",
            Self::Signature { .. } => "signature",
            Self::MissingSignature { .. } => "missing_signature",
            Self::Altered { .. } => "altered",
            Self::Prefix { .. } => "prefix",
        }
    }

    /// The words where a provider has none of its own: these rules are the mock's.
    pub(crate) fn own_words(&self) -> String {
        match self {
            Self::OutOfOrder {
                expected, found, ..
            } => format!(
                "mock provider: results must come in the order of their calls: expected the result of {expected}, \
                 found that of {found} (strict.call_order)."
            ),
            Self::Altered { what, .. } => format!(
                "mock provider: an assistant turn must come back as it was sent: {what} (strict.echo)."
            ),
            Self::Prefix { .. } => "mock provider: the conversation before this assistant turn isn't what it was when \
                 the turn was given: instructions, tools and earlier messages must not change (strict.append_only)."
                .to_owned(),
            Self::WrongTool {
                expected, found, ..
            } => format!(
                "mock provider: a result must name its call's tool: expected {expected}, found {found}."
            ),
            Self::Unanswered { .. }
            | Self::UnaskedResult { .. }
            | Self::RepeatedResult { .. }
            | Self::RepeatedCall { .. }
            | Self::BadId { .. }
            | Self::Count { .. }
            | Self::Thinking { .. }
            | Self::Signature { .. }
            | Self::MissingSignature { .. } => format!("mock provider: {self:?}"),
        }
    }
}
