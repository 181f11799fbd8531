//! A permission that a session needs: decided, put into words, and remedied where it lacks.

pub mod endpoint_policy;
pub mod words;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use ssm_doctor_analysis::{
    answer::{Answer, Evidence, Fix, FixOption, Recovery, Verdict, observed},
    case::Case,
    permissions::{
        attached_policies,
        decision::{Allowance, Basis, Denied, PermissionDecision, PolicyDenial, decide},
        identity::{Identity, PermissionQuestion},
        request_context::MFA,
        resource_policy::{ResourcePolicy, ResourcePolicyKind, key_grant},
    },
    session::GuardedKey,
};
use ssm_doctor_facts::{
    change::{Change, IamChange, KmsChange, RoleOrUser, S3Change, StsChange},
    ids::Arn,
    lookup::{Facts, Row, Unknowns},
};
use ssm_doctor_iam_policy::PolicyType;

/// What an identity needs to be allowed.
#[derive(Clone, Copy)]
pub struct Permission<'a> {
    pub identity: &'a Identity,
    pub actions: &'a [&'a str],
    /// An ARN, or `*`.
    pub resource: &'a str,
    /// What to attach to an identity that lacks it.
    pub grant: Grant<'a>,
    pub recovery: Recovery,
}

#[derive(Clone, Copy)]
pub enum Grant<'a> {
    /// An AWS managed policy, by name.
    Managed(&'static str),
    /// An inline policy with all that this purpose takes, so that it may be put twice.
    Inline { purpose: &'static str, actions: &'a [&'a str], resource: &'a str },
}

impl Permission<'_> {
    /// Are all actions allowed, as far as the identity's own policies, boundary and organization go?
    ///
    /// # Errors
    /// [`Unknown`](ssm_doctor_facts::lookup::Unknown) when no action is denied and some could not be
    /// decided.
    pub fn judge(&self, case: &Case) -> Answer {
        self.judge_with(None, case)
    }

    /// Are they allowed, the policy of the resource itself included?
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn judge_with(&self, resource_policy: Option<&ResourcePolicy>, case: &Case) -> Answer {
        let mut denials: Vec<(Denied, Vec<&str>)> = Vec::new();
        let mut allowances: Vec<(Allowance, Vec<&str>)> = Vec::new();
        let mut granted: Option<Evidence> = None;
        let mut unseen = Unknowns::default();
        for action in self.actions.iter().copied() {
            let Self { identity, resource, .. } = *self;
            let question = PermissionQuestion { identity, action, resource };
            match unseen.keep(decide(question, resource_policy, case)) {
                Some(PermissionDecision::Allowed(allowance)) => {
                    group(&mut allowances, allowance, action);
                }
                Some(PermissionDecision::Denied(denied)) => {
                    let key = resource_policy
                        .filter(|policy| policy.kind == ResourcePolicyKind::Key)
                        .filter(|_| !denied.is_final());
                    let grant = key.map(|key| key_grant(question, key.id, case.facts));
                    match (key, grant.transpose()) {
                        (_, Err(unknown)) => unseen.add(unknown),
                        (Some(key), Ok(Some(Some(id)))) => {
                            let evidence = observed(key.id, granted_by(&id, identity, action));
                            granted = Some(match granted.take() {
                                Some(so_far) => so_far.and(evidence),
                                None => evidence,
                            });
                        }
                        _ => group(&mut denials, denied, action),
                    }
                }
                None => {}
            }
        }
        let failures = denials.iter().map(|(denied, actions)| {
            let evidence = self.lack(denied, actions, resource_policy);
            (evidence, self.fix(denied, actions, resource_policy, case))
        });
        if let Some((evidence, fix)) = failures.reduce(|a, b| (a.0.and(b.0), a.1.and(b.1))) {
            return Ok(Verdict::Fail(evidence, fix));
        }
        unseen.none()?;
        let allowances = allowances
            .iter()
            .map(|(allowance, actions)| self.possession(allowance, actions, resource_policy));
        let passed = allowances.chain(granted).reduce(Evidence::and);
        Ok(passed.map_or(Verdict::NotApplicable("nothing to do"), Verdict::Pass))
    }

    fn possession(
        &self,
        allowance: &Allowance,
        actions: &[&str],
        resource_policy: Option<&ResourcePolicy>,
    ) -> Evidence {
        let name = self.identity.name();
        let by = if !allowance.by.is_empty() {
            format!(" ({})", listed(allowance.by.iter().map(words::statement), ", "))
        } else if matches!(allowance.basis, Basis::Policies(_)) {
            String::new()
        } else {
            String::from(" (by IAM's simulator)")
        };
        let mut evidence = observed(name, format!("may {}{}{by}", actions.join(", "), self.on()));
        if let (Some(cited), Some(policy)) = (&allowance.by_resource_policy, resource_policy) {
            let kind = policy.kind.as_str();
            let how = format!("has a {kind} that lets it in by its {}", cited.place);
            evidence = evidence.and(observed(policy.id, how));
        }
        match words::basis(&allowance.basis, true) {
            Some(note) => evidence.and(observed(name, note)),
            None => evidence,
        }
    }

    /// The resource for a sentence: what the purpose takes rather than one example of it.
    fn on(&self) -> String {
        match self.policy_resource() {
            "*" => String::new(),
            resource => format!(" on {resource}"),
        }
    }

    /// The resource to write into a policy.
    fn policy_resource(&self) -> &str {
        match self.grant {
            Grant::Inline { resource, .. } => resource,
            // AWS's error messages name an ARN that ends with a star; AWS documents `*` only.
            Grant::Managed(_) if self.resource.contains(":ssmmessages:") => "*",
            Grant::Managed(_) => self.resource,
        }
    }

    fn lack(
        &self,
        denied: &Denied,
        actions: &[&str],
        resource_policy: Option<&ResourcePolicy>,
    ) -> Evidence {
        let (name, actions) = (self.identity.name(), actions.join(", "));
        let (by_resource, own): (Vec<&PolicyDenial>, Vec<&PolicyDenial>) =
            denied.by.iter().partition(|denial| denial.policy_type == PolicyType::ResourceBased);
        let own = (!own.is_empty()).then(|| {
            let phrases = listed(own.iter().map(|denial| words::denial(denial)), "; ");
            observed(name, format!("has no {actions}{} ({phrases})", self.on()))
        });
        let by_resource = by_resource.iter().filter_map(|denial| {
            let policy = resource_policy?;
            let kind = policy.kind.as_str();
            let how = match (denial.explicit, policy.kind) {
                (true, _) => {
                    let by = words::sources(&denial.by);
                    format!("has a {kind} that denies {name} {actions} in its {by}")
                }
                (false, ResourcePolicyKind::Key) => format!(
                    "has a {kind} that does not let {name} in, nor leaves it to the account's IAM policies"
                ),
                (false, ResourcePolicyKind::Bucket) => {
                    format!("has a {kind} that does not name {name}")
                }
            };
            Some(observed(policy.id, how))
        });
        let evidence = own.into_iter().chain(by_resource).reduce(Evidence::and);
        let evidence = evidence.unwrap_or_else(|| observed(name, format!("has no {actions}")));
        let evidence = match words::basis(&denied.basis, false) {
            Some(note) => evidence.and(observed(name, note)),
            None => evidence,
        };
        evidence.wanting(denied.wanted.iter().cloned())
    }

    /// What to change, in every type of policy that denies.
    fn fix(
        &self,
        denied: &Denied,
        actions: &[&str],
        resource_policy: Option<&ResourcePolicy>,
        case: &Case,
    ) -> Fix {
        let silent = |denial: &PolicyDenial| {
            denial.policy_type == PolicyType::ResourceBased && !denial.explicit
        };
        // Within an account, what a key's policy allows needs no policy of the identity.
        let key_suffices = resource_policy.is_some_and(|policy| {
            policy.kind == ResourcePolicyKind::Key && policy.account == self.identity.arn.account()
        }) && denied.by.iter().any(silent);
        let to_change = |denial: &&PolicyDenial| {
            !key_suffices || denial.explicit || denial.policy_type != PolicyType::IdentityBased
        };
        let fixes = denied.by.iter().filter(to_change).map(|denial| {
            match (denial.policy_type, resource_policy) {
                (PolicyType::ResourceBased, Some(policy)) => {
                    self.change_resource_policy(policy, denial, actions)
                }
                _ => self.change_own_policy(denial, actions, case),
            }
        });
        fixes.reduce(Fix::and).unwrap_or_else(|| self.attach(actions, None))
    }

    /// A policy on the identity's own side. A condition on MFA holds with other credentials, too.
    fn change_own_policy(&self, denial: &PolicyDenial, actions: &[&str], case: &Case) -> Fix {
        let fix = self.change_policy(denial, actions, case);
        let shown = [words::sources(&denial.by)]
            .into_iter()
            .chain(denial.nearest.as_ref().map(words::nearest))
            .chain(denial.keys.iter().cloned());
        let by_mfa = shown.into_iter().any(|text| text.contains(MFA));
        if !by_mfa || !self.identity.is_user() {
            return fix;
        }
        // The long-term key at hand never carries MFA.
        let with_mfa = FixOption::new("start the session with credentials made with MFA")
            .with(StsChange::GetSessionToken);
        Fix::options([with_mfa], self.recovery)
    }

    fn change_policy(&self, denial: &PolicyDenial, actions: &[&str], case: &Case) -> Fix {
        let (name, listed) = (self.identity.name(), actions.join(", "));
        let by = words::sources(&denial.by);
        let at = if by.is_empty() { String::new() } else { format!(" ({by})") };
        match (denial.policy_type, denial.explicit) {
            (kind @ (PolicyType::ServiceControl | PolicyType::ResourceControl), explicit) => {
                let kind = if kind == PolicyType::ServiceControl { "service" } else { "resource" };
                let what = if explicit {
                    format!(
                        "take {listed} in this account out of the Deny of its {kind} control policies{at}"
                    )
                } else {
                    format!("allow {listed} for this account in its {kind} control policies")
                };
                Fix::new(format!("have the organization's administrators {what}"), self.recovery)
            }
            (PolicyType::PermissionsBoundary, explicit) => {
                let boundary = self.boundary(case.facts);
                let shown = boundary.as_ref().map_or("<boundary-arn>", Arn::as_str);
                let what = if explicit {
                    format!(
                        "take {listed} out of the Deny in the permissions boundary of {name} ({shown}){at}"
                    )
                } else {
                    let statement = allowing(actions, self.policy_resource());
                    format!(
                        "let the permissions boundary of {name} ({shown}) allow {listed}: add {statement}"
                    )
                };
                Fix::new(what, self.recovery)
                    .with(IamChange::GetBoundary { policy: boundary.clone() })
                    .with(IamChange::CreateBoundaryVersion { policy: boundary })
            }
            (_, true) => {
                let at = if by.is_empty() { format!("the policies of {name}") } else { by };
                Fix::new(
                    format!("remove {name} from the reach of the Deny on {listed} in {at}"),
                    self.recovery,
                )
                .with(IamChange::ListInlinePolicies { of: role_or_user(self.identity) })
                .with(IamChange::ListAttachedPolicies { of: role_or_user(self.identity) })
            }
            (_, false) => {
                let nearest = denial.nearest.as_ref().filter(|_| !denial.keys.is_empty());
                self.attach(actions, nearest.map(words::nearest))
            }
        }
    }

    /// The policy on the resource.
    fn change_resource_policy(
        &self,
        policy: &ResourcePolicy,
        denial: &PolicyDenial,
        actions: &[&str],
    ) -> Fix {
        let (kind, id, arn) = (policy.kind.as_str(), policy.id, &self.identity.arn);
        let summary = if denial.explicit {
            format!(
                "take {arn} out of the reach of the Deny in the {kind} of {id} ({})",
                words::sources(&denial.by)
            )
        } else {
            let mut statement = allowing(actions, self.resource);
            if policy.kind == ResourcePolicyKind::Key {
                // In a key policy this is the key itself.
                set(&mut statement, "Resource", json!("*"));
            }
            set(&mut statement, "Principal", json!({ "AWS": arn }));
            let actions = actions.join(", ");
            format!(
                "add to the {kind} of {id} a statement that allows {arn} {actions}: {statement}"
            )
        };
        let id = String::from(id);
        let changes: [Change; 2] = match policy.kind {
            ResourcePolicyKind::Key => [
                KmsChange::GetKeyPolicy { key: id.clone() }.into(),
                KmsChange::PutKeyPolicy { key: id }.into(),
            ],
            ResourcePolicyKind::Bucket => [
                S3Change::GetBucketPolicy { bucket: id.clone() }.into(),
                S3Change::PutBucketPolicy { bucket: id }.into(),
            ],
        };
        changes.into_iter().fold(Fix::new(summary, self.recovery), Fix::with)
    }

    /// `nearest` is the condition of an Allow that would do, if it held.
    fn attach(&self, actions: &[&str], nearest: Option<String>) -> Fix {
        let name = self.identity.name();
        let resource = self.policy_resource();
        let actions = match self.grant {
            Grant::Managed(_) => actions,
            Grant::Inline { actions, .. } => actions,
        };
        let listed = actions.join(", ");
        let alternative = nearest
            .map(|clause| format!("; or make its condition hold: {clause}"))
            .unwrap_or_default();
        if name.starts_with("AWSReservedSSO_") {
            return Fix::new(
                format!(
                    "allow {listed} on {resource} in the permission set that {name} is made from, in IAM Identity Center{alternative}"
                ),
                self.recovery,
            );
        }
        let identity = role_or_user(self.identity);
        match self.grant {
            Grant::Managed(policy) => {
                let summary = format!("attach {policy} to {name}{alternative}");
                let policy = managed_policy(&self.identity.arn, policy);
                Fix::new(summary, self.recovery)
                    .with(IamChange::AttachPolicy { to: identity, policy })
            }
            Grant::Inline { purpose, .. } => {
                let summary = format!("allow {name} {listed} on {resource}{alternative}");
                Fix::new(summary, self.recovery).with(IamChange::PutInlinePolicy {
                    of: identity,
                    name: policy_name(purpose, resource),
                    document: policy_document(&allowing(actions, resource)),
                })
            }
        }
    }

    fn boundary(&self, facts: &Facts) -> Option<Arn> {
        let policies = attached_policies::attached(facts, self.identity).ok();
        if let Some(Row::Present(arn)) = policies.map(|policies| &policies.boundary) {
            return Some(arn.clone());
        }
        let role = self.identity.name().parse().ok().filter(|_| self.identity.is_role())?;
        facts.role(&role).optional().ok()??.boundary.clone()
    }
}

