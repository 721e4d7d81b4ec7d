//! OpenAI's Responses.

pub(crate) mod answer;
pub(crate) mod error;
mod history;
pub(crate) mod request;
pub(crate) mod stream;

use crate::conversation::rules::Dialect;

/// Letters of a `call_id`, at most (OpenAI's specification).
const CALL_ID_MAX: usize = 64;

pub(super) const DIALECT: Dialect = Dialect {
    is_id: |id| (1..=CALL_ID_MAX).contains(&id.len()),
    ids_are_global: true,
    by_place: false,
};
