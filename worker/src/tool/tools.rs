//! The tools that a worker offers, checked once when they are gathered.

use std::collections::HashMap;
use std::sync::Arc;

use callboard_proto::limit::INLINE_BYTES_MAX;
use callboard_proto::message::ToolDigest;
use callboard_proto::{Digest, Label, Manifest, NameError, ToolName, ToolSpec};
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::tool::{Tool, digest};

/// Largest description and schema of one tool together, in bytes, so that a page of tools holds at
/// least one under every server's usual `max_payload` (chosen, not measured; the largest schemas of
/// public MCP servers stay under 32 KiB).
const SPEC_BYTES_MAX: usize = 128 * 1024;

/// Why tools can't be offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolsError {
    /// The name is none.
    #[error("{name:?} can't name a tool: {source}")]
    Name {
        /// What was given.
        name: String,
        /// Why it is none.
        source: NameError,
    },
    /// Two tools have one name, so a call couldn't say which it means.
    #[error("two tools are named {name}; rename one of them")]
    Twice {
        /// The name.
        name: ToolName,
    },
    /// The schema is no JSON.
    #[error("the input schema of {name} is not JSON: {cause}")]
    SchemaNotJson {
        /// The tool.
        name: ToolName,
        /// What the parser says.
        cause: String,
    },
    /// The schema describes no object.
    #[error("the input schema of {name} doesn't describe an object: {cause}")]
    SchemaNotObject {
        /// The tool.
        name: ToolName,
        /// What it says instead.
        cause: &'static str,
    },
    /// The schema can't be compiled, or refers to what isn't inside of it: no coordinator would use it.
    #[error("the input schema of {name} can't be used{}: {cause}", at(.path))]
    Schema {
        /// The tool.
        name: ToolName,
        /// Where, as a JSON pointer; empty for the whole.
        path: String,
        /// What is wrong there.
        cause: String,
    },
    /// The spec is larger than a page of tools.
    #[error(
        "description and schema of {name} have {bytes} bytes, more than the {SPEC_BYTES_MAX} that are allowed"
    )]
    SpecTooLarge {
        /// The tool.
        name: ToolName,
        /// Bytes that it has.
        bytes: usize,
    },
    /// The manifest declares something that can't be enforced.
    #[error("the manifest of {name} can't be enforced: {cause}")]
    Manifest {
        /// The tool.
        name: ToolName,
        /// What can't, and what could.
        cause: String,
    },
    /// The tool requires a label that its own worker doesn't carry, so it would never be called.
    #[error(
        "the tool \"{name}\" requires the label {label}, which this worker doesn't carry; start it with --label {label}, or \
         remove the label from the tool's `require`"
    )]
    Label {
        /// The tool.
        name: ToolName,
        /// The label.
        label: Label,
    },
}

/// One tool on offer.
#[derive(Clone)]
pub struct Offer {
    /// The tool.
    pub tool: Arc<dyn Tool>,
    /// The digest of all that it declares.
    pub digest: Digest,
    /// Largest result, in bytes, that its own manifest allows.
    pub output_bytes_max: usize,
}

impl Offer {
    /// What the tool declares.
    #[must_use]
    pub fn spec(&self) -> &ToolSpec {
        self.tool.spec()
    }
}

/// The tools that a worker offers. Their names differ, and what they declare can be kept.
#[derive(Clone, Default)]
pub struct Tools {
    offers: Vec<Offer>,
    by_name: HashMap<ToolName, usize>,
}

impl Tools {
    /// Checks and gathers tools; they are offered in this order.
    ///
    /// # Errors
    /// When two tools share a name, a schema is no JSON or describes no object, or a manifest
    /// declares what can't be enforced.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Result<Self, ToolsError> {
        let mut all = Self::default();
        for tool in tools {
            all.add(tool)?;
        }
        Ok(all)
    }

    /// Checks and adds one tool.
    ///
    /// # Errors
    /// As [`Tools::new`].
    pub fn add(&mut self, tool: Arc<dyn Tool>) -> Result<(), ToolsError> {
        let spec = tool.spec();
        let name = spec.name.clone();
        if self.by_name.contains_key(&name) {
            return Err(ToolsError::Twice { name });
        }
        check_spec(spec)?;
        let digest = digest(spec);
        let output_bytes_max = spec
            .manifest
            .output_bytes_max
            .and_then(|max| usize::try_from(max).ok())
            .unwrap_or(INLINE_BYTES_MAX);
        self.by_name.insert(name, self.offers.len());
        self.offers.push(Offer {
            tool,
            digest,
            output_bytes_max,
        });
        Ok(())
    }

    /// How many tools are on offer.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offers.len()
    }

    /// Whether nothing is on offer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offers.is_empty()
    }

    /// All tools, in the order in which they were given.
    #[must_use]
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// The tool of this name.
    #[must_use]
    pub fn find(&self, name: &ToolName) -> Option<&Offer> {
        self.by_name.get(name).map(|index| &self.offers[*index])
    }

    /// Names and digests, as an announcement carries them.
    #[must_use]
    pub fn digests(&self) -> Vec<ToolDigest> {
        self.offers
            .iter()
            .map(|offer| ToolDigest {
                name: offer.spec().name.clone(),
                digest: offer.digest,
            })
            .collect()
    }

    /// Takes out the tools that a worker with these labels can't be placed on for, and says why.
    pub(crate) fn keep_placeable(&mut self, labels: &[Label]) -> Vec<ToolsError> {
        let mut unfit = Vec::new();
        while let Err(error) = self.check_labels(labels) {
            if let ToolsError::Label { name, .. } = &error {
                self.offers.retain(|offer| offer.spec().name != *name);
            }
            unfit.push(error);
        }
        let offers = self.offers.iter().enumerate();
        self.by_name = offers
            .map(|(index, offer)| (offer.spec().name.clone(), index))
            .collect();
        unfit
    }

    /// Checks that a worker with these labels can be placed on for every tool.
    ///
    /// # Errors
    /// When a tool requires a label that is not among them.
    pub fn check_labels(&self, labels: &[Label]) -> Result<(), ToolsError> {
        (self.offers.iter()).try_for_each(|offer| check_labels(offer.spec(), labels))
    }
}

