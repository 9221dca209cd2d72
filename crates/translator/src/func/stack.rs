//! The symbolic operand stack: the data, and what must be found in it without
//! a search. When values leave it is decided in [`flush`](super::flush).
//!
//! # Invariants
//!
//! 1. At most one entry depends on each accumulator: it is in it, or is a
//!    tree that reads it. That entry *owns* the accumulator.
//! 2. The trees that must keep their place among effects are in a list, in the order of the
//!    stack. All of them only read, or there is just one.
//! 3. Below the mark `settled` there are only constants and values at home.
//! 4. Every entry that names a local is in the list of that local, at least
//!    until the entry is popped. Lists are cleaned when they are walked, so a
//!    use is visited once however often the local is set.
//! 5. A tree reads homes only of the positions that its operands had: its own and the
//!    [`REACH`] after it.

use alloc::vec::Vec;

use damson_core::types::ValType;
use damson_ir::{Operand, Slot};

use super::typing::Class;
use super::value::{Entry, Tree, Value};

/// How many positions above its own a tree may read the homes of: the operands of a tile of
/// three operations with four operands have such positions.
pub(crate) const REACH: usize = 4;

/// No node of a list, and no position.
const NIL: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Stack {
    entries: Vec<Entry>,
    /// Trees by their number; those of `free` are unused.
    trees: Vec<Tree>,
    free: Vec<u32>,
    /// The position of the entry that owns each accumulator, or [`NIL`].
    owners: [u32; 3],
    /// Positions of trees that must keep their place. Entries whose tree is gone are skipped.
    ordered: Vec<u32>,
    settled: usize,
    /// For each local the first node of its list, if it belongs to `epoch`.
    heads: Vec<Head>,
    nodes: Vec<Node>,
    /// Changes when no entry names a local any more, so that all lists become
    /// empty at once.
    epoch: u32,
}

impl Default for Stack {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            trees: Vec::new(),
            free: Vec::new(),
            owners: [NIL; 3],
            ordered: Vec::new(),
            settled: 0,
            heads: Vec::new(),
            nodes: Vec::new(),
            epoch: 0,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Head {
    epoch: u32,
    node: u32,
}

/// An entry that names a local, and the rest of the local's list.
#[derive(Debug, Clone, Copy)]
struct Node {
    position: u32,
    next: u32,
}

impl Stack {
    /// Empties the stack but keeps its memory.
    pub(crate) fn reset(&mut self) {
        self.truncate(0);
        self.forget_locals();
        self.trees.clear();
        self.free.clear();
    }

    pub(crate) fn height(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, position: usize) -> Option<Entry> {
        self.entries.get(position).copied()
    }

    pub(crate) fn push(&mut self, ty: ValType, value: Value) {
        self.entries.push(Entry { ty, value });
    }

    /// Memory for a tree that is about to be pushed, by its number.
    #[inline]
    pub(crate) fn new_tree(&mut self) -> u32 {
        match self.free.pop() {
            Some(id) => {
                self.trees[id as usize].clear();
                id
            }
            None => {
                let mut tree = Tree::default();
                tree.clear();
                self.trees.push(tree);
                (self.trees.len() - 1) as u32
            }
        }
    }

    /// The tree with a number that [`new_tree`](Self::new_tree) or [`detach`](Self::detach)
    /// gave.
    pub(crate) fn detached(&self, id: u32) -> &Tree {
        &self.trees[id as usize]
    }

    /// The entries from `base` on, and a tree that is not among them, to be written.
    pub(crate) fn entries_and_detached(&mut self, base: usize, id: u32) -> (&[Entry], &mut Tree) {
        let entries = self.entries.get(base..).unwrap_or(&[]);
        (entries, &mut self.trees[id as usize])
    }

    /// The same, to be written.
    pub(crate) fn detached_mut(&mut self, id: u32) -> &mut Tree {
        &mut self.trees[id as usize]
    }

    /// Says that a tree that is not on the stack is needed no longer.
    pub(crate) fn free_tree(&mut self, id: u32) {
        self.free.push(id);
    }

