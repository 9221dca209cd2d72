//! Which operations become one instruction: the largest tile of the table that
//! an operation and the pending trees among its operands make.
//!
//! An operation looks no further than at its operands. If they and it are a
//! tile, they stay one pending tree; if not, an operand that is a tree is
//! emitted first, to the accumulator where it can. So the work is constant for
//! each operator, and the tiles of a function are found from the leaves up.
//!
//! Deliberately absent: any list of tiles. Which shapes there are is said here;
//! which operations and forms they have, the table is asked.

use arrayvec::ArrayVec;
use damson_ir::{FAMILIES, Family, Kind, Kinds, MAX_PARTS, Op, Operand, Ops, Shape};

use super::typing::Class;
use super::value::{Leaves, Tree, TreeOp, Value, tile};
use super::{FuncTranslator, Stop};
use crate::func::typing::immediate;

/// What the outermost operation of a tile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Bin,
    Compare,
    FloatCompare,
    Test,
    Load,
    Select,
    IntStore,
    FloatStore,
    Switch,
    Return,
    GlobalSet,
}

/// What a tree is as an operand of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Bin,
    Load,
    Global,
    Compare,
    BinBin,
    BinLoad,
    BinGlobal,
    LoadLoad,
}

/// One way to take operands from the stack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Consumer {
    pub(crate) root: Root,
    /// The operation as an instruction of its own.
    pub(crate) op: Op,
    /// For each operand of the instruction which one of the stack it is, counted from the
    /// lowest.
    pub(crate) order: &'static [usize],
    /// The accumulator that each operand of the instruction uses.
    pub(crate) classes: [Class; 3],
    /// The operand before the values.
    pub(crate) head: Operand,
    /// The operand after the values.
    pub(crate) tail: Option<Operand>,
}

/// A tile that was found.
#[derive(Debug)]
pub(crate) struct Composed {
    /// Which consumer it is for.
    pub(crate) consumer: usize,
    /// The tile without its outermost operation, as a tree that is not on the stack.
    pub(crate) tree: u32,
}

/// Values from a base on that become part of a tile, a bit for each.
type Children = u8;

/// What would be a tile if nothing moves.
#[derive(Debug)]
struct Found {
    consumer: usize,
    children: Children,
    tile: (Shape, Op),
}

/// The shape that instructions one after the other make: `last`, which may be a sequence
/// itself, and `next`.
pub(crate) fn sequence(last: Op, next: Family) -> Option<Shape> {
    match last.shape() {
        None => SEQUENCES[last.family() as usize][next as usize],
        Some(shape) => sequence_after(shape, next),
    }
}

/// Whether an instruction of the family can be the first of a sequence.
pub(crate) fn begins_sequence(family: Family) -> bool {
    BEGINNINGS[family as usize]
}

const FAMILY_COUNT: usize = Family::ALL.len();

/// The shape of the tiles of a family.
const fn shape_of_family(family: Family) -> Option<Shape> {
    match FAMILIES[family as usize].ops {
        Ops::Tiles { shape, .. } => Some(shape),
        Ops::Single(_) => None,
    }
}

static SEQUENCES: [[Option<Shape>; FAMILY_COUNT]; FAMILY_COUNT] = {
    let mut table = [[None; FAMILY_COUNT]; FAMILY_COUNT];
    let mut index = 0;
    while index < FAMILY_COUNT * FAMILY_COUNT {
        let (first, second) = (index / FAMILY_COUNT, index % FAMILY_COUNT);
        table[first][second] = shape_of_sequence(Family::ALL[first], Family::ALL[second]);
        index += 1;
    }
    table
};

static BEGINNINGS: [bool; FAMILY_COUNT] = {
    let mut table = [false; FAMILY_COUNT];
    let mut index = 0;
    while index < FAMILY_COUNT * FAMILY_COUNT {
        let (first, second) = (index / FAMILY_COUNT, index % FAMILY_COUNT);
        table[first] |= SEQUENCES[first][second].is_some()
            || matches!(
                shape_of_family(Family::ALL[first]),
                Some(Shape::BinGlobal | Shape::GlobalSetBin)
            );
        index += 1;
    }
    table
};

