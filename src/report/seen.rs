//! Where the facts behind a report were seen from, and when.

use ssm_doctor_facts::{
    lookup::{Facts, Row, Vantage},
    scope::Scope,
    time::Timestamp,
};

/// A source of facts.
pub struct Seen {
    pub from: Vantage,
    pub by: Source,
    /// By the clock of the place. None if the source does not say.
    pub at: Option<Timestamp>,
}

#[derive(Clone, Copy)]
pub enum Source {
    /// This run: calls to AWS, or what the machine at hand says.
    Run,
    Probe,
    AgentLog,
    SerialConsole,
}

/// The sources that answered something, AWS first.
pub fn sources(facts: &Facts, scope: &Scope) -> Vec<Seen> {
    let places = facts.seen_from();
    let run = [Vantage::Aws, Vantage::Workstation].into_iter().filter(|it| places.contains(it));
    let run = run.map(|from| Seen { from, by: Source::Run, at: Some(scope.at) });
    let node = |by, at| Seen { from: Vantage::Node, by, at };
    let probes = facts.probes.values().filter_map(Row::present);
    let logs = facts.agent_logs.values().filter_map(Row::present);
    let consoles = facts.consoles.values().filter_map(Row::present);
    run.chain(probes.map(|probe| node(Source::Probe, probe.at)))
        .chain(logs.map(|log| node(Source::AgentLog, log.ends_at)))
        .chain(consoles.map(|console| node(Source::SerialConsole, console.at)))
        .collect()
}
