//! Linked lists: made, reversed, merged and sorted by relinking, each element an
//! allocation; and a ring of indices, from which every third is taken out.
//! Size: elements.

const NAME: &str = "lists";
const TEST_SIZE: i32 = 200;
const DEFAULT_SIZE: i32 = 100_000;
const MAX_SIZE: i32 = 4_000_000;

include!("workload.rs");

type List = Option<Box<Element>>;

struct Element {
    value: u32,
    next: List,
}

fn make(count: u32, random: &mut u32) -> List {
    let mut list = None;
    for _ in 0..count {
        list = Some(Box::new(Element {
            value: next_random(random) >> 8,
            next: list,
        }));
    }
    list
}

fn reverse(mut list: List) -> List {
    let mut reversed = None;
    while let Some(mut element) = list {
        list = element.next.take();
        element.next = reversed;
        reversed = Some(element);
    }
    reversed
}

/// Takes every other element out.
fn split(list: &mut List) -> List {
    let mut odd = None;
    let mut link = list;
    let mut tail = &mut odd;
    while let Some(element) = link {
        if let Some(mut taken) = element.next.take() {
            element.next = taken.next.take();
            *tail = Some(taken);
            tail = &mut tail.as_mut().unwrap().next;
        }
        link = &mut element.next;
    }
    odd
}

fn merge(mut a: List, mut b: List) -> List {
    let mut merged = None;
    let mut tail = &mut merged;
    loop {
        let from = match (&a, &b) {
            (Some(first), Some(second)) if first.value <= second.value => &mut a,
            (_, Some(_)) => &mut b,
            (Some(_), None) => &mut a,
            (None, None) => return merged,
        };
        let mut element = from.take().unwrap();
        *from = element.next.take();
        *tail = Some(element);
        tail = &mut tail.as_mut().unwrap().next;
    }
}

/// Merge sort.
fn sort(mut list: List) -> List {
    if list.as_ref().map_or(true, |element| element.next.is_none()) {
        return list;
    }
    let other = split(&mut list);
    merge(sort(list), sort(other))
}

fn fold(list: &List, mut sum: u32) -> u32 {
    let mut link = list;
    while let Some(element) = link {
        sum = mix(sum, element.value);
        link = &element.next;
    }
    sum
}

/// Frees one after the other: dropping the list would recurse as deep as it is long.
fn free(mut list: List) -> u32 {
    let mut count = 0;
    while let Some(mut element) = list {
        list = element.next.take();
        count += 1;
    }
    count
}

/// Who is left when every third leaves a ring; successors are indices.
fn last_in_ring(count: u32) -> u32 {
    let mut next: Vec<u32> = (1..count).chain([0]).collect();
    let mut at = count - 1;
    for _ in 1..count {
        at = next[next[at as usize] as usize];
        let out = next[at as usize];
        next[at as usize] = next[out as usize];
    }
    at
}

fn work(size: u32) -> Outcome {
    let mut random = 0x6c69_7374;
    let list = make(size, &mut random);
    let mut sum = fold(&list, size);
    let list = reverse(list);
    sum = fold(&list, sum);
    let list = sort(list);
    sum = fold(&list, sum);
    let first = list.as_ref().map_or(0, |element| element.value);
    let freed = free(list);
    let last = last_in_ring(size);
    Outcome {
        checksum: mix(mix(sum, freed), last),
        lines: vec![
            ("least", first.into()),
            ("freed", freed.into()),
            ("last", last.into()),
        ],
    }
}
