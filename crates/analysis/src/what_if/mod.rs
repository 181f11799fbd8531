//! Facts as they would be after changes: how a fix is tried before anybody prints it.
//!
//! A change edits the rows that describe what it changes. AWS fills in some rows itself, such as the
//! records of an endpoint's private DNS name; those edits belong to the change too. What the rows cannot
//! express makes the whole list of changes unmodelled, so that nobody takes the result for certain.

mod ec2;
mod permissions;
mod row;
mod services;
mod simulations;
#[cfg(test)]
mod tests;

pub use simulations::simulated;
use ssm_doctor_facts::{change::Change, lookup::Facts, scope::Scope};

/// The facts after the changes, made in their order.
///
/// # Errors
/// The first change whose effect is not modelled: the rows that it edits were not seen, or it is a look
/// and not an edit.
pub fn apply<'c>(
    facts: &Facts,
    changes: impl IntoIterator<Item = &'c Change>,
    scope: &Scope,
) -> Result<Facts, &'c Change> {
    let mut facts = facts.clone();
    for change in changes {
        edit(&mut facts, change, scope).ok_or(change)?;
    }
    Ok(facts)
}

/// None if the effect is not modelled.
fn edit(facts: &mut Facts, change: &Change, scope: &Scope) -> Option<()> {
    match change {
        Change::Ec2(change) => ec2::edit(facts, change, scope),
        Change::EndpointPolicy(change) => permissions::endpoint_policy(facts, change),
        Change::Iam(change) => permissions::iam(facts, change),
        Change::InstanceProfile(change) => permissions::instance_profile(facts, change),
        Change::Kms(change) => permissions::kms(facts, change, scope),
        Change::S3(change) => permissions::s3(facts, change),
        Change::Logs(change) => services::logs(facts, change),
        Change::NetworkFirewall(change) => services::network_firewall(facts, change),
        Change::Route53(change) => services::route53(facts, change),
        Change::Route53Resolver(change) => services::route53resolver(facts, change),
        Change::ServiceSetting(change) => services::service_setting(facts, change),
        Change::Ssm(change) => services::ssm(facts, change),
        Change::Sts(change) => permissions::sts(facts, change),
        Change::Tag(change) => permissions::tag(facts, change),
    }
}