/// What the tables above are made of.
const fn shape_of_sequence(first: Family, second: Family) -> Option<Shape> {
    use Family::{
        Br, Call, CopyValue, FloatBinary, FloatStore, IntBinary, IntCompare, IntStore, IntTest,
        Load, ReturnValue,
    };
    if let (Load, Some(Shape::GlobalSetBin)) = (first, shape_of_family(second)) {
        return Some(Shape::LoadThenGlobalSetBin);
    }
    Some(match (first, second) {
        (IntBinary, IntBinary) => Shape::AddThenBin,
        (IntBinary, Br) => Shape::AddThenBr,
        (IntBinary, IntCompare) => Shape::AddThenCompare,
        (IntBinary, IntTest) => Shape::AddThenTest,
        (IntBinary, CopyValue) => Shape::AddThenCopy,
        (IntBinary, Load) => Shape::AddThenLoad,
        (IntBinary, IntStore) => Shape::AddThenStore,
        (CopyValue, IntBinary) => Shape::CopyThenBin,
        (CopyValue, CopyValue) => Shape::CopyThenCopy,
        (CopyValue, Br) => Shape::CopyThenBr,
        (CopyValue, IntCompare) => Shape::CopyThenCompare,
        (CopyValue, IntTest) => Shape::CopyThenTest,
        (CopyValue, Load) => Shape::CopyThenLoad,
        (CopyValue, IntStore) => Shape::CopyThenStore,
        (Load, Load) => Shape::LoadThenLoad,
        (Load, IntBinary) => Shape::LoadThenBin,
        (Load, IntCompare) => Shape::LoadThenCompare,
        (Load, IntTest) => Shape::LoadThenTest,
        (Load, CopyValue) => Shape::LoadThenCopy,
        (IntStore, IntBinary) => Shape::StoreThenAdd,
        (FloatStore, IntBinary) => Shape::FloatStoreThenAdd,
        (IntStore, IntStore) => Shape::StoreThenStore,
        (IntStore, Br) => Shape::StoreThenBr,
        (IntCompare, IntBinary) => Shape::CompareThenAdd,
        (IntCompare, CopyValue) => Shape::CompareThenCopy,
        (IntBinary, Call) => Shape::BinThenCall,
        (CopyValue, Call) => Shape::CopyThenCall,
        (Load, Call) => Shape::LoadThenCall,
        (IntBinary, ReturnValue) => Shape::AddThenReturn,
        (FloatBinary, FloatBinary) => Shape::FloatThenFloat,
        (FloatBinary, CopyValue) => Shape::FloatThenCopy,
        _ => return None,
    })
}

/// The shape that a tree or a sequence makes with the instruction after it.
fn sequence_after(last: Shape, next: Family) -> Option<Shape> {
    use Family::{Br, Call, GlobalSet, IntCompare, IntStore, IntTest, Return, ReturnValue};
    Some(match (last, next) {
        (Shape::BinGlobal, IntStore) => Shape::BinGlobalThenStore,
        (Shape::BinGlobal, GlobalSet) => Shape::BinGlobalThenGlobalSet,
        (Shape::BinGlobalThenGlobalSet, IntStore) => Shape::BinGlobalThenGlobalSetThenStore,
        (Shape::GlobalSetBin, Return) => Shape::GlobalSetBinThenReturn,
        (Shape::GlobalSetBin, ReturnValue) => Shape::GlobalSetBinThenReturnValue,
        (Shape::LoadThenGlobalSetBin, ReturnValue) => Shape::LoadThenGlobalSetBinThenReturnValue,
        (Shape::AddThenBin, Br) => Shape::AddThenAddThenBr,
        (Shape::AddThenBin, IntTest) => Shape::AddThenAddThenTest,
        (Shape::AddThenBin, IntCompare) => Shape::AddThenAddThenCompare,
        (Shape::AddThenBin, Call) => Shape::BinThenBinThenCall,
        (Shape::AddThenCopy, Br) => Shape::AddThenCopyThenBr,
        (Shape::AddThenCopy, IntTest) => Shape::AddThenCopyThenTest,
        (Shape::AddThenCopy, IntCompare) => Shape::AddThenCopyThenCompare,
        (Shape::AddThenCopy, Call) => Shape::BinThenCopyThenCall,
        (Shape::AddThenLoad, IntTest) => Shape::AddThenLoadThenTest,
        (Shape::AddThenLoad, IntCompare) => Shape::AddThenLoadThenCompare,
        (Shape::CopyThenBin, Br) => Shape::CopyThenAddThenBr,
        (Shape::CopyThenBin, IntTest) => Shape::CopyThenAddThenTest,
        (Shape::CopyThenBin, IntCompare) => Shape::CopyThenAddThenCompare,
        (Shape::CopyThenBin, Call) => Shape::CopyThenBinThenCall,
        (Shape::CopyThenCopy, Br) => Shape::CopyThenCopyThenBr,
        (Shape::CopyThenCopy, IntTest) => Shape::CopyThenCopyThenTest,
        (Shape::CopyThenCopy, IntCompare) => Shape::CopyThenCopyThenCompare,
        (Shape::CopyThenCopy, Call) => Shape::CopyThenCopyThenCall,
        _ => return None,
    })
}

