//! The services that an agent needs, and whether it is seen to reach them.

use alloc::{format, vec::Vec};

use ssm_doctor_facts::{
    ids::*,
    lookup::Unknown,
    ssm::{AgentVersion, Connection, Ping},
};

use crate::{
    case::Case,
    network::flow::PathTrace,
    session::{self, Gates},
};

pub use ssm_doctor_facts::ssm::CORE;

/// The services that a gate of this session waits for, beyond [`CORE`].
///
/// # Errors
/// [`Unknown`] when the preferences were not seen.
pub fn gate_services(case: &Case) -> Result<Vec<&'static str>, Unknown> {
    let mut services = Vec::new();
    if let Gates::Apply(preferences) = session::gates(case)? {
        if preferences.text("kmsKeyId")?.is_some() {
            services.push("kms");
        }
        if preferences.text("cloudWatchLogGroupName")?.is_some()
            && preferences.flag("cloudWatchEncryptionEnabled")?
        {
            services.push("logs");
        }
        if preferences.text("s3BucketName")?.is_some() && preferences.flag("s3EncryptionEnabled")? {
            services.push("s3");
        }
    }
    Ok(services)
}

/// The Region of the bucket that sessions are logged to, if it is another than the target's: endpoints,
/// of both kinds, serve the buckets of their own Region. Source: VPC guide, "Gateway endpoints for
/// Amazon S3"; S3 guide, "AWS `PrivateLink` for Amazon S3".
///
/// # Errors
/// [`Unknown`] when preferences or bucket were not seen.
pub(super) fn bucket_in_other_region<'a>(
    case: &Case<'a>,
    service: &str,
) -> Result<Option<&'a Region>, Unknown> {
    if service != "s3" {
        return Ok(None);
    }
    let Gates::Apply(preferences) = session::gates(case)? else { return Ok(None) };
    let Some(name) = preferences.bucket()? else { return Ok(None) };
    let bucket = case.facts.bucket(&name).optional()?;
    Ok(bucket.and_then(|it| it.region.as_ref()).filter(|it| **it != case.scope.region))
}

/// Is the agent seen to reach this service?
///
/// # Errors
/// [`Unknown`] when that was not seen, or the service is one that shows no sign of it.
pub fn agent_reaches(case: &Case, service: &str) -> Result<bool, Unknown> {
    match service {
        "ssm" => Ok(case
            .facts
            .node(&case.scope.target)
            .optional()?
            .is_some_and(|it| it.ping == Ping::Online)),
        "ssmmessages" => {
            Ok(case.facts.connection(&case.scope.target).optional()?
                == Some(&Connection::Connected))
        }
        other => Err(Unknown::limit(format!("whether the agent reaches {other} is not visible"))),
    }
}

/// The first agent that can ask for dual-stack names. Source: amazon-ssm-agent release notes.
pub const DUAL_STACK: AgentVersion = AgentVersion([3, 3, 3270, 0]);

impl PathTrace<'_> {
    /// The service's Region, if it is not the target's.
    pub(super) fn bucket_in_other_region(&self) -> Result<Option<&Region>, Unknown> {
        bucket_in_other_region(self.case, self.service)
    }
}
