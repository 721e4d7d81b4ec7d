//! The shop's books: what was refunded.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Most refunds that the books hold (chosen, not measured); beyond, the shop is closed.
const REFUNDS_MAX: usize = 10_000;

/// One refund that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refund {
    /// The order.
    pub order_id: String,
    /// What was paid back, in cents.
    pub amount_cents: u64,
    /// Why.
    pub reason: String,
    /// The idempotency key of the call that made it.
    #[serde(skip)]
    pub key: String,
}

/// What whoever asked for a refund gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The receipt's number.
    pub receipt: String,
    /// What was refunded.
    #[serde(flatten)]
    pub refund: Refund,
    /// Whether this very call had been made before, so that nothing was paid twice.
    pub was_made_before: bool,
}

/// Why a refund is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RefundError {
    /// More would be paid back than was paid.
    #[error(
        "{order_id} cost {total_cents} cents and {refunded_cents} were refunded before, so at most {} can be",
        total_cents - refunded_cents
    )]
    TooMuch {
        order_id: String,
        total_cents: u64,
        refunded_cents: u64,
    },
    /// The books are full.
    #[error("the books are full: {REFUNDS_MAX} refunds")]
    Full,
}

/// The books.
#[derive(Default)]
pub(super) struct Ledger {
    refunds: Mutex<Vec<Refund>>,
}

impl Ledger {
    /// Writes a refund down, once for each key.
    pub(super) fn refund(&self, refund: Refund, total_cents: u64) -> Result<Receipt, RefundError> {
        let mut refunds = self.lock();
        if let Some(at) = refunds.iter().position(|made| made.key == refund.key) {
            return Ok(receipt(at, refunds[at].clone(), true));
        }
        if refunds.len() == REFUNDS_MAX {
            return Err(RefundError::Full);
        }
        let refunded_cents: u64 = refunds
            .iter()
            .filter(|made| made.order_id == refund.order_id)
            .map(|made| made.amount_cents)
            .sum();
        if refund.amount_cents > total_cents - refunded_cents {
            return Err(RefundError::TooMuch {
                order_id: refund.order_id,
                total_cents,
                refunded_cents,
            });
        }
        refunds.push(refund.clone());
        Ok(receipt(refunds.len() - 1, refund, false))
    }

    pub(super) fn refunds(&self) -> Vec<Refund> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Refund>> {
        // One push at a time, so a panic leaves the books sound.
        self.refunds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn receipt(at: usize, refund: Refund, was_made_before: bool) -> Receipt {
    Receipt {
        receipt: format!("R-{:05}", at + 1),
        refund,
        was_made_before,
    }
}
