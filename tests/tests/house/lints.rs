//! Every member takes the lints of the workspace.

use std::fs;

use super::graph::metadata;

/// Tells whether a member's manifest takes the lints of the workspace.
fn has_lints(manifest: &str) -> bool {
    let manifest: toml::Table = manifest.parse().unwrap();
    manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"))
        == Some(&true.into())
}

#[test]
fn every_member_takes_the_lints_of_the_workspace() {
    for package in metadata().workspace_packages() {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            has_lints(&manifest),
            "{} needs `[lints] workspace = true`",
            package.manifest_path
        );
    }
    assert!(!has_lints("[package]\nname = \"bare\"\n"));
    assert!(!has_lints("[lints]\nworkspace = false\n"));
}
