//! Why facts were not judged.

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    #[error("standard input is a terminal, and facts are expected there")]
    Terminal,
    #[error("there are no facts to judge")]
    Nothing,
    #[error("no node fits these filters, so nothing was checked")]
    NothingFits,
    #[error("cannot read `{}`: {error}", file.display())]
    NoFile { file: PathBuf, error: io::Error },
    #[error("cannot read the facts: {0}")]
    Unreadable(io::Error),
    #[error("{bad} of {all} lines could not be judged; the first is line {line}: {what}")]
    Lines { bad: usize, all: usize, line: usize, what: String },
}

impl JudgeError {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Terminal | Self::Nothing => {
                "give it lines that `--save-facts` wrote: `ssm-doctor judge < FILE`".into()
            }
            Self::NothingFits => {
                "look for a typing error in --tag, --vpc, --subnet, --state and the other filters"
                    .into()
            }
            Self::NoFile { .. } | Self::Unreadable(_) => "check the file, and run it again".into(),
            Self::Lines { .. } => {
                "all other lines were judged; schemas/judge-v1.json describes a line".into()
            }
        }
    }
}
