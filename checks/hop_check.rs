//! A check of one kind of hop, in a line.

/// A check that says no more than what hops of one kind say, over both core services.
macro_rules! hop_check {
    ($layer:expr, $kind:expr $(, after $after:expr)?) => {
        #[allow(unused_imports, reason = "for the macro's arguments")]
        use $crate::{engine::check::Layer, target::found_in_region};

        pub(crate) static CHECK: $crate::engine::check::Check = $crate::engine::check::Check {
            module: module_path!(),
            runbook: include_str!("README.md"),
            layer: $layer,
            impact: $crate::engine::check::Impact::Blocks,
            depends_on: &[&found_in_region::CHECK $(, $after)?],
            proves: &[],
            run: |case| ssm_doctor_analysis::network::path::judge(case, &[$kind]),
        };
    };
}
pub(crate) use hop_check;
