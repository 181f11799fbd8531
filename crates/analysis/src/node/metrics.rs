//! What an instance ran short of, by its metrics.
//!
//! Metrics tell that a machine was busy or full, and not that this silenced its agent. So a shortage is where to look
//! first, and never a verdict.

use alloc::{string::String, vec::Vec};

use ssm_doctor_facts::{
    cloudwatch::{Measurement, Metrics},
    time::Timestamp,
};

/// What was short, and how much of it was in use or left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortage {
    Disk { path: String },
    Memory { percent: u8 },
    Cpu { percent: u8 },
    Credits,
}

/// From here on a file system is called full, in percent. `CloudWatch` rounds nothing, and root has a reserve.
const FULL: f64 = 99.5;
/// From here on a machine is called short of memory or of CPU, in percent. A choice of ours.
const SHORT: f64 = 95.0;
/// So many measurements in a row of a busy CPU count: those of fifteen minutes.
const IN_A_ROW: usize = 3;
/// Below this, burstable instances run at their baseline. In credits: minutes of a whole CPU.
const EXHAUSTED: f64 = 1.0;
/// In seconds. What EC2 measures arrives within minutes; older is of a machine that was stopped.
const RECENT: i64 = 30 * 60;

/// What was short when it was last measured, and when that was. What is measured on the machine may be old: a machine
/// that is full measures nothing more.
#[must_use]
pub fn shortages(metrics: &Metrics, now: Timestamp) -> Vec<(Shortage, Timestamp)> {
    let disks = metrics.disks.iter().filter_map(|(path, measured)| {
        let last = measured.first().filter(|last| last.value >= FULL)?;
        Some((Shortage::Disk { path: path.clone() }, last.at))
    });
    let memory = metrics.memory.first().filter(|last| last.value >= SHORT);
    let memory = memory.map(|last| (Shortage::Memory { percent: percent(last.value) }, last.at));
    let cpu = metrics.cpu.get(..IN_A_ROW).filter(|row| row.iter().all(|it| it.value >= SHORT));
    let cpu = cpu.and_then(<[Measurement]>::first).filter(|last| is_recent(last, now));
    let cpu = cpu.map(|last| (Shortage::Cpu { percent: percent(last.value) }, last.at));
    let credits = metrics.credits.first().filter(|last| last.value < EXHAUSTED);
    let credits = credits.filter(|last| is_recent(last, now));
    let credits = credits.map(|last| (Shortage::Credits, last.at));
    disks.chain(memory).chain(cpu).chain(credits).collect()
}

fn is_recent(measured: &Measurement, now: Timestamp) -> bool {
    measured.at.until(now) <= RECENT
}

/// Rounded down, so that only what is full is called full.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within 0 and 100 by then"
)]
fn percent(value: f64) -> u8 {
    value.clamp(0.0, 100.0) as u8
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, vec};

    use super::*;

    fn measured(minutes_ago: &[(i64, f64)]) -> Vec<Measurement> {
        let at = |minutes: i64| Timestamp::from_second(100_000 - minutes * 60).unwrap();
        minutes_ago.iter().map(|&(ago, value)| Measurement { at: at(ago), value }).collect()
    }

    fn found(metrics: &Metrics) -> Vec<Shortage> {
        let now = Timestamp::from_second(100_000).unwrap();
        shortages(metrics, now).into_iter().map(|(shortage, _)| shortage).collect()
    }

    #[test]
    fn a_busy_cpu_counts_while_it_lasts() {
        let cpu = |row: &[(i64, f64)]| found(&Metrics { cpu: measured(row), ..Metrics::default() });
        assert_eq!(cpu(&[(5, 99.9), (10, 99.0), (15, 96.0)]), [Shortage::Cpu { percent: 99 }]);
        assert_eq!(cpu(&[(5, 99.9), (10, 30.0), (15, 99.0)]), []);
        assert_eq!(cpu(&[(5, 99.9), (10, 99.0)]), []);
        assert_eq!(cpu(&[(300, 99.9), (305, 99.0), (310, 99.0)]), []);
    }

    #[test]
    fn what_the_machine_measured_last_may_be_old() {
        let disks = BTreeMap::from([
            ("/".into(), measured(&[(600, 100.0), (605, 99.0)])),
            ("/data".into(), measured(&[(600, 97.0)])),
        ]);
        let memory = measured(&[(600, 97.5)]);
        let metrics = Metrics { disks, memory, ..Metrics::default() };
        let full = Shortage::Disk { path: "/".into() };
        assert_eq!(found(&metrics), [full, Shortage::Memory { percent: 97 }]);
    }

    #[test]
    fn credits_run_out() {
        let credits = |row| found(&Metrics { credits: measured(row), ..Metrics::default() });
        assert_eq!(credits(&[(5, 0.2)]), vec![Shortage::Credits]);
        assert_eq!(credits(&[(5, 120.0)]), vec![]);
        assert_eq!(found(&Metrics::default()), []);
    }
}
