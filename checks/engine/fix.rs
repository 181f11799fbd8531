//! The ways to repair a failure, ready to print: every part of a fix together.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use ssm_doctor_analysis::{
    answer::{Fix, FixOption, Recovery, Remedy, Verdict},
    case::Case,
    what_if,
};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, EndpointPolicyChange, IamChange, KmsChange, S3Change, SsmChange},
    ids::{InstanceId, Region},
    lookup::{Need, Unknown},
};

pub use super::risks::of_option as risks;
use super::{
    aws_cli, check::Check, command::Command, console, diagnosis::examine, terraform,
    verification::with_changes,
};
use crate::{agent_words, dns_words, network_remedies};

/// The ways to repair everything that a check reports, the best first. `fix` is the check's, on this case.
#[must_use]
pub fn options(check: &Check, fix: &Fix, case: &Case) -> Vec<FixOption> {
    let parts: Vec<Vec<FixOption>> = fix.remedies.iter().map(|part| ways(part, case)).collect();
    let longest = parts.iter().map(Vec::len).max().unwrap_or(0);
    let mut options: Vec<FixOption> = Vec::new();
    for at in 0..longest {
        let mut whole = FixOption::default();
        let mut is_joined = false;
        for part in &parts {
            // The parts' options come in the same order: what gives one endpoint gives the other.
            let Some(option) = part.get(at).or(part.last()) else { continue };
            if !replace_the_same_policy(&whole.changes, &option.changes) {
                add(&mut whole, option);
            } else if let Some(later) = after(&whole.changes, at, check, parts.len(), case) {
                // Nothing may be left to repair, because later changes of an earlier part did it, or because what is
                // left is for another check.
                is_joined |= !later.changes.is_empty();
                if is_joined {
                    // The numbers of statements in a title are those of the policies as they are now.
                    add_words(&mut whole, option);
                    put_later(&mut whole, &later);
                }
            }
            // Otherwise the check is to be asked again once the earlier parts are carried out.
        }
        network_remedies::number_acl_rules([&mut whole], case);
        network_remedies::look_after(&mut whole, case);
        whole.recovery.get_or_insert(fix.recovery);
        if !options.contains(&whole) {
            options.push(whole);
        }
    }
    options
}

/// What a check's option number `at` is once these changes are made: without any change if nothing is left to repair.
/// None where that is not known, or where the changes have repaired none of the `parts`.
fn after(
    changes: &[Change],
    at: usize,
    check: &Check,
    parts: usize,
    case: &Case,
) -> Option<FixOption> {
    let option = |case: &Case| match (check.run)(case).ok()? {
        Verdict::Fail(_, fix) if fix.remedies.len() < parts => {
            let mut options = options(check, &fix, case);
            let at = at.min(options.len().checked_sub(1)?);
            Some(options.swap_remove(at))
        }
        Verdict::Fail(..) => None,
        _ => Some(FixOption::default()),
    };
    with_changes(changes, case, option).ok()?
}

/// Makes one plan of options of several checks, which know nothing of each other: no change comes twice, and
/// the new rules of an ACL have different numbers. An option whose changes all come earlier is left out.
pub fn combine<T>(options: &mut Vec<(T, FixOption)>, case: &Case) {
    let mut known: Vec<Change> = Vec::new();
    options.retain_mut(|(_, option)| {
        let is_by_hand = option.changes.is_empty();
        option.changes.retain(|change| {
            let change = unnumbered(change);
            let is_new = !known.contains(&change);
            if is_new {
                known.push(change);
            }
            is_new
        });
        is_by_hand || !option.changes.is_empty()
    });
    network_remedies::number_acl_rules(options.iter_mut().map(|(_, option)| option), case);
}

/// The instances that an option boots.
pub fn boots(option: &FixOption) -> impl Iterator<Item = &InstanceId> {
    option.changes.iter().filter_map(|change| match change {
        Change::Ec2(
            Ec2Change::StartInstance { instance }
            | Ec2Change::StopAndStartInstance { instance }
            | Ec2Change::RebootInstance { instance },
        ) => Some(instance),
        _ => None,
    })
}

