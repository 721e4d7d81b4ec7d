//! Anthropic's Messages.

pub(crate) mod answer;
pub(crate) mod error;
mod history;
pub(crate) mod request;
pub(crate) mod stream;

use super::read::is_word;
use crate::conversation::rules::Dialect;

pub(super) const DIALECT: Dialect = Dialect {
    is_id: is_word,
    ids_are_global: true,
    by_place: false,
};
