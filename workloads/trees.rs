//! Binary trees, each node an allocation of its own: perfect trees made, walked and
//! freed, and a search tree into which random keys go and from which every other one is
//! taken out again.
//! Size: nodes in all, about.

const NAME: &str = "trees";
const TEST_SIZE: i32 = 500;
const DEFAULT_SIZE: i32 = 400_000;
const MAX_SIZE: i32 = 20_000_000;

include!("workload.rs");

#[derive(Default)]
struct Node {
    left: Option<Box<Node>>,
    right: Option<Box<Node>>,
}

fn perfect(depth: u32) -> Option<Box<Node>> {
    let child = || if depth > 1 { perfect(depth - 1) } else { None };
    Some(Box::new(Node {
        left: child(),
        right: child(),
    }))
}

fn count(tree: &Option<Box<Node>>) -> u32 {
    tree.as_ref()
        .map_or(0, |node| 1 + count(&node.left) + count(&node.right))
}

/// A search tree, not balanced: random keys need none of that.
#[derive(Default)]
struct Search {
    root: Link,
}

type Link = Option<Box<Entry>>;

struct Entry {
    key: u32,
    value: u32,
    left: Link,
    right: Link,
}

impl Search {
    /// The place of a key: where it is, or where it would be.
    fn place(&mut self, key: u32) -> &mut Link {
        let mut link = &mut self.root;
        while link.as_ref().map_or(false, |entry| entry.key != key) {
            let entry = link.as_mut().unwrap();
            link = if key < entry.key {
                &mut entry.left
            } else {
                &mut entry.right
            };
        }
        link
    }

    fn add(&mut self, key: u32, value: u32) {
        match self.place(key) {
            Some(entry) => entry.value = entry.value.wrapping_add(value),
            link => {
                *link = Some(Box::new(Entry {
                    key,
                    value,
                    left: None,
                    right: None,
                }));
            }
        }
    }

    fn remove(&mut self, key: u32) -> Option<u32> {
        let link = self.place(key);
        let mut entry = link.take()?;
        *link = match (entry.left.take(), entry.right.take()) {
            (None, other) | (other, None) => other,
            (left, right) => {
                // The least of the greater ones takes the place.
                let mut rest = right;
                let mut least = take_least(&mut rest);
                least.left = left;
                least.right = rest;
                Some(least)
            }
        };
        Some(entry.value)
    }
}

fn take_least(link: &mut Link) -> Box<Entry> {
    let mut link = link;
    while link.as_ref().unwrap().left.is_some() {
        link = &mut link.as_mut().unwrap().left;
    }
    let mut least = link.take().unwrap();
    *link = least.right.take();
    least
}

/// In order, with the depth of the deepest entry.
fn walk(link: &Link, sum: &mut u32) -> u32 {
    match link {
        None => 0,
        Some(entry) => {
            let left = walk(&entry.left, sum);
            *sum = mix(mix(*sum, entry.key), entry.value);
            1 + left.max(walk(&entry.right, sum))
        }
    }
}

fn work(size: u32) -> Outcome {
    let mut sum = size;
    let mut nodes = 0;
    // A long-lived tree, and many short-lived ones of less depth.
    let depth = (32 - (size / 4).leading_zeros()).max(1);
    let long_lived = perfect(depth);
    for short in (1..depth).rev().step_by(3) {
        for _ in 0..1 << (depth - short) / 2 {
            nodes += count(&perfect(short));
        }
    }
    nodes += count(&long_lived);
    sum = mix(sum, nodes);

    let mut search = Search::default();
    let mut random = 0x7265_6573;
    let keys: Vec<u32> = (0..size / 4)
        .map(|_| next_random(&mut random) % size)
        .collect();
    for (at, key) in keys.iter().enumerate() {
        search.add(*key, at as u32);
    }
    let mut removed = 0;
    for key in keys.iter().step_by(2) {
        if let Some(value) = search.remove(*key) {
            sum = mix(sum, value);
            removed += 1;
        }
    }
    let height = walk(&search.root, &mut sum);
    Outcome {
        checksum: sum,
        lines: vec![
            ("nodes", u64::from(nodes)),
            ("removed", removed),
            ("height", u64::from(height)),
        ],
    }
}
