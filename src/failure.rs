//! What ends a run without a report: the errors of all commands, and their exit codes.

use serde::Serialize;

#[cfg(feature = "live")]
use crate::live::error::LiveError;
use crate::{
    config::ConfigError,
    explain::ExplainError,
    gate::GateError,
    judge::error::JudgeError,
    log::LogError,
    node::NodeError,
    output::OutputError,
    plan::document::PlanError,
    render::{self, RenderError},
    snapshot::SnapshotError,
    usage::UsageError,
};

/// The command line, the credentials or the target make no diagnosis possible.
pub const COULD_NOT_RUN: u8 = 2;

/// As shells report a program that SIGINT ended.
pub const INTERRUPTED: u8 = 130;

/// Whatever ends a run without a report.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Explain(#[from] ExplainError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Judge(#[from] JudgeError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[cfg(feature = "live")]
    #[error(transparent)]
    Live(#[from] LiveError),
    #[cfg(not(feature = "live"))]
    #[error("this ssm-doctor was built without live collection")]
    NotLive,
    /// A defect of ours; tests see to it that there is none.
    #[error("ssm-doctor is broken: {0}")]
    Defect(String),
}

impl Failure {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Usage(error) => error.help(),
            Self::Config(error) => error.help(),
            Self::Gate(_) => GateError::help(),
            Self::Snapshot(error) => error.help(),
            Self::Output(error) => error.help(),
            Self::Explain(error) => error.help(),
            Self::Log(error) => error.help(),
            Self::Node(error) => error.help(),
            Self::Judge(error) => error.help(),
            Self::Plan(error) => error.help(),
            #[cfg(feature = "live")]
            Self::Live(error) => error.help(),
            #[cfg(not(feature = "live"))]
            Self::NotLive => {
                "judge saved facts with `--facts FILE`, see `ssm-doctor demo`, or build with the feature `live`".into()
            }
            Self::Defect(_) | Self::Render(_) => format!("please report it: {}/issues", env!("CARGO_PKG_REPOSITORY")),
        }
    }

    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            #[cfg(feature = "live")]
            Self::Live(LiveError::Interrupted) => INTERRUPTED,
            _ => COULD_NOT_RUN,
        }
    }
}

/// # Errors
/// None that is known: a value that is no JSON is a defect.
pub fn as_json<T: Serialize>(value: &T) -> Result<String, Failure> {
    render::json(value).map_err(|error| Failure::Defect(error.to_string()))
}