    /// Takes the pending tree at a position, which counts as being at home from now on.
    pub(crate) fn detach(&mut self, position: usize) -> Option<u32> {
        let entry = self.entries.get_mut(position)?;
        let Value::Tree(id) = entry.value else {
            return None;
        };
        entry.value = Value::Home;
        self.disown(position);
        Some(id)
    }

    /// Pushes a tree that is not on the stack.
    #[inline]
    pub(crate) fn push_tree(&mut self, ty: ValType, id: u32) {
        let position = self.height() as u32;
        let tree = &self.trees[id as usize];
        if tree.accs != 0 {
            for class in Class::ALL {
                if tree.reads_acc(class) {
                    self.owners[class as usize] = position;
                }
            }
        }
        if tree.is_ordered {
            self.ordered.push(position);
        }
        self.push(ty, Value::Tree(id));
    }

    /// Which of the entries from `base` on are pending trees, a bit for each.
    pub(crate) fn trees_from(&self, base: usize) -> u8 {
        let entries = self.entries.get(base..).unwrap_or(&[]);
        entries.iter().rev().fold(0, |trees, entry| {
            trees << 1 | u8::from(matches!(entry.value, Value::Tree(_)))
        })
    }

    /// Pops the topmost entry; a tree is forgotten.
    pub(crate) fn pop(&mut self) {
        if let Some(height) = self.height().checked_sub(1) {
            self.truncate(height);
        }
    }

    /// Pops entries down to a height.
    #[inline]
    pub(crate) fn truncate(&mut self, height: usize) {
        let above = self.entries.get(height..).unwrap_or(&[]);
        let is_free = |entry: &Entry| !matches!(entry.value, Value::Tree(_) | Value::Acc);
        if !above.iter().all(is_free) {
            self.release_from(height);
        }
        self.entries.truncate(height);
        self.settled = self.settled.min(height);
        while let Some(last) = self.ordered.last()
            && *last as usize >= height
        {
            self.ordered.pop();
        }
    }

    /// Forgets the trees from a height on, and who owns accumulators there.
    #[inline(never)]
    fn release_from(&mut self, height: usize) {
        for entry in self.entries.get(height..).unwrap_or(&[]) {
            if let Value::Tree(id) = entry.value {
                self.free.push(id);
            }
        }
        for owner in &mut self.owners {
            *owner = if *owner as usize >= height {
                NIL
            } else {
                *owner
            };
        }
    }

    /// Says where the value of an entry is from now on.
    #[inline]
    pub(crate) fn set(&mut self, position: usize, value: Value) {
        self.release(position);
        if let Some(entry) = self.entries.get_mut(position) {
            entry.value = value;
            if let Value::Acc = value {
                let class = entry.class();
                self.owners[class as usize] = position as u32;
            }
        }
    }

    /// Says that an entry is read as another type of the same bits.
    pub(crate) fn set_type(&mut self, position: usize, ty: ValType) {
        if let Some(entry) = self.entries.get_mut(position) {
            entry.ty = ty;
        }
    }

    /// The pending tree at a position.
    pub(crate) fn tree(&self, position: usize) -> Option<&Tree> {
        match self.entries.get(position)?.value {
            Value::Tree(id) => self.trees.get(id as usize),
            _ => None,
        }
    }

    /// The pending tree at a position, to be rewritten.
    pub(crate) fn tree_mut(&mut self, position: usize) -> Option<&mut Tree> {
        match self.entries.get(position)?.value {
            Value::Tree(id) => self.trees.get_mut(id as usize),
            _ => None,
        }
    }

    /// The position that owns the accumulator.
    pub(crate) fn owner(&self, class: Class) -> Option<usize> {
        let owner = self.owners[class as usize];
        (owner != NIL).then_some(owner as usize)
    }

    /// Whether an entry above a position owns an accumulator.
    pub(crate) fn owns_above(&self, position: usize) -> bool {
        // There is no position with the number of nobody.
        let above = |owner: u32| owner != NIL && owner as usize > position;
        self.owners.into_iter().any(above)
    }

    /// Whether there may be pending trees.
    pub(crate) fn has_trees(&self) -> bool {
        self.trees.len() > self.free.len()
    }

