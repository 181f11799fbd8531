//! What the user brings from the node: the agent's log, and the output of a probe.

use std::{
    io,
    path::{Path, PathBuf},
};

use ssm_doctor_facts::{
    agent_log::AgentLog,
    ids::Target,
    lookup::{Facts, Row},
    probe::Probe,
    scope::Scope,
};

use crate::{
    cli::{Diagnose, ProbeArgs},
    input,
    log::{self, LogError},
    output::OutputError,
};

/// Read before collection, and added to what AWS says.
#[derive(Clone, Debug, Default)]
pub struct FromNode {
    log: Option<AgentLog>,
    probe: Option<Probe>,
}

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[cfg(all(feature = "probe", unix))]
    #[error("cannot write the probe: {0}")]
    Unwritable(serde_json::Error),
    #[error("cannot read the probe `{}`: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("`{}` is not the output of a probe: {error}", path.display())]
    NoProbe { path: PathBuf, error: ssm_doctor_probe::ProbeError },
    #[error("the probe `{}` is of `{found}`, not of `{asked}`", path.display())]
    OtherNode { path: PathBuf, found: String, asked: Target },
    #[error("--agent-log and --probe are of one node, and {targets} targets are asked about")]
    Several { targets: usize },
    #[cfg(not(all(feature = "probe", unix)))]
    #[error("this ssm-doctor was built without the probe")]
    NotBuilt,
}

impl NodeError {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Log(error) => error.help(),
            Self::Output(error) => error.help(),
            #[cfg(all(feature = "probe", unix))]
            Self::Unwritable(_) => "this is a defect of ssm-doctor: please report it".into(),
            Self::Unreadable { .. } | Self::NoProbe { .. } => {
                "run `ssm-doctor probe > probe.json` on the node, and copy all of probe.json here"
                    .into()
            }
            Self::Several { .. } => "ask about that node alone".into(),
            Self::OtherNode { found, .. } => {
                format!("ask about `{found}`, or run the probe on the other node")
            }
            #[cfg(not(all(feature = "probe", unix)))]
            Self::NotBuilt => {
                "use the program `ssm-doctor-probe`, or build with the feature `probe`".into()
            }
        }
    }
}

impl FromNode {
    /// What the command line names, if there is one target. A log and a probe are of one node.
    ///
    /// # Errors
    /// As [`read`](Self::read), or if there are several targets.
    pub fn of(args: &Diagnose, targets: &[Target]) -> Result<Self, NodeError> {
        match targets {
            [target] => Self::read(args, target),
            _ if args.agent_log.is_empty() && args.probe.is_none() => Ok(Self::default()),
            _ => Err(NodeError::Several { targets: targets.len() }),
        }
    }

    /// What the command line names.
    ///
    /// # Errors
    /// If a file cannot be read, is something else, or is of another node.
    fn read(args: &Diagnose, target: &Target) -> Result<Self, NodeError> {
        let mut log = log::given(&args.agent_log, target)?;
        let probe = args.probe.as_deref().map(|path| read(path, target)).transpose()?;
        let Some(mut probe) = probe else { return Ok(Self { log, probe: None }) };
        // Of two logs the one that ends later shows more of what matters.
        let of_probe = probe.log.take();
        if log.as_ref().and_then(|it| it.ends_at) < of_probe.as_ref().and_then(|it| it.ends_at) {
            log = of_probe;
        }
        Ok(Self { log, probe: Some(probe) })
    }

    pub fn add_to(&self, scope: &mut Scope, facts: &mut Facts) {
        if let Some(log) = &self.log {
            scope.agent_log = true;
            facts.agent_logs.insert(scope.target.clone(), Row::Present(log.clone()));
        }
        if let Some(probe) = &self.probe {
            scope.probe = true;
            facts.probes.insert(scope.target.clone(), Row::Present(probe.clone()));
        }
    }
}

fn read(path: &Path, target: &Target) -> Result<Probe, NodeError> {
    let unreadable = |error| NodeError::Unreadable { path: path.into(), error };
    let bytes = input::read(path).map_err(unreadable)?;
    let probe = ssm_doctor_probe::parse(&input::text(&bytes))
        .map_err(|error| NodeError::NoProbe { path: path.into(), error })?;
    // An instance with a leftover hybrid registration has two ids. A probe without an id may be of any node.
    let ids = probe.ids();
    let asked = target.to_string();
    match ids.last() {
        Some(found) if !ids.contains(&asked.as_str()) => Err(NodeError::OtherNode {
            path: path.into(),
            found: (*found).to_owned(),
            asked: target.clone(),
        }),
        _ => Ok(probe),
    }
}

/// `ssm-doctor probe`, on the node.
///
/// # Errors
/// If the document cannot be printed.
#[cfg(all(feature = "probe", unix))]
pub fn look(args: &ProbeArgs) -> Result<u8, NodeError> {
    use ssm_doctor_probe::collect;
    let options = collect::Options {
        region: args.region.as_ref().map(ToString::to_string),
        users: args.user.clone(),
        ..collect::Options::default()
    };
    let text = ssm_doctor_probe::write(collect::look(&options), args.one_line)
        .map_err(NodeError::Unwritable)?;
    crate::output::print(&text)?;
    Ok(0)
}

/// As above, where it was left out of the build.
///
/// # Errors
/// Always.
#[cfg(not(all(feature = "probe", unix)))]
pub fn look(args: &ProbeArgs) -> Result<u8, NodeError> {
    let _ = (&args.region, &args.user, args.one_line);
    Err(NodeError::NotBuilt)
}
