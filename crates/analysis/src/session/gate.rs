//! What a session passes between an open channel and the prompt, in the agent's order.
//!
//! Source: amazon-ssm-agent `agent/session/plugins/sessionplugin/sessionplugin.go` (handshake),
//! `agent/session/shell/shell.go` (`validate`: log group, then bucket; then the user and the shell).

use alloc::vec::Vec;

use crate::session::{outcome::Gate, preferences::Preferences};
use ssm_doctor_facts::lookup::Unknown;

impl Preferences<'_> {
    /// The gates of these preferences, in the agent's order.
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
}
