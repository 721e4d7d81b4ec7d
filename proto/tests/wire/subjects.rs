//! Subjects: built and read back, and nothing read that was never built.

use callboard_proto::subject::{self, Verb};
use callboard_proto::{CoordinatorId, InstanceId, Kind, Pool, Tenant, Token, ToolName};
use proptest::prelude::*;

use crate::arbitrary;
use crate::cases::{coordinator, instance, pool, tenant, token};

/// NATS's own match of a subject against a subscription.
fn matches(subscription: &str, subject: &str) -> bool {
    let mut wanted = subscription.split('.');
    let mut tokens = subject.split('.');
    loop {
        match (wanted.next(), tokens.next()) {
            (None, None) => return true,
            (Some(">"), Some(_)) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(token)) if wanted == token => {}
            (None | Some(_), None | Some(_)) => return false,
        }
    }
}

#[test]
fn subjects_are_spelled_as_the_contract_says() {
    let id = "22222222222222222222222222222222";
    assert_eq!(
        subject::worker(&tenant(), &pool(), instance(), Verb::Cancel),
        format!("cb.v1.worker.acme.shop.{id}.cancel")
    );
    assert_eq!(
        subject::worker_all(&tenant(), &pool(), instance()),
        format!("cb.v1.worker.acme.shop.{id}.*")
    );
    assert_eq!(
        subject::beat(&tenant(), &pool(), instance()),
        format!("cb.v1.beat.acme.shop.{id}")
    );
    assert_eq!(
        subject::call(&tenant(), &ToolName::new("a b.c>*é").unwrap()),
        "cb.v1.call.acme.a=20b=2Ec=3E=2A=C3=A9"
    );
    assert_eq!(
        subject::reply(&tenant(), coordinator(), token()),
        "cb.v1.reply.acme.11111111111111111111111111111111.44444444444444444444444444444444"
    );
    assert_eq!(
        subject::echo(&tenant(), coordinator()),
        "cb.v1.coordinator.acme.11111111111111111111111111111111.echo"
    );
    assert_eq!(
        subject::DISCOVER,
        format!("$SRV.INFO.{}", subject::SERVICE_NAME)
    );
}

#[test]
fn subjects_of_replicas_read_back_and_no_others() {
    let tenant = tenant();
    assert_eq!(
        subject::replica_ask(&tenant, 0xBEE),
        "cb.v1.replica.acme.00000bee.ask"
    );
    let answer = subject::replica_answer(&tenant, 0xBEE, token());
    assert!(matches(
        &subject::replica_answer_all(&tenant, 0xBEE),
        &answer
    ));
    let parts = subject::replica_answer_parts(&tenant, &answer);
    assert_eq!(parts, Some((0xBEE, token())));
    let beat = subject::replica_beat(&tenant, u32::MAX);
    assert!(matches(&subject::replica_beat_all(&tenant), &beat));
    assert_eq!(subject::replica_beat_parts(&tenant, &beat), Some(u32::MAX));
    for other in [
        "cb.v1.replica.other.00000bee.beat",
        "cb.v1.replica.acme.bee.beat",
        "cb.v1.replica.acme.+0000bee.beat",
        "cb.v1.replica.acme.00000BEE.beat",
        "cb.v1.replica.acme.00000bee.ask",
    ] {
        assert_eq!(subject::replica_beat_parts(&tenant, other), None, "{other}");
    }
    assert_eq!(subject::replica_answer_parts(&tenant, &beat), None);
}

#[test]
fn every_kind_to_an_instance_has_a_verb_that_reads_back() {
    for &kind in Kind::ALL {
        let Some(verb) = Verb::of(kind) else { continue };
        assert_eq!(Verb::from_token(verb.as_str()), Some(verb));
        let subject = subject::worker(&tenant(), &pool(), instance(), verb);
        assert_eq!(subject::worker_verb(&subject), Some(verb));
        assert!(matches(
            &subject::worker_all(&tenant(), &pool(), instance()),
            &subject
        ));
    }
    assert_eq!(Verb::from_token("describe"), None);
    assert_eq!(
        subject::worker_verb("cb.v1.worker.acme.shop.2222.call.x"),
        None
    );
    assert_eq!(subject::worker_verb("cb.v1.call.acme.call"), None);
}

