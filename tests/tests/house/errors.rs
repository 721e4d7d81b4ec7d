//! The index of the error pages.

use std::collections::BTreeSet;
use std::fs;

use xtask::paths;

use super::sources::files;

/// Returns one line for each page that the index doesn't link, and for each link without a page.
fn bad_index(index: &str, pages: &BTreeSet<String>) -> Vec<String> {
    let links: BTreeSet<String> = index
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .map(|link| link.trim_start_matches("./").to_owned())
        .filter(|link| link.ends_with(".md") && !link.contains('/'))
        .collect();
    let missing = pages
        .difference(&links)
        .map(|page| format!("the index doesn't list {page}"));
    let dead = links
        .difference(pages)
        .map(|link| format!("the index lists {link}, which isn't there"));
    missing.chain(dead).collect()
}

#[test]
fn the_index_of_errors_lists_every_page() {
    let folder = paths::root().join("docs/errors");
    let pages: BTreeSet<String> = files(".md")
        .iter()
        .filter_map(|name| name.strip_prefix("docs/errors/").map(str::to_owned))
        .filter(|name| name != "README.md")
        .collect();
    match fs::read_to_string(folder.join("README.md")) {
        Ok(index) => assert_eq!(bad_index(&index, &pages), [""; 0]),
        // No pages, no index.
        Err(error) => assert!(pages.is_empty(), "docs/errors/README.md: {error}"),
    }
}

#[test]
fn the_checker_rejects_a_page_without_a_link_and_a_link_without_a_page() {
    let pages = BTreeSet::from(["one.md".to_owned(), "two.md".to_owned()]);
    assert!(
        bad_index(
            "- [one](one.md)\n- [two](./two.md#cure)\n- [far](../wire.md)",
            &pages
        )
        .is_empty()
    );
    assert_eq!(bad_index("- [one](one.md)", &pages).len(), 1);
    assert_eq!(
        bad_index("[one](one.md) [two](two.md) [three](three.md)", &pages).len(),
        1
    );
}
