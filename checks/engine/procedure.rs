//! From a prescription to an open session, step by step.

use alloc::{format, string::String, vec, vec::Vec};

use ssm_doctor_analysis::{answer::Recovery, case::Case, session};
use ssm_doctor_facts::{
    change::Ec2Change,
    ids::{InstanceId, Target},
    scope::Session,
    ssm::Ping,
};

use super::{command::Command, fix, prescription::Prescription};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcedureStep {
    /// In the imperative.
    pub title: String,
    pub commands: Vec<Command>,
}

impl ProcedureStep {
    fn new(title: impl Into<String>, commands: Vec<Command>) -> Self {
        Self { title: title.into(), commands }
    }
}

/// Every step, the last of which starts the session.
#[must_use]
pub fn procedure(prescription: &Prescription, case: &Case) -> Vec<ProcedureStep> {
    let scope = case.scope;
    let options = prescription.options.iter().map(|(_, option)| option);
    let mut steps: Vec<ProcedureStep> = options
        .clone()
        .map(|option| {
            let title = &option.title;
            let title = match option.manual.as_slice() {
                [] => title.clone(),
                [step] => format!("{title}; first, {step}"),
                _ => format!("{title}: take the steps of its fix, one after the other"),
            };
            ProcedureStep::new(title, fix::commands(&option.changes, &scope.region))
        })
        .collect();
    let recovery = options.clone().filter_map(|option| option.recovery).max();
    let waits = recovery.is_some_and(|recovery| recovery > Recovery::NextSession);
    let restarts = recovery.is_some_and(|recovery| recovery > Recovery::Start);
    // An instance that boots starts its agent.
    let boots = options.clone().any(|option| fix::boots(option).next().is_some());
    if restarts && !boots {
        steps.push(restart(case));
    }
    if waits {
        let wait =
            Command::new("ssm-doctor {} --region {} --wait", &[&scope.target, &scope.region]);
        steps.push(ProcedureStep::new("wait until the agent reports", vec![wait]));
    }
    steps.push(ProcedureStep::new("start the session", vec![start_session(case)]));
    steps
}

/// How to restart the agent. Sessions are not available yet, so none of the ways uses one.
fn restart(case: &Case) -> ProcedureStep {
    let (facts, target) = (case.facts, &case.scope.target);
    let node = facts.node(target).hint().ok().flatten();
    let windows = node.and_then(|node| node.platform.as_deref()) == Some("Windows")
        || target.instance().is_some_and(|id| is_windows(id, case));
    if node.is_some_and(|node| node.ping == Ping::Online) {
        return ProcedureStep::new(
            "restart the agent with Run Command",
            vec![by_run_command(case, windows)],
        );
    }
    match target.instance() {
        Some(id) => ProcedureStep::new(
            "reboot the instance, so that its agent starts anew (this interrupts what runs on it; addresses and instance-store data stay)",
            fix::commands(
                &[Ec2Change::RebootInstance { instance: id.clone() }.into()],
                &case.scope.region,
            ),
        ),
        None if windows => ProcedureStep::new(
            "restart the agent on the machine itself, in PowerShell",
            vec![Command::new("Restart-Service AmazonSSMAgent", &[])],
        ),
        None => ProcedureStep::new(
            "restart the agent on the machine itself",
            vec![Command::new("sudo systemctl restart amazon-ssm-agent", &[])],
        ),
    }
}

fn is_windows(id: &InstanceId, case: &Case) -> bool {
    case.facts.instance(id).hint().ok().flatten().is_some_and(|instance| instance.windows)
}

/// The command restarts the agent that runs it, so it only schedules the restart.
fn by_run_command(case: &Case, windows: bool) -> Command {
    let (document, restart) = if windows {
        (
            "AWS-RunPowerShellScript",
            r#"commands=["Start-Process powershell -ArgumentList '-Command','Start-Sleep 5; Restart-Service AmazonSSMAgent'"]"#,
        )
    } else {
        (
            "AWS-RunShellScript",
            r#"commands=["nohup sh -c 'sleep 5; systemctl restart amazon-ssm-agent || systemctl restart snap.amazon-ssm-agent.amazon-ssm-agent' >/dev/null 2>&1 &"]"#,
        )
    };
    Command::new(
        "aws ssm send-command --document-name {} --instance-ids {} --parameters {} --region {}",
        &[&document, &case.scope.target, &restart, &case.scope.region],
    )
}

/// The command that starts the session that was asked for.
#[must_use]
pub fn start_session(case: &Case) -> Command {
    let scope = case.scope;
    let target: &Target = &scope.target;
    let start =
        Command::new("aws ssm start-session --target {} --region {}", &[target, &scope.region]);
    let document = session::document_name(scope).ok();
    let named = scope.document.is_some() || scope.session != Session::Shell;
    let start = match document.filter(|_| named) {
        Some(document) => start.and("--document-name {}", &[&document]),
        None => start,
    };
    match scope.session {
        Session::Shell | Session::Command => start,
        Session::Ssh => start.and("--parameters portNumber=22", &[]),
        Session::Port => start.and("--parameters portNumber=<port>", &[]),
        Session::RemotePort => start.and("--parameters host=<host>,portNumber=<port>", &[]),
    }
}
