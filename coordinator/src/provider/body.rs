//! A request's body, written so that what grows comes last.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// The fields of a body in the order in which they are set. What a conversation grows by comes after all
/// of them, so that each request begins with the bytes of the one before it.
#[derive(Debug, Default)]
pub(super) struct Body {
    fields: Vec<(Cow<'static, str>, Box<RawValue>)>,
}

impl Body {
    /// Sets a field.
    pub(super) fn set(&mut self, name: impl Into<Cow<'static, str>>, value: &impl Serialize) {
        let name = name.into();
        let value = to_raw_value(value).expect("all keys are strings and memory can't fail");
        match self.fields.iter_mut().find(|(field, _)| *field == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name, value)),
        }
    }

    /// Ends the body with the list of what was said, under its name. The extra fields win over those
    /// that are set, but not over that list: without it there is no conversation.
    pub(super) fn end<'a>(
        mut self,
        extra: &Map<String, Value>,
        list_name: &str,
        list: impl IntoIterator<Item = &'a RawValue>,
    ) -> Bytes {
        for (name, value) in extra.iter().filter(|(name, _)| *name != list_name) {
            self.set(name.clone(), value);
        }
        let mut body = String::from("{");
        for (name, value) in &self.fields {
            let name = serde_json::to_string(name).expect("a string is always JSON");
            body.extend([&name, ":", value.get(), ","]);
        }
        body.extend(["\"", list_name, "\":["]);
        for (at, item) in list.into_iter().enumerate() {
            body.push_str(if at == 0 { "" } else { "," });
            body.push_str(item.get());
        }
        body.push_str("]}");
        body.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn extra_fields_win_and_the_list_comes_last() {
        let mut body = Body::default();
        body.set("model", &"m");
        body.set("max", &1);
        let Value::Object(extra) = json!({ "max": 2, "list": "no", "a\"b": [1.5] }) else {
            panic!("it is an object");
        };
        let item = to_raw_value(&1).expect("a number is JSON");
        let whole = body.end(&extra, "list", [&*item, &*item]);
        assert_eq!(
            whole,
            "{\"model\":\"m\",\"max\":2,\"a\\\"b\":[1.5],\"list\":[1,1]}"
        );
    }
}
