//! The agent is new enough for what the preferences add to a session.
//!
//! An older one starts the session and leaves the rest out without a word. Floors are AWS's documented
//! ones. Source: Systems Manager user guide, "Session Manager prerequisites" and "Logging session
//! activity".

use alloc::vec;

use crate::agent_words::update;
use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Gates};
use ssm_doctor_facts::ssm::AgentVersion;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Degrades,
    depends_on: &[&super::registered::CHECK, &crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

const PROFILE: AgentVersion = AgentVersion([3, 0, 161, 0]);
const STREAMING: AgentVersion = AgentVersion([3, 0, 284, 0]);

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    // Neither concerns commands.
    let shell = preferences.session_type() == "Standard_Stream";
    let streams = shell
        && preferences.flag("cloudWatchStreamingEnabled")?
        && preferences.text("cloudWatchLogGroupName")?.is_some();
    let mut wanted = vec![];
    if shell && preferences.has_shell_profile() {
        wanted.push(("a shell profile", PROFILE));
    }
    if streams {
        wanted.push(("streaming logs to CloudWatch", STREAMING));
    }
    if wanted.is_empty() {
        return Ok(Verdict::NotApplicable("the preferences ask nothing of newer agents"));
    }
    let target = &case.scope.target;
    let Some(node) = case.facts.node(target).optional()? else {
        return Ok(Verdict::NotApplicable("the node is not registered"));
    };
    let version = node.version()?;
    let windows = node.platform.as_deref().is_some_and(|it| it.eq_ignore_ascii_case("Windows"));
    all_of(wanted, "", |(feature, floor)| {
        if version < floor {
            return Ok(Verdict::Fail(
                observed(
                    target,
                    format!(
                        "runs agent {version}, and {feature} needs at least {floor}: it is left out without a word"
                    ),
                ),
                Fix::options([update(case)], Recovery::NextSession),
            ));
        }
        let evidence = observed(target, format!("runs agent {version}; {feature} needs {floor}"));
        Ok(Verdict::Pass(if windows && floor == STREAMING {
            evidence.and(observed(
                target,
                "streams only with PowerShell 5.1 or newer and without a transcription policy of its own, which AWS does not show",
            ))
        } else {
            evidence
        }))
    })
}
