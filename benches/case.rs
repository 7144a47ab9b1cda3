//! How long a case takes in virtual time, from the scenario file to the verdict.

use std::hint::black_box;
use std::time::Duration;

use chargeproof::check::judge;
use chargeproof::history::History;
use chargeproof::mapping::Stamp;
use chargeproof::plan::Plan;
use chargeproof::run::simulated;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

mod shelf;

fn run(plan: &Plan) -> History {
    simulated::run(plan).expect("invariant: the reference sender has no unknown habit here")
}

/// One case that is like most: the EMR refuses a charge.
fn one(bench: &mut Criterion) {
    let plans = shelf::Shelf::open().plans();
    let plan = plans.iter().find(|plan| plan.id.starts_with("once/rejected"));
    let plan = plan.expect("invariant: the scenario is shipped");
    let history = run(plan);
    let (_, exam) = plan.exams.first().expect("invariant: the case has an exam");
    let stamp = Stamp { now: exam.grading.signed, control_id: "170410151351".to_owned() };
    let mut group = bench.benchmark_group("case");
    group.bench_function("map an exam to its message", |b| {
        b.iter(|| plan.mapping.message(black_box(exam), &stamp))
    });
    group.bench_function("run in virtual time", |b| b.iter(|| run(black_box(plan))));
    group.bench_function("judge", |b| b.iter(|| judge(black_box(plan), &history)));
    group.bench_function("run and judge", |b| b.iter(|| judge(plan, &run(black_box(plan)))));
    group.finish();
}

/// Everything that is shipped.
fn all(bench: &mut Criterion) {
    let shelf = shelf::Shelf::open();
    let plans = shelf.plans();
    let mut group = bench.benchmark_group("all cases");
    group.sample_size(20).measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements(plans.len() as u64));
    group.bench_function("expand", |b| b.iter(|| shelf.plans()));
    group.bench_function("run and judge", |b| {
        b.iter(|| plans.iter().map(|plan| judge(plan, &run(plan)).charges).sum::<u64>())
    });
    group.finish();
}

criterion_group!(benches, one, all);
criterion_main!(benches);