/// May the identity use a key, by its own policies and the key's? The purpose names the inline policy to
/// put where it lacks that.
///
/// # Errors
/// As [`Permission::judge`].
pub fn may_use_key(
    identity: &Identity,
    action: &str,
    purpose: &'static str,
    key: GuardedKey,
    case: &Case,
) -> Answer {
    let (resource, actions) = (key.arn.as_str(), [action]);
    let permission = Permission {
        identity,
        actions: &actions,
        resource,
        grant: Grant::Inline { purpose, actions: &actions, resource },
        recovery: Recovery::NextSession,
    };
    let policy = ResourcePolicy {
        kind: ResourcePolicyKind::Key,
        id: resource,
        policy: key.policy.map(Some),
        account: key.arn.account(),
        context: key.context,
    };
    permission.judge_with(Some(&policy), case)
}

/// The identity as IAM's commands name it.
pub fn role_or_user(identity: &Identity) -> RoleOrUser {
    let name = identity.name().into();
    if identity.is_user() { RoleOrUser::User(name) } else { RoleOrUser::Role(name) }
}

/// The ARN of an AWS managed policy, in the partition of `near`.
pub fn managed_policy(near: &Arn, policy: &str) -> String {
    format!("arn:{}:iam::aws:policy/{policy}", near.partition())
}