/// Checks that a worker with these labels can be placed on for a tool.
pub(crate) fn check_labels(spec: &ToolSpec, labels: &[Label]) -> Result<(), ToolsError> {
    let mut required = spec.manifest.require.iter();
    match required.find(|label| !labels.contains(label)) {
        Some(label) => Err(ToolsError::Label {
            name: spec.name.clone(),
            label: label.clone(),
        }),
        None => Ok(()),
    }
}

/// Checks that what a tool declares can be offered.
pub(crate) fn check_spec(spec: &ToolSpec) -> Result<(), ToolsError> {
    check_schema(spec)?;
    check_manifest(&spec.name, &spec.manifest)
}

fn check_schema(spec: &ToolSpec) -> Result<(), ToolsError> {
    let name = || spec.name.clone();
    let bytes = spec.description.len() + spec.input_schema.len();
    if bytes > SPEC_BYTES_MAX {
        return Err(ToolsError::SpecTooLarge {
            name: name(),
            bytes,
        });
    }
    let schema: Value =
        serde_json::from_str(&spec.input_schema).map_err(|error| ToolsError::SchemaNotJson {
            name: name(),
            cause: error.to_string(),
        })?;
    let cause = match &schema {
        Value::Object(fields) => match fields.get("type") {
            Some(Value::String(kind)) if kind == "object" => match fields.get("properties") {
                None | Some(Value::Object(_)) => return check_use(spec, &schema),
                Some(_) => "its `properties` is no object",
            },
            Some(_) => "its `type` is not \"object\"",
            None => "it has no `type`; write \"type\": \"object\"",
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            "it is no JSON object"
        }
    };
    Err(ToolsError::SchemaNotObject {
        name: name(),
        cause,
    })
}

/// Compiles a schema as coordinators do: nothing is fetched.
fn check_use(spec: &ToolSpec, schema: &Value) -> Result<(), ToolsError> {
    let compiled = jsonschema::options().offline().build(schema);
    compiled.map(drop).map_err(|error| ToolsError::Schema {
        name: spec.name.clone(),
        path: error.instance_path().to_string(),
        cause: schema_cause(&error),
    })
}

/// What is wrong with a schema, without the words of the schema that describes schemas.
pub(crate) fn schema_cause(error: &jsonschema::ValidationError<'_>) -> String {
    if error.instance_path().as_str().ends_with("/type") {
        return format!(
            "{} is no type; a type is array, boolean, integer, null, number, object or string, or a list of those",
            error.instance()
        );
    }
    if let ValidationErrorKind::Referencing(_) = error.kind() {
        return format!("{error}; nothing is fetched: put what a $ref means under $defs");
    }
    error.to_string()
}

pub(crate) fn at(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" at {path}")
    }
}

/// Checks that what a manifest declares can be enforced.
pub(crate) fn check_manifest(name: &ToolName, manifest: &Manifest) -> Result<(), ToolsError> {
    let refuse = |cause: String| {
        Err(ToolsError::Manifest {
            name: name.clone(),
            cause,
        })
    };
    if manifest.deadline_ms == Some(0) || manifest.attempt_timeout_ms == Some(0) {
        return refuse("a time of 0 ms lets no call run; leave it out for no limit".to_owned());
    }
    if let (Some(deadline), Some(attempt)) = (manifest.deadline_ms, manifest.attempt_timeout_ms)
        && attempt > deadline
    {
        return refuse(format!(
            "one attempt may take {attempt} ms, and the whole call only {deadline} ms"
        ));
    }
    if manifest.retry.attempts == 0 {
        return refuse("0 attempts let no call run; 1 means that none is tried again".to_owned());
    }
    match manifest.output_bytes_max {
        Some(max) if max > INLINE_BYTES_MAX as u64 => refuse(format!(
            "a result of {max} bytes can't travel; at most {INLINE_BYTES_MAX} can"
        )),
        Some(max) if max < OUTPUT_BYTES_MIN => refuse(format!(
            "a result cut to {max} bytes says nothing; allow at least {OUTPUT_BYTES_MIN}"
        )),
        Some(_) | None => Ok(()),
    }
}

