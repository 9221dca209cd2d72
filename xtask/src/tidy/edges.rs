//! Which crate may know which: the direction of dependencies is the
//! architecture.
//!
//! ```text
//! core <- ir <- { executor, translator } <- api <- { wasi, wast } <- cli
//! ```
//!
//! Direct edges are compared with [`ALLOWED`]; dependencies for tests may go
//! anywhere but where [`APART`] says. The closures of [`APART`] are followed
//! through crates from elsewhere too: the executor must not come to depend on
//! a Wasm parser by way of a third crate.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata};

use super::Finding;

/// The packages of the workspace and the ones among them each may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("damson-core", &[]),
    ("damson-ir", &["damson-core"]),
    ("damson-executor", &["damson-core", "damson-ir"]),
    ("damson-translator", &["damson-core", "damson-ir"]),
    (
        "damson",
        &[
            "damson-core",
            "damson-ir",
            "damson-executor",
            "damson-translator",
        ],
    ),
    ("damson-wasi", &["damson", "damson-core"]),
    ("damson-wast", &["damson", "damson-core"]),
    (
        "damson-cli",
        // The executor for its counts alone, with a feature that is off.
        &[
            "damson",
            "damson-core",
            "damson-executor",
            "damson-wasi",
            "damson-wast",
        ],
    ),
    ("executor-only", &["damson-executor"]),
    ("xtask", &[]),
];

/// Packages that must not reach others, not even by way of a third.
const APART: &[(&str, &[&str])] = &[
    ("damson-core", &["wasmparser"]),
    ("damson-ir", &["wasmparser"]),
    (
        "damson-executor",
        &["wasmparser", "damson-translator", "damson"],
    ),
    ("damson-translator", &["damson-executor", "damson"]),
    (
        "executor-only",
        &["wasmparser", "damson-translator", "damson"],
    ),
];

/// Pairs that not even a test may join: the executor's tests must show that it
/// works without a translator.
const APART_IN_TESTS: &[(&str, &str)] = &[("damson-executor", "damson-translator")];

/// A crate with a single user.
const RESERVED: &[(&str, &str)] = &[("wasmparser", "damson-translator")];