/// Does one option replace a policy that the other replaces as well, by another document? The one that is carried
/// out later undoes the other.
#[must_use]
pub fn replace_the_same_policy(one: &[Change], other: &[Change]) -> bool {
    one.iter().any(|change| {
        let policy = policy_of(change);
        policy.is_some() && other.iter().any(|later| later != change && policy_of(later) == policy)
    })
}

/// Adds an option that was found after `option` was carried out: a policy that both replace is put once.
pub fn continue_with(option: &mut FixOption, later: &FixOption) {
    put_later(option, later);
    add(option, later);
}

/// Adds the changes of an option that was found after `option` was carried out, without its words.
fn put_later(option: &mut FixOption, later: &FixOption) {
    let replaced: Vec<String> = later.changes.iter().filter_map(policy_of).collect();
    option
        .changes
        .retain(|change| policy_of(change).is_none_or(|policy| !replaced.contains(&policy)));
    add_changes(option, later);
}

/// The policy that a change replaces as a whole.
fn policy_of(change: &Change) -> Option<String> {
    let is_policy = !matches!(change, Change::Ec2(_) | Change::Ssm(_));
    is_policy.then(|| writes(change)).flatten()
}

/// The number of an ACL's new rule depends on the other new rules.
fn unnumbered(change: &Change) -> Change {
    let mut change = change.clone();
    if let Change::Ec2(Ec2Change::CreateNetworkAclEntry { number, .. }) = &mut change {
        *number = 0;
    }
    change
}

/// The facts that would make the options of a fix complete, and those that show what they lead to.
#[must_use]
pub fn wanted(check: &Check, fix: &Fix, case: &Case) -> BTreeSet<Need> {
    let mut needs = BTreeSet::new();
    for option in options(check, fix, case) {
        if !option.changes.is_empty()
            && let Ok(facts) = what_if::apply(case.facts, &option.changes, case.scope)
        {
            let answers = examine(&Case::new(&facts, case.scope));
            let unknown = answers.into_iter().filter_map(|(_, answer)| answer.err());
            needs.extend(unknown.flat_map(Unknown::unasked));
        }
        needs.extend(option.wanted);
    }
    needs.retain(|need| !case.facts.has(need));
    needs
}

fn ways(remedy: &Remedy, case: &Case) -> Vec<FixOption> {
    match remedy {
        Remedy::Options(options) => options.clone(),
        Remedy::Network(remedy) => network_remedies::options(remedy, case),
        Remedy::Dns(remedy) => dns_words::options(remedy, case),
        Remedy::Node(what) => vec![agent_words::investigation(what)],
    }
}

/// Adds a part, none of whose steps and changes come twice.
fn add(whole: &mut FixOption, part: &FixOption) {
    add_words(whole, part);
    add_changes(whole, part);
}

fn add_changes(whole: &mut FixOption, part: &FixOption) {
    add_new(&mut whole.changes, &part.changes);
    add_new(&mut whole.wanted, &part.wanted);
    whole.recovery = whole.recovery.max(part.recovery);
}

/// Adds what a part says of itself, without its changes.
pub fn add_words(whole: &mut FixOption, part: &FixOption) {
    add_steps(&mut whole.title, &part.title);
    add_new(&mut whole.risks, &part.risks);
    add_new(&mut whole.manual, &part.manual);
}

/// Do all changes of one option write what changes of the other write as a whole?
#[must_use]
pub fn write_the_same(one: &FixOption, other: &FixOption) -> bool {
    let written: Vec<Option<String>> = other.changes.iter().map(writes).collect();
    let again = |change| writes(change).is_some_and(|place| written.contains(&Some(place)));
    !one.changes.is_empty() && one.changes.iter().all(again)
}

