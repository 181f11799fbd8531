//! Is this machine the one that starts the session, and what does it have for that?
//!
//! The doctor may run elsewhere: in a pipeline, on a colleague's laptop, in a container. A machine is
//! judged only if sessions are started from it by all that can be seen: the Session Manager plugin is
//! on it, or the AWS CLI is and somebody sits at a terminal. What is wrong with any other machine
//! stops no session.

mod cli;
mod reachability;
mod session_manager_plugin;
pub mod ssh_proxy;

pub use cli::cli_version;
pub use reachability::{api_host, endpoint_at, host, is_nowhere, is_private};
pub use session_manager_plugin::{calls_kms, plugin_version};

use crate::case::Case;
use ssm_doctor_facts::{
    lookup::{Facts, Unknown},
    scope::{Client, Scope, Session},
    workstation::{Installed, Login, Machine, Program, SshEntry, Surroundings},
};

/// This machine, or why it is not judged.
pub enum Judged<'f> {
    Workstation(Workstation<'f>),
    Not(NotJudged),
}

pub struct Workstation<'f> {
    pub surroundings: &'f Surroundings,
    pub plugin: Option<&'f Installed>,
    pub cli: Option<&'f Installed>,
}

/// Why this machine is not taken for the one that starts the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotJudged {
    /// The facts are from before machines were looked at.
    NotInFacts,
    /// By `--no-client`.
    Declined,
    /// `CI` is set.
    Ci,
    /// `--operator` names somebody else.
    OtherOperator,
    /// Neither the Session Manager plugin nor the AWS CLI is on it.
    NoTools,
    /// Without the plugin, and without a terminal.
    NoTerminal,
}

/// # Errors
/// [`Unknown`] when the machine was not looked at.
pub fn judged<'f>(case: &Case<'f>) -> Result<Judged<'f>, Unknown> {
    if let Some(reason) = left_out(case.scope) {
        return Ok(Judged::Not(reason));
    }
    let workstation = look(case)?;
    // What cannot be run is as good as missing, but for the plugin's own check.
    let cli = workstation.cli.is_some_and(|cli| cli.trouble.is_none());
    Ok(match (workstation.plugin, cli, workstation.surroundings.terminal) {
        (Some(_), ..) | (None, true, true) => Judged::Workstation(workstation),
        (None, true, false) => Judged::Not(NotJudged::NoTerminal),
        (None, false, _) => Judged::Not(NotJudged::NoTools),
    })
}

/// Why this machine is not even looked at.
#[must_use]
pub fn left_out(scope: &Scope) -> Option<NotJudged> {
    match scope.client {
        Client::Unasked => Some(NotJudged::NotInFacts),
        Client::Declined => Some(NotJudged::Declined),
        Client::Ci => Some(NotJudged::Ci),
        Client::Here if scope.operator.is_some() => Some(NotJudged::OtherOperator),
        Client::Here => None,
    }
}

/// What is on the machine, whether or not it is judged.
///
/// # Errors
/// [`Unknown`] when it was not looked at. While nobody has asked, it asks for all that any check may
/// want, so that one look suffices.
fn look<'f>(case: &Case<'f>) -> Result<Workstation<'f>, Unknown> {
    let surroundings = case.facts.here_surroundings(&Machine::Here).required();
    let plugin = case.facts.here_program(&Program::Plugin).optional();
    let cli = case.facts.here_program(&Program::Cli).optional();
    let unseen = [surroundings.as_ref().err(), plugin.as_ref().err(), cli.as_ref().err()];
    let unseen = unseen.into_iter().flatten().cloned().reduce(Unknown::and);
    if let Some(unknown) = unseen {
        return Err(unasked(case).fold(unknown, Unknown::and));
    }
    Ok(Workstation { surroundings: surroundings?, plugin: plugin?, cli: cli? })
}

/// All that has not been asked of this machine yet.
fn unasked<'f>(case: &Case<'f>) -> impl Iterator<Item = Unknown> + use<'f> {
    let hosts = [host("ssm", case.scope), host("ssmmessages", case.scope)];
    let network = hosts.map(|host| {
        [case.facts.here_name(&host).hint().err(), case.facts.here_contact(&host).hint().err()]
    });
    let login = case.facts.here_login(&Machine::Here).hint().err();
    let ssh = (case.scope.session == Session::Ssh)
        .then(|| case.facts.here_ssh(&case.scope.target).hint().err())
        .flatten();
    network.into_iter().flatten().chain([login, ssh]).flatten()
}

/// # Errors
/// [`Unknown`] when the configuration was not read.
pub fn login(facts: &Facts) -> Result<&Login, Unknown> {
    facts.here_login(&Machine::Here).required()
}

/// # Errors
/// [`Unknown`] when the configuration was not read.
pub fn ssh_entry<'f>(case: &Case<'f>) -> Result<Option<&'f SshEntry>, Unknown> {
    case.facts.here_ssh(&case.scope.target).optional()
}
