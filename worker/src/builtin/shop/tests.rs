#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use callboard_proto::{Executed, FailureKind, Part};
use serde_json::Value;

use super::{Shop, ShopOptions};
use crate::tool::{Answer, ToolCall, ToolError, ToolResult, Tools};

async fn call(shop: &Shop, tool: &str, arguments: &str) -> ToolResult {
    let tools = Tools::new(shop.tools()).unwrap();
    let offer = tools.find(&tool.parse().unwrap()).unwrap();
    let (call, _control) = ToolCall::detached(arguments.as_bytes().to_vec());
    offer.tool.call(call).await
}

fn shop() -> Shop {
    Shop::new(ShopOptions::default())
}

fn value(answer: &Answer) -> Value {
    let [Part::Json(text)] = answer.content() else {
        panic!("one JSON part was expected: {answer:?}");
    };
    serde_json::from_str(text).unwrap()
}

fn error_text(result: ToolResult) -> String {
    let answer = match result {
        Ok(answer) | Err(ToolError::Answered(answer)) => answer,
        Err(ToolError::Failed(failure)) => panic!("the tool failed: {failure:?}"),
    };
    assert!(answer.is_error(), "an error was expected: {answer:?}");
    match answer.content() {
        [Part::Text(text)] => text.clone(),
        other => panic!("one text was expected: {other:?}"),
    }
}

#[test]
fn the_shipped_data_hangs_together() {
    let shop = shop();
    for order in &shop.data.orders {
        let customer = shop.data.customer(&order.customer).unwrap();
        assert!(!order.items.is_empty() && order.total_cents() > 0);
        assert!(
            shop.data.weather.iter().any(|w| w.city == customer.city),
            "every customer's city has weather"
        );
    }
    for customer in &shop.data.customers {
        let orders = shop.data.orders.iter();
        assert!(
            orders.filter(|order| order.customer == customer.id).count() >= 3,
            "every customer has three orders to compare"
        );
    }
    assert!(shop.data.orders.is_sorted_by_key(|order| &order.placed));
}

#[tokio::test(start_paused = true)]
async fn the_last_three_orders_of_a_customer_can_be_compared() {
    let shop = shop();
    let began = tokio::time::Instant::now();
    let customers = value(
        &call(&shop, "find_customer", r#"{"query":"jane"}"#)
            .await
            .unwrap(),
    );
    let id = customers[0]["id"].as_str().unwrap();
    let arguments = format!(r#"{{"customer_id":"{id}"}}"#);
    let orders = value(&call(&shop, "list_orders", &arguments).await.unwrap());
    assert_eq!(orders.as_array().unwrap().len(), 3);
    let days: Vec<_> = orders
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["placed"].to_string())
        .collect();
    assert!(days.is_sorted_by(|a, b| a >= b), "newest first: {days:?}");
    for order in orders.as_array().unwrap() {
        let arguments = format!(r#"{{"order_id":{}}}"#, order["order_id"]);
        let details = value(&call(&shop, "order_details", &arguments).await.unwrap());
        assert_eq!(details["total_cents"], order["total_cents"]);
    }
    assert_eq!(began.elapsed(), Duration::from_millis(5 * 300));
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_is_answered_with_a_cure() {
    let shop = shop();
    let cases = [
        ("find_customer", r#"{"query":"nobody"}"#),
        ("list_orders", r#"{"customer_id":"C-999"}"#),
        ("order_details", r#"{"order_id":"O-1"}"#),
        ("shipping_status", r#"{"order_id":"O-1"}"#),
        ("weather", r#"{"city":"Atlantis"}"#),
        ("refund_order", r#"{"order_id":"O-1","reason":"r"}"#),
        (
            "refund_order",
            r#"{"order_id":"O-1034","amount_cents":99999999,"reason":"r"}"#,
        ),
    ];
    let mut texts = Vec::new();
    for (tool, arguments) in cases {
        texts.push(format!(
            "{tool}: {}",
            error_text(call(&shop, tool, arguments).await)
        ));
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
    find_customer: no customer's name or e-mail address contains "nobody"; try a shorter part of it
    list_orders: there is no customer "C-999"; find_customer gives the ids that there are
    order_details: there is no order "O-1"; list_orders gives the ids of a customer's orders
    shipping_status: there is no order "O-1"; list_orders gives the ids of a customer's orders
    weather: no weather station reports from "Atlantis"; there are stations in Accra, Boston, Hamburg, Istanbul, London, Madrid, Milan, Osaka, Paris, Stockholm, Zagreb, Zürich
    refund_order: there is no order "O-1"; list_orders gives the ids of a customer's orders
    refund_order: O-1034 cost 10390 cents and 0 were refunded before, so at most 10390 can be
    "#);
    assert_eq!(shop.refunds(), [], "nothing was paid");
}

#[tokio::test(start_paused = true)]
async fn one_carrier_never_answers() {
    let shop = shop();
    let answered = call(&shop, "shipping_status", r#"{"order_id":"O-1034"}"#).await;
    assert_eq!(value(&answered.unwrap())["status"], "out for delivery");
    let silent = call(&shop, "shipping_status", r#"{"order_id":"O-1036"}"#);
    let waited = tokio::time::timeout(Duration::from_secs(3600), silent).await;
    assert!(waited.is_err(), "Slow Freight answered: {waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refund_is_written_down_once_for_each_key() {
    let shop = shop();
    let arguments = r#"{"order_id":"O-1034","reason":"late"}"#;
    let first = value(&call(&shop, "refund_order", arguments).await.unwrap());
    assert_eq!(first["was_made_before"], false);
    // The same identity, so the same derived key.
    let second = value(&call(&shop, "refund_order", arguments).await.unwrap());
    assert_eq!(second["was_made_before"], true);
    assert_eq!(first["receipt"], second["receipt"]);
    assert_eq!(shop.refunds().len(), 1);
}

#[tokio::test]
async fn arguments_that_do_not_fit_do_nothing() {
    let shop = Shop::new(ShopOptions {
        latency: Duration::ZERO,
    });
    for (tool, arguments) in [
        ("find_customer", r#"{"query":" "}"#),
        ("list_orders", r#"{"customer_id":"C-001","last":0}"#),
        ("refund_order", r#"{"order_id":"O-1034"}"#),
        (
            "refund_order",
            r#"{"order_id":"O-1034","reason":"r","amount_cents":0}"#,
        ),
        ("weather", r#"{"town":"Boston"}"#),
    ] {
        let error = call(&shop, tool, arguments).await.unwrap_err();
        let ToolError::Failed(failure) = error else {
            panic!("{tool} answered: {error:?}");
        };
        assert_eq!(failure.kind, FailureKind::InvalidArguments);
        assert_eq!(failure.executed, Executed::No);
    }
}
