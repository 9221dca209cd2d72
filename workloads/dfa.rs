//! Searching with regular expressions: a pattern becomes a nondeterministic automaton,
//! that one state by state deterministic, as the text needs it.
//! Size: KiB of text.

const NAME: &str = "dfa";
const TEST_SIZE: i32 = 1;
const DEFAULT_SIZE: i32 = 1024;
const MAX_SIZE: i32 = 65_536;

include!("workload.rs");

const PATTERNS: [&str; 5] = [
    "[a-z]+@[a-z]+\\.(com|org|net)",
    "(0|1)(0|1)*\\.(0|1)+",
    "(ab|ba)*c+(d|e)?",
    "[0-9]+-[0-9][0-9]-[0-9][0-9]",
    "loop(ed|ing|s)?",
];

/// A step of the nondeterministic automaton.
#[derive(Clone)]
enum Step {
    /// Takes a byte of the set to the next step.
    Bytes([u32; 8], usize),
    /// Goes on in both.
    Both(usize, usize),
    Found,
}

/// From a pattern to steps, backwards: each part is made with the step that follows it.
struct Parser<'a> {
    pattern: &'a [u8],
    steps: Vec<Step>,
}

/// A part of a pattern.
enum Part {
    Bytes([u32; 8]),
    Sequence(Vec<Part>),
    Choice(Vec<Part>),
    Repeat {
        part: Box<Part>,
        least: u32,
        once: bool,
    },
}

fn insert(set: &mut [u32; 8], byte: u8) {
    set[usize::from(byte) / 32] |= 1 << (byte % 32);
}

fn contains(set: &[u32; 8], byte: u8) -> bool {
    set[usize::from(byte) / 32] >> (byte % 32) & 1 == 1
}

impl Parser<'_> {
    fn take(&mut self) -> u8 {
        let byte = self.pattern[0];
        self.pattern = &self.pattern[1..];
        byte
    }

    fn choice(&mut self) -> Part {
        let mut choices = vec![self.sequence()];
        while self.pattern.first() == Some(&b'|') {
            self.take();
            choices.push(self.sequence());
        }
        Part::Choice(choices)
    }

    fn sequence(&mut self) -> Part {
        let mut parts = Vec::new();
        while !matches!(self.pattern.first(), None | Some(b'|' | b')')) {
            let part = Box::new(self.atom());
            parts.push(match self.pattern.first() {
                Some(b'*') => Part::Repeat {
                    part,
                    least: 0,
                    once: false,
                },
                Some(b'+') => Part::Repeat {
                    part,
                    least: 1,
                    once: false,
                },
                Some(b'?') => Part::Repeat {
                    part,
                    least: 0,
                    once: true,
                },
                _ => {
                    parts.push(*part);
                    continue;
                }
            });
            self.take();
        }
        Part::Sequence(parts)
    }

    fn atom(&mut self) -> Part {
        let mut set = [0; 8];
        match self.take() {
            b'(' => {
                let part = self.choice();
                self.take();
                return part;
            }
            b'[' => {
                while self.pattern[0] != b']' {
                    let from = self.take();
                    let to = if self.pattern[0] == b'-' {
                        self.take();
                        self.take()
                    } else {
                        from
                    };
                    (from..=to).for_each(|byte| insert(&mut set, byte));
                }
                self.take();
            }
            b'\\' => insert(&mut set, self.take()),
            byte => insert(&mut set, byte),
        }
        Part::Bytes(set)
    }

    fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    fn compile(&mut self, part: &Part, next: usize) -> usize {
        match part {
            Part::Bytes(set) => self.push(Step::Bytes(*set, next)),
            Part::Sequence(parts) => parts
                .iter()
                .rev()
                .fold(next, |next, part| self.compile(part, next)),
            Part::Choice(choices) => {
                let mut first = self.compile(&choices[0], next);
                for choice in &choices[1..] {
                    let other = self.compile(choice, next);
                    first = self.push(Step::Both(first, other));
                }
                first
            }
            Part::Repeat {
                part, once: true, ..
            } => {
                let first = self.compile(part, next);
                self.push(Step::Both(first, next))
            }
            Part::Repeat { part, least, .. } => {
                let again = self.push(Step::Both(0, next));
                let first = self.compile(part, again);
                self.steps[again] = Step::Both(first, next);
                if *least == 0 {
                    again
                } else {
                    first
                }
            }
        }
    }
}

