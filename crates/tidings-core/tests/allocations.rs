//! `plan` allocates nothing on the heap for texts of up to eight parts under the default policy: shown with a counting allocator.

use allocation_counter::measure;
use std::hint::black_box;
use tidings_core::text::{Policy, plan};

/// Heap allocations that one plan of `text` costs.
fn allocations(text: &str) -> u64 {
    measure(|| {
        let _ = black_box(plan(black_box(text), &Policy::default()));
    })
    .count_total
}

#[track_caller]
fn check_none(text: &str, parts: usize) {
    let plan = plan(text, &Policy::default()).expect("fewer than 255 parts");
    assert_eq!(plan.n_parts(), parts);
    assert_eq!(allocations(text), 0);
}

#[test]
fn up_to_eight_parts_cost_no_allocation() {
    check_none("", 1);
    check_none(&"a".repeat(140), 1);
    check_none(&"é€".repeat(50), 1);
    check_none(&"a".repeat(8 * 153), 8);
    check_none(&"é]".repeat(4 * 100), 8);
    check_none("ж", 1);
    check_none(&"ж".repeat(8 * 67), 8);
    check_none(&"😀".repeat(8 * 33), 8);
}

#[test]
fn reading_a_plan_costs_no_allocation() {
    let text = "ж".repeat(8 * 67);
    let plan = plan(&text, &Policy::default()).unwrap();
    let counted = measure(|| {
        black_box(plan.part_texts().map(str::len).sum::<usize>());
        black_box((plan.text(), plan.units(), plan.n_parts(), plan.changes()));
    });
    assert_eq!(counted.count_total, 0);
}

/// The counter counts: nine parts do not fit beside each other.
#[test]
fn nine_parts_cost_one_allocation() {
    assert_eq!(allocations(&"a".repeat(9 * 153)), 1);
}
