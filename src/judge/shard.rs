//! The shards of a saved fleet: what an interrupted run knows.

use std::path::Path;

use ssm_doctor_facts::{
    ids::{AccountId, Region},
    lookup::Facts,
};

use super::line::{self, Kind, Read};
use crate::{
    collect::our_account,
    snapshot::{SnapshotError, text_of},
};

/// The lines of an account and Region.
pub struct Shard {
    account: Option<AccountId>,
    region: Region,
    /// An interrupted run has not asked everything.
    pub is_incomplete: bool,
    pub text: String,
    file: String,
}

impl Shard {
    /// All that AWS answered. What was not seen is asked again.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn answers(&self) -> Result<Facts, SnapshotError> {
        let mut facts = Facts::default();
        for (at, text) in self.text.lines().enumerate() {
            let wrong = |error: line::LineError| SnapshotError::Line {
                file: self.file.clone(),
                line: at + 1,
                what: error.to_string(),
            };
            facts.absorb(match line::read(text).map_err(wrong)? {
                Read::Shared(shared) => shared.facts,
                Read::Target(snapshot) | Read::Complete(snapshot) => snapshot.facts,
            });
        }
        for need in facts.unseen() {
            facts.copy_from(&Facts::default(), &need);
        }
        Ok(facts)
    }
}

/// Shards that no run has examined again so far.
#[derive(Default)]
pub struct Shards(Vec<Shard>);

impl Shards {
    /// # Errors
    /// If the file cannot be read, or has other lines than those of a fleet.
    pub fn load(path: &Path) -> Result<Self, SnapshotError> {
        let (file, text) = text_of(path)?;
        let mut shards: Vec<Shard> = Vec::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong =
                |what: String| SnapshotError::Line { file: file.clone(), line: at + 1, what };
            match line::kind(line).map_err(|error| wrong(error.to_string()))? {
                Kind::Shared => {
                    let shared = line::shared(line).map_err(|error| wrong(error.to_string()))?;
                    shards.push(Shard {
                        account: our_account(&shared.facts).cloned(),
                        region: shared.region,
                        is_incomplete: shared.incomplete,
                        text: String::new(),
                        file: file.clone(),
                    });
                }
                Kind::Target => {}
                Kind::Complete => return Err(wrong("it is not of a fleet".into())),
            }
            let Some(shard) = shards.last_mut() else {
                return Err(wrong("there is no line of shared facts before it".into()));
            };
            shard.text.push_str(line);
            shard.text.push('\n');
        }
        Ok(Self(shards))
    }

    /// The shard of this account and Region. Facts of an account that was not seen are of no use.
    pub fn take(&mut self, account: Option<&AccountId>, region: &Region) -> Option<Shard> {
        let account = account?;
        let is_it =
            |shard: &Shard| shard.account.as_ref() == Some(account) && shard.region == *region;
        let at = self.0.iter().position(is_it)?;
        Some(self.0.remove(at))
    }

    /// What is left.
    pub fn into_lines(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|shard| shard.text)
    }
}
