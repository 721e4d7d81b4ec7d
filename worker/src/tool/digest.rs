//! The one place that says what a digest covers.

use callboard_proto::{Digest, ToolSpec, codec};
use sha2::{Digest as _, Sha256};

/// The digest of all that a tool declares (P10): SHA-256 over the tool's own MessagePack, exactly as
/// it stands as an item of a `tools` message. Whoever receives one can check it over the bytes that
/// came, and a field that a later version adds changes no digest of a tool that doesn't use it.
#[must_use]
pub fn digest(spec: &ToolSpec) -> Digest {
    Digest::new(Sha256::digest(codec::encode(spec)).into())
}

#[cfg(test)]
mod tests {
    use callboard_proto::{Effect, Manifest, ToolName};

    use super::*;

    fn spec() -> ToolSpec {
        ToolSpec {
            name: ToolName::new("look").expect("a valid name"),
            description: "Looks.".to_owned(),
            input_schema: r#"{"type":"object"}"#.to_owned(),
            manifest: Manifest::new(Effect::Read),
        }
    }

    #[test]
    fn is_pinned_for_workers_in_other_languages() {
        let spec = spec();
        let bytes = codec::encode(&spec);
        assert_eq!(
            &bytes[..23],
            b"\x84\xa4name\xa4look\xabdescription",
            "the item begins with the spec's fields in order"
        );
        insta::assert_snapshot!(digest(&spec), @"57dd699a7b0b783cd77beea924a81da9c1e79521b238aab8e480eae5b34c9318");
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
