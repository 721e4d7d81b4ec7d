//! Which addresses a request may go to without anybody's leave: those of the public internet.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is when it isn't one of the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `0.0.0.0/8`, `::`.
    Unspecified,
    /// This machine.
    Loopback,
    /// RFC 1918.
    Private,
    /// Between a provider and its customers (RFC 6598).
    CarrierGrade,
    /// This network segment; cloud metadata services among it.
    LinkLocal,
    /// A cloud provider's metadata service at an address of its own.
    Metadata,
    /// Measuring devices (RFC 2544, RFC 5180).
    Benchmarking,
    /// Examples in documents.
    Documentation,
    /// Many at once.
    Multicast,
    /// Everybody here.
    Broadcast,
    /// Unique local (RFC 4193), and site-local before it.
    UniqueLocal,
    /// A site's own translation to IPv4 (RFC 8215): where it leads can't be read from it.
    Translation,
    /// Reserved for protocols or for the future.
    Reserved,
}

impl Kind {
    /// Whether allowing a name allows it to resolve to such an address. The others must be allowed as
    /// addresses: an allowed name that suddenly points to a metadata service is an attack.
    #[must_use]
    pub const fn may_be_named(self) -> bool {
        match self {
            Self::Loopback | Self::Private | Self::CarrierGrade | Self::UniqueLocal => true,
            Self::Unspecified
            | Self::LinkLocal
            | Self::Metadata
            | Self::Benchmarking
            | Self::Documentation
            | Self::Multicast
            | Self::Broadcast
            | Self::Translation
            | Self::Reserved => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::CarrierGrade => "a carrier-grade NAT address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a cloud metadata service",
            Self::Benchmarking => "a benchmarking address",
            Self::Documentation => "a documentation address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::UniqueLocal => "a unique local address",
            Self::Translation => "a local translation address",
            Self::Reserved => "a reserved address",
        })
    }
}

/// IPv4 networks that aren't public, the narrower before the wider: the IANA special-purpose registry of
/// 2025-10, metadata services with addresses of their own (Azure's is a public one), and the relays of 6to4,
/// which RFC 7526 withdrew: whoever answers there now decides where a packet goes.
const V4: [(Ipv4Addr, u32, Kind); 19] = [
    (Ipv4Addr::new(255, 255, 255, 255), 32, Kind::Broadcast),
    (Ipv4Addr::new(168, 63, 129, 16), 32, Kind::Metadata),
    (Ipv4Addr::new(100, 100, 100, 200), 32, Kind::Metadata),
    (Ipv4Addr::new(192, 0, 0, 192), 32, Kind::Metadata),
    (Ipv4Addr::new(0, 0, 0, 0), 8, Kind::Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Kind::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Kind::CarrierGrade),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Kind::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Kind::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Kind::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Kind::Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Kind::Documentation),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Kind::Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Kind::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Kind::Benchmarking),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Kind::Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Kind::Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Kind::Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Kind::Reserved),
];

const fn v6(a: u16, b: u16, c: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
}

/// IPv6 networks within the public `2000::/3` that aren't public, and the named ones outside of it: the
/// IANA special-purpose registry of 2025-10.
const V6: [(Ipv6Addr, u32, Kind); 15] = [
    (Ipv6Addr::UNSPECIFIED, 128, Kind::Unspecified),
    (Ipv6Addr::LOCALHOST, 128, Kind::Loopback),
    (v6(0x64, 0xff9b, 1), 48, Kind::Translation),
    (v6(0x100, 0, 0), 64, Kind::Reserved),
    (v6(0x2001, 2, 0), 48, Kind::Benchmarking),
    (v6(0x2001, 0xdb8, 0), 32, Kind::Documentation),
    (v6(0x3fff, 0, 0), 20, Kind::Documentation),
    (
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        128,
        Kind::Metadata,
    ),
    (
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
        128,
        Kind::Metadata,
    ),
    (v6(0xfc00, 0, 0), 7, Kind::UniqueLocal),
    (v6(0xfe80, 0, 0), 10, Kind::LinkLocal),
    (v6(0xfec0, 0, 0), 10, Kind::UniqueLocal),
    (v6(0xff00, 0, 0), 8, Kind::Multicast),
    // Teredo is looked into before.
    (v6(0x2001, 0, 0), 23, Kind::Reserved),
    (v6(0x5f00, 0, 0), 16, Kind::Reserved),
];

