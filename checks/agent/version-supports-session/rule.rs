//! The agent is new enough for this session.
//!
//! Floors are AWS's documented ones; the release notes often name an earlier version.

use crate::agent_words;
use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Gates};
use ssm_doctor_facts::ssm::AgentVersion;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Blocks,
    depends_on: &[&super::registered::CHECK, &crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let target = &case.scope.target;
    let Some(node) = case.facts.node(target).optional()? else {
        return Ok(Verdict::NotApplicable("the node is not registered"));
    };
    let version = node.version()?;

    let floors =
        [Ok(Some(("Session Manager", AgentVersion([2, 3, 68, 0])))), kind(case), encryption(case)];
    all_of(floors, "", |floor| {
        let Some((feature, floor)) = floor? else {
            return Ok(Verdict::NotApplicable("nothing more is asked of the agent"));
        };
        Ok(if version >= floor {
            Verdict::Pass(observed(
                target,
                format!("runs agent {version}; {feature} needs {floor}"),
            ))
        } else {
            Verdict::Fail(
                observed(
                    target,
                    format!("runs agent {version}, and {feature} needs at least {floor}"),
                ),
                Fix::options([agent_words::update(case)], Recovery::NextSession),
            )
        })
    })
}

fn kind(case: &Case) -> Result<Option<(&'static str, AgentVersion)>, Unknown> {
    Ok(match case.scope.session {
        Session::Shell => None,
        Session::Ssh => Some(("SSH", AgentVersion([3, 0, 222, 0]))),
        Session::Port => Some(("port forwarding", AgentVersion([3, 0, 222, 0]))),
        Session::RemotePort => {
            Some(("forwarding a remote host's port", AgentVersion([3, 1, 1374, 0])))
        }
        // Of these two AWS documents no floor: they are from the release notes.
        Session::Command if session::is_interactive(case)? => {
            Some(("interactive commands", AgentVersion([2, 3, 668, 0])))
        }
        Session::Command => Some(("non-interactive commands", AgentVersion([3, 0, 1124, 0]))),
    })
}

fn encryption(case: &Case) -> Result<Option<(&'static str, AgentVersion)>, Unknown> {
    let Gates::Apply(preferences) = session::gates(case)? else { return Ok(None) };
    let asked = preferences.text("kmsKeyId")?.is_some();
    Ok(asked.then_some(("encryption with a KMS key", AgentVersion([2, 3, 539, 0]))))
}