/// The shape of an operation with these trees among its operands.
fn shape_of(root: Root, nodes: [Option<Node>; 3]) -> Option<Shape> {
    use Node::{Bin, BinBin, BinGlobal, BinLoad, Compare, Global, Load, LoadLoad};
    let [first, second, third] = nodes;
    if let Some(third) = third {
        let only = first.is_none() && second.is_none();
        return (only && root == Root::Select && third == Bin).then_some(Shape::SelectRightBin);
    }
    Some(match (root, first, second) {
        (Root::Bin, Some(Bin), None) => Shape::BinBin,
        (Root::Bin, Some(BinBin), None) => Shape::BinBinBin,
        (Root::Bin, None, Some(Bin)) => Shape::BinRightBin,
        (Root::Bin, Some(Bin), Some(Bin)) => Shape::BinBothBin,
        (Root::Bin, Some(Load), None) => Shape::BinLoad,
        (Root::Bin, None, Some(Load)) => Shape::BinRightLoad,
        (Root::Bin, Some(Load), Some(Load)) => Shape::BinLoadLoad,
        (Root::Bin, Some(BinLoad), None) => Shape::BinBinLoad,
        (Root::Bin, Some(Global), None) => Shape::BinGlobal,
        (Root::Compare, Some(Bin), None) => Shape::CompareBin,
        (Root::Compare, Some(Load), None) => Shape::CompareLoad,
        (Root::Compare, Some(Load), Some(Load)) => Shape::CompareLoadLoad,
        (Root::Compare, Some(BinLoad), None) => Shape::CompareBinLoad,
        (Root::Compare, Some(Global), None) => Shape::CompareGlobal,
        (Root::FloatCompare, Some(Bin), None) => Shape::FloatCompareBin,
        (Root::Test, Some(Bin), None) => Shape::TestBin,
        (Root::Test, Some(Load), None) => Shape::TestLoad,
        (Root::Test, Some(BinLoad), None) => Shape::TestBinLoad,
        (Root::Test, Some(Global), None) => Shape::TestGlobal,
        (Root::Load, Some(Bin), None) => Shape::LoadBin,
        (Root::Load, Some(BinBin), None) => Shape::LoadBinBin,
        (Root::Load, Some(Load), None) => Shape::LoadLoad,
        (Root::Select, Some(Compare), None) => Shape::SelectCompare,
        (Root::Select, None, Some(Bin)) => Shape::SelectBin,
        (Root::IntStore, None, Some(Bin)) => Shape::StoreBin,
        (Root::FloatStore, None, Some(Bin)) => Shape::FloatStoreBin,
        (Root::IntStore | Root::FloatStore, None, Some(Load)) => Shape::StoreLoad,
        (Root::IntStore | Root::FloatStore, None, Some(BinLoad)) => Shape::StoreBinLoad,
        (Root::IntStore, Some(Bin), None) => Shape::StoreAt,
        (Root::FloatStore, Some(Bin), None) => Shape::FloatStoreAt,
        (Root::IntStore | Root::FloatStore, Some(BinBin), None) => Shape::StoreAtBinBin,
        (Root::Switch, Some(Load), None) => Shape::SwitchLoad,
        (Root::Switch, Some(Bin), None) => Shape::SwitchBin,
        (Root::Return, Some(Bin), None) => Shape::ReturnBin,
        (Root::Return, Some(Load), None) => Shape::ReturnLoad,
        (Root::Return, Some(LoadLoad), None) => Shape::ReturnLoadLoad,
        (Root::GlobalSet, Some(Bin), None) => Shape::GlobalSetBin,
        (Root::GlobalSet, Some(BinGlobal), None) => Shape::GlobalSetBinGlobal,
        _ => return None,
    })
}

