//! The engine's memory in one piece, so that it can be taken back to what it was.
//!
//! Blocks come in sizes that are a quarter of a power of two apart, and one that is given back waits for the next of
//! its size. What there is to know about that lies at the beginning of the same memory and is taken back with it.

#![expect(unsafe_code, reason = "an allocator hands out memory by its address")]

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;

use rquickjs::allocator::Allocator;

/// Bytes of address space. Memory is used only where it is written: what a flow may use is less than this by far.
const LENGTH: usize = 128 * 1024 * 1024;
/// Bytes in front of each block, which hold its size, and what blocks are aligned to.
const HEAD: usize = 16;
/// Up to here sizes are multiples of [`STEP`].
const SMALL: usize = 1024;
const STEP: usize = 16;
/// How many sizes there are: the small ones, and four for each doubling up to [`LENGTH`].
const SIZES: usize = SMALL / STEP + 4 * (LENGTH.ilog2() - SMALL.ilog2()) as usize;
/// Bytes that a flow may leave behind beyond those that were saved; more is given back to the system.
const DIRTY: usize = 1024 * 1024;
/// What the system gives and takes.
#[cfg(target_os = "linux")]
const PAGE: usize = 4096;

/// What the beginning of the memory holds. Offsets count from there; 0 is none.
#[repr(C)]
struct Index {
    /// Where the part begins that was never used.
    next: usize,
    /// The first free block of each size. Its first bytes name the next one.
    free: [usize; SIZES],
}

/// Memory for one engine. Clones are the same memory.
#[derive(Clone, Debug)]
pub(super) struct Heap(Rc<Region>);

#[derive(Debug)]
struct Region {
    start: NonNull<u8>,
    /// The highest [`Index::next`] since the last look.
    highest: Cell<usize>,
}

/// A copy of the memory that was in use.
pub(super) struct Snapshot(Box<[u8]>);

const LAYOUT: Layout = match Layout::from_size_align(LENGTH, HEAD) {
    Ok(layout) => layout,
    Err(_) => panic!("the alignment is a power of two"),
};
const FIRST: usize = size_of::<Index>().next_multiple_of(HEAD);

impl Heap {
    /// Memory in which nothing is; `None` if the system has none.
    pub(super) fn new() -> Option<Self> {
        // SAFETY: the length is not 0.
        let start = NonNull::new(unsafe { std::alloc::alloc_zeroed(LAYOUT) })?;
        let heap = Self(Rc::new(Region { start, highest: Cell::new(FIRST) }));
        heap.0.edit(|index| index.next = FIRST);
        Some(heap)
    }

    /// Copies what is in use.
    pub(super) fn save(&self) -> Snapshot {
        let used = self.0.edit(|index| index.next);
        // SAFETY: so many bytes belong to the region, zeroed at first, and nothing writes to them meanwhile.
        Snapshot(unsafe { std::slice::from_raw_parts(self.0.start.as_ptr(), used) }.into())
    }

    /// Takes the memory back to what it was.
    ///
    /// # Safety
    /// It must be a copy of this memory. Whoever holds addresses of blocks must hold the same ones as at the time
    /// of the copy: the engine is not running, and each value that was made since is forgotten.
    pub(super) unsafe fn restore(&self, snapshot: &Snapshot) {
        let region = &self.0;
        let (saved, used) = (snapshot.0.len(), region.highest.replace(FIRST));
        // SAFETY: as long as the region was when it was copied, and apart from the copy.
        unsafe { region.start.as_ptr().copy_from_nonoverlapping(snapshot.0.as_ptr(), saved) };
        if used > saved + DIRTY {
            region.give_back(saved, used);
        }
    }
}

impl Region {
    fn edit<R>(&self, work: impl FnOnce(&mut Index) -> R) -> R {
        // SAFETY: the region begins with an index, aligned and initialised (zeros are one), and only this borrows it,
        // for as long as `work` takes, which calls nothing here.
        work(unsafe { self.start.cast::<Index>().as_mut() })
    }

    fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: all offsets lie within the region.
        unsafe { self.start.as_ptr().add(offset) }
    }

    fn offset(&self, block: *mut u8) -> usize {
        block.addr() - self.start.as_ptr().addr()
    }

    /// Gives the pages between two offsets back to the system, if it takes them. Nothing may be in them.
    #[cfg(target_os = "linux")]
    fn give_back(&self, from: usize, to: usize) {
        let start = self.start.as_ptr().addr();
        let from = (start + from).next_multiple_of(PAGE) - start;
        let length = (to - from) / PAGE * PAGE;
        let pages = self.at(from).cast();
        // What POSIX calls by that name keeps them. SAFETY: whole pages within the region.
        let _ = unsafe { rustix::mm::madvise(pages, length, rustix::mm::Advice::LinuxDontNeed) };
    }

    /// Elsewhere the worker keeps what its largest flow used.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "as on Linux")]
    fn give_back(&self, _from: usize, _to: usize) {}

    fn alloc(&self, size: usize) -> *mut u8 {
        let Some((place, capacity)) = place(size) else { return std::ptr::null_mut() };
        let first = self.edit(|index| index.free[place]);
        if first != 0 {
            let block = self.at(first);
            // SAFETY: a free block holds the offset of the next one, and is aligned.
            let next = unsafe { block.cast::<usize>().read() };
            self.edit(|index| index.free[place] = next);
            return block;
        }
        let head = self.edit(|index| index.next);
        if !self.extend_to(head + HEAD + capacity) {
            return std::ptr::null_mut();
        }
        // SAFETY: within the part that was just taken, and aligned, as all sizes are multiples of `HEAD`.
        unsafe { self.at(head).cast::<usize>().write(capacity) };
        self.at(head + HEAD)
    }

    /// Moves the end of what is in use; false if there is not that much.
    fn extend_to(&self, end: usize) -> bool {
        if end > LENGTH {
            return false;
        }
        self.edit(|index| index.next = end);
        self.highest.set(self.highest.get().max(end));
        true
    }

    /// Whether the block of this capacity is the last one.
    fn is_last(&self, block: *mut u8, capacity: usize) -> bool {
        self.offset(block) + capacity == self.edit(|index| index.next)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: it came from there with this layout.
        unsafe { std::alloc::dealloc(self.start.as_ptr(), LAYOUT) };
    }
}

/// The size of block that has room for so many bytes: which one of all, and its bytes. `None` if there is none.
fn place(size: usize) -> Option<(usize, usize)> {
    if size <= SMALL {
        let capacity = size.max(1).next_multiple_of(STEP);
        return Some((capacity / STEP - 1, capacity));
    }
    if size > LENGTH {
        return None;
    }
    let power = (size - 1).ilog2();
    let step = (1_usize << power) / 4;
    let capacity = size.next_multiple_of(step);
    let place = SMALL / STEP + 4 * (power - SMALL.ilog2()) as usize + (capacity >> (power - 2)) - 5;
    Some((place, capacity))
}

/// The bytes of a block.
///
/// # Safety
/// It must be a block of some region.
unsafe fn capacity(block: *mut u8) -> usize {
    // SAFETY: the head in front of it.
    unsafe { block.sub(HEAD).cast::<usize>().read() }
}

// SAFETY: blocks lie apart from each other, have room for what was asked, and are aligned to 16 bytes.
unsafe impl Allocator for Heap {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        self.0.alloc(size)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(size) = count.checked_mul(size) else { return std::ptr::null_mut() };
        let block = self.0.alloc(size);
        if !block.is_null() {
            // SAFETY: the block has room for so many bytes.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        // SAFETY: the caller's block is one of ours.
        let capacity = unsafe { capacity(block) };
        if self.0.is_last(block, capacity) {
            let head = self.0.offset(block) - HEAD;
            self.0.edit(|index| index.next = head);
        } else if let Some((place, _)) = place(capacity) {
            let offset = self.0.offset(block);
            let next = self.0.edit(|index| std::mem::replace(&mut index.free[place], offset));
            // SAFETY: no block is smaller than that, and nobody uses this one any more.
            unsafe { block.cast::<usize>().write(next) };
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: the caller's block is one of ours.
        let before = unsafe { capacity(block) };
        if size <= before {
            return block;
        }
        let Some((_, after)) = place(size) else { return std::ptr::null_mut() };
        if self.0.is_last(block, before) {
            if !self.0.extend_to(self.0.offset(block) + after) {
                return std::ptr::null_mut();
            }
            // SAFETY: its own head.
            unsafe { block.sub(HEAD).cast::<usize>().write(after) };
            return block;
        }
        let other = self.0.alloc(size);
        if !other.is_null() {
            // SAFETY: both have room for that, and they lie apart.
            unsafe { other.copy_from_nonoverlapping(block, before) };
            // SAFETY: the caller's block, which it no longer uses.
            unsafe { self.dealloc(block) };
        }
        other
    }

    unsafe fn usable_size(block: *mut u8) -> usize {
        // SAFETY: the caller's block is one of ours.
        if block.is_null() { 0 } else { unsafe { capacity(block) } }
    }
}

#[cfg(test)]
#[path = "heap_tests.rs"]
mod tests;
