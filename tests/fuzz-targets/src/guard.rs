//! The URL guard and the URL builder: without leave nothing but public addresses, whatever a value holds.

use std::net::IpAddr;

use callboard_worker::http::guard::{Guard, GuardRules};
use callboard_worker::http::{QueryTemplate, UrlTemplate, Values};
use serde_json::{Map, Value};
use url::{Host, Url};

/// The first line is a URL to judge, the second a URL template, the third its schema, the fourth the
/// values. Whether anything was built or judged.
///
/// # Panics
/// When the guard lets a request go to an address of this machine or its network, or a value moved a URL.
#[must_use]
pub fn guard(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let guard = Guard::new(&GuardRules::default()).expect("no rules are good rules");
    let judged = Url::parse(line()).is_ok_and(|url| {
        judge(&guard, &url);
        true
    });
    let (template, schema, values) = (line(), line(), line());
    let built = build(template, schema, values);
    judged || built
}

fn judge(guard: &Guard, url: &Url) {
    if guard.check_url(url).is_err() {
        return;
    }
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(
        url.username().is_empty() && url.password().is_none(),
        "{url}"
    );
    assert!(
        matches!(url.port_or_known_default(), Some(80 | 443)),
        "{url}"
    );
    let address: Option<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            assert!(
                name != "localhost" && !name.ends_with(".localhost"),
                "{url}"
            );
            // A name that is an address in some reader's eyes must have been read as one.
            assert!(name.parse::<IpAddr>().is_err(), "{url}");
            None
        }
        None => panic!("{url} has no host"),
    };
    if let Some(address) = address {
        assert!(is_public(address), "{url} leads to {address}");
        guard
            .check_address("public.example", address)
            .expect("a literal and a resolved address are judged alike");
    }
}

/// A second reading, of the ranges that matter most, that shares nothing with the guard's own.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            !(v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || a == 0
                || (a == 100 && (64..128).contains(&b)))
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            let embedded = v6.to_ipv4_mapped().is_some_and(|v4| !is_public(v4.into()));
            let [.., high, low] = v6.segments();
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            let nat64 = (first, second) == (0x64, 0xff9b)
                && !is_public(std::net::Ipv4Addr::new(a, b, c, d).into());
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80
                || embedded
                || nat64)
        }
    }
}

/// Builds a URL of values: scheme, host, port, login and the number of steps stay the template's.
fn build(template: &str, schema: &str, values: &str) -> bool {
    let Ok(schema) = serde_json::from_str::<Map<String, Value>>(schema) else {
        return false;
    };
    let (Ok(template), Ok(values)) = (
        UrlTemplate::new(template, &schema),
        Values::parse(values.as_bytes()),
    ) else {
        return false;
    };
    let Ok(url) = template.fill(&values, &QueryTemplate::default()) else {
        return false;
    };
    let base = template.base();
    assert_eq!(
        url.origin(),
        base.origin(),
        "a value moved the URL to {url}"
    );
    assert!(
        url.username().is_empty() && url.password().is_none(),
        "{url}"
    );
    assert!(url.fragment().is_none(), "{url}");
    let again = Url::parse(url.as_str()).expect("a URL that was built is one");
    assert_eq!(again, url, "{url} is read otherwise by another");
    for step in url.path_segments().into_iter().flatten() {
        assert!(!matches!(step, "." | ".."), "{url} walks");
    }
    true
}