/// One Allow.
pub fn allowing(actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

pub fn set(statement: &mut Value, element: &str, value: Value) {
    if let Some(elements) = statement.as_object_mut() {
        elements.insert(element.into(), value);
    }
}

/// A policy document of one statement.
pub fn policy_document(statement: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statement }).to_string()
}

/// An inline policy replaces another of its name, so the name contains purpose and object.
fn policy_name(purpose: &str, resource: &str) -> String {
    let object = resource.splitn(6, ':').nth(5).unwrap_or_default();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let raw: String = format!("{purpose}-{object}").chars().map(plain).collect();
    let words: Vec<&str> = raw.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(128).collect()
}

fn granted_by(grant: &str, identity: &Identity, action: &str) -> String {
    let operation = action.split_once(':').map_or("", |(_, operation)| operation);
    format!("has a grant ({grant}) that lets {} {operation}", identity.name())
}

fn group<'a, T: PartialEq>(groups: &mut Vec<(T, Vec<&'a str>)>, decision: T, action: &'a str) {
    match groups.iter_mut().find(|(known, _)| *known == decision) {
        Some((_, actions)) => actions.push(action),
        None => groups.push((decision, Vec::from([action]))),
    }
}

fn listed(clauses: impl Iterator<Item = String>, between: &str) -> String {
    clauses.collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests;
