//! A check that the agent's log or a probe on the node answers, in a line.

/// A check that fails where the agent's log ends with a fault of its name, or a probe saw one. `fix` and `recovery` say
/// what to do about the fault, and when that takes effect.
macro_rules! log_check {
    ($layer:expr, $fix:expr, $recovery:expr) => {
        use ssm_doctor_analysis::answer::{Fix, Recovery};
        use $crate::engine::check::{Check, Impact, Layer};

        pub(crate) static CHECK: Check = Check {
            module: module_path!(),
            runbook: include_str!("README.md"),
            layer: $layer,
            impact: Impact::Blocks,
            depends_on: &[],
            proves: &[],
            run: |case| {
                let fix = Fix::new($fix, $recovery);
                $crate::agent_log::judged(case, &CHECK.name(), &fix)
            },
        };
    };
}
pub(crate) use log_check;
