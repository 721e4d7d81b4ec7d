//! The shop's six tools.

use std::sync::Arc;

use callboard_proto::{Effect, Manifest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::builtin::shop::Shop;
use crate::builtin::shop::data::Order;
use crate::builtin::shop::ledger::{Refund, RefundError};
use crate::builtin::spec;
use crate::tool::{Answer, Tool, ToolCall, ToolError, ToolResult, tool_fn};

/// The carrier whose tracking never answers.
const SILENT_CARRIER: &str = "Slow Freight";

pub(super) fn all(shop: &Shop) -> Vec<Arc<dyn Tool>> {
    vec![
        read(
            shop,
            "find_customer",
            "Finds customers of the shop by a part of their name or e-mail address. Gives id, name, e-mail address and city of each.",
            r#"{"type":"object","properties":{"query":{"type":"string","minLength":1,"description":"A part of the name or of the e-mail address."}},"required":["query"],"additionalProperties":false}"#,
            find_customer,
        ),
        read(
            shop,
            "list_orders",
            "Lists the latest orders of one customer, newest first: id, day, total and status of each.",
            r#"{"type":"object","properties":{"customer_id":{"type":"string","description":"Such as C-010; find_customer gives it."},"last":{"type":"integer","minimum":1,"maximum":20,"default":3,"description":"How many orders at most."}},"required":["customer_id"],"additionalProperties":false}"#,
            list_orders,
        ),
        read(
            shop,
            "order_details",
            "Gives everything about one order: items, prices in cents, shipping, total.",
            ORDER_SCHEMA,
            order_details,
        ),
        shipping_status(shop),
        read(
            shop,
            "weather",
            "Gives the weather in a city now.",
            r#"{"type":"object","properties":{"city":{"type":"string","description":"The city's name, such as Boston."}},"required":["city"],"additionalProperties":false}"#,
            weather,
        ),
        refund_order(shop),
    ]
}

const ORDER_SCHEMA: &str = r#"{"type":"object","properties":{"order_id":{"type":"string","description":"Such as O-1034; list_orders gives it."}},"required":["order_id"],"additionalProperties":false}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FindCustomer {
    query: String,
}

fn find_customer(shop: &Shop, arguments: FindCustomer) -> ToolResult {
    let query = arguments.query.trim().to_lowercase();
    if query.is_empty() {
        return Err(ToolError::invalid_arguments("query is empty"));
    }
    let found: Vec<_> = shop
        .data
        .customers
        .iter()
        .filter(|customer| {
            customer.name.to_lowercase().contains(&query)
                || customer.email.to_lowercase().contains(&query)
        })
        .collect();
    if found.is_empty() {
        return Ok(Answer::error(format!(
            "no customer's name or e-mail address contains {:?}; try a shorter part of it",
            arguments.query
        )));
    }
    Answer::json(&found)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListOrders {
    customer_id: String,
    #[serde(default = "three")]
    last: usize,
}

fn three() -> usize {
    3
}

fn list_orders(shop: &Shop, arguments: ListOrders) -> ToolResult {
    let ListOrders { customer_id, last } = arguments;
    if !(1..=20).contains(&last) {
        return Err(ToolError::invalid_arguments(format!(
            "last is {last}, and 1 to 20 are allowed"
        )));
    }
    if shop.data.customer(&customer_id).is_none() {
        return Ok(Answer::error(format!(
            "there is no customer {customer_id:?}; find_customer gives the ids that there are"
        )));
    }
    let orders = shop.data.orders.iter().rev();
    let orders: Vec<_> = orders
        .filter(|order| order.customer == customer_id)
        .take(last)
        .map(|order| {
            json!({
                "order_id": order.id,
                "placed": order.placed,
                "total_cents": order.total_cents(),
                "status": order.status,
            })
        })
        .collect();
    Answer::json(&orders)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneOrder {
    order_id: String,
}

fn find_order<'a>(shop: &'a Shop, order_id: &str) -> Result<&'a Order, Answer> {
    shop.data.order(order_id).ok_or_else(|| {
        Answer::error(format!(
            "there is no order {order_id:?}; list_orders gives the ids of a customer's orders"
        ))
    })
}

