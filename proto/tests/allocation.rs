//! A decoder takes no more memory than its input justifies. Its own test binary, because measuring
//! replaces the allocator.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "wire/read.rs"]
mod read;

use std::collections::BTreeMap;

use callboard_proto::{HEADER_KIND, Kind};

/// What any body may take, whatever its length: 64 KiB (chosen, not measured).
const ALLOWANCE_BYTES: u64 = 64 * 1024;
/// What each byte of a body may take beyond. The worst is an empty item of a batch: 2 bytes become
/// one `Result` of the widest item and the account of why it can't be read, held at once.
const PER_BYTE: u64 = 400;

/// The golden bodies, by kind.
fn golden() -> BTreeMap<Kind, Vec<Vec<u8>>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut bodies: BTreeMap<Kind, Vec<Vec<u8>>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
        let Some(hex) = golden["hex"].as_str() else {
            continue;
        };
        let kind = golden["headers"][HEADER_KIND].as_str().unwrap();
        let body = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        bodies.entry(kind.parse().unwrap()).or_default().push(body);
    }
    assert_eq!(bodies.len(), Kind::ALL.len());
    bodies
}

/// Most bytes that reading a body holds at once.
fn peak(kind: Kind, body: &[u8]) -> u64 {
    allocation_counter::measure(|| {
        if let Ok(read::Read { again, bad }) = read::read(kind, body) {
            std::hint::black_box((again, bad));
        }
    })
    .bytes_max
}

#[test]
fn the_measure_measures() {
    let info = allocation_counter::measure(|| drop(Vec::<u8>::with_capacity(1 << 20)));
    assert_eq!(info.bytes_max, 1 << 20);
}

#[test]
fn a_length_prefix_alone_allocates_nothing() {
    // A marker with a length of 4 GiB less one, in place of every byte of every golden body.
    let markers: [&[u8]; 4] = [
        b"\xdd\xff\xff\xff\xff", // array 32
        b"\xdf\xff\xff\xff\xff", // map 32
        b"\xdb\xff\xff\xff\xff", // str 32
        b"\xc6\xff\xff\xff\xff", // bin 32
    ];
    for (kind, bodies) in golden() {
        for body in bodies {
            for at in 0..body.len() {
                for marker in markers {
                    let hostile = [&body[..at], marker, &body[at + 1..]].concat();
                    let justified = ALLOWANCE_BYTES + 8 * hostile.len() as u64;
                    let peak = peak(kind, &hostile);
                    assert!(
                        peak <= justified,
                        "{kind}: {peak} bytes for a marker at {at}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_short_body_with_a_huge_claim_stays_below_the_allowance() {
    for &kind in Kind::ALL {
        for claim in [
            &b"\x82\xa4head\x80\xa5items\xdd\xff\xff\xff\xff"[..],
            &b"\x82\xa5items\xdd\xff\xff\xff\xff\xc4\x00"[..],
            &b"\xdd\xff\xff\xff\xff\xc0\xc0\xc0"[..],
            &b"\xdf\xff\xff\xff\xff\xa1x\xc0"[..],
            &b"\x81\xa5tools\xdd\xff\xff\xff\xff\x80"[..],
            &b"\x81\xa6labels\xdd\xff\xff\xff\xff\xa1a"[..],
        ] {
            let peak = peak(kind, claim);
            assert!(peak <= ALLOWANCE_BYTES, "{kind}: {peak} bytes");
        }
    }
}

#[test]
fn what_is_held_grows_with_the_body_and_no_faster() {
    for (kind, bodies) in golden() {
        // As many empty items as fit the limit, and one more.
        for count in [4_096_u16, 4_097] {
            for body in &bodies {
                let Some(at) = body.windows(6).position(|window| window == b"\xa5items") else {
                    continue;
                };
                let mut hostile = body[..at + 6].to_vec();
                hostile.push(0xdc);
                hostile.extend_from_slice(&count.to_be_bytes());
                hostile.extend(std::iter::repeat_n([0xc4, 0x00], count.into()).flatten());
                let justified = ALLOWANCE_BYTES + PER_BYTE * hostile.len() as u64;
                let peak = peak(kind, &hostile);
                assert!(
                    peak <= justified,
                    "{kind}: {peak} bytes for {}",
                    hostile.len()
                );
            }
        }
    }
}

#[test]
fn a_wrong_text_is_quoted_only_in_part() {
    let text = vec![b'x'; 1 << 20];
    let body = [&b"\x81\xa8instance\xdb\x00\x10\x00\x00"[..], &text].concat();
    for &kind in Kind::ALL {
        let info = allocation_counter::measure(|| {
            std::hint::black_box(read::read(kind, &body).err());
        });
        assert!(
            info.bytes_max <= ALLOWANCE_BYTES + 4 * body.len() as u64,
            "{kind}"
        );
    }
}
