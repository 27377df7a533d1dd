#![expect(unsafe_code, reason = "they use memory as the engine does")]

use super::*;

#[test]
fn each_size_has_its_place_and_room() {
    let mut last = None;
    for size in (1..200_000).chain([1 << 20, (1 << 20) + 1, LENGTH - 1, LENGTH]) {
        let (at, capacity) = place(size).unwrap();
        assert!(capacity >= size && capacity - size < (size / 4).max(STEP), "{size}: {capacity}");
        assert!(capacity.is_multiple_of(HEAD) && at < SIZES, "{size}: {at}");
        assert_eq!(place(capacity), Some((at, capacity)), "{size}");
        assert!(last <= Some((at, capacity)), "{size}");
        last = Some((at, capacity));
    }
    assert_eq!(place(LENGTH + 1), None);
}

/// Blocks of many sizes, given back and grown in an order that is always the same.
fn churn(heap: &mut Heap, seed: &mut u64, blocks: &mut Vec<(*mut u8, usize, u8)>) {
    let mut draw = |most: u64| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % most
    };
    for round in 0..2000_u32 {
        let size = usize::try_from(draw(5000) + 1).unwrap();
        let mark = round.to_le_bytes()[0];
        match draw(3) {
            0 if !blocks.is_empty() => {
                let at = usize::try_from(draw(blocks.len() as u64)).unwrap();
                let (block, length, mark) = blocks.swap_remove(at);
                assert_holds(block, length, mark);
                unsafe { heap.dealloc(block) };
            }
            1 if !blocks.is_empty() => {
                let at = usize::try_from(draw(blocks.len() as u64)).unwrap();
                let (block, length, before) = blocks[at];
                let grown = unsafe { heap.realloc(block, size) };
                assert_holds(grown, length.min(size), before);
                unsafe { grown.write_bytes(mark, size) };
                blocks[at] = (grown, size, mark);
            }
            _ => {
                let block = if round % 2 == 0 { heap.alloc(size) } else { heap.calloc(1, size) };
                if round % 2 == 1 {
                    assert_holds(block, size, 0);
                }
                assert!(unsafe { Heap::usable_size(block) } >= size);
                unsafe { block.write_bytes(mark, size) };
                blocks.push((block, size, mark));
            }
        }
    }
}

fn assert_holds(block: *mut u8, length: usize, mark: u8) {
    assert!(block.addr().is_multiple_of(HEAD));
    let bytes = unsafe { std::slice::from_raw_parts(block, length) };
    assert!(bytes.iter().all(|byte| *byte == mark));
}

#[test]
fn blocks_keep_apart_and_what_is_taken_back_is_as_it_was() {
    let mut heap = Heap::new().unwrap();
    let (mut seed, mut blocks) = (1, Vec::new());
    churn(&mut heap, &mut seed, &mut blocks);
    let snapshot = heap.save();
    for _ in 0..3 {
        let mut later = blocks.clone();
        churn(&mut heap, &mut seed, &mut later);
        // More than is kept, so that it goes back to the system.
        let large = heap.alloc(4 * DIRTY);
        unsafe { large.write_bytes(1, 4 * DIRTY) };
        unsafe { heap.restore(&snapshot) };
        #[cfg(target_os = "linux")]
        assert_eq!(unsafe { large.add(2 * DIRTY).read() }, 0, "the system has not taken the page");
        for (block, length, mark) in &blocks {
            assert_holds(*block, *length, *mark);
        }
        assert!(heap.save().0 == snapshot.0);
    }
}

#[test]
fn memory_has_an_end() {
    let mut heap = Heap::new().unwrap();
    assert!(heap.alloc(LENGTH + 1).is_null());
    assert!(heap.calloc(usize::MAX, 2).is_null());
    let half = heap.alloc(LENGTH / 2);
    assert!(!half.is_null());
    assert!(heap.alloc(LENGTH / 2).is_null());
    assert!(unsafe { heap.realloc(half, LENGTH) }.is_null());
    assert!(!heap.alloc(1000).is_null());
}