impl Tree {
    fn node(&self) -> Option<Node> {
        Some(match (self.shape, self.root()) {
            (None, TreeOp::IntBinary(_) | TreeOp::FloatBinary(_)) => Node::Bin,
            (None, TreeOp::Load { .. }) => Node::Load,
            (None, TreeOp::GlobalGet { .. }) => Node::Global,
            (None, TreeOp::IntCompare(_)) => Node::Compare,
            (Some(Shape::BinBin), _) => Node::BinBin,
            (Some(Shape::BinLoad), _) => Node::BinLoad,
            (Some(Shape::BinGlobal), _) => Node::BinGlobal,
            (Some(Shape::LoadLoad), _) => Node::LoadLoad,
            _ => return None,
        })
    }

    /// The operand of a test or comparison, and the test or comparison with that operand in
    /// the accumulator.
    pub(crate) fn in_two(&self) -> (Self, Self) {
        let (shape, own_leaves) = match self.shape {
            Some(Shape::CompareBinLoad) => (Some(Shape::BinLoad), 1),
            Some(Shape::TestBinLoad) => (Some(Shape::BinLoad), 0),
            Some(Shape::TestBin | Shape::TestLoad | Shape::TestGlobal) => (None, 0),
            _ => (None, 1),
        };
        let inner_leaves = self.leaves().len().saturating_sub(own_leaves);
        let (inner_operands, own) = self.operands.split_at(1 + inner_leaves);
        let inner_ops: ArrayVec<TreeOp, MAX_PARTS> = self.ops.iter().skip(1).copied().collect();
        let inner = Self {
            op: match shape {
                None => inner_ops.first().map(|op| op.op()),
                Some(shape) => tile(shape, &inner_ops),
            },
            ops: inner_ops,
            shape,
            operands: inner_operands.iter().copied().collect(),
            classes: self.classes.iter().take(inner_leaves).copied().collect(),
            kinds: Kinds::of_operands(inner_operands.get(1..).unwrap_or(&[])),
            accs: self.accs,
            sites: self.sites.clone(),
            is_ordered: self.is_ordered,
        };
        let outer = Self {
            ops: self.ops.iter().take(1).copied().collect(),
            shape: None,
            op: Some(self.root().op()),
            operands: [Operand::R, Operand::Acc]
                .iter()
                .chain(own)
                .copied()
                .collect(),
            classes: [self.root().leaf_class(0); 2]
                .into_iter()
                .take(own_leaves + 1)
                .collect(),
            kinds: Kinds::default().and(Kind::Acc).and_operands(own),
            accs: 0,
            sites: ArrayVec::new(),
            is_ordered: false,
        };
        (inner, outer)
    }
}

