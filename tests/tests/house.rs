//! The rules of the house that no compiler checks: who may depend on whom, how long a file may be, that every member
//! has the lints, that every error page is in the index. Each checker is shown to reject what breaks its rule.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use xtask::paths;

/// The longest a Rust file may be, in lines: above it, a second idea has moved in.
const LINES_MAX: usize = 500;

/// Packages by name, each with the packages that it names or reaches.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// Who depends on whom in the workspace and beyond.
#[derive(Debug, Clone, Default)]
struct Graph {
    /// What each of our packages names in its manifest, for whatever purpose, ours alone.
    ours: Edges,
    /// What each package links into what it ships, ours and others', tests left out.
    shipped: Edges,
}

impl Graph {
    fn of(metadata: &Metadata) -> Self {
        let names: BTreeMap<_, _> = metadata
            .packages
            .iter()
            .map(|package| (&package.id, package.name.to_string()))
            .collect();
        let members: BTreeSet<_> = metadata
            .workspace_members
            .iter()
            .map(|id| &names[id])
            .collect();
        let mut graph = Self::default();
        for package in metadata.workspace_packages() {
            let named = package
                .dependencies
                .iter()
                .map(|dependency| &dependency.name);
            let ours = named
                .filter(|name| members.contains(name))
                .cloned()
                .collect();
            graph.ours.insert(package.name.to_string(), ours);
        }
        for node in &metadata.resolve.as_ref().unwrap().nodes {
            let shipped = node.deps.iter().filter(|dependency| {
                dependency
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind != DependencyKind::Development)
            });
            let shipped = shipped.map(|dependency| names[&dependency.pkg].clone());
            graph
                .shipped
                .entry(names[&node.id].clone())
                .or_default()
                .extend(shipped);
        }
        graph
    }

    /// Returns everything that `package` links, however far away.
    fn reach(&self, package: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut open = vec![package];
        while let Some(name) = open.pop() {
            for next in self.shipped.get(name).into_iter().flatten() {
                if seen.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        seen
    }

    /// Returns one line for each rule of design.md, section 3, that the graph breaks.
    fn broken_rules(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (package, named) in &self.ours {
            let Some(rule) = RULES.iter().find(|rule| rule.package == package) else {
                broken.push(format!(
                    "{package} has no rule: say in house.rs what it may depend on"
                ));
                continue;
            };
            for name in named
                .iter()
                .filter(|name| !rule.ours.contains(&name.as_str()))
            {
                broken.push(format!("{package} must not depend on {name}"));
            }
            if rule.pure {
                let reach = self.reach(package);
                for name in IMPURE.iter().filter(|name| reach.contains(*name)) {
                    broken.push(format!("{package} must not reach {name}"));
                }
            }
        }
        broken
    }
}

/// What one package may depend on.
struct Rule {
    package: &'static str,
    ours: &'static [&'static str],
    /// Whether it must link no runtime, no network and no clock of its own.
    pure: bool,
}

const PROTO: &str = "callboard-proto";
const NATS: &str = "callboard-nats";
const TELEMETRY: &str = "callboard-telemetry";
const COORDINATOR: &str = "callboard-coordinator";
const COORDINATOR_CORE: &str = "callboard-coordinator-core";
const WORKER: &str = "callboard-worker";
const WORKER_CORE: &str = "callboard-worker-core";
const TESTS: &str = "callboard-tests";
const SIMULATION: &str = "callboard-simulation";
const MOCK_PROVIDER: &str = "callboard-mock-provider";

const RULES: [Rule; 14] = [
    Rule {
        package: PROTO,
        ours: &[],
        pure: true,
    },
    Rule {
        package: NATS,
        ours: &[PROTO],
        pure: false,
    },
    Rule {
        package: TELEMETRY,
        ours: &[PROTO],
        pure: false,
    },
    Rule {
        package: COORDINATOR_CORE,
        ours: &[PROTO],
        pure: true,
    },
    Rule {
        package: WORKER_CORE,
        ours: &[PROTO],
        pure: true,
    },
    Rule {
        package: COORDINATOR,
        ours: &[PROTO, NATS, TELEMETRY, COORDINATOR_CORE],
        pure: false,
    },
    Rule {
        package: WORKER,
        ours: &[PROTO, NATS, TELEMETRY, WORKER_CORE],
        pure: false,
    },
    Rule {
        package: "callboard",
        ours: &[PROTO, NATS, TELEMETRY, COORDINATOR, WORKER, MOCK_PROVIDER],
        pure: false,
    },
    Rule {
        package: TESTS,
        ours: &[
            PROTO,
            TELEMETRY,
            COORDINATOR,
            COORDINATOR_CORE,
            WORKER,
            WORKER_CORE,
            MOCK_PROVIDER,
            "callboard",
            "xtask",
        ],
        pure: false,
    },
    Rule {
        package: SIMULATION,
        ours: &[PROTO, COORDINATOR_CORE, WORKER_CORE],
        pure: false,
    },
    // Nothing of ours: a second reading of the formats that the adapters can't mislead (docs/adr/0009).
    Rule {
        package: MOCK_PROVIDER,
        ours: &[],
        pure: false,
    },
    Rule {
        package: "callboard-fuzz-targets",
        ours: &[PROTO, WORKER],
        pure: false,
    },
    // What a user copies: the library alone.
    Rule {
        package: "callboard-example-worker",
        ours: &[WORKER],
        pure: false,
    },
    Rule {
        package: "xtask",
        ours: &[],
        pure: false,
    },
];

/// What a pure package never links: runtimes and the network.
const IMPURE: [&str; 6] = [
    "tokio",
    "async-nats",
    "futures-util",
    "mio",
    "socket2",
    "async-std",
];

