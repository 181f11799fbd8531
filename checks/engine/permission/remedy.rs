//! What to change where a permission lacks, in every policy that denies it.
//!
//! The condition of a statement is a control. A fix that makes the condition hold comes first; one that
//! goes around it says so.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use super::{
    Grant, InlinePolicy, Permission, allowing, allowing_principal,
    edit::{self, Edited, Exemption},
    holder, managed_policy, policy_document,
    source::{Source, customer_managed, edited_policy, new_version, source, unseen_policies},
    words,
};
use ssm_doctor_analysis::{
    answer::{Fix, FixOption},
    case::Case,
    permissions::{
        actions::{CHANNELS, REGISTER, target_arn},
        attached_policies,
        decision::{CitedStatement, Denied, DenySource, Mismatch, NearestAllow, PolicyDenial},
        identity::{PermissionQuestion, Side},
        request_context::{self, MFA_KEYS, is_resource_tag},
        resource_policy::{ResourcePolicy, ResourcePolicyKind},
    },
};
use ssm_doctor_facts::{
    change::{Change, IamChange, KmsChange, PolicyHolder, Risk, S3Change, StsChange, TagChange},
    ids::{Arn, Target},
    lookup::{Facts, Need, Row},
};
use ssm_doctor_iam_policy::{KeyValue, PolicyType};

/// How many managed policies a user or role has at most, unless AWS raised the quota. Source: IAM user guide, "IAM and
/// AWS STS quotas".
const MOST_MANAGED: usize = 10;

/// Condition keys of the network that a request comes from.
const OF_NETWORK: [&str; 6] = [
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:VpcSourceIp",
    "aws:Ec2InstanceSourceVpc",
    "aws:Ec2InstanceSourcePrivateIPv4",
];

