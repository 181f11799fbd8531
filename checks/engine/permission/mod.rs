//! A permission that a session needs: decided, put into words, and remedied where it lacks.

pub mod edit;
pub mod endpoint_policy;
pub mod limit_words;
mod remedy;
mod source;
pub mod words;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use ssm_doctor_analysis::{
    answer::{Answer, Evidence, Recovery, Verdict, observed},
    case::Case,
    permissions::{
        decision::{Allowance, Basis, Denied, Mismatch, PermissionDecision, PolicyDenial, decide},
        identity::{Identity, PermissionQuestion},
        resource_policy::{ResourcePolicy, ResourcePolicyKind, key_grant},
    },
    session::GuardedKey,
};
use ssm_doctor_facts::{change::PolicyHolder, ids::Arn, lookup::Unknowns};
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
    /// An AWS managed policy for nodes, by name.
    Managed(&'static str),
    Inline(&'a InlinePolicy),
}

/// An inline policy with all that one purpose takes, so that it may be put twice.
pub struct InlinePolicy {
    /// An inline policy replaces another of its name, so the name contains purpose and object.
    pub name: String,
    pub statements: Vec<Value>,
    /// What the policy is about, for sentences.
    pub resource: String,
}

impl InlinePolicy {
    /// A policy of one statement.
    #[must_use]
    pub fn of(purpose: &str, actions: &[&str], resource: &str) -> Self {
        Self {
            name: policy_name(purpose, resource),
            statements: Vec::from([allowing(actions, resource)]),
            resource: resource.into(),
        }
    }
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
            Grant::Inline(policy) => &policy.resource,
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
            // Of whom a statement lets in instead, the deleted ones are named below.
            let nearest = denial.nearest.as_ref().filter(|nearest| {
                nearest.mismatches.iter().all(|it| matches!(it, Mismatch::Condition { .. }))
            });
            let how = match nearest {
                Some(nearest) => format!("{how}: {}", words::nearest(nearest)),
                None => how,
            };
            let deleted = words::deleted_principals(policy).filter(|_| !denial.explicit);
            Some(observed(policy.id, how + &deleted.map(|it| format!("; it {it}")).unwrap_or_default()))
        });
        let evidence = own.into_iter().chain(by_resource).reduce(Evidence::and);
        let evidence = evidence.unwrap_or_else(|| observed(name, format!("has no {actions}")));
        let evidence = match words::basis(&denied.basis, false) {
            Some(note) => evidence.and(observed(name, note)),
            None => evidence,
        };
        evidence.wanting(denied.wanted.iter().cloned())
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
    let grant = InlinePolicy::of(purpose, &actions, resource);
    let permission = Permission {
        identity,
        actions: &actions,
        resource,
        grant: Grant::Inline(&grant),
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
pub fn holder(identity: &Identity) -> PolicyHolder {
    let name = identity.name().into();
    if identity.is_user() { PolicyHolder::User(name) } else { PolicyHolder::Role(name) }
}

/// The ARN of an AWS managed policy.
pub fn managed_policy(partition: &str, policy: &str) -> Option<Arn> {
    format!("arn:{partition}:iam::aws:policy/{policy}").parse().ok()
}

/// One Allow.
pub fn allowing(actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

/// One Allow of a policy that has principals. `principal`: `"*"`, or an object such as `{ "AWS": "<arn>" }`.
pub fn allowing_principal(principal: &Value, actions: &[&str], resource: &str) -> Value {
    let mut statement = allowing(actions, resource);
    set(&mut statement, "Principal", principal.clone());
    statement
}

pub fn set(statement: &mut Value, element: &str, value: Value) {
    if let Some(elements) = statement.as_object_mut() {
        elements.insert(element.into(), value);
    }
}

/// A policy document.
pub fn policy_document(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// The name of an inline policy for a purpose. A resource that is no ARN, such as `*`, adds nothing to it.
pub fn policy_name(purpose: &str, resource: &str) -> String {
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
