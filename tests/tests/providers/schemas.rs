//! The JSON Schemas of the SDKs' types, and what they hold against a document.

use std::fs;

use callboard_coordinator::provider::Format;
use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;
use xtask::sdks::Sdks;

/// What one format takes and gives.
pub(super) struct Schemas {
    request: Validator,
    streamed_request: Validator,
    response: Validator,
    event: Validator,
}

impl Schemas {
    pub(super) fn of(sdks: &Sdks, format: Format) -> Self {
        let compiled = |name: &str| {
            let path = sdks.schemas().join(format!("{format}.{name}.json"));
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
        };
        Self {
            request: compiled("request"),
            streamed_request: compiled("request.stream"),
            response: compiled("response"),
            event: compiled("event"),
        }
    }

    /// What is wrong with a request's body; empty where nothing is.
    pub(super) fn request(&self, is_streamed: bool, body: &Value) -> Vec<String> {
        let validator = if is_streamed {
            &self.streamed_request
        } else {
            &self.request
        };
        faults(validator, body)
    }

    /// What is wrong with a whole response.
    pub(super) fn response(&self, body: &Value) -> Vec<String> {
        faults(&self.response, body)
    }

    /// What is wrong with the data of one event of a stream.
    pub(super) fn event(&self, data: &Value) -> Vec<String> {
        faults(&self.event, data)
    }
}

fn faults(validator: &Validator, document: &Value) -> Vec<String> {
    validator
        .iter_errors(document)
        .map(|error| cause(&error))
        .collect()
}

/// Says where and what. Of a union, the alternative counts that the document came closest to.
fn cause(error: &ValidationError<'_>) -> String {
    let ValidationErrorKind::AnyOf { context } = error.kind() else {
        let at = error.instance_path();
        return format!("{at}: {}", error.masked());
    };
    let closest = context.iter().min_by_key(|errors| {
        // A constant is what tells the alternatives apart.
        let is_other = |error: &ValidationError<'_>| {
            matches!(error.kind(), ValidationErrorKind::Constant { .. })
        };
        (errors.iter().any(is_other), errors.len())
    });
    match closest {
        Some(errors) => errors.iter().map(cause).collect::<Vec<_>>().join("; "),
        None => error.to_string(),
    }
}