#[test]
fn only_a_reply_subject_of_the_tenant_is_answered() {
    let id = "11111111111111111111111111111111";
    let hyphenated = "11111111-1111-1111-1111-111111111111";
    let good = format!("cb.v1.reply.acme.{id}.{id}");
    assert!(subject::is_reply(&tenant(), &good));
    for bad in [
        String::new(),
        "_INBOX.abc.def".to_owned(),
        format!("cb.v1.reply.acme.{id}"),
        format!("cb.v1.reply.acme.{id}.{id}.{id}"),
        format!("cb.v1.reply.acme.{id}.*"),
        format!("cb.v1.reply.acme.{id}.>"),
        "cb.v1.reply.acme.>".to_owned(),
        format!("cb.v1.reply.acme2.{id}.{id}"),
        format!("cb.v1.reply.acm.{id}.{id}"),
        format!("cb.v1.reply.acme.{hyphenated}.{id}"),
        format!("cb.v1.reply.acme.{id}.{hyphenated}"),
        format!("cb.v1.reply.acme.{id}.{}", id.replace('1', "A")),
        format!("cb.v1.replyacme.{id}.{id}"),
        format!("cb.v2.reply.acme.{id}.{id}"),
        format!("xcb.v1.reply.acme.{id}.{id}"),
        format!("cb.v1.worker.acme.shop.{id}.call"),
        "$JS.API.STREAM.DELETE.x".to_owned(),
    ] {
        assert!(!subject::is_reply(&tenant(), &bad), "{bad}");
    }
}

#[test]
fn a_token_that_is_never_made_names_no_tool() {
    for token in [
        "", "=", "=2", "=41", "=2e", "a.b", "a b", "=FF", "=0A", "=+F", "é", "=ZZ", "*",
    ] {
        assert_eq!(subject::tool_from_token(token), None, "{token}");
    }
    assert_eq!(subject::tool_from_token("a=2Eb").unwrap().as_str(), "a.b");
}

proptest! {
    #[test]
    fn a_tools_token_reads_back_and_is_one_token(name in arbitrary::tool_name()) {
        let token = subject::tool_token(&name);
        prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte)));
        prop_assert!(!token.is_empty());
        prop_assert_eq!(subject::tool_from_token(&token), Some(name.clone()));
        prop_assert_eq!(subject::call_tool(&tenant(), &subject::call(&tenant(), &name)), Some(name));
    }

    #[test]
    fn no_two_tools_share_a_token(a in arbitrary::tool_name(), b in arbitrary::tool_name()) {
        prop_assert_eq!(a == b, subject::tool_token(&a) == subject::tool_token(&b));
    }

    #[test]
    fn names_that_look_like_escapes_do_not_collide(a in "[=2E.]{1,6}", b in "[=2E.]{1,6}") {
        let (a, b) = (ToolName::new(a).unwrap(), ToolName::new(b).unwrap());
        prop_assert_eq!(a == b, subject::tool_token(&a) == subject::tool_token(&b));
    }

    #[test]
    fn any_token_reads_as_at_most_the_tool_that_makes_it(token in "\\PC{0,12}|(=[0-9A-Fa-f]{2}|[a-z]){0,6}") {
        if let Some(name) = subject::tool_from_token(&token) {
            prop_assert_eq!(subject::tool_token(&name), token);
        }
    }

    #[test]
    fn replies_and_beats_read_back(
        tenant in arbitrary::token_name().prop_map(|name| Tenant::new(name).unwrap()),
        pool in arbitrary::token_name().prop_map(|name| Pool::new(name).unwrap()),
        a in arbitrary::uuid(),
        b in arbitrary::uuid(),
    ) {
        let (coordinator, token) = (CoordinatorId::new(a), Token::new(b));
        let reply = subject::reply(&tenant, coordinator, token);
        prop_assert_eq!(subject::reply_parts(&tenant, &reply), Some((coordinator, token)));
        prop_assert_eq!(subject::reply_token(&reply), Some(token));
        prop_assert!(matches(&subject::reply_all(&tenant, coordinator), &reply));

        let instance = InstanceId::new(a);
        let beat = subject::beat(&tenant, &pool, instance);
        prop_assert_eq!(subject::beat_parts(&tenant, &beat), Some((pool, instance)));
        prop_assert!(matches(&subject::beat_all(&tenant), &beat));
        let other = Tenant::new(format!("{}x", &tenant.as_str()[1..])).unwrap();
        if other != tenant {
            prop_assert_eq!(subject::reply_parts(&other, &reply), None);
            prop_assert_eq!(subject::beat_parts(&other, &beat), None);
        }
    }

    #[test]
    fn reading_a_subject_never_panics(subject in "\\PC{0,80}|cb\\.v1\\.(reply|beat|call|worker)(\\.\\PC{0,33}){0,5}") {
        let _ = subject::reply_parts(&tenant(), &subject);
        let _ = subject::reply_token(&subject);
        let _ = subject::worker_verb(&subject);
        let _ = subject::beat_parts(&tenant(), &subject);
        let _ = subject::call_tool(&tenant(), &subject);
    }
}
