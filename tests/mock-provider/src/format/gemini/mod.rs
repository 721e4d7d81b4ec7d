//! Gemini's `generateContent`.

pub(crate) mod answer;
pub(crate) mod error;
mod history;
pub(crate) mod request;
pub(crate) mod stream;

use crate::conversation::rules::Dialect;

pub(super) const DIALECT: Dialect = Dialect {
    is_id: |_| true,
    ids_are_global: true,
    by_place: true,
};