impl Permission<'_> {
    /// What to change, in every type of policy that denies.
    pub(super) fn fix(
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
            let options = match (denial.policy_type, resource_policy) {
                (PolicyType::ResourceBased, Some(policy)) => {
                    Vec::from([self.change_resource_policy(policy, denial, actions)])
                }
                _ => self.change_own_policy(denial, actions, case),
            };
            Fix::options(options, self.recovery)
        });
        let fix = fixes.reduce(Fix::and);
        fix.unwrap_or_else(|| Fix::options(self.grant(actions, None, case), self.recovery))
    }

    /// A policy on the identity's own side. A condition on MFA holds with other credentials, too.
    fn change_own_policy(
        &self,
        denial: &PolicyDenial,
        actions: &[&str],
        case: &Case,
    ) -> Vec<FixOption> {
        let by_mfa = depends_on_mfa(denial);
        if by_mfa
            && self.identity.is_user()
            && let Ok(user) = self.identity.name().parse()
        {
            // The long-term key at hand never carries MFA. A policy without the condition is no equal.
            let with_mfa = FixOption::new(
                "start the session with credentials made with MFA: put the three values that the last command prints into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
            );
            return Vec::from([with_mfa.with(StsChange::GetSessionToken { user })]);
        }
        if by_mfa && self.identity.is_role() && self.identity.side == Side::Operator {
            let (arn, name) = (&self.identity.arn, self.identity.name());
            let title =
                format!("start the session with credentials of {name} that were made with MFA");
            return Vec::from([FixOption::new(title).after(format!(
                "set mfa_serial in the profile that assumes {name}, or take the credentials of `aws sts assume-role --role-arn {arn} --role-session-name mfa --serial-number <mfa-device-arn> --token-code <code>`"
            ))]);
        }
        let listed = actions.join(", ");
        match (denial.policy_type, denial.explicit) {
            (kind @ (PolicyType::ServiceControl | PolicyType::ResourceControl), _) => {
                Vec::from([self.change_organization(kind, denial, actions)])
            }
            (PolicyType::PermissionsBoundary, false) => {
                Vec::from([self.widen_boundary(actions, case.facts)])
            }
            (_, true) => {
                let spare = self.spare_network(denial, actions, case).into_iter();
                spare.chain([self.lift_denial(denial, actions, case.facts)]).collect()
            }
            (_, false) => {
                // A document seldom has tags, so it needs a statement of its own.
                let nearest = denial.nearest.as_ref().filter(|nearest| {
                    nearest.mismatches.iter().all(is_condition)
                        && !self.resource.contains(":document/")
                });
                let mut options: Vec<FixOption> = nearest
                    .and_then(|nearest| self.meet_condition(nearest, &listed, case))
                    .into_iter()
                    .collect();
                options.extend(self.grant(actions, nearest, case));
                options
            }
        }
    }

    fn change_organization(
        &self,
        kind: PolicyType,
        denial: &PolicyDenial,
        actions: &[&str],
    ) -> FixOption {
        let kind = if kind == PolicyType::ServiceControl { "service" } else { "resource" };
        let (listed, account) = (actions.join(", "), self.identity.arn.account());
        let by = words::sources(&denial.by);
        let title = format!(
            "ask the administrators of the organization to allow {listed} in account {account}"
        );
        let step = if denial.explicit {
            let place = if by.is_empty() { String::new() } else { format!(" ({by})") };
            format!(
                "have them exempt {} on {} from the Deny of the {kind} control policy{place}",
                self.identity.arn,
                self.policy_resource()
            )
        } else {
            let resource = self.policy_resource();
            let statement = if kind == "resource" {
                allowing_principal(&json!("*"), actions, resource)
            } else {
                allowing(actions, resource)
            };
            format!(
                "have them add to the {kind} control policies of every level above the account: {statement}"
            )
        };
        FixOption::new(title).after(step)
    }

    /// The boundary, with a statement more.
    fn widen_boundary(&self, actions: &[&str], facts: &Facts) -> FixOption {
        let name = self.identity.name();
        // What the purpose takes beside these actions comes to the same boundary.
        let (statements, listed) = match self.grant {
            Grant::Inline(policy) => (policy.statements.clone(), listed_actions(policy)),
            Grant::Managed(_) => {
                (Vec::from([allowing(actions, self.policy_resource())]), actions.join(", "))
            }
        };
        let adding = |to: &str| match statements.as_slice() {
            [statement] => format!("add this statement to {to}: {statement}"),
            several => format!("add these statements to {to}: {}", json!(several)),
        };
        let Some(boundary) = self.boundary(facts) else {
            let needs = attached_policies::wanted(facts, self.identity, false);
            return FixOption::new(format!(
                "let the permissions boundary of {name} allow {listed}"
            ))
            .after(adding("it"))
            .wanting(needs);
        };
        let shown = boundary.name();
        let title = format!("let the permissions boundary of {name} ({shown}) allow {listed}");
        if boundary.account() == "aws" {
            let add = adding("it");
            return FixOption::new(title).after(format!(
                "{shown} is managed by AWS and cannot be changed: give {name} a boundary of your own that allows what {shown} does, and {add}"
            ));
        }
        let Some(document) = customer_managed(facts, &boundary) else {
            return FixOption::new(title)
                .after(adding(boundary.as_str()))
                .wanting([Need::managed_policy(boundary)]);
        };
        match edit::with_statements(Some(document), &statements) {
            Some(document) => new_version(FixOption::new(title), boundary, &document),
            None => FixOption::new(title),
        }
    }

    /// The Deny itself, in each policy that has one.
    fn lift_denial(&self, denial: &PolicyDenial, actions: &[&str], facts: &Facts) -> FixOption {
        let (name, listed) = (self.identity.name(), actions.join(", "));
        let resource = self.policy_resource();
        let on = if resource == "*" { String::new() } else { format!(" on {resource}") };
        let by = words::sources(&denial.by);
        let from =
            if by.is_empty() { format!("the Deny in the policies of {name}") } else { by.clone() };
        let title = |on: &str| format!("exempt {listed}{on} from {from}");
        let mut option = FixOption::new(title(&on));
        let cited: Vec<&CitedStatement> = cited(denial).collect();
        if cited.is_empty() {
            return option
                .after(format!(
                    "find the statement that denies {listed}{on} in the policies of {name}"
                ))
                .wanting(unseen_policies(facts, self.identity));
        }
        if cited.iter().any(|statement| !statement.conditions.is_empty()) {
            option = option.risking(Risk::WidensAccess).after(
                "ask the owner of the policy whether this exemption is right: its Deny has a condition",
            );
        }
        let mut edited: Vec<(&str, &str)> = Vec::new();
        let mut every_resource = false;
        for statement in &cited {
            let policy = edited_policy(statement);
            if edited.contains(&policy) {
                continue;
            }
            edited.push(policy);
            let of_policy = cited.iter().filter(|other| edited_policy(other) == policy);
            let numbers: Vec<usize> = of_policy.map(|statement| statement.number).collect();
            let on_every;
            (option, on_every) = self.exempt(option, statement, &numbers, actions, facts);
            every_resource |= on_every;
        }
        if every_resource {
            option.title = title(" on every resource");
        }
        option
    }

    /// Takes the request out of statements of one policy. Whether requests for other resources come out with it, too.
    fn exempt(
        &self,
        option: FixOption,
        cited: &CitedStatement,
        numbers: &[usize],
        actions: &[&str],
        facts: &Facts,
    ) -> (FixOption, bool) {
        let place = words::statement(cited);
        let exempting = |document, principal| {
            let exemption = Exemption { actions, resource: self.policy_resource(), principal };
            let each: Vec<_> = numbers.iter().map(|number| (*number, exemption)).collect();
            edit::exempting(document, &each)
        };
        let by_hand = |option: FixOption| (option.after(format!("change {place} by hand")), false);
        let widening = |option: FixOption, edited: &Edited| {
            let option = if edited.widens { option.risking(Risk::WidensAccess) } else { option };
            (option, edited.every_resource)
        };
        match source(cited, self.identity, facts) {
            Some(Source::Inline { of, name, document }) => {
                // A group has other members.
                let others = matches!(of, PolicyHolder::Group(_));
                let principal = others.then_some(&self.identity.arn);
                let Some(edited) = exempting(document, principal) else { return by_hand(option) };
                let text = edited.document.to_string();
                let option = if let Some(set) = permission_set(of.name()) {
                    // "This role is only modifiable by AWS", says IAM.
                    let step = format!("make {text} the inline policy of {set}");
                    option.after(in_permission_set(&step))
                } else if edit::is_empty(&edited.document) {
                    option.with(IamChange::DeleteInlinePolicy { of, name })
                } else {
                    option.with(IamChange::PutInlinePolicy { of, name, document: text })
                };
                widening(option, &edited)
            }
            Some(Source::Customer { policy, document }) => {
                // Others may have the policy too.
                let Some(edited) = exempting(document, Some(&self.identity.arn)) else {
                    return by_hand(option);
                };
                widening(new_version(option, policy, &edited.document), &edited)
            }
            Some(Source::Aws { from, policy }) => {
                let wider = format!(
                    "check what else needs {}: detaching it takes away everything else that it allows or denies",
                    policy.name()
                );
                let option = option.risking(Risk::WidensAccess).after(wider);
                (option.with(IamChange::DetachPolicy { from, policy }), true)
            }
            None => by_hand(option.wanting(unseen_policies(facts, self.identity))),
        }
    }

    /// The policy on the resource.
    fn change_resource_policy(
        &self,
        policy: &ResourcePolicy,
        denial: &PolicyDenial,
        actions: &[&str],
    ) -> FixOption {
        let (kind, id, arn) = (policy.kind.as_str(), policy.id, &self.identity.arn);
        let listed = actions.join(", ");
        let title = if denial.explicit {
            let places = cited(denial).map(|cited| cited.place.clone());
            let places = places.collect::<Vec<_>>().join(" and ");
            format!("exempt {} for {listed} from {places} of the {kind} of {id}", arn.name())
        } else {
            format!("let the {kind} of {id} allow {} {listed}", arn.name())
        };
        let title = match words::deleted_principals(policy) {
            // AWS does not save a policy that names them.
            Some(_) => format!("{title}, and take users and roles that were deleted out of it"),
            None => title,
        };
        let mut option = FixOption::new(title);
        if policy.account != arn.account() {
            option = option
                .after(format!("ask account {} to do it: {id} belongs to it", policy.account));
        }
        let document = policy.policy.as_ref().ok().copied().flatten();
        let edited = if denial.explicit {
            let exemption =
                Exemption { actions, resource: self.policy_resource(), principal: Some(arn) };
            let each: Vec<_> = cited(denial).map(|cited| (cited.number, exemption)).collect();
            let conditional = cited(denial).any(|cited| !cited.conditions.is_empty());
            let edited = document.and_then(|document| edit::exempting(document, &each));
            if conditional || edited.as_ref().is_some_and(|edited| edited.widens) {
                option = option.risking(Risk::WidensAccess);
            }
            edited.map(|edited| edited.document)
        } else {
            let resource = match policy.kind {
                // In a key policy this is the key itself.
                ResourcePolicyKind::Key => "*",
                ResourcePolicyKind::Bucket => self.policy_resource(),
            };
            let statement = allowing_principal(&json!({ "AWS": arn }), actions, resource);
            if policy.policy.is_err() {
                option = option.after(format!("add this statement to it: {statement}"));
                None
            } else {
                edit::with_statements(document, &[statement])
            }
        };
        let Some(edited) = edited else { return option };
        let edited = edited.to_string();
        let change: Option<Change> = match policy.kind {
            ResourcePolicyKind::Key => {
                Some(KmsChange::PutKeyPolicy { key: id.into(), policy: edited }.into())
            }
            ResourcePolicyKind::Bucket => id
                .parse()
                .ok()
                .map(|bucket| S3Change::PutBucketPolicy { bucket, policy: edited }.into()),
        };
        match change {
            Some(change) => option.with(change),
            None => option,
        }
    }

    /// Makes the condition of an Allow hold, where it says what would.
    fn meet_condition(
        &self,
        nearest: &NearestAllow,
        listed: &str,
        case: &Case,
    ) -> Option<FixOption> {
        let place = words::statement(&nearest.statement);
        let tags = nearest.mismatches.iter().map(wanted_tag);
        let about_target = target_arn(case).is_ok_and(|arn| arn == self.resource);
        if let Some(tags) = tags.collect::<Option<Vec<_>>>().filter(|_| about_target) {
            let target = &case.scope.target;
            let shown: Vec<String> =
                tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let title = format!("tag {target} with {}, as {place} asks", shown.join(" and "));
            let option = replacing_tags(FixOption::new(title), &tags, case);
            return Some(tags.into_iter().fold(option, |option, (key, value)| {
                option.with(TagChange::TagTarget { target: target.clone(), key, value })
            }));
        }
        let [Mismatch::Condition { operator, key, known: Some(KeyValue::Exact(value)), .. }] =
            nearest.mismatches.as_slice()
        else {
            return None;
        };
        if !is_of_network(key) || operator.contains("Not") {
            return None;
        }
        let title = format!("add {value} to the values of {key} that {place} accepts for {listed}");
        let number = nearest.statement.number;
        let source = source(&nearest.statement, self.identity, case.facts)?;
        let document = edit::accepting(source.document()?, number, operator, key, value)?;
        source.replace(FixOption::new(title), &document)
    }

    /// Lets a Deny that spares some networks spare the network that the requests come from.
    fn spare_network(
        &self,
        denial: &PolicyDenial,
        actions: &[&str],
        case: &Case,
    ) -> Option<FixOption> {
        let mut all = cited(denial);
        // Several statements are lifted together.
        let (Some(statement), None) = (all.next(), all.next()) else { return None };
        let (identity, resource) = (self.identity, self.resource);
        let question = PermissionQuestion { identity, action: actions.first()?, resource };
        let context = request_context::of(question, case).ok()?;
        let value_of = |key: &str| match context.get(key) {
            Some(KeyValue::Exact(value)) if is_of_network(key) => Some(value.clone()),
            _ => None,
        };
        let source = source(statement, self.identity, case.facts)?;
        let (document, key, value) = edit::sparing(source.document()?, statement.number, value_of)?;
        let place = words::statement(statement);
        let title = format!("add {value} to the values of {key} that {place} spares");
        let option = FixOption::new(title)
            .after(format!("ask the owner of the policy whether {value} belongs there"));
        source.replace(option, &document)
    }

    /// A statement of its own. `nearest` is an Allow that would do, if its condition held.
    fn grant(
        &self,
        actions: &[&str],
        nearest: Option<&NearestAllow>,
        case: &Case,
    ) -> Vec<FixOption> {
        let name = self.identity.name();
        let around = nearest
            .map(|nearest| format!(" (this goes around a condition: {})", words::nearest(nearest)));
        let title = |what: String| match &around {
            Some(around) => FixOption::new(what + around).risking(Risk::WidensAccess),
            None => FixOption::new(what),
        };
        let whole = match self.grant {
            Grant::Managed(_) => None,
            Grant::Inline(policy) => Some(policy),
        };
        if let Some(set) = permission_set(name) {
            let statements = whole.map_or_else(
                || Vec::from([allowing(actions, self.policy_resource())]),
                |policy| policy.statements.clone(),
            );
            let what = format!(
                "allow {}{} in the permission set {set} of IAM Identity Center, which {name} is made from",
                actions.join(", "),
                self.on()
            );
            let statements = json!(statements);
            let step = format!("add {statements} to the inline policy of {set}");
            return Vec::from([title(what).after(in_permission_set(&step))]);
        }
        match self.grant {
            Grant::Managed(policy) => {
                let of = holder(self.identity);
                let attach = managed_policy(self.identity.arn.partition(), policy).map(|arn| {
                    title(format!("attach {policy} to {name}"))
                        .with(IamChange::AttachPolicy { to: of, policy: arn })
                });
                let least = for_agent();
                let own = title(format!(
                    "give {name} an inline policy that allows the agent to register and to open its channels, and nothing else"
                ));
                let own = self.put(own, &least, case.facts);
                let attached = attached_policies::attached(case.facts, self.identity);
                if attached.is_ok_and(|attached| attached.managed.len() >= MOST_MANAGED) {
                    let quota = format!(
                        "detach another policy from {name} or have the quota raised: {MOST_MANAGED} are attached, and AWS allows no more by default"
                    );
                    return [own].into_iter().chain(attach.map(|it| it.after(quota))).collect();
                }
                attach.into_iter().chain([own]).collect()
            }
            Grant::Inline(policy) => {
                // The same words for every check that puts this policy.
                let what = format!(
                    "give {name} the inline policy {}, which allows {}",
                    policy.name,
                    listed_actions(policy)
                );
                Vec::from([self.put(title(what), policy, case.facts)])
            }
        }
    }

    /// The policy, beside what the identity's policy of that name says already. IAM replaces an inline policy without
    /// a word.
    fn put(&self, option: FixOption, policy: &InlinePolicy, facts: &Facts) -> FixOption {
        let of = holder(self.identity);
        let attached = attached_policies::attached(facts, self.identity);
        let known = attached.as_ref().map(|attached| attached.inline.get(&policy.name));
        let document = match known {
            Ok(known) => edit::with_statements(known, &policy.statements),
            Err(_) => None,
        };
        let option = match document {
            Some(_) => option,
            None => option
                .risking(Risk::Replaces)
                .after(format!(
                    "see that {} has no inline policy {} yet: its policies were not read, and the command replaces one of that name",
                    of.name(),
                    policy.name
                ))
                .wanting(attached_policies::wanted(facts, self.identity, false)),
        };
        let document =
            document.map_or_else(|| policy_document(&policy.statements), |it| it.to_string());
        option.with(IamChange::PutInlinePolicy { of, name: policy.name.clone(), document })
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

/// What an agent needs for sessions, and nothing else that AWS's policies for nodes allow.
fn for_agent() -> InlinePolicy {
    let actions: Vec<&str> = core::iter::once(REGISTER).chain(CHANNELS).collect();
    InlinePolicy::of("session-manager-agent", &actions, "*")
}

/// The statements that deny, as far as they are known.
pub(super) fn cited(denial: &PolicyDenial) -> impl Iterator<Item = &CitedStatement> {
    denial.by.iter().filter_map(|source| match source {
        DenySource::Statement(cited) => Some(cited),
        DenySource::Policy(_) => None,
    })
}

/// Does the denial depend on whether the credentials were made with MFA?
fn depends_on_mfa(denial: &PolicyDenial) -> bool {
    // A condition begins with its key.
    let of_denies = cited(denial).flat_map(|cited| &cited.conditions);
    let of_denies = of_denies.filter_map(|condition| condition.split(' ').next());
    let nearest = denial.nearest.iter().flat_map(|nearest| &nearest.mismatches);
    let of_nearest = nearest.filter_map(|mismatch| match mismatch {
        Mismatch::Condition { key, .. } => Some(key.as_str()),
        Mismatch::Other(_) => None,
    });
    let keys = denial.keys.iter().map(String::as_str);
    let mut keys = of_denies.chain(of_nearest).chain(keys);
    keys.any(|key| MFA_KEYS.iter().any(|of_mfa| key.eq_ignore_ascii_case(of_mfa)))
}

fn is_of_network(key: &str) -> bool {
    OF_NETWORK.iter().any(|known| known.eq_ignore_ascii_case(key))
}

fn is_condition(mismatch: &Mismatch) -> bool {
    matches!(mismatch, Mismatch::Condition { .. })
}

/// Every action that a policy allows, once.
fn listed_actions(policy: &InlinePolicy) -> String {
    let mut listed: Vec<&str> = Vec::new();
    let actions = policy.statements.iter().filter_map(|statement| statement.get("Action"));
    for action in actions.filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
        if !listed.contains(&action) {
            listed.push(action);
        }
    }
    listed.join(", ")
}

