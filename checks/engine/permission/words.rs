//! Permission decisions and their limits, in words.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_analysis::permissions::{
    decision::{
        Basis, CitedStatement, DenySource, Mismatch, NearestAllow, NoSimulation, PolicyDenial,
    },
    resource_policy::ResourcePolicy,
};
use ssm_doctor_iam_policy::{KeyValue, PolicyType};

use super::edit;
use crate::engine::limit_words;

/// Why a policy denies, for a sentence: `AppRole has no ssm:StartSession (<phrase>)`.
#[must_use]
pub fn denial(denial: &PolicyDenial) -> String {
    let by = || match denial.by.as_slice() {
        [] => String::new(),
        by => format!(" in {}", sources(by)),
    };
    let nearest = denial.nearest.as_ref().map(|allow| format!(": {}", nearest(allow)));
    let nearest = nearest.unwrap_or_default();
    let organization = |kind: &str| {
        let how = if denial.explicit { by() } else { nearest.clone() };
        format!("refused by an organization's policy {kind}{how}")
    };
    match (denial.policy_type, denial.explicit) {
        (PolicyType::ServiceControl, _) => organization("(SCP)"),
        (PolicyType::ResourceControl, _) => organization("on resources (RCP)"),
        (PolicyType::PermissionsBoundary, true) => {
            format!("its permissions boundary denies it{}", by())
        }
        (PolicyType::PermissionsBoundary, false) => {
            format!("its permissions boundary does not allow it{nearest}")
        }
        (_, true) => format!("an explicit Deny{}", by()),
        (PolicyType::VpcEndpoint | PolicyType::GatewayEndpoint, false) => {
            format!("the endpoint's policy does not allow it{nearest}")
        }
        (PolicyType::ResourceBased | PolicyType::RoleTrust, false) => {
            format!("the resource's own policy does not allow it{nearest}")
        }
        (PolicyType::IdentityBased | PolicyType::Session, false) => {
            format!("no statement of its policies allows it{nearest}")
        }
    }
}

/// Whom a resource's policy names although nobody has that id any more, as a predicate.
#[must_use]
pub fn deleted_principals(policy: &ResourcePolicy) -> Option<String> {
    let deleted = edit::deleted_principals(policy.policy.as_ref().ok().copied().flatten()?);
    let of = match deleted.as_slice() {
        [] => return None,
        [_] => "the id of a user or role that was deleted",
        _ => "ids of users or roles that were deleted",
    };
    Some(format!("names {}, {of}", shortened(&deleted)))
}

/// What denies, listed.
#[must_use]
pub fn sources(sources: &[DenySource]) -> String {
    let listed = sources.iter().map(|source| match source {
        DenySource::Policy(name) => name.clone(),
        DenySource::Statement(cited) if cited.conditions.is_empty() => statement(cited),
        DenySource::Statement(cited) => {
            format!("{} under {}", statement(cited), cited.conditions.join(" and "))
        }
    });
    listed.collect::<Vec<_>>().join(", ")
}

/// `statement 2 (DenyAll) of Guardrails`. Other groups may have a policy of that name.
#[must_use]
pub fn statement(cited: &CitedStatement) -> String {
    let CitedStatement { place, policy, attached_to, .. } = cited;
    let of_group = attached_to.strip_prefix("group ");
    let of_group = of_group.map(|name| format!(" of the group {name}")).unwrap_or_default();
    format!("{place} of {policy}{of_group}")
}

/// Why the nearest Allow does not match, as a clause.
#[must_use]
pub fn nearest(allow: &NearestAllow) -> String {
    let clauses = allow.mismatches.iter().map(|mismatch| match mismatch {
        Mismatch::Other(listed) => format!("is for {} only", shortened(listed)),
        Mismatch::Condition { operator, key, wanted, known, variables } => {
            let wanted = format!("asks for {key} {} ({operator})", shortened(wanted));
            let variables = variables.iter();
            let variables = variables
                .map(|(key, known)| format!("where {key} is {}", request_value(known.as_ref())));
            let wanted = core::iter::once(wanted).chain(variables).collect::<Vec<_>>().join(", ");
            format!("{wanted}, and the request has {}", request_value(known.as_ref()))
        }
    });
    let clauses = clauses.collect::<Vec<_>>().join(" and ");
    format!("{} {clauses}", statement(&allow.statement))
}

fn request_value(known: Option<&KeyValue>) -> String {
    match known {
        Some(KeyValue::Exact(value)) => value.clone(),
        Some(KeyValue::Multiple(values) | KeyValue::AtLeast(values)) => values.join(", "),
        Some(KeyValue::Prefix(start)) => format!("{start}…"),
        Some(KeyValue::Between { lowest, highest }) => format!("{lowest} to {highest}"),
        Some(KeyValue::Absent) | None => "none".into(),
        Some(KeyValue::Unknown(_)) => "one that was not seen".into(),
    }
}

/// Evidence quotes what decides, not whole documents.
fn shortened(listed: &[String]) -> String {
    const MOST: usize = 3;
    let shown = listed.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match listed.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Where a decision comes from, as a clause about the identity; nothing where AWS itself has answered.
#[must_use]
pub fn basis(basis: &Basis, allowed: bool) -> Option<String> {
    match basis {
        Basis::Simulator => None,
        Basis::Disputed => {
            let how = if allowed { "do not allow it" } else { "allow it" };
            Some(format!(
                "is judged by IAM's simulator, while its policies as they were read here {how}: they may have changed between the calls"
            ))
        }
        Basis::Policies(reasons) => {
            let reasons = reasons.iter().map(no_simulation).collect::<Vec<_>>().join("; ");
            Some(format!("is judged by its policies as they were read here: {reasons}"))
        }
    }
}

/// Why the simulator gave no answer, as a clause.
fn no_simulation(reason: &NoSimulation) -> String {
    match reason {
        NoSimulation::Call { action, why } => format!("{action} {}", why.phrase()),
        NoSimulation::Limit(limit) => limit_words::limit(limit),
    }
}