/// What an address is, if it isn't one of the public internet. An IPv6 address that stands for an IPv4
/// address, or leads a packet to one, is what that one is.
#[must_use]
pub fn kind(address: IpAddr) -> Option<Kind> {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Option<Kind> {
    let found = V4
        .iter()
        .find(|(net, prefix, _)| is_in_v4(address, *net, *prefix));
    found.map(|(_, _, kind)| *kind)
}

fn kind_v6(address: Ipv6Addr) -> Option<Kind> {
    let of_network = || {
        let found = V6
            .iter()
            .find(|(net, prefix, _)| is_in_v6(address, *net, *prefix));
        found.map(|(_, _, kind)| *kind)
    };
    let [a, b, c, d, e, f, g, h] = address.segments();
    match [a, b, c, d, e, f] {
        // IPv4-mapped, and NAT64 with its well-known prefix (RFC 6052): the IPv4 address itself.
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => kind_v4(joined(g, h)),
        // IPv4-compatible, long withdrawn; the unspecified and the loopback address look like it.
        [0, 0, 0, 0, 0, 0] => of_network()
            .or_else(|| kind_v4(joined(g, h)))
            .or(Some(Kind::Reserved)),
        // 6to4: the packet goes to the IPv4 address in it.
        [0x2002, ..] => kind_v4(joined(b, c)),
        // Teredo: to its server, or to its client, whose address is written inverted.
        [0x2001, 0, ..] => kind_v4(joined(c, d)).or_else(|| kind_v4(joined(!g, !h))),
        _ => of_network().or_else(|| (a & 0xe000 != 0x2000).then_some(Kind::Reserved)),
    }
}

const fn joined(high: u16, low: u16) -> Ipv4Addr {
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

/// Whether an address is in a network.
pub(super) fn is_in(address: IpAddr, net: IpAddr, prefix: u32) -> bool {
    match (address, net) {
        (IpAddr::V4(address), IpAddr::V4(net)) => is_in_v4(address, net, prefix),
        (IpAddr::V6(address), IpAddr::V6(net)) => is_in_v6(address, net, prefix),
        (IpAddr::V6(address), IpAddr::V4(net)) => address
            .to_ipv4_mapped()
            .is_some_and(|address| is_in_v4(address, net, prefix)),
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
    }
}

const fn is_in_v4(address: Ipv4Addr, net: Ipv4Addr, prefix: u32) -> bool {
    let differ = address.to_bits() ^ net.to_bits();
    match differ.checked_shr(32 - prefix) {
        Some(rest) => rest == 0,
        None => true,
    }
}

const fn is_in_v6(address: Ipv6Addr, net: Ipv6Addr, prefix: u32) -> bool {
    let differ = address.to_bits() ^ net.to_bits();
    match differ.checked_shr(128 - prefix) {
        Some(rest) => rest == 0,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Option<Kind> {
        kind(address.parse().expect("it is an address"))
    }

    #[test]
    fn the_public_internet_is_open() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001::8a",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            // Server 8.8.8.8, client 1.1.1.1.
            "2001:0:808:808:0:0:fefe:fefe",
        ] {
            assert_eq!(of(address), None, "{address}");
        }
    }

    #[test]
    fn everything_else_has_a_kind() {
        for (address, kind) in [
            ("0.0.0.0", Kind::Unspecified),
            ("0.1.2.3", Kind::Unspecified),
            ("10.0.0.1", Kind::Private),
            ("100.64.0.1", Kind::CarrierGrade),
            ("100.127.255.255", Kind::CarrierGrade),
            ("100.100.100.200", Kind::Metadata),
            ("127.0.0.1", Kind::Loopback),
            ("127.255.255.254", Kind::Loopback),
            ("168.63.129.16", Kind::Metadata),
            ("169.254.169.254", Kind::LinkLocal),
            ("172.16.0.1", Kind::Private),
            ("172.31.255.255", Kind::Private),
            ("192.0.0.8", Kind::Reserved),
            ("192.0.0.192", Kind::Metadata),
            ("192.0.2.1", Kind::Documentation),
            ("192.88.99.1", Kind::Reserved),
            ("192.168.1.1", Kind::Private),
            ("198.18.0.1", Kind::Benchmarking),
            ("198.19.255.255", Kind::Benchmarking),
            ("198.51.100.1", Kind::Documentation),
            ("203.0.113.1", Kind::Documentation),
            ("224.0.0.1", Kind::Multicast),
            ("240.0.0.1", Kind::Reserved),
            ("255.255.255.255", Kind::Broadcast),
            ("::", Kind::Unspecified),
            ("::1", Kind::Loopback),
            ("::2", Kind::Unspecified),
            ("::127.0.0.1", Kind::Loopback),
            ("::8.8.8.8", Kind::Reserved),
            ("::ffff:127.0.0.1", Kind::Loopback),
            ("::ffff:10.0.0.1", Kind::Private),
            ("::ffff:0:127.0.0.1", Kind::Reserved),
            ("64:ff9b::169.254.169.254", Kind::LinkLocal),
            ("64:ff9b:1::1", Kind::Translation),
            ("100::1", Kind::Reserved),
            ("2001:0:7f00:1::", Kind::Loopback),
            // A public server, and the client 10.0.0.1.
            ("2001:0:808:808:0:0:f5ff:fffe", Kind::Private),
            ("2001:2::1", Kind::Benchmarking),
            ("2001:10::1", Kind::Reserved),
            ("2001:20::1", Kind::Reserved),
            ("2001:db8::1", Kind::Documentation),
            ("2002:7f00:1::", Kind::Loopback),
            ("2002:a00:1::", Kind::Private),
            ("3fff::1", Kind::Documentation),
            ("4000::1", Kind::Reserved),
            ("5f00::1", Kind::Reserved),
            ("fc00::1", Kind::UniqueLocal),
            ("fd00:ec2::254", Kind::Metadata),
            ("fd20:ce::254", Kind::Metadata),
            ("fdff::1", Kind::UniqueLocal),
            ("fe80::1", Kind::LinkLocal),
            ("fec0::1", Kind::UniqueLocal),
            ("ff02::1", Kind::Multicast),
        ] {
            assert_eq!(of(address), Some(kind), "{address}");
        }
    }

    #[test]
    fn networks_hold_their_addresses_alone() {
        let holds = |address: &str, net: &str, prefix| {
            let parse = |text: &str| -> IpAddr { text.parse().expect("it is an address") };
            is_in(parse(address), parse(net), prefix)
        };
        assert!(holds("10.1.2.3", "10.1.0.0", 16));
        assert!(!holds("10.2.2.3", "10.1.0.0", 16));
        assert!(holds("::ffff:10.1.2.3", "10.1.0.0", 16));
        assert!(holds("1.2.3.4", "0.0.0.0", 0));
        assert!(holds("fd00::1", "::", 0));
        assert!(!holds("10.1.2.3", "::", 0));
        assert!(holds("fd00:1::1", "fd00::", 8));
        assert!(!holds("fe00::1", "fd00::", 8));
    }
}
