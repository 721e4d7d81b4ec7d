//! The names that a model sees. Providers take letters, digits, `_` and `-`, at most 64 of them and
//! no digit or `-` in front (the strictest of the providers' rules); a worker may name a tool as it likes.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

/// Longest name that every provider takes, in characters (OpenAI's limit; others allow 128).
const CHARACTERS_MAX: usize = 64;
/// Hexadecimal digits of the hash that tells shortened names apart, at first.
const HASH_DIGITS: usize = 8;

/// One name for each tool, all different. It depends on the set of tools alone, not on their order.
///
/// A name that every provider takes stays as it is. Another one has its bad characters replaced by
/// `_`, and gets a hash where it is too long or wouldn't be the only one.
pub(super) fn model_names(names: &[&str]) -> Vec<String> {
    let mut taken: BTreeSet<String> = names
        .iter()
        .filter(|name| is_accepted(name))
        .map(|name| (*name).to_owned())
        .collect();
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for name in names.iter().filter(|name| !is_accepted(name)) {
        *wanted.entry(cleaned(name)).or_default() += 1;
    }
    // In order of the names, so that the caller's order plays no part where hashes collide.
    let mut by_name: BTreeMap<&str, String> = BTreeMap::new();
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    for name in sorted {
        let model_name = if is_accepted(name) {
            name.to_owned()
        } else {
            let cleaned = cleaned(name);
            let is_free = cleaned.len() <= CHARACTERS_MAX
                && wanted.get(&cleaned) == Some(&1)
                && !taken.contains(&cleaned);
            if is_free {
                cleaned
            } else {
                hashed(name, &cleaned, &taken)
            }
        };
        taken.insert(model_name.clone());
        by_name.insert(name, model_name);
    }
    names.iter().map(|name| by_name[name].clone()).collect()
}

fn is_accepted(name: &str) -> bool {
    name.len() <= CHARACTERS_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// The name with `_` for every character that isn't accepted; ASCII.
fn cleaned(name: &str) -> String {
    let mut cleaned = String::with_capacity(name.len() + 1);
    if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        cleaned.push('_');
    }
    cleaned.extend(name.chars().map(|character| {
        if character.is_ascii_alphanumeric() || character == '-' {
            character
        } else {
            '_'
        }
    }));
    cleaned
}

fn hashed(name: &str, cleaned: &str, taken: &BTreeSet<String>) -> String {
    let hash: String = Sha256::digest(name.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    (HASH_DIGITS..CHARACTERS_MAX - 1)
        .map(|digits| {
            let room = CHARACTERS_MAX - digits - 1;
            let kept = &cleaned[..cleaned.len().min(room)];
            format!("{kept}_{}", &hash[..digits])
        })
        .find(|candidate| !taken.contains(candidate))
        .expect("two names don't share 62 digits of a SHA-256")
}

#[cfg(test)]
mod tests {
    use super::model_names;

    #[test]
    fn names_stay_where_they_can_and_never_collide() {
        let long = "x".repeat(100);
        let names = [
            "fs_read",
            "fs.read",
            "fs read",
            "a.b",
            "a_b",
            "7zip",
            "-x",
            "größe",
            "shop/order:get",
            &long,
        ];
        let model_names = model_names(&names);
        assert_eq!(
            model_names,
            [
                "fs_read",
                "fs_read_4074bc02",
                "fs_read_c77d864a",
                "a_b_2e7336dc",
                "a_b",
                "_7zip",
                "_-x",
                "gr__e",
                "shop_order_get",
                &format!("{}_{}", "x".repeat(55), "09ecb6eb"),
            ]
        );
        for name in &model_names {
            assert!(super::is_accepted(name), "{name}");
        }
    }

    #[test]
    fn order_plays_no_part() {
        let names = ["fs.read", "fs read", "fs_read", "z"];
        let forward = model_names(&names);
        let mut backward: Vec<&str> = names.to_vec();
        backward.reverse();
        let mut reversed = model_names(&backward);
        reversed.reverse();
        assert_eq!(forward, reversed);
    }
}