    /// Whether the entry at a position owns an accumulator.
    pub(crate) fn owns(&self, position: usize) -> bool {
        self.owners.contains(&(position as u32))
    }

    /// Whether there may be trees below `end` that must keep their place among effects.
    pub(crate) fn has_ordered(&self, end: usize) -> bool {
        self.ordered
            .first()
            .is_some_and(|&position| (position as usize) < end)
    }

    /// Moves the positions below `end` of trees that must keep their place among effects to
    /// `positions`, in ascending order. Some of the trees may be gone.
    pub(crate) fn take_ordered(&mut self, end: usize, positions: &mut Vec<u32>) {
        let count = self
            .ordered
            .partition_point(|&position| (position as usize) < end);
        positions.extend(self.ordered.drain(..count));
    }

    /// Whether a tree below `end` must keep its place and does more than read.
    pub(crate) fn ordered_traps(&self, end: usize) -> bool {
        // If there is one it is alone.
        self.ordered.first().is_some_and(|&position| {
            (position as usize) < end
                && self
                    .tree(position as usize)
                    .is_some_and(|tree| !tree.only_reads())
        })
    }

    /// Below this position there are only constants and values at home.
    pub(crate) fn settled(&self) -> usize {
        self.settled
    }

    /// Says that all entries are constants or at home.
    pub(crate) fn mark_settled(&mut self, height: usize) {
        self.settled = height;
        if height == self.height() {
            self.forget_locals();
        }
    }

    /// Notes that the entry at `position` names a local.
    pub(crate) fn note_use(&mut self, local: u32, position: usize) {
        let index = local as usize;
        if index >= self.heads.len() {
            self.heads.resize(index + 1, Head::default());
        }
        let head = &mut self.heads[index];
        let next = if head.epoch == self.epoch {
            head.node
        } else {
            NIL
        };
        *head = Head {
            epoch: self.epoch,
            node: self.nodes.len() as u32,
        };
        self.nodes.push(Node {
            position: position as u32,
            next,
        });
    }

    /// Whether an entry may name a local.
    pub(crate) fn has_uses(&self, local: u32) -> bool {
        let head = self.heads.get(local as usize);
        head.is_some_and(|head| head.epoch == self.epoch && head.node != NIL)
    }

    /// Moves the positions of entries that may name a local to `uses`; the
    /// local's list is empty afterwards.
    pub(crate) fn take_uses(&mut self, local: u32, uses: &mut Vec<u32>) {
        let Some(head) = self.heads.get_mut(local as usize) else {
            return;
        };
        if head.epoch != self.epoch {
            return;
        }
        let mut at = head.node;
        head.node = NIL;
        while let Some(node) = self.nodes.get(at as usize) {
            uses.push(node.position);
            at = node.next;
        }
    }

    /// Whether the entry at `position` reads a local, which has this slot.
    pub(crate) fn names(&self, position: usize, local: u32, slot: Slot) -> bool {
        match self.entries.get(position).map(|entry| entry.value) {
            Some(Value::Local(named)) => named == local,
            Some(Value::Tree(_)) => self
                .tree(position)
                .is_some_and(|tree| tree.leaves().contains(&Operand::Slot(slot))),
            _ => false,
        }
    }

    /// What an entry holds is about to change: it no longer owns anything.
    fn release(&mut self, position: usize) {
        match self.entries.get(position).map(|entry| entry.value) {
            Some(Value::Tree(id)) => self.free.push(id),
            Some(Value::Acc) => {}
            // Others own nothing.
            _ => return,
        }
        self.disown(position);
    }

    /// The entry at a position owns no accumulator any longer.
    fn disown(&mut self, position: usize) {
        for owner in &mut self.owners {
            *owner = if *owner == position as u32 {
                NIL
            } else {
                *owner
            };
        }
    }

    fn forget_locals(&mut self) {
        self.nodes.clear();
        match self.epoch.checked_add(1) {
            Some(epoch) => self.epoch = epoch,
            None => {
                self.heads.clear();
                self.epoch = 1;
            }
        }
    }
}