fn order_details(shop: &Shop, arguments: OneOrder) -> ToolResult {
    let order = find_order(shop, &arguments.order_id)?;
    Answer::json(&json!({
        "order_id": order.id,
        "customer_id": order.customer,
        "placed": order.placed,
        "items": order.items,
        "shipping_cents": order.shipping_cents,
        "total_cents": order.total_cents(),
        "carrier": order.carrier,
        "status": order.status,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CityArguments {
    city: String,
}

fn weather(shop: &Shop, arguments: CityArguments) -> ToolResult {
    let city = arguments.city.trim().to_lowercase();
    let mut stations = shop.data.weather.iter();
    match stations.find(|station| station.city.to_lowercase() == city) {
        Some(station) => Answer::json(station),
        None => {
            let cities: Vec<_> = shop.data.weather.iter().map(|s| s.city.as_str()).collect();
            Ok(Answer::error(format!(
                "no weather station reports from {:?}; there are stations in {}",
                arguments.city,
                cities.join(", ")
            )))
        }
    }
}

/// A tool that looks something up after the shop's latency.
fn read<T: DeserializeOwned + Send + 'static>(
    shop: &Shop,
    name: &str,
    description: &str,
    input_schema: &str,
    body: fn(&Shop, T) -> ToolResult,
) -> Arc<dyn Tool> {
    let spec = spec(name, description, input_schema, Manifest::new(Effect::Read));
    let shop = shop.clone();
    tool_fn(spec, move |arguments: T, _call: ToolCall| {
        let shop = shop.clone();
        async move {
            tokio::time::sleep(shop.options.latency).await;
            body(&shop, arguments)
        }
    })
    .into()
}

fn shipping_status(shop: &Shop) -> Arc<dyn Tool> {
    let spec = spec(
        "shipping_status",
        "Asks the carrier of one order where the parcel is.",
        ORDER_SCHEMA,
        Manifest::new(Effect::Read),
    );
    let shop = shop.clone();
    tool_fn(spec, move |arguments: OneOrder, _call: ToolCall| {
        let shop = shop.clone();
        async move {
            tokio::time::sleep(shop.options.latency).await;
            let order = find_order(&shop, &arguments.order_id)?;
            if order.carrier == SILENT_CARRIER {
                return std::future::pending().await;
            }
            Answer::json(&json!({
                "order_id": order.id,
                "carrier": order.carrier,
                "tracking": order.tracking,
                "status": order.status,
                "events": order.events,
            }))
        }
    })
    .into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundOrder {
    order_id: String,
    amount_cents: Option<u64>,
    reason: String,
}

fn refund_order(shop: &Shop) -> Arc<dyn Tool> {
    let spec = spec(
        "refund_order",
        "Pays an order back to its customer, whole or in part, and gives a receipt. This moves money.",
        r#"{"type":"object","properties":{"order_id":{"type":"string","description":"Such as O-1034; list_orders gives it."},"amount_cents":{"type":"integer","minimum":1,"description":"What to pay back, in cents; the whole order if left out."},"reason":{"type":"string","minLength":1,"description":"Why, for the books."}},"required":["order_id","reason"],"additionalProperties":false}"#,
        Manifest::new(Effect::Write),
    );
    let shop = shop.clone();
    tool_fn(spec, move |arguments: RefundOrder, call: ToolCall| {
        let shop = shop.clone();
        async move {
            if arguments.amount_cents == Some(0) {
                return Err(ToolError::invalid_arguments("amount_cents is 0"));
            }
            tokio::time::sleep(shop.options.latency).await;
            let order = find_order(&shop, &arguments.order_id)?;
            let refund = Refund {
                order_id: order.id.clone(),
                amount_cents: arguments
                    .amount_cents
                    .unwrap_or_else(|| order.total_cents()),
                reason: arguments.reason,
                key: call.idempotency_key(),
            };
            match shop.ledger.refund(refund, order.total_cents()) {
                Ok(receipt) => Answer::json(&receipt),
                Err(error @ RefundError::TooMuch { .. }) => Ok(Answer::error(error.to_string())),
                Err(error @ RefundError::Full) => Err(ToolError::refused(error.to_string())),
            }
        }
    })
    .into()
}
