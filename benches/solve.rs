//! How long a diagnosis takes once the facts are there: all paths of one instance, and the whole of it.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on stops here")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ssm_doctor_checks::{
    model::diagnose::{diagnose, examine},
    solve::reach,
    worlds,
};

fn solve(criterion: &mut Criterion) {
    let worlds = worlds::all().unwrap();
    let mut paths = criterion.benchmark_group("paths");
    for world in &worlds {
        paths.bench_with_input(BenchmarkId::from_parameter(&world.name), world, |bench, world| {
            bench.iter(|| reach::paths(black_box(&world.facts), black_box(&world.scope)));
        });
    }
    paths.finish();
    let mut whole = criterion.benchmark_group("diagnosis");
    for world in &worlds {
        whole.bench_with_input(BenchmarkId::from_parameter(&world.name), world, |bench, world| {
            bench.iter(|| diagnose(&examine(black_box(&world.facts), black_box(&world.scope))));
        });
    }
    whole.finish();
}

criterion_group!(benches, solve);
criterion_main!(benches);