/// The tag that would make a condition hold, if the condition names one.
fn wanted_tag(mismatch: &Mismatch) -> Option<(String, String)> {
    let Mismatch::Condition { operator, key, wanted, .. } = mismatch else { return None };
    let value = wanted.first()?;
    let plain = !operator.contains("Not")
        && operator.starts_with("String")
        && !value.contains(['*', '?', '$']);
    let (_, tag) = key.split_once('/')?;
    // Only AWS gives tags with this prefix. Source: EC2 user guide, "Tag your Amazon EC2 resources".
    let reserved = tag.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    (is_resource_tag(key) && plain && !reserved).then(|| (tag.into(), value.clone()))
}

/// A tag of another value says something already: who else may come in, and who may not.
fn replacing_tags(option: FixOption, tags: &[(String, String)], case: &Case) -> FixOption {
    let now = match &case.scope.target {
        Target::Instance(id) => {
            case.facts.instance(id).optional().ok().flatten().map(|it| &it.tags)
        }
        Target::Node(id) => {
            let name = format!("managed-instance/{id}").parse().ok();
            name.and_then(|name| case.facts.resource_tags(&name).optional().ok()?)
        }
    };
    let replaced = tags.iter().filter_map(|(key, _)| Some(format!("{key}={}", now?.get(key)?)));
    let replaced: Vec<String> = replaced.collect();
    if replaced.is_empty() {
        return option;
    }
    option
        .risking(Risk::Replaces)
        .after(format!(
            "find out what else depends on {}, and whether the policy keeps sessions away from it on purpose",
            replaced.join(" and ")
        ))
}

/// The permission set of a role of IAM Identity Center: `AWSReservedSSO_<name>_<16 digits>`.
fn permission_set(role: &str) -> Option<&str> {
    let rest = role.strip_prefix("AWSReservedSSO_")?;
    Some(rest.rsplit_once('_').map_or(rest, |(name, _)| name))
}

/// A step on the inline policy of a permission set.
fn in_permission_set(step: &str) -> String {
    format!(
        "{step} with `aws sso-admin put-inline-policy-to-permission-set`, which replaces the policy as a whole, and provision the permission set again"
    )
}