/// The deterministic automaton, as far as it is known.
struct Dfa {
    steps: Vec<Step>,
    start: usize,
    /// The steps of each state, sorted, and whether the pattern was found in it.
    states: Vec<(Vec<usize>, bool)>,
    /// By state and byte; not known yet are `UNKNOWN`.
    next: Vec<u16>,
}

const UNKNOWN: u16 = u16::MAX;

impl Dfa {
    fn new(pattern: &str) -> Self {
        let mut parser = Parser {
            pattern: pattern.as_bytes(),
            steps: vec![Step::Found],
        };
        let part = parser.choice();
        let start = parser.compile(&part, 0);
        let mut dfa = Self {
            steps: parser.steps,
            start,
            states: Vec::new(),
            next: Vec::new(),
        };
        let mut first = Vec::new();
        dfa.close(dfa.start, &mut first);
        dfa.state(first);
        dfa
    }

    /// Adds a step with all that it leads to without a byte.
    fn close(&self, step: usize, set: &mut Vec<usize>) {
        if set.contains(&step) {
            return;
        }
        set.push(step);
        if let Step::Both(a, b) = self.steps[step] {
            self.close(a, set);
            self.close(b, set);
        }
    }

    fn state(&mut self, mut set: Vec<usize>) -> u16 {
        set.sort_unstable();
        if let Some(known) = self.states.iter().position(|(steps, _)| *steps == set) {
            return known as u16;
        }
        let found = set
            .iter()
            .any(|step| matches!(self.steps[*step], Step::Found));
        self.states.push((set, found));
        self.next.extend([UNKNOWN; 256]);
        self.states.len() as u16 - 1
    }

    #[cold]
    fn make_next(&mut self, state: u16, byte: u8) -> u16 {
        // A match may begin anywhere.
        let mut set = Vec::new();
        self.close(self.start, &mut set);
        for step in self.states[usize::from(state)].0.clone() {
            if let Step::Bytes(bytes, next) = &self.steps[step] {
                if contains(bytes, byte) {
                    self.close(*next, &mut set);
                }
            }
        }
        let next = self.state(set);
        self.next[usize::from(state) * 256 + usize::from(byte)] = next;
        next
    }

    /// How many positions of the text end a match, and a hash of them.
    fn search(&mut self, text: &[u8]) -> (u32, u32) {
        let (mut state, mut found, mut sum) = (0, 0, 1);
        for (at, &byte) in text.iter().enumerate() {
            state = match self.next[usize::from(state) * 256 + usize::from(byte)] {
                UNKNOWN => self.make_next(state, byte),
                known => known,
            };
            if self.states[usize::from(state)].1 {
                found += 1;
                sum = mix(sum, at as u32);
            }
        }
        (found, sum)
    }
}

fn make_text(len: usize) -> Vec<u8> {
    const PIECES: [&str; 12] = [
        "someone@example.org",
        "ab",
        "ba",
        "c",
        "101.0110",
        "1999-12-31",
        "looping ",
        " and ",
        "x@y",
        "\n",
        "20-1",
        "ddee ",
    ];
    let mut random = 0x0064_6661;
    let mut text = Vec::with_capacity(len + 32);
    while text.len() < len {
        let choice = next_random(&mut random) as usize >> 5;
        text.extend(PIECES[choice % PIECES.len()].bytes());
        if choice & 0x1000 != 0 {
            text.push(b'a' + (choice >> 16) as u8 % 26);
        }
    }
    text.truncate(len);
    text
}

fn work(size: u32) -> Outcome {
    let text = make_text(size as usize * 1024);
    let (mut sum, mut found, mut states) = (size, 0, 0);
    for pattern in PATTERNS {
        let mut dfa = Dfa::new(pattern);
        let (count, hash) = dfa.search(&text);
        sum = mix(mix(sum, count), hash);
        found += u64::from(count);
        states += dfa.states.len() as u64;
    }
    Outcome {
        checksum: sum,
        lines: vec![("found", found), ("states", states)],
    }
}