fn metadata() -> Metadata {
    // For this machine alone: the whole lock file would make cargo fetch what other systems need.
    let version = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let said = String::from_utf8(version.stdout).unwrap();
    let host = said
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    MetadataCommand::new()
        .manifest_path(paths::root().join("Cargo.toml"))
        .other_options([
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            host.to_owned(),
        ])
        .exec()
        .unwrap()
}

#[test]
fn dependencies_point_the_right_way() {
    assert_eq!(Graph::of(&metadata()).broken_rules(), [""; 0]);
}

#[test]
fn every_rule_has_its_package() {
    let graph = Graph::of(&metadata());
    for rule in &RULES {
        assert!(
            graph.ours.contains_key(rule.package),
            "{} is gone: its rule too",
            rule.package
        );
    }
}

/// A graph that keeps every rule, with `edges` added to what is named and what is shipped.
fn graph(edges: &[(&str, &str)]) -> Graph {
    let good = RULES
        .iter()
        .flat_map(|rule| rule.ours.iter().map(move |name| (rule.package, *name)));
    let others = [
        ("callboard-coordinator", "tokio"),
        ("tokio", "mio"),
        (PROTO, "serde"),
    ];
    let mut graph = Graph::default();
    for rule in &RULES {
        graph.ours.entry(rule.package.to_owned()).or_default();
    }
    for (from, to) in good.chain(others).chain(edges.iter().copied()) {
        graph
            .shipped
            .entry(from.to_owned())
            .or_default()
            .insert(to.to_owned());
        if RULES.iter().any(|rule| rule.package == to) {
            graph
                .ours
                .entry(from.to_owned())
                .or_default()
                .insert(to.to_owned());
        }
    }
    graph
}

#[test]
fn the_checker_takes_a_good_graph_and_rejects_every_broken_one() {
    assert_eq!(graph(&[]).broken_rules(), [""; 0]);
    for (from, to) in [
        (COORDINATOR, WORKER),
        (WORKER, COORDINATOR),
        (COORDINATOR, WORKER_CORE),
        (WORKER_CORE, COORDINATOR_CORE),
        (PROTO, WORKER_CORE),
        ("callboard", TESTS),
        (COORDINATOR, TESTS),
        (COORDINATOR, MOCK_PROVIDER),
        (WORKER, MOCK_PROVIDER),
        (MOCK_PROVIDER, COORDINATOR),
        (MOCK_PROVIDER, PROTO),
        (MOCK_PROVIDER, TESTS),
        ("xtask", TESTS),
        ("xtask", PROTO),
    ] {
        let expected = format!("{from} must not depend on {to}");
        let broken = graph(&[(from, to)]).broken_rules();
        assert!(
            broken.contains(&expected),
            "{expected}, but the checker said {broken:?}"
        );
    }
}

#[test]
fn the_checker_finds_a_runtime_behind_other_packages() {
    let broken =
        graph(&[(PROTO, "helper"), ("helper", "deeper"), ("deeper", "tokio")]).broken_rules();
    for package in [PROTO, COORDINATOR_CORE, WORKER_CORE] {
        assert!(
            broken.contains(&format!("{package} must not reach tokio")),
            "{broken:?}"
        );
        assert!(
            broken.contains(&format!("{package} must not reach mio")),
            "{broken:?}"
        );
    }
    assert_eq!(
        graph(&[(WORKER_CORE, "async-nats")]).broken_rules().len(),
        1
    );
}

#[test]
fn the_checker_rejects_a_package_without_a_rule() {
    let mut graph = graph(&[]);
    graph
        .ours
        .insert("callboard-extra".to_owned(), BTreeSet::new());
    assert_eq!(graph.broken_rules().len(), 1);
}

/// Returns the name of every file of ours in git that ends with `suffix`.
fn files(suffix: &str) -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--", &format!("*{suffix}")])
        .current_dir(paths::root())
        .output()
        .expect("git lists the files: the house is checked in a clone");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).unwrap();
    // A file that somebody has just removed is still listed.
    let there = |name: &&str| !name.is_empty() && paths::root().join(name).is_file();
    names.split('\0').filter(there).map(str::to_owned).collect()
}

/// Returns one line for each text that is too long or that switches a test off.
fn bad_sources<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut bad = Vec::new();
    for (name, text) in sources {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            bad.push(format!(
                "{name} has {lines} lines, more than {LINES_MAX}: split it by its ideas"
            ));
        }
        if text
            .lines()
            .any(|line| line.trim_start().starts_with("#[ignore"))
        {
            bad.push(format!(
                "{name} switches a test off: what can't run says so and fails"
            ));
        }
    }
    bad
}

#[test]
fn no_source_is_too_long_and_no_test_is_off() {
    let texts: Vec<_> = files(".rs")
        .into_iter()
        .map(|name| (fs::read_to_string(paths::root().join(&name)).unwrap(), name))
        .collect();
    assert!(!texts.is_empty());
    let sources = texts
        .iter()
        .map(|(text, name)| (name.as_str(), text.as_str()));
    assert_eq!(bad_sources(sources), [""; 0]);
}

#[test]
fn the_checker_rejects_a_long_source_and_a_test_that_is_off() {
    let full = "line\n".repeat(LINES_MAX);
    assert!(bad_sources([("full.rs", full.as_str())]).is_empty());
    assert_eq!(
        bad_sources([("long.rs", format!("{full}line\n").as_str())]).len(),
        1
    );
    assert_eq!(
        bad_sources([("off.rs", "#[test]\n#[ignore]\nfn slow() {}\n")]).len(),
        1
    );
}

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