/// What a change writes as a whole, whatever was there.
#[must_use]
pub fn writes(change: &Change) -> Option<String> {
    Some(match change {
        Change::Ec2(Ec2Change::CreateNetworkAclEntry { acl, egress, number, .. }) => {
            format!("{acl} {egress} {number}")
        }
        Change::EndpointPolicy(
            EndpointPolicyChange::Put { endpoint, .. } | EndpointPolicyChange::Reset { endpoint },
        ) => format!("policy of {endpoint}"),
        Change::Iam(
            IamChange::PutInlinePolicy { of, name, .. }
            | IamChange::DeleteInlinePolicy { of, name },
        ) => format!("{name} of {} {}", of.kind(), of.name()),
        Change::Iam(IamChange::CreatePolicyVersion { policy, .. }) => policy.to_string(),
        Change::Iam(IamChange::UpdateAssumeRolePolicy { role, .. }) => format!("trust of {role}"),
        Change::Kms(KmsChange::PutKeyPolicy { key, .. }) => key.clone(),
        Change::S3(S3Change::PutBucketPolicy { bucket, .. }) => bucket.to_string(),
        Change::Ssm(SsmChange::UpdateDocument { name, .. }) => name.to_string(),
        _ => return None,
    })
}

fn add_new<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
    for item in more {
        if !all.contains(item) {
            all.push(item.clone());
        }
    }
}

/// Adds the steps of `more` that `title` lacks.
fn add_steps(title: &mut String, more: &str) {
    if title.is_empty() {
        title.push_str(more);
    } else if !title.contains(more) {
        for step in more.split("; ") {
            if !title.split("; ").any(|known| known == step) {
                title.push_str("; ");
                title.push_str(step);
            }
        }
    }
}

/// What carries out the changes, no command twice.
#[must_use]
pub fn commands(changes: &[Change], region: &Region) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for change in changes {
        add_new(&mut commands, &aws_cli::commands(change, region));
    }
    commands
}

/// The changes as Terraform resources, as far as they have any, and as comments where they edit other resources.
#[must_use]
pub fn terraform(changes: &[Change]) -> Option<String> {
    let mut blocks: Vec<String> = Vec::new();
    for change in changes {
        let block = terraform::blocks(change).or_else(|| terraform::edit(change));
        let block = block.map(|block| terraform::with_references(&block, changes));
        let block = block.map(|block| terraform::distinct(block, &blocks));
        add_new(&mut blocks, block.as_slice());
    }
    (!blocks.is_empty()).then(|| terraform::aligned(&blocks.join("\n\n")))
}

/// Where in the console each change is made.
#[must_use]
pub fn console(changes: &[Change]) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for change in changes {
        add_new(&mut places, console::place(change).as_slice());
    }
    places
}

/// When an option takes effect.
#[must_use]
pub fn recovery(option: &FixOption, fix: &Fix) -> Recovery {
    option.recovery.unwrap_or(fix.recovery)
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::change::Protocol;
    use ssm_doctor_fixtures::{BASELINE, patched};

    use super::*;

    #[test]
    fn options_of_several_checks_do_not_collide() {
        let entry = |number: i32, peer: &str| Ec2Change::CreateNetworkAclEntry {
            acl: "acl-0new".parse().unwrap(),
            egress: true,
            number,
            protocol: Protocol::Tcp,
            ports: (443, 443),
            peer: peer.parse().unwrap(),
        };
        let group = Ec2Change::CreateSecurityGroup { vpc: "vpc-0a1b2c3d".parse().unwrap() };
        let one = FixOption::new("one").with(group.clone()).with(entry(100, "10.0.1.0/24"));
        let another = FixOption::new("another")
            .with(group.clone())
            .with(entry(100, "10.0.2.0/24"))
            .with(entry(110, "10.0.1.0/24"));
        let same = FixOption::new("the same").with(group);
        let by_hand = FixOption::new("by hand");
        let mut options =
            Vec::from([(1, one.clone()), (2, another), (3, same), (4, by_hand.clone())]);
        let scenario = patched(BASELINE.into(), BASELINE, &[]).unwrap();
        combine(&mut options, &Case::new(&scenario.facts, &scenario.scope));
        let another = FixOption::new("another").with(entry(110, "10.0.2.0/24"));
        let expected = [(1, one), (2, another), (4, by_hand)];
        assert_eq!(options, expected);
    }
}
