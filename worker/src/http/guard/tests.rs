#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use super::*;

fn guard(allow: &[&str], hosts: &[&str], ports: &[u16]) -> Guard {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Guard::new(&GuardRules {
        allow: owned(allow),
        hosts: owned(hosts),
        ports: ports.to_vec(),
    })
    .unwrap()
}

fn said(guard: &Guard, url: &str) -> String {
    match Url::parse(url) {
        Err(error) => format!("no URL: {error}"),
        Ok(url) => match guard.check_url(&url) {
            Ok(()) => "open".to_owned(),
            Err(blocked) => blocked.to_string(),
        },
    }
}

#[test]
fn a_url_of_any_form_is_seen_through() {
    let guard = guard(&[], &[], &[]);
    let mut texts = String::new();
    for url in [
        "https://example.com/",
        "http://example.com:443/",
        "http://example.com.:80/",
        "https://example.com:8443/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://user@example.com/",
        "https://:secret@example.com/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0x7f.0.0.0x1/",
        "http://127.0.0.1./",
        "http://127.0.0.1%2e/",
        "http://%31%32%37.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://017700000001/",
        "http://0/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://metadata.google.internal/",
        "http://METADATA/",
        "http://169.254.169.254/latest/meta-data/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1#@example.com/",
        "http:\\\\127.0.0.1\\",
        "http:///example.com/",
        "http://./",
        "http://1.1.1.1/",
    ] {
        writeln!(texts, "{url}: {}", said(&guard, url)).unwrap();
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn what_is_allowed_is_open_at_its_ports_alone() {
    let allow = [
        "internal.example",
        "*.lab.example:8080",
        "localhost:8080",
        "10.1.0.0/16",
        "127.0.0.1:9000",
    ];
    let guard = guard(&allow, &[], &[8443]);
    let mut texts = String::new();
    for url in [
        "http://internal.example/",
        "https://internal.example:8443/",
        "http://internal.example:8080/",
        "http://a.lab.example:8080/",
        "http://a.lab.example/",
        "http://lab.example:8080/",
        "http://localhost:8080/",
        "http://localhost/",
        "http://10.1.2.3/",
        "http://10.1.2.3:8443/",
        "http://10.2.2.3/",
        "http://[::ffff:10.1.2.3]/",
        "http://127.0.0.1:9000/",
        "http://127.0.0.1/",
        "https://example.com:8443/",
    ] {
        writeln!(texts, "{url}: {}", said(&guard, url)).unwrap();
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn with_a_list_of_hosts_nothing_else_is_open() {
    let guard = guard(
        &["localhost:8080"],
        &["example.com", "*.example.org:8443"],
        &[],
    );
    let mut texts = String::new();
    for url in [
        "https://example.com/",
        "https://example.com:8443/",
        "https://a.example.com/",
        "https://a.example.org:8443/",
        "https://a.example.org/",
        "https://elsewhere.example/",
        "http://1.1.1.1/",
        "http://localhost:8080/",
    ] {
        writeln!(texts, "{url}: {}", said(&guard, url)).unwrap();
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn a_name_is_what_it_resolves_to() {
    let allow = [
        "internal.example",
        "*.lab.example",
        "10.1.0.0/16",
        "10.9.9.9:8080",
    ];
    let guard = guard(&allow, &[], &[]);
    let open =
        |name: &str, address: &str| guard.check_address(name, address.parse().unwrap()).is_ok();
    assert!(open("example.com", "1.1.1.1"));
    assert!(!open("example.com", "127.0.0.1"));
    assert!(!open("example.com", "::ffff:192.168.0.1"));
    assert!(open("internal.example", "127.0.0.1") && open("Internal.Example.", "fd00::1"));
    assert!(open("a.lab.example", "192.168.0.1"));
    // An allowed name doesn't open what must be named as an address.
    assert!(!open("internal.example", "169.254.169.254"));
    assert!(!open("internal.example", "fd00:ec2::254"));
    assert!(!open("internal.example", "0.0.0.0"));
    assert!(open("example.com", "10.1.7.7"));
    // Which port is meant isn't known here.
    assert!(!open("example.com", "10.9.9.9"));
}

#[test]
fn a_metadata_service_needs_its_name_and_its_address() {
    let url = "http://metadata.google.internal/";
    assert!(said(&guard(&["*.google.internal"], &[], &[]), url).contains("cloud"));
    let both = guard(&["metadata.google.internal", "169.254.169.254"], &[], &[]);
    assert_eq!(said(&both, url), "open");
    let address = "169.254.169.254".parse().unwrap();
    assert_eq!(
        both.check_address("metadata.google.internal", address),
        Ok(())
    );
}