/// Lowest bound of a result, in bytes: room for the note that says what was cut (chosen).
const OUTPUT_BYTES_MIN: u64 = 1024;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use callboard_proto::{Effect, Retry};

    use super::*;
    use crate::tool::{Answer, tool_fn};

    fn offer(change: fn(&mut ToolSpec)) -> Result<Tools, ToolsError> {
        let mut spec = ToolSpec {
            name: ToolName::new("look").unwrap(),
            description: "Looks.".to_owned(),
            input_schema: r#"{"type":"object"}"#.to_owned(),
            manifest: Manifest::new(Effect::Read),
        };
        change(&mut spec);
        let body = |_: Value, _| async { Ok(Answer::text("")) };
        Tools::new([tool_fn(spec, body).into()])
    }

    #[test]
    fn refuses_what_cannot_be_offered_with_cause_and_cure() {
        let cases: [fn(&mut ToolSpec); 13] = [
            |spec| spec.input_schema = "{".to_owned(),
            |spec| spec.input_schema = "[]".to_owned(),
            |spec| spec.input_schema = "{}".to_owned(),
            |spec| spec.input_schema = r#"{"type":"string"}"#.to_owned(),
            |spec| spec.input_schema = r#"{"type":"object","properties":[]}"#.to_owned(),
            |spec| spec.description = "d".repeat(SPEC_BYTES_MAX),
            |spec| spec.manifest.deadline_ms = Some(0),
            |spec| spec.manifest.attempt_timeout_ms = Some(0),
            |spec| {
                spec.manifest.deadline_ms = Some(10);
                spec.manifest.attempt_timeout_ms = Some(20);
            },
            |spec| spec.manifest.retry = Retry { attempts: 0 },
            |spec| spec.manifest.output_bytes_max = Some(1),
            |spec| spec.manifest.output_bytes_max = Some(1 << 30),
            |spec| spec.input_schema = r#"{"type":"object"} x"#.to_owned(),
        ];
        let texts: Vec<_> = cases
            .into_iter()
            .map(|change| offer(change).err().expect("it is refused").to_string())
            .collect();
        insta::assert_snapshot!(texts.join("\n"), @r#"
        the input schema of look is not JSON: EOF while parsing an object at line 1 column 1
        the input schema of look doesn't describe an object: it is no JSON object
        the input schema of look doesn't describe an object: it has no `type`; write "type": "object"
        the input schema of look doesn't describe an object: its `type` is not "object"
        the input schema of look doesn't describe an object: its `properties` is no object
        description and schema of look have 131089 bytes, more than the 131072 that are allowed
        the manifest of look can't be enforced: a time of 0 ms lets no call run; leave it out for no limit
        the manifest of look can't be enforced: a time of 0 ms lets no call run; leave it out for no limit
        the manifest of look can't be enforced: one attempt may take 20 ms, and the whole call only 10 ms
        the manifest of look can't be enforced: 0 attempts let no call run; 1 means that none is tried again
        the manifest of look can't be enforced: a result cut to 1 bytes says nothing; allow at least 1024
        the manifest of look can't be enforced: a result of 1073741824 bytes can't travel; at most 262144 can
        the input schema of look is not JSON: trailing characters at line 1 column 19
        "#);
    }

    #[test]
    fn refuses_a_schema_that_no_coordinator_could_use() {
        for property in [
            r#"{"pattern":"("}"#,
            r##"{"$ref":"#/$defs/nowhere"}"##,
            r#"{"$ref":"https://example.com/a"}"#,
        ] {
            let schema = format!(r#"{{"type":"object","properties":{{"a":{property}}}}}"#);
            let spec = ToolSpec {
                name: ToolName::new("look").unwrap(),
                description: "Looks.".to_owned(),
                input_schema: schema,
                manifest: Manifest::new(Effect::Read),
            };
            let error = check_spec(&spec).unwrap_err();
            assert!(matches!(error, ToolsError::Schema { .. }), "{error}");
        }
    }

    #[test]
    fn refuses_two_tools_of_one_name() {
        let mut tools = offer(|_| ()).unwrap();
        let again = Arc::clone(&tools.offers()[0].tool);
        insta::assert_snapshot!(tools.add(again).unwrap_err(), @"two tools are named look; rename one of them");
        assert_eq!(tools.len(), 1);
    }

    #[test]
    fn refuses_a_required_label_that_its_worker_does_not_carry() {
        let tools =
            offer(|spec| spec.manifest.require = vec!["gpu=a100".parse().unwrap()]).unwrap();
        insta::assert_snapshot!(tools.check_labels(&[]).unwrap_err(), @r#"the tool "look" requires the label gpu=a100, which this worker doesn't carry; start it with --label gpu=a100, or remove the label from the tool's `require`"#);
        tools.check_labels(&["gpu=a100".parse().unwrap()]).unwrap();
    }
}
