//! Where on AWS the log of a session goes.

use alloc::{format, string::String};

use crate::session::preferences::Preferences;
use ssm_doctor_facts::{ids::*, lookup::Unknown};

/// What a session's id looks like: log streams and log objects bear it, and it begins with the
/// operator's name.
const EXAMPLE_ID: &str = "operator-0123456789abcdef0";

/// ARNs of logs: a pattern for those of all sessions, and that of one.
pub struct Logs {
    pub all: String,
    pub one: String,
}

impl Preferences<'_> {
    /// The objects of the log bucket; None where sessions are not logged to S3.
    ///
    /// # Errors
    /// [`Unknown`] when a field cannot be read.
    pub fn objects(&self, partition: &str) -> Result<Option<Logs>, Unknown> {
        let Some(bucket) = self.bucket()? else { return Ok(None) };
        let prefix = self.text("s3KeyPrefix")?.unwrap_or_default().trim_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        let folder = format!("arn:{partition}:s3:::{bucket}/{prefix}{slash}");
        Ok(Some(Logs { all: format!("{folder}*"), one: format!("{folder}{EXAMPLE_ID}.log") }))
    }

    /// The streams of the log group, which is of the node's own account; None where sessions are not
    /// logged to `CloudWatch`.
    ///
    /// # Errors
    /// [`Unknown`] when a field cannot be read.
    pub fn streams(
        &self,
        partition: &str,
        region: &Region,
        account: &str,
    ) -> Result<Option<Logs>, Unknown> {
        let Some(group) = self.text("cloudWatchLogGroupName")? else { return Ok(None) };
        let group = format!("arn:{partition}:logs:{region}:{account}:log-group:{group}");
        let (all, one) = (format!("{group}:*"), format!("{group}:log-stream:{EXAMPLE_ID}"));
        Ok(Some(Logs { all, one }))
    }
}