impl FuncTranslator<'_> {
    /// Finds a tile for the values from `base` on, of which there are at most three, and gives
    /// each of them that is not part of it a place. The values stay on the stack, but those
    /// that are part of the tile count as being at home.
    ///
    /// Without a tile some of the values may have moved.
    pub(crate) fn compose(
        &mut self,
        base: usize,
        consumers: &[Consumer],
    ) -> Result<Option<Composed>, Stop> {
        self.clear_way_for_accs(base)?;
        let trees = self.stack.trees_from(base);
        let lowest = trees & trees.wrapping_neg();
        let mut nodes = [None; 3];
        for (source, node) in nodes.iter_mut().enumerate() {
            *node = self.stack.tree(base + source).and_then(Tree::node);
        }
        if nodes == [None; 3] {
            return Ok(None);
        }
        let found = match trees.count_ones() {
            2 => {
                // One of both is emitted before, which changes an accumulator: better the one
                // that owns it.
                let highest = trees & !lowest;
                let position = base + highest.trailing_zeros() as usize;
                let (kept, other) = match self.stack.owns(position) {
                    true => (lowest, highest),
                    false => (highest, lowest),
                };
                self.find(base, consumers, trees, nodes)
                    .or_else(|| self.find(base, consumers, kept, nodes))
                    .or_else(|| self.find(base, consumers, other, nodes))
            }
            _ => self.find(base, consumers, lowest, nodes),
        };
        let Some(Found {
            consumer,
            children,
            mut tile,
        }) = found
        else {
            return Ok(None);
        };
        let chosen = &consumers[consumer];
        let places = match self.placed(base, false, children)? {
            Some(places) => places,
            None => {
                let places = self.gather_but(base, false, children)?;
                let kind = |index: usize| places.get(index).map(|leaf| leaf.kind());
                match self.tile_with(base, chosen, children, nodes, kind) {
                    Some(moved) => tile = moved,
                    None => return Ok(None),
                }
                places
            }
        };
        let (shape, op) = tile;
        // What the table has a form for has no more operands than there is room for.
        let tree = self
            .merge(base, chosen, children, &places)
            .ok_or(Stop::Operator)?;
        let merged = self.stack.detached_mut(tree);
        (merged.shape, merged.op) = (Some(shape), Some(op));
        Ok(Some(Composed { consumer, tree }))
    }

    /// Before a tree at `base` may take over an accumulator from a tree above: whoever owns an
    /// accumulator has no reader of its home, see [`flush`](super::flush).
    fn clear_way_for_accs(&mut self, base: usize) -> Result<(), Stop> {
        match self.stack.owns_above(base) {
            true => self.clear_readers(base),
            false => Ok(()),
        }
    }

    /// The first consumer that makes a tile with `children`, with the places that the other
    /// operands will have.
    fn find(
        &self,
        base: usize,
        consumers: &[Consumer],
        children: Children,
        nodes: [Option<Node>; 3],
    ) -> Option<Found> {
        let kind = |index| {
            let entry = self.stack.get(base + index)?;
            Some(match entry.value {
                Value::Const(bits) => match immediate(entry.ty, bits) {
                    Some(_) => Kind::Imm,
                    None => Kind::Acc,
                },
                Value::Acc | Value::Tree(_) => Kind::Acc,
                Value::Local(_) | Value::Home => Kind::Slot,
            })
        };
        for (consumer, chosen) in consumers.iter().enumerate() {
            if let Some(tile) = self.tile_with(base, chosen, children, nodes, kind) {
                return Some(Found {
                    consumer,
                    children,
                    tile,
                });
            }
        }
        None
    }

    /// The tile that a consumer makes with `children`, of which `nodes` says what they are, if
    /// the table has it with the other operands at places of the kinds that `kind` gives.
    fn tile_with(
        &self,
        base: usize,
        consumer: &Consumer,
        children: Children,
        nodes: [Option<Node>; 3],
        kind: impl Fn(usize) -> Option<Kind>,
    ) -> Option<(Shape, Op)> {
        let mut ordered = [None; 3];
        for (node, &source) in ordered.iter_mut().zip(consumer.order) {
            if children >> source & 1 == 1 {
                *node = Some(nodes[source]?);
            }
        }
        let shape = shape_of(consumer.root, ordered)?;
        let mut parts = ArrayVec::<Op, MAX_PARTS>::new();
        parts.push(consumer.op);
        let mut kinds = Kinds::default();
        if !consumer.root.is_store() {
            kinds = kinds.and(consumer.head.kind());
        }
        for (node, &source) in ordered.iter().zip(consumer.order) {
            if node.is_none() {
                kinds = kinds.and(kind(source)?);
                continue;
            }
            let tree = self.stack.tree(base + source)?;
            match (tree.shape, tree.op) {
                (None, Some(op)) => parts.try_push(op).ok()?,
                _ => {
                    for op in &tree.ops {
                        parts.try_push(op.op()).ok()?;
                    }
                }
            }
            kinds = kinds.followed_by(tree.kinds, tree.classes.len());
        }
        if let Some(tail) = consumer.tail {
            kinds = kinds.and(tail.kind());
        }
        let op = Op::tile(shape, &parts)?;
        op.form_of(kinds).map(|_| (shape, op))
    }

    /// Makes one tree of `children` and the other operands, in the memory of the first of them.
    fn merge(
        &mut self,
        base: usize,
        consumer: &Consumer,
        children: Children,
        places: &Leaves,
    ) -> Option<u32> {
        let is_child = |source: usize| children >> source & 1 == 1;
        let first = consumer.order.iter().position(|&source| is_child(source))?;
        let id = self.stack.detach(base + consumer.order[first])?;
        if consumer.order[first] > 0 {
            self.note_leaves(id, base);
        }
        let tree = self.stack.detached_mut(id);
        for (index, &source) in consumer.order[..first].iter().enumerate() {
            let leaf = *places.get(source)?;
            tree.operands.try_insert(1 + index, leaf).ok()?;
            let class = consumer.classes[index];
            tree.classes.try_insert(index, class).ok()?;
            tree.note_acc(leaf, class);
        }
        for (index, &source) in consumer.order.iter().enumerate().skip(first + 1) {
            if is_child(source) {
                let other = self.stack.detach(base + source)?;
                if source > 0 {
                    self.note_leaves(other, base);
                }
                let other_tree = self.stack.detached(other).clone();
                let tree = self.stack.detached_mut(id);
                tree.ops.try_extend_from_slice(&other_tree.ops).ok()?;
                tree.operands
                    .try_extend_from_slice(other_tree.leaves())
                    .ok()?;
                tree.classes
                    .try_extend_from_slice(&other_tree.classes)
                    .ok()?;
                tree.sites.try_extend_from_slice(&other_tree.sites).ok()?;
                tree.accs |= other_tree.accs;
                tree.is_ordered |= other_tree.is_ordered;
                self.stack.free_tree(other);
            } else {
                let tree = self.stack.detached_mut(id);
                tree.push_leaf(*places.get(source)?, consumer.classes[index]);
            }
        }
        if let Some(tail) = consumer.tail {
            self.stack.detached_mut(id).push_leaf(tail, Class::Int);
        }
        let tree = self.stack.detached_mut(id);
        tree.kinds = Kinds::of_operands(tree.leaves());
        Some(id)
    }

    /// Notes that what a tree reads will be read by the value at `base`.
    fn note_leaves(&mut self, tree: u32, base: usize) {
        for index in 0..self.stack.detached(tree).leaves().len() {
            self.work += 1;
            if let Some(Operand::Slot(slot)) = self.stack.detached(tree).leaves().get(index)
                && let Some(local) = self.frame.local_of(*slot)
            {
                self.stack.note_use(local, base);
            }
        }
    }

    /// Appends a statement: the tile of these values if there is one. Returns `false`
    /// without one; then some of the values may have moved.
    pub(crate) fn statement_of_tiles(
        &mut self,
        base: usize,
        consumer: &Consumer,
        traps: bool,
    ) -> Result<bool, Stop> {
        let Some(tile) = self.compose(base, &[*consumer])? else {
            return Ok(false);
        };
        self.stack.truncate(base);
        let head = (!consumer.root.is_store()).then_some(consumer.head);
        let offset = self.offset;
        let tree = self.stack.detached_mut(tile.tree);
        if traps {
            // No more parts can trap than there is room for.
            tree.sites.try_push(offset).ok();
        }
        self.emit_statement(tile.tree, head)?;
        Ok(true)
    }
}

impl Root {
    /// Whether the instruction has nothing before the values.
    fn is_store(self) -> bool {
        matches!(self, Self::IntStore | Self::FloatStore | Self::Switch)
    }
}
