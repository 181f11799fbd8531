//! The policy that a cited statement is in, and how to change it.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::Value;

use ssm_doctor_analysis::{
    answer::FixOption,
    permissions::{attached_policies, decision::CitedStatement, identity::Identity},
};
use ssm_doctor_facts::{
    change::{IamChange, PolicyHolder},
    iam::AttachedPolicies,
    ids::Arn,
    lookup::{Facts, Need},
    text::Text,
};

use super::holder;

/// What an edit changes, by the policy's name and whom it is attached to. A customer managed policy is one document
/// wherever it is attached. The name of an inline policy is unique only within a user, group or role, and a policy of
/// AWS is detached from each.
pub(super) fn edited_policy(cited: &CitedStatement) -> (&str, &str) {
    let is_customer_managed =
        cited.policy_id.parse::<Arn>().is_ok_and(|policy| policy.account() != "aws");
    (&cited.policy_id, if is_customer_managed { "" } else { &cited.attached_to })
}

/// A policy that can be changed.
pub(super) enum Source<'f> {
    Inline { of: PolicyHolder, name: String, document: &'f Text },
    Customer { policy: Arn, document: &'f Text },
    Aws { from: PolicyHolder, policy: Arn },
}

impl<'f> Source<'f> {
    /// As it is now, if it can be edited.
    pub(super) fn document(&self) -> Option<&'f Text> {
        match self {
            Self::Inline { document, .. } | Self::Customer { document, .. } => Some(document),
            Self::Aws { .. } => None,
        }
    }

    /// Puts another document in its place.
    pub(super) fn replace(self, option: FixOption, document: &Value) -> Option<FixOption> {
        match self {
            Self::Inline { of, name, .. } => {
                let document = document.to_string();
                Some(option.with(IamChange::PutInlinePolicy { of, name, document }))
            }
            Self::Customer { policy, .. } => Some(new_version(option, policy, document)),
            Self::Aws { .. } => None,
        }
    }
}

pub(super) fn source<'f>(
    cited: &CitedStatement,
    identity: &Identity,
    facts: &'f Facts,
) -> Option<Source<'f>> {
    let (kind, name) = cited.attached_to.split_once(' ').unwrap_or_default();
    let of = if kind == "group" { PolicyHolder::Group(name.into()) } else { holder(identity) };
    if let Ok(policy) = cited.policy_id.parse::<Arn>() {
        if policy.account() == "aws" {
            // A permissions boundary is not attached, and cannot be detached.
            return (!kind.is_empty()).then_some(Source::Aws { from: of, policy });
        }
        let document = customer_managed(facts, &policy)?;
        return Some(Source::Customer { policy, document });
    }
    let policies: &AttachedPolicies = match &of {
        PolicyHolder::Group(name) => {
            facts.group_policies(&name.parse().ok()?).optional().ok()??
        }
        _ => attached_policies::attached(facts, identity).ok()?,
    };
    let document = policies.inline.get(&cited.policy_id)?;
    Some(Source::Inline { of, name: cited.policy_id.clone(), document })
}

pub(super) fn customer_managed<'f>(facts: &'f Facts, policy: &Arn) -> Option<&'f Text> {
    Some(&facts.managed_policy(policy).optional().ok()??.document)
}

/// What would show every statement of an identity's own policies.
pub(super) fn unseen_policies(facts: &Facts, identity: &Identity) -> Vec<Need> {
    let mut needs = attached_policies::wanted(facts, identity, false);
    if let Ok(attached) = attached_policies::attached(facts, identity) {
        needs.extend(attached.managed.iter().cloned().map(Need::managed_policy));
        needs.extend(attached.groups.iter().cloned().map(Need::group_policies));
    }
    needs.retain(|need| !facts.has(need));
    needs
}

/// A customer managed policy has five versions at most. Source: IAM user guide, "IAM and AWS STS quotas".
pub(super) fn new_version(option: FixOption, policy: Arn, document: &Value) -> FixOption {
    let name = policy.name().to_string();
    option
        .after(format!(
            "check what else {name} is attached to, because the new version is in force there, too; if it has five versions already, delete the oldest with `aws iam delete-policy-version`"
        ))
        .with(IamChange::CreatePolicyVersion { policy, document: document.to_string() })
}
