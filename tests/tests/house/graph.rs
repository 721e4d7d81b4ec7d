//! Who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use xtask::paths;

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

pub(super) fn metadata() -> Metadata {
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
