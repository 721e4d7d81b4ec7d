//! Puts a call that came in two parts into one: the API counts parts and wants a result for each.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::provider::fields::{Fields, literal};

const CALL: [&str; 2] = ["functionCall", "function_call"];

/// The part that both are together: the first, with what the second adds to its call.
pub(super) fn parts(
    first: &RawValue,
    second: &RawValue,
) -> Result<Box<RawValue>, serde_json::Error> {
    let is_call = |name: &str| CALL.contains(&name);
    let added = Fields::read(second.get())?;
    let mut whole = Whole::of(&Fields::read(first.get())?);
    for (name, value) in &added.0 {
        if !is_call(name) {
            whole.add(name, value.get());
            continue;
        }
        for (_, call) in whole.0.iter_mut().filter(|(name, _)| is_call(name)) {
            *call = calls(call, value.get())?;
        }
    }
    RawValue::from_string(whole.text())
}

fn calls(first: &str, second: &str) -> Result<String, serde_json::Error> {
    let first = Fields::read(first)?;
    let mut whole = Whole::of(&first);
    for (name, value) in &Fields::read(second)?.0 {
        if name == "args" && value.get().starts_with('{') {
            let mut args = match first.get("args") {
                Some(args) if args.get().starts_with('{') => Whole::of(&Fields::read(args.get())?),
                Some(_) | None => Whole(Vec::new()),
            };
            for (name, value) in &Fields::read(value.get())?.0 {
                args.set(name, value.get());
            }
            whole.set(name, &args.text());
        } else {
            whole.add(name, value.get());
        }
    }
    Ok(whole.text())
}

/// An object's fields in order, values as JSON text.
struct Whole(Vec<(String, String)>);

impl Whole {
    fn of(fields: &Fields<'_>) -> Self {
        let field = |(name, value): &(Cow<'_, str>, &RawValue)| {
            (name.clone().into_owned(), value.get().to_owned())
        };
        Self(fields.0.iter().map(field).collect())
    }

    fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Sets a field, unless there is one of that name that says something.
    fn add(&mut self, name: &str, value: &str) {
        let says_something = |value: &str| value != "null" && value != "\"\"";
        let mut fields = self.0.iter();
        if !fields.any(|(other, old)| other == name && says_something(old)) {
            self.set(name, value);
        }
    }

    fn text(&self) -> String {
        let fields: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{}:{value}", literal(name)))
            .collect();
        format!("{{{}}}", fields.join(","))
    }
}
