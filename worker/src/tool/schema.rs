//! The schema of typed arguments, as model providers read it.

use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};

/// The JSON Schema of a type, as JSON text: subschemas stand where they are used (a type that holds
/// itself is the exception), without the names of Rust types and without Rust's number formats, which
/// some providers refuse. The same type gives the same text, so its tool keeps its digest.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(without_rust).transform(&mut schema);
    schema.to_value().to_string()
}

fn without_rust(schema: &mut Schema) {
    schema.remove("title");
    let is_number = |format: &str| {
        ["int", "uint", "float", "double"]
            .iter()
            .any(|kind| format.starts_with(kind))
    };
    if schema
        .get("format")
        .and_then(|format| format.as_str())
        .is_some_and(is_number)
    {
        schema.remove("format");
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Search {
        /// What to look for.
        query: String,
        /// Most results.
        #[schemars(range(min = 1, max = 100))]
        limit: Option<u32>,
        #[serde(default)]
        order: Order,
        within: Vec<Area>,
        score: f64,
    }

    #[derive(Default, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Order {
        #[default]
        BestFirst,
        NewestFirst,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Area {
        /// Name of the place.
        title: String,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Tree {
        leaves: Vec<Tree>,
    }

    #[test]
    fn is_what_a_provider_reads() {
        let pretty = |text: String| {
            let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
            serde_json::to_string_pretty(&value).expect("it is written again")
        };
        insta::assert_snapshot!(pretty(schema_of::<Search>()), @r#"
        {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "query": {
              "type": "string",
              "description": "What to look for."
            },
            "limit": {
              "type": [
                "integer",
                "null"
              ],
              "maximum": 100,
              "minimum": 1,
              "description": "Most results."
            },
            "order": {
              "type": "string",
              "enum": [
                "best_first",
                "newest_first"
              ]
            },
            "within": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "title": {
                    "description": "Name of the place.",
                    "type": "string"
                  }
                },
                "required": [
                  "title"
                ]
              }
            },
            "score": {
              "type": "number"
            }
          },
          "required": [
            "query",
            "within",
            "score"
          ]
        }
        "#);
        insta::assert_snapshot!(schema_of::<Tree>(), @r##"{"type":"object","properties":{"leaves":{"type":"array","items":{"$ref":"#"}}},"required":["leaves"]}"##);
    }
}
