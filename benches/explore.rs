//! How many schedules are explored in a second: drawn, decided, run in virtual time and judged.

use std::hint::black_box;

use chargeproof::explore::Explorer;
use chargeproof::planning::Choices;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

mod shelf;

/// The same allocator as the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One schedule after another on one core; a search has all cores.
fn schedules(bench: &mut Criterion) {
    let shelf = shelf::Shelf::open();
    let choices = Choices { seed: 1, ..Choices::default() };
    let explorer = Explorer::new(&shelf, shelf.sender(), &choices);
    let attempt = |number| {
        let tried = explorer.try_number(number);
        tried.expect("invariant: the reference sender can be asked for anything")
    };
    // What the schedules name is looked up once; a search has that behind it in no time.
    (0..500).for_each(|number| drop(attempt(number)));
    let mut group = bench.benchmark_group("explore");
    group.throughput(Throughput::Elements(500));
    group.bench_function("draw", |b| {
        b.iter(|| (0..500).for_each(|number| drop(black_box(explorer.schedule(number)))))
    });
    group.bench_function("draw, run and judge", |b| {
        b.iter(|| (0..500).for_each(|number| drop(black_box(attempt(number)))))
    });
    group.finish();
}

criterion_group!(benches, schedules);
criterion_main!(benches);
