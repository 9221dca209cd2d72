use super::*;
use alloc::vec;

/// A custom section.
struct Section(&'static str, Vec<u8>);

/// The debug information of a module with these sections.
fn loaded(sections: &[Section]) -> Option<Loaded> {
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    for Section(name, data) in sections {
        let mut contents = vec![u8::try_from(name.len()).expect("a short name")];
        contents.extend(name.as_bytes());
        contents.extend(data);
        wasm.push(0);
        wasm.extend(uleb(contents.len()));
        wasm.extend(contents);
    }
    let config = damson_translator::Config::default();
    let module = damson_translator::Module::parse(&wasm, &config).expect("custom sections only");
    Loaded::new(module.debug_info())
}

fn uleb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A unit of DWARF 5: its length, then `contents`.
fn unit(contents: &[u8]) -> Vec<u8> {
    let len = u32::try_from(contents.len()).expect("short");
    [&len.to_le_bytes()[..], contents].concat()
}

/// `.debug_abbrev` with a unit (1, with children or without), a function with a range of
/// addresses (2), one with a list of them (3), and an inlined function without anything (4).
fn abbreviations(children: bool) -> Section {
    let mut bytes = vec![1, 0x11, u8::from(children)];
    // Low and high address, table of lines, lists of ranges.
    bytes.extend([0x11, 1, 0x12, 6, 0x10, 0x17, 0x74, 0x17, 0, 0]);
    bytes.extend([2, 0x2e, 1, 0x11, 1, 0x12, 6, 0, 0]);
    bytes.extend([3, 0x2e, 0, 0x55, 0x17, 0, 0]);
    bytes.extend([4, 0x1d, 1, 0, 0]);
    bytes.push(0);
    Section(".debug_abbrev", bytes)
}

/// How many addresses the unit has, from 0 on.
const ADDRESSES: u32 = 0x1000;

/// `.debug_info` with one unit and what is in it.
fn info(children: &[u8]) -> Section {
    // Version, type, size of addresses, abbreviations.
    let mut bytes = vec![5, 0, 1, 4, 0, 0, 0, 0];
    bytes.push(1);
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(ADDRESSES.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    // After the header of `.debug_rnglists`.
    bytes.extend(12_u32.to_le_bytes());
    bytes.extend(children);
    Section(".debug_info", unit(&bytes))
}

/// `.debug_line` whose files all have the path at 0 of `.debug_line_str`; line 1 is at 0.
fn lines(files: usize) -> Section {
    let mut header = vec![1, 1, 1, 0xfb, 14, 13];
    header.extend([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]);
    // One directory, the path as a string; files with the path by reference.
    header.extend([1, 1, 8, 1, b'/', 0]);
    header.extend([1, 1, 0x1f]);
    header.extend(uleb(files));
    header.extend(core::iter::repeat_n(0_u8, 4 * files));
    let mut bytes = vec![5, 0, 4, 0];
    bytes.extend(unit(&header));
    // The address 0, file 0, a row, the end of the unit.
    bytes.extend([0, 5, 2, 0, 0, 0, 0, 4, 0, 1, 2]);
    bytes.extend(uleb(ADDRESSES as usize));
    bytes.extend([0, 1, 1]);
    Section(".debug_line", unit(&bytes))
}

/// `.debug_line_str` with a path of that length.
fn path(len: usize) -> Section {
    let mut path = vec![b'a'; len];
    path.push(0);
    Section(".debug_line_str", path)
}

/// The places at an address of the unit.
fn places(sections: &[Section]) -> Box<[FrameSymbol]> {
    loaded(sections).map_or_else(Box::default, |loaded| loaded.at(8))
}

#[test]
fn files_may_share_a_long_path_but_not_for_nothing() {
    let few = [abbreviations(false), info(&[]), lines(3), path(1000)];
    let found = places(&few);
    assert_eq!(found[0].line(), Some(1));
    assert_eq!(found[0].file(), Some(&*"a".repeat(1000)));
    // 1.5 GB of paths.
    let many = [abbreviations(false), info(&[]), lines(30_000), path(50_000)];
    assert_eq!(*places(&many), []);
    // Paths are read, but nobody wants to see this one.
    let long = [
        abbreviations(false),
        info(&[]),
        lines(3),
        path(LONGEST_TEXT + 1),
    ];
    let found = places(&long);
    assert_eq!((found[0].file(), found[0].line()), (None, Some(1)));
}

#[test]
fn functions_may_share_ranges_but_not_for_nothing() {
    // One list of `ranges` ranges, for `functions` functions.
    let sections = |ranges: u32, functions: usize| {
        let mut list = vec![5, 0, 4, 0, 0, 0, 0, 0];
        for _ in 0..ranges {
            list.extend([4, 0, 1]);
        }
        list.extend([4, 8, 16, 0]);
        let function = [3, 12, 0, 0, 0];
        let children = [&function.repeat(functions)[..], &[0]].concat();
        let lists = Section(".debug_rnglists", unit(&list));
        [
            abbreviations(true),
            info(&children),
            lines(1),
            path(9),
            lists,
        ]
    };
    assert_eq!(places(&sections(3, 3)).len(), 1);
    // 25 million ranges.
    assert_eq!(*places(&sections(5_000, 5_000)), []);
}

#[test]
fn functions_may_be_inlined_deeply_but_not_for_ever() {
    let sections = |depth: usize| {
        let mut children = vec![2];
        children.extend(0_u32.to_le_bytes());
        children.extend(ADDRESSES.to_le_bytes());
        children.extend(vec![4; depth]);
        children.extend(vec![0; depth + 2]);
        [abbreviations(true), info(&children), lines(1), path(9)]
    };
    assert_eq!(places(&sections(20)).len(), 1);
    // Whoever follows them by recursion overflows the native stack.
    assert_eq!(*places(&sections(100_000)), []);
}

#[test]
fn an_ordinary_module_uses_little_of_its_budget_and_only_once() {
    let wasm = include_bytes!("../../../tests/it/dwarf/inline.wasm");
    let config = damson_translator::Config::default();
    let module = damson_translator::Module::parse(wasm, &config).expect("valid");
    let info = module.debug_info();
    let loaded = Loaded::new(info).expect("it has DWARF");
    let all = loaded.budget.left();
    let start = info.body_range(0).expect("a function").start - info.code_section();
    let last = start + 100;
    let mut seen = 0;
    for address in start..last {
        seen += loaded.at(address).len();
    }
    assert!(seen > 10, "{seen}");
    let left = loaded.budget.left();
    assert!(
        all - left < super::super::bounded::AT_LEAST / 100,
        "{}",
        all - left
    );
    for address in start..last {
        loaded.at(address);
    }
    assert_eq!(loaded.budget.left(), left);
}
