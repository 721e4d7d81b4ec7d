//! `cargo xtask sbom`: what the binary is made of, as a CycloneDX bill of materials on standard output.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use anyhow::Context as _;
use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand, Package, PackageId};
use serde_json::{Value, json};
use xtask::paths;

/// The package whose binary the images hold.
const BINARY: &str = "callboard";

pub(crate) fn run() -> anyhow::Result<()> {
    let bill = bill()?;
    writeln!(std::io::stdout(), "{bill:#}").context("the bill of materials can't be written")
}

fn bill() -> anyhow::Result<Value> {
    let metadata = MetadataCommand::new()
        .manifest_path(paths::root().join("Cargo.toml"))
        .features(CargoOpt::SomeFeatures(Vec::new()))
        .other_options(["--locked".to_owned()])
        .exec()
        .context("cargo metadata failed")?;
    let packages: BTreeMap<&PackageId, &Package> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package))
        .collect();
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo resolved nothing")?;
    let edges: BTreeMap<&PackageId, Vec<&PackageId>> = resolve
        .nodes
        .iter()
        .map(|node| {
            let linked = node.deps.iter().filter(|dependency| {
                dependency
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind == DependencyKind::Normal)
            });
            (&node.id, linked.map(|dependency| &dependency.pkg).collect())
        })
        .collect();
    let root = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == BINARY)
        .with_context(|| format!("there is no package {BINARY}"))?;
    let linked = reached(&root.id, &edges);
    let components: Vec<Value> = linked
        .iter()
        .filter(|id| **id != &root.id)
        .filter_map(|id| packages.get(id))
        .map(|package| component(package, "library"))
        .collect();
    let dependencies: Vec<Value> = linked
        .iter()
        .filter_map(|id| {
            let on: Vec<String> = edges
                .get(id)?
                .iter()
                .filter_map(|id| packages.get(id).map(|package| purl(package)))
                .collect();
            Some(json!({"ref": purl(packages.get(id)?), "dependsOn": on}))
        })
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(root, "application")},
        "components": components,
        "dependencies": dependencies,
    }))
}

/// Returns all packages that `root` is linked from, itself included. Those of other platforms are among them.
fn reached<'a>(
    root: &'a PackageId,
    edges: &BTreeMap<&'a PackageId, Vec<&'a PackageId>>,
) -> BTreeSet<&'a PackageId> {
    let mut seen = BTreeSet::from([root]);
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        for next in edges.get(id).into_iter().flatten() {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}

fn component(package: &Package, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": package.name.as_str(),
        "version": package.version.to_string(),
        "purl": purl(package),
    });
    if let Some(license) = &package.license {
        // Older packages part alternatives by a slash, which isn't SPDX.
        let expression = license.replace('/', " OR ");
        component["licenses"] = json!([{"expression": expression}]);
    }
    component
}

fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::bill;

    #[test]
    fn the_bill_names_what_is_linked_and_nothing_that_only_tests_need() {
        let bill = bill().unwrap();
        assert_eq!(bill["metadata"]["component"]["name"], "callboard");
        let components = bill["components"].as_array().unwrap();
        let names: Vec<&str> = components
            .iter()
            .map(|component| component["name"].as_str().unwrap())
            .collect();
        assert!(names.contains(&"async-nats") && names.contains(&"callboard-proto"));
        assert!(!names.contains(&"testcontainers"));
        let without: Vec<&str> = components
            .iter()
            .filter(|component| component["licenses"].is_null())
            .map(|component| component["name"].as_str().unwrap())
            .collect();
        // `ring` states its licence in a file.
        assert!(without.iter().all(|name| *name == "ring"), "{without:?}");
    }
}
