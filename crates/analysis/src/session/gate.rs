//! What stands between an open channel and the prompt, in the agent's order, and what the user sees
//! where it stops.
//!
//! Source: amazon-ssm-agent `agent/session/plugins/sessionplugin/sessionplugin.go` (handshake),
//! `agent/session/shell/shell.go` (`validate`: log group, then bucket; then the user and the shell).

use alloc::{format, string::String, vec::Vec};

use crate::answer::{Evidence, observed};
use crate::session::Preferences;
use ssm_doctor_facts::lookup::Unknown;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// Encryption of the session itself: both sides need the KMS key.
    Handshake,
    /// The log group must be seen to be encrypted with a KMS key.
    LogGroup,
    /// The log bucket must be seen to be encrypted.
    Bucket,
    /// The commands run as a user of the operator's.
    RunAs,
}

/// Where the agent cannot tell whether the bucket is encrypted, as distinct from seeing that it is not.
pub const BUCKET_UNSEEN: &str =
    "Couldn't start the session because we are unable to validate encryption on Amazon S3 bucket.";

impl Gate {
    /// For a list.
    fn phrase(self) -> &'static str {
        match self {
            Self::Handshake => "a handshake with the KMS key",
            Self::LogGroup => "a look whether the log group is encrypted",
            Self::Bucket => "a look whether the log bucket is encrypted",
            Self::RunAs => "a change to the RunAs user",
        }
    }

    /// What the user reads when this gate stays shut.
    fn message(self) -> &'static str {
        match self {
            Self::Handshake => "Encountered error while initiating handshake.",
            Self::LogGroup => {
                "We couldn't start the session because encryption is not set up on the selected CloudWatch Logs log group."
            }
            Self::Bucket => {
                "We couldn't start the session because encryption is not set up on the selected Amazon S3 bucket."
            }
            Self::RunAs => "Unable to start command: please set the RunAs default user",
        }
    }

    #[must_use]
    pub fn seen_as(self) -> Evidence {
        seen_as(self.message())
    }
}

/// The session's last words.
#[must_use]
pub fn seen_as(message: &str) -> Evidence {
    observed("the session", format!("ends with `{message}`"))
}

impl Preferences<'_> {
    /// The gates that these preferences put up, in the agent's order.
    ///
    /// # Errors
    /// [`Unknown`] when a field that decides cannot be read.
    pub fn gates(&self) -> Result<Vec<Gate>, Unknown> {
        let logged = |target, flag| Ok(self.text(target)?.is_some() && self.flag(flag)?);
        let gates = [
            (Gate::Handshake, self.text("kmsKeyId")?.is_some()),
            (Gate::LogGroup, logged("cloudWatchLogGroupName", "cloudWatchEncryptionEnabled")?),
            (Gate::Bucket, logged("s3BucketName", "s3EncryptionEnabled")?),
            (Gate::RunAs, self.flag("runAsEnabled")?),
        ];
        Ok(gates.into_iter().filter(|it| it.1).map(|it| it.0).collect())
    }

    /// The gates in a sentence.
    ///
    /// # Errors
    /// As [`gates`](Self::gates).
    pub fn course(&self) -> Result<String, Unknown> {
        let mut gates: Vec<&str> = self.gates()?.into_iter().map(Gate::phrase).collect();
        // No gate: nothing is refused, and what it runs may end the session all the same.
        if self.has_shell_profile() {
            gates.push("the commands of a shell profile (one that exits ends the session)");
        }
        Ok(if gates.is_empty() {
            "puts nothing between the channel and the prompt".into()
        } else {
            format!("asks of each session, in this order: {}", gates.join(", "))
        })
    }
}
