//! Names, ids, digests, budgets and limits: what they take and what they refuse.

use std::time::Duration;

use callboard_proto::{
    Budget, Digest, IdError, InstanceId, Label, NameError, Pool, Tenant, ToolName, ToolUseId,
    WorkerName, limit,
};

#[test]
fn names_of_people_are_subject_tokens() {
    let longest = "a".repeat(limit::NAME_BYTES_MAX);
    for name in ["a", "A-b_9", longest.as_str()] {
        assert_eq!(Tenant::new(name).unwrap().as_str(), name);
        assert!(Pool::new(name).is_ok());
        assert!(WorkerName::new(name).is_ok());
    }
    for name in [
        "a.b", "a b", "*", ">", "a*", "ä", "a\n", "a/b", "$SRV", "a=b", "a\0",
    ] {
        assert!(
            matches!(Tenant::new(name), Err(NameError::Character { .. })),
            "{name:?}"
        );
        assert!(Pool::new(name).is_err(), "{name:?}");
        assert!(WorkerName::new(name).is_err(), "{name:?}");
    }
    assert_eq!(Tenant::new(""), Err(NameError::Empty));
    assert!(matches!(
        Tenant::new(longest + "a"),
        Err(NameError::TooLong { bytes: 64, max: 63 })
    ));
}

#[test]
fn a_tools_name_is_anything_printable() {
    for name in [
        "a", "a.b", "a b", "*", ">", "größe", "検索", "🎭", "a/b:c", "=",
    ] {
        assert_eq!(ToolName::new(name).unwrap().as_str(), name);
    }
    for name in ["a\nb", "\0", "\u{7f}", "\u{9b}31m", "\t"] {
        assert!(
            matches!(ToolName::new(name), Err(NameError::Character { .. })),
            "{name:?}"
        );
    }
    assert_eq!(ToolName::new(""), Err(NameError::Empty));
    assert!(ToolName::new("é".repeat(64)).is_ok());
    assert!(matches!(
        ToolName::new("é".repeat(65)),
        Err(NameError::TooLong {
            bytes: 130,
            max: 128
        })
    ));
}

#[test]
fn a_label_has_its_own_letters() {
    for label in ["gpu", "zone=eu-1", "example.com/tier=a_b"] {
        assert!(Label::new(label).is_ok());
    }
    for label in ["", "a b", "a,b", "ä=1", "a\n"] {
        assert!(Label::new(label).is_err(), "{label:?}");
    }
}

#[test]
fn a_tool_use_id_is_taken_as_the_provider_wrote_it() {
    let longest = "x".repeat(limit::TOOL_USE_ID_BYTES_MAX);
    for id in ["call_0", "toolu_01 A", "ü", longest.as_str()] {
        assert_eq!(ToolUseId::new(id).unwrap().as_str(), id);
    }
    assert_eq!(ToolUseId::new(""), Err(IdError::Empty));
    assert_eq!(ToolUseId::new("a\nb"), Err(IdError::Control));
    assert_eq!(ToolUseId::new("\u{9b}"), Err(IdError::Control));
    assert_eq!(
        ToolUseId::new(longest + "x"),
        Err(IdError::TooLong {
            bytes: 257,
            max: 256
        })
    );
    assert_eq!(ToolUseId::minted(12).as_str(), "c12");
}

#[test]
fn an_id_reads_as_it_shows() {
    let id: InstanceId = "0123456789abcdef0123456789abcdef".parse().unwrap();
    assert_eq!(id.to_string(), "0123456789abcdef0123456789abcdef");
    assert_eq!(format!("{id:?}"), id.to_string());
    assert!("0123".parse::<InstanceId>().is_err());
}

#[test]
fn a_digest_is_64_hexadecimal_digits() {
    let text = "00ff".repeat(16);
    let digest: Digest = text.parse().unwrap();
    assert_eq!(digest.to_string(), text);
    assert_eq!(digest.as_bytes()[1], 0xff);
    assert_eq!(digest.short(), "00ff00ff00ff");
    assert_eq!(
        serde_json::to_string(&digest).unwrap(),
        format!("\"{text}\"")
    );
    assert_eq!(text.to_uppercase().parse(), Ok(digest));
    let signed = "+f".repeat(32);
    let wide = "é".repeat(32);
    for bad in [
        "",
        "00",
        &text[1..],
        signed.as_str(),
        wide.as_str(),
        &"0g".repeat(32),
    ] {
        assert_eq!(bad.parse::<Digest>(), Err(IdError::Digest), "{bad}");
    }
}

#[test]
fn a_budget_rounds_down_and_is_capped() {
    let duration = |left| Budget::new(left).duration();
    assert_eq!(duration(Duration::ZERO), Duration::ZERO);
    assert_eq!(duration(Duration::from_micros(999)), Duration::ZERO);
    assert_eq!(
        duration(Duration::from_micros(1_999)),
        Duration::from_millis(1)
    );
    assert_eq!(duration(limit::BUDGET_MAX), limit::BUDGET_MAX);
    assert_eq!(
        duration(limit::BUDGET_MAX + Duration::from_millis(1)),
        limit::BUDGET_MAX
    );
    assert_eq!(duration(Duration::MAX), limit::BUDGET_MAX);
}

#[test]
fn the_inline_limit_follows_the_servers() {
    assert_eq!(limit::inline_bytes_max(64 * 1024 * 1024), 256 * 1024);
    assert_eq!(limit::inline_bytes_max(1024 * 1024), 256 * 1024);
    assert_eq!(limit::inline_bytes_max(64 * 1024), 16 * 1024);
    assert_eq!(limit::batch_bytes_max(1024 * 1024), 1024 * 1024 - 8 * 1024);
    assert_eq!(
        limit::batch_bytes_max(usize::MAX),
        limit::BODY_BYTES_MAX - 8 * 1024
    );
    assert_eq!(limit::batch_bytes_max(100), 0);
}
