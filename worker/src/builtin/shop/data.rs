//! The shop's data set.

use serde::{Deserialize, Serialize};

/// All that the shop knows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    pub(super) customers: Vec<Customer>,
    /// In the order in which they were placed.
    pub(super) orders: Vec<Order>,
    pub(super) weather: Vec<Weather>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) city: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) customer: String,
    pub(super) placed: String,
    pub(super) items: Vec<Item>,
    pub(super) shipping_cents: u64,
    pub(super) carrier: String,
    pub(super) tracking: String,
    pub(super) status: String,
    pub(super) events: Vec<Event>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) quantity: u64,
    pub(super) unit_cents: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    pub(super) day: String,
    pub(super) what: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weather {
    pub(super) city: String,
    pub(super) celsius: i32,
    pub(super) sky: String,
    pub(super) wind_kmh: u32,
}

impl Data {
    /// The data set that ships with the worker.
    pub(super) fn shipped() -> Self {
        serde_json::from_str(include_str!("../../../data/shop.json"))
            .expect("the shipped data set is read by a test")
    }

    pub(super) fn customer(&self, id: &str) -> Option<&Customer> {
        self.customers.iter().find(|customer| customer.id == id)
    }

    pub(super) fn order(&self, id: &str) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == id)
    }
}

impl Order {
    pub(super) fn total_cents(&self) -> u64 {
        let goods: u64 = self
            .items
            .iter()
            .map(|item| item.quantity * item.unit_cents)
            .sum();
        goods + self.shipping_cents
    }
}
