//! How long a diagnosis takes once the facts are there: all paths of one instance, and the whole of it.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on stops here")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ssm_doctor_analysis::case::Case;
use ssm_doctor_analysis::network::path;
use ssm_doctor_checks::engine::diagnosis::{diagnose, examine};
use ssm_doctor_fixtures as fixtures;

fn solve(criterion: &mut Criterion) {
    let scenarios = fixtures::all().unwrap();
    let mut paths = criterion.benchmark_group("paths");
    for scenario in &scenarios {
        paths.bench_with_input(
            BenchmarkId::from_parameter(&scenario.name),
            scenario,
            |bench, scenario| {
                bench.iter(|| {
                    path::paths(&Case::new(black_box(&scenario.facts), black_box(&scenario.scope)))
                });
            },
        );
    }
    paths.finish();
    let mut whole = criterion.benchmark_group("diagnosis");
    for scenario in &scenarios {
        whole.bench_with_input(
            BenchmarkId::from_parameter(&scenario.name),
            scenario,
            |bench, scenario| {
                bench.iter(|| {
                    diagnose(&examine(&Case::new(
                        black_box(&scenario.facts),
                        black_box(&scenario.scope),
                    )))
                });
            },
        );
    }
    whole.finish();
}

criterion_group!(benches, solve);
criterion_main!(benches);
