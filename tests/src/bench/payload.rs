//! What a benchmark call carries, the same bytes on both sides.

/// Arguments of a call: a JSON object of 200 bytes, as a model would write it, with the number of the
/// coordinator whose call it is, at most 9.
#[must_use]
pub fn arguments(from: u32) -> String {
    let head = format!("{{\"order_id\":\"ord_00012345\",\"from\":{from},\"note\":\"");
    filled(&head, "\"}")
}

/// Result of a call: a JSON text of 200 bytes.
#[must_use]
pub fn result() -> String {
    filled("{\"status\":\"shipped\",\"detail\":\"", "\"}")
}

/// Bytes of the arguments and of the result, each.
pub const BYTES: usize = 200;

fn filled(head: &str, tail: &str) -> String {
    let body = "x".repeat(BYTES - head.len() - tail.len());
    format!("{head}{body}{tail}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_are_json_of_200_bytes() {
        for text in [super::arguments(7), super::result()] {
            assert_eq!(text.len(), super::BYTES);
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
