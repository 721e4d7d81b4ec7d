//! The tools of a small shop: the demo's world, and data to try things out on.
//!
//! Each tool takes a stated artificial latency ([`ShopOptions::latency`]), so that what a fan-out
//! saves can be seen. The failures are honest ones: an unknown id is answered as an error, a city
//! without a weather station fails, and the carrier "Slow Freight" never answers.

mod data;
mod ledger;
mod tools;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use ledger::{Receipt, Refund};

use crate::builtin::shop::data::Data;
use crate::builtin::shop::ledger::Ledger;
use crate::tool::Tool;

/// What each tool takes unless it is told otherwise: the latency of a plain web API (chosen).
const LATENCY: Duration = Duration::from_millis(300);

/// How the shop behaves.
#[derive(Clone, Copy, Debug)]
pub struct ShopOptions {
    /// Artificial latency of each tool; 300 ms.
    pub latency: Duration,
}

impl Default for ShopOptions {
    fn default() -> Self {
        Self { latency: LATENCY }
    }
}

/// One shop. Its clones, and the workers that their tools are given to, share its books.
#[derive(Clone)]
pub struct Shop {
    data: Arc<Data>,
    ledger: Arc<Ledger>,
    options: ShopOptions,
}

impl Shop {
    /// Opens the shop with the data that ships with the worker, and empty books.
    #[must_use]
    pub fn new(options: ShopOptions) -> Self {
        Self {
            data: Arc::new(Data::shipped()),
            ledger: Arc::new(Ledger::default()),
            options,
        }
    }

    /// `find_customer`, `list_orders`, `order_details`, `shipping_status`, `weather` and
    /// `refund_order`.
    #[must_use]
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        tools::all(self)
    }

    /// The refunds in the books, in the order in which they were made: what truly happened, whatever
    /// the model was told.
    #[must_use]
    pub fn refunds(&self) -> Vec<Refund> {
        self.ledger.refunds()
    }
}
