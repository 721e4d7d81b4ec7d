//! The one place that says what a digest covers.

use sha2::{Digest as _, Sha256};

use crate::{Digest, ToolSpec, codec};

/// The digest of all that a tool declares (P10): SHA-256 over the tool's own MessagePack, exactly as
/// it stands as an item of a `tools` message. Whoever receives one can check it over the bytes that
/// came, and a field that a later version adds changes no digest of a tool that doesn't use it.
#[must_use]
pub fn digest(spec: &ToolSpec) -> Digest {
    Digest::new(Sha256::digest(codec::encode(spec)).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Effect, Manifest, ToolName};

    fn spec() -> ToolSpec {
        ToolSpec {
            name: ToolName::new("look").expect("a valid name"),
            description: "Looks.".to_owned(),
            input_schema: r#"{"type":"object"}"#.to_owned(),
            manifest: Manifest::new(Effect::Read),
        }
    }

    /// `proto/tests/digests.json`: tools as people write them, the bytes of their items and their digests.
    /// `CALLBOARD_GOLDEN=write cargo test -p callboard-proto digest` writes bytes and digests anew.
    #[test]
    fn is_pinned_for_workers_in_other_languages() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/digests.json");
        let read = || -> serde_json::Value {
            let text = std::fs::read_to_string(path).expect("the file is there");
            serde_json::from_str(&text).expect("it is JSON")
        };
        let mut now = read();
        let tools = now["tools"].as_array_mut().expect("tools are listed");
        assert!(tools.len() >= 5);
        for tool in tools {
            let spec: ToolSpec = serde_json::from_value(tool.clone()).expect("each is a spec");
            let bytes = codec::encode(&spec);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            tool["item_hex"] = hex.into();
            tool["digest"] = digest(&spec).to_string().into();
        }
        if std::env::var_os("CALLBOARD_GOLDEN").is_some_and(|word| word == "write") {
            let text = serde_json::to_string_pretty(&now).expect("JSON is written");
            std::fs::write(path, text + "\n").expect("the file can be written");
        }
        assert_eq!(read(), now);
    }

    #[test]
    fn covers_every_field() {
        let base = digest(&spec());
        let changes: [fn(&mut ToolSpec); 5] = [
            |spec| spec.name = ToolName::new("looks").expect("a valid name"),
            |spec| spec.description.push('!'),
            |spec| spec.input_schema.push(' '),
            |spec| spec.manifest.effect = Effect::Write,
            |spec| spec.manifest.deadline_ms = Some(1),
        ];
        for change in changes {
            let mut other = spec();
            change(&mut other);
            assert_ne!(digest(&other), base);
        }
    }
}
