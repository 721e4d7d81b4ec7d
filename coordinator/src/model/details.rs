//! What programs need to know of a failure that people read as a sentence.

/// What programs need to know of a model that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureDetails {
    /// A stable code, for programs and for `docs/errors/`.
    pub code: &'static str,
    /// The HTTP status of the last response, where it is what failed.
    pub status: Option<u16>,
    /// The id of the last request, as the provider knows it.
    pub request_id: Option<String>,
    /// How often the model was asked.
    pub attempts: u32,
}

/// What is said of an answer after which a run can't go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What happened and what helps, for people.
    pub message: String,
    /// The same for programs.
    pub details: FailureDetails,
}