/// The dependency graph, by package name.
#[derive(Default)]
pub(super) struct Graph {
    /// The workspace's own packages.
    members: BTreeSet<String>,
    /// Dependencies of the built crate and of its build script.
    normal: BTreeMap<String, BTreeSet<String>>,
    /// Dependencies of its tests, examples and benchmarks.
    dev: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Reads the graph from what cargo resolved, plus the optional dependencies
    /// of members that no default feature enables.
    pub(super) fn from_metadata(metadata: &Metadata) -> Self {
        let mut graph = Self::default();
        let names: BTreeMap<_, _> = metadata
            .packages
            .iter()
            .map(|p| (&p.id, p.name.to_string()))
            .collect();
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            for dependency in &node.deps {
                for kind in &dependency.dep_kinds {
                    graph.add(&names[&node.id], &names[&dependency.pkg], kind.kind);
                }
            }
        }
        for package in metadata.workspace_packages() {
            graph.members.insert(package.name.to_string());
            for dependency in &package.dependencies {
                graph.add(&package.name, &dependency.name, dependency.kind);
            }
        }
        graph
    }

    fn add(&mut self, from: &str, to: &str, kind: DependencyKind) {
        let edges = match kind {
            DependencyKind::Development => &mut self.dev,
            _ => &mut self.normal,
        };
        edges
            .entry(from.to_owned())
            .or_default()
            .insert(to.to_owned());
    }

    /// The way from one package to another along dependencies of built crates.
    fn way(&self, from: &str, to: &str) -> Option<Vec<&str>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut pending: Vec<&str> = self.direct(from).collect();
        pending.iter().for_each(|name| {
            came_from.insert(name, "");
        });
        while let Some(name) = pending.pop() {
            if name == to {
                let mut way = vec![name];
                while let Some(&before) = came_from.get(way[way.len() - 1])
                    && !before.is_empty()
                {
                    way.push(before);
                }
                way.reverse();
                return Some(way);
            }
            for next in self.direct(name) {
                if !came_from.contains_key(next) {
                    came_from.insert(next, name);
                    pending.push(next);
                }
            }
        }
        None
    }

    fn direct(&self, name: &str) -> impl Iterator<Item = &str> {
        self.normal
            .get(name)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// Checks the graph against the tables above.
pub(super) fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &graph.members {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == member) else {
            let message = "is not in the table of allowed dependencies; add it";
            findings.push(Finding::new(member, 0, message));
            continue;
        };
        for dependency in graph.direct(member) {
            if graph.members.contains(dependency) && !allowed.contains(&dependency) {
                let message = format!("must not depend on {dependency}; it may on {allowed:?}");
                findings.push(Finding::new(member, 0, message));
            }
            if let Some((_, user)) = RESERVED.iter().find(|(name, _)| *name == dependency)
                && user != member
            {
                let message = format!("must not depend on {dependency}; only {user} may");
                findings.push(Finding::new(member, 0, message));
            }
        }
    }
    for (name, _) in ALLOWED {
        if !graph.members.contains(*name) {
            let message = "is in the table of allowed dependencies but not in the workspace";
            findings.push(Finding::new(name, 0, message));
        }
    }
    for (from, targets) in APART {
        for to in *targets {
            if let Some(way) = graph.way(from, to) {
                let message = format!("must not reach {to}, but does through {}", way.join(" -> "));
                findings.push(Finding::new(from, 0, message));
            }
        }
    }
    for (from, to) in APART_IN_TESTS {
        let direct: Vec<_> = graph.dev.get(*from).into_iter().flatten().collect();
        for dependency in direct {
            if dependency == to || graph.way(dependency, to).is_some() {
                let message = format!("its tests must not reach {to}, but do through {dependency}");
                findings.push(Finding::new(from, 0, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of all members with the given further edges.
    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (name, allowed) in ALLOWED {
            graph.members.insert((*name).to_owned());
            for dependency in *allowed {
                graph.add(name, dependency, DependencyKind::Normal);
            }
        }
        graph.add("damson-translator", "wasmparser", DependencyKind::Normal);
        for (from, to) in edges {
            graph.add(from, to, DependencyKind::Normal);
        }
        graph
    }

    fn messages(graph: &Graph) -> Vec<String> {
        check(graph).iter().map(ToString::to_string).collect()
    }

    fn is_found(graph: &Graph, part: &str) {
        let messages = messages(graph);
        assert!(
            messages.iter().any(|message| message.contains(part)),
            "{part}: {messages:?}"
        );
    }

    #[test]
    fn the_allowed_edges_are_allowed() {
        assert_eq!(messages(&graph(&[])), [""; 0]);
    }

    #[test]
    fn an_edge_in_the_wrong_direction_is_found() {
        is_found(
            &graph(&[("damson-core", "damson-ir")]),
            "damson-core: must not depend on damson-ir",
        );
        is_found(
            &graph(&[("damson-ir", "damson-executor")]),
            "damson-ir: must not depend on",
        );
        is_found(
            &graph(&[("damson-wasi", "damson-executor")]),
            "damson-wasi: must not depend on",
        );
        let both = graph(&[("damson-executor", "damson-translator")]);
        is_found(
            &both,
            "damson-executor: must not depend on damson-translator",
        );
        is_found(
            &both,
            "damson-executor: must not reach wasmparser, but does through \
                         damson-translator -> wasmparser",
        );
    }

    #[test]
    fn an_edge_through_another_crate_is_found() {
        let graph = graph(&[
            ("damson-executor", "tool"),
            ("tool", "lib"),
            ("lib", "wasmparser"),
        ]);
        is_found(
            &graph,
            "must not reach wasmparser, but does through tool -> lib -> wasmparser",
        );
    }

    #[test]
    fn only_the_translator_parses() {
        is_found(
            &graph(&[("damson", "wasmparser")]),
            "only damson-translator may",
        );
        is_found(
            &graph(&[("xtask", "wasmparser")]),
            "only damson-translator may",
        );
    }

    #[test]
    fn tests_may_depend_on_anything_but_the_executors_on_the_translator() {
        let mut fine = graph(&[]);
        fine.add("damson-core", "damson", DependencyKind::Development);
        fine.add("damson-ir", "wasmparser", DependencyKind::Development);
        assert_eq!(messages(&fine), [""; 0]);

        let mut direct = graph(&[]);
        direct.add(
            "damson-executor",
            "damson-translator",
            DependencyKind::Development,
        );
        is_found(&direct, "its tests must not reach damson-translator");
        let mut indirect = graph(&[]);
        indirect.add("damson-executor", "damson", DependencyKind::Development);
        is_found(
            &indirect,
            "its tests must not reach damson-translator, but do through damson",
        );
    }

    #[test]
    fn a_package_must_be_in_the_table_and_the_table_must_be_true() {
        let mut more = graph(&[]);
        more.members.insert("damson-new".to_owned());
        is_found(&more, "damson-new: is not in the table");
        let mut fewer = graph(&[]);
        fewer.members.remove("damson-wasi");
        is_found(&fewer, "damson-wasi: is in the table");
    }

    #[test]
    fn a_circle_through_tests_does_not_loop() {
        let graph = graph(&[("a", "b"), ("b", "a"), ("damson-executor", "a")]);
        assert_eq!(messages(&graph), [""; 0]);
    }
}
