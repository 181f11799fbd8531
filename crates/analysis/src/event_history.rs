//! What `CloudTrail`'s event history shows: calls that AWS refused, and who changed a resource.
//!
//! It has no data events, and management events are some minutes late. So only what is there says something.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString as _},
    vec::Vec,
};

use ssm_doctor_facts::{
    cloudtrail::TrailEvent,
    ids::{DocumentName, EventSearch, Target},
    time::Timestamp,
};

/// How long before the first sign of trouble a change can be its cause.
const BEFORE: i64 = 24 * 60 * 60;

/// How long after the last report a change can be its cause: agents report every five minutes, and keep a connection
/// that is open.
const AFTER: i64 = 60 * 60;

/// The calls that AWS refused and that were not answered since, the latest first. Of calls to one operation only the
/// latest counts.
#[must_use]
pub fn refused(events: &[TrailEvent]) -> Vec<&TrailEvent> {
    let mut known = BTreeSet::new();
    let latest = events.iter().filter(|event| known.insert((&event.source, &event.name)));
    latest.filter(|event| event.error.as_deref().is_some_and(is_refusal)).collect()
}

/// Services spell the error in several ways: `AccessDenied`, `AccessDeniedException`,
/// `Client.UnauthorizedOperation`.
fn is_refusal(error: &str) -> bool {
    error.contains("AccessDenied") || error.contains("UnauthorizedOperation")
}

/// The latest `StartSession` of this caller on this target.
#[must_use]
pub fn latest_start<'a>(
    events: &'a [TrailEvent],
    target: &Target,
    caller: &str,
) -> Option<&'a TrailEvent> {
    let target = target.to_string();
    let mut starts = events.iter().filter(|event| event.name == "StartSession");
    starts.find(|event| {
        event.target.as_deref() == Some(&target) && event.by.as_deref() == Some(caller)
    })
}

/// The latest time that a service of AWS assumed a role for a node, or was refused. `events` are those about the node,
/// by whose id EC2 and Systems Manager call the sessions of such roles.
#[must_use]
pub fn latest_assumption(events: &[TrailEvent]) -> Option<&TrailEvent> {
    events.iter().find(|event| {
        let by_service = event.by.as_deref().is_some_and(|by| by.ends_with(".amazonaws.com"));
        event.name == "AssumeRole" && event.role.is_some() && by_service
    })
}

/// The changes that can have caused what began at `trouble`: the last good report of the agent, or else now. The latest
/// first.
#[must_use]
pub fn changes(events: &[TrailEvent], trouble: Timestamp) -> Vec<&TrailEvent> {
    let is_near = |event: &&TrailEvent| {
        let before = event.at.until(trouble);
        !event.read_only && event.error.is_none() && (-AFTER..=BEFORE).contains(&before)
    };
    events.iter().filter(is_near).collect()
}

/// Ids of what a change can break. A VPC and a subnet come last: what is in them is changed more often.
const RESOURCES: [&str; 14] = [
    "sg-", "rtb-", "acl-", "vpce-", "nat-", "igw-", "eigw-", "pcx-", "tgw-", "vgw-", "eni-", "i-",
    "subnet-", "vpc-",
];

/// The search for changes of what an observation is about: `subject` is its words. None if they name no resource.
/// `document` is the session's.
#[must_use]
pub fn search_for(subject: &str, document: Option<&DocumentName>) -> Option<(usize, EventSearch)> {
    let is_around = |letter: char| letter.is_whitespace() || matches!(letter, '(' | ')' | ',');
    let words = subject.split(is_around).filter(|word| !word.is_empty());
    let found = words.filter_map(|word| {
        if let Some(role) = role_name(word) {
            return Some((0, format!("GlobalResourceName/{role}")));
        }
        let is_key = word.starts_with("arn:") && word.contains(":kms:");
        if is_key || document.is_some_and(|document| document.as_str() == word) {
            return Some((0, format!("ResourceName/{word}")));
        }
        let rank = RESOURCES.iter().position(|prefix| word.starts_with(prefix))?;
        Some((rank, format!("ResourceName/{word}")))
    });
    let (rank, search) = found.min_by_key(|(rank, _)| *rank)?;
    Some((rank, search.parse().ok()?))
}

/// The name in a role's ARN.
fn role_name(word: &str) -> Option<String> {
    let (_, path) = word.strip_prefix("arn:").and_then(|rest| rest.split_once(":role/"))?;
    path.rsplit('/').next().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: &str, name: &str, error: Option<&str>) -> TrailEvent {
        TrailEvent {
            at: String::from(at).try_into().unwrap(),
            name: name.into(),
            source: "ssm.amazonaws.com".into(),
            by: Some("arn:aws:iam::111122223333:user/alice".into()),
            read_only: false,
            error: error.map(String::from),
            message: None,
            target: Some("i-0abc123def4567890".into()),
            role: None,
        }
    }

    #[test]
    fn a_role_is_assumed_by_a_service() {
        let assumed = |by: &str, at| TrailEvent {
            by: Some(by.into()),
            role: Some("arn:aws:iam::111122223333:role/App".into()),
            ..event(at, "AssumeRole", None)
        };
        let events = [
            event("2026-11-23T03:00:00Z", "StopInstances", None),
            assumed("arn:aws:iam::111122223333:user/alice", "2026-11-23T02:00:00Z"),
            assumed("ec2.amazonaws.com", "2026-11-23T01:00:00Z"),
            assumed("ec2.amazonaws.com", "2026-11-23T00:00:00Z"),
        ];
        assert_eq!(latest_assumption(&events), events.get(2));
        assert_eq!(latest_assumption(&events[..2]), None);
    }

    #[test]
    fn only_the_latest_call_of_an_operation_counts() {
        let events = [
            event("2026-11-23T03:00:00Z", "UpdateInstanceInformation", None),
            event("2026-11-23T02:00:00Z", "UpdateInstanceInformation", Some("AccessDenied")),
            event("2026-11-23T01:00:00Z", "ListAssociations", Some("AccessDeniedException")),
            event("2026-11-23T00:00:00Z", "PutInventory", Some("ThrottlingException")),
        ];
        let names: Vec<&str> = refused(&events).into_iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["ListAssociations"]);
    }

    #[test]
    fn changes_are_writes_around_the_last_report() {
        let trouble = String::from("2026-11-23T03:00:00Z").try_into().unwrap();
        let read = TrailEvent {
            read_only: true,
            ..event("2026-11-23T02:59:00Z", "DescribeSecurityGroups", None)
        };
        let events = [
            event("2026-11-23T04:00:01Z", "RunInstances", None),
            event("2026-11-23T04:00:00Z", "RevokeSecurityGroupEgress", None),
            read,
            event("2026-11-23T02:48:00Z", "DeleteRoute", None),
            event("2026-11-23T02:40:00Z", "DeleteSubnet", Some("AccessDenied")),
            event("2026-11-22T02:59:59Z", "CreateRoute", None),
        ];
        let names: Vec<&str> =
            changes(&events, trouble).into_iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["RevokeSecurityGroupEgress", "DeleteRoute"]);
    }

    #[test]
    fn a_start_is_the_callers_own_and_on_the_target() {
        let mut others = event("2026-11-23T03:00:00Z", "StartSession", None);
        others.by = Some("arn:aws:iam::111122223333:user/bob".into());
        let mut elsewhere = event("2026-11-23T02:00:00Z", "StartSession", None);
        elsewhere.target = Some("i-2".into());
        let ours = event("2026-11-23T01:00:00Z", "StartSession", Some("AccessDenied"));
        let events = [others, elsewhere, ours];
        let alice = "arn:aws:iam::111122223333:user/alice";
        let target = Target::try_from(String::from("i-0abc123def4567890")).unwrap();
        assert_eq!(latest_start(&events, &target, alice), events.get(2));
        assert_eq!(latest_start(&events, &target, "arn:aws:iam::111122223333:root"), None);
    }

    #[test]
    fn a_subject_names_what_was_changed() {
        let document: DocumentName = "SSM-SessionManagerRunShell".parse().unwrap();
        let rows = [
            ("subnet-0a (rtb-0b)", Some("ResourceName/rtb-0b")),
            ("sg-0a", Some("ResourceName/sg-0a")),
            ("vpce-0ssm (ssm)", Some("ResourceName/vpce-0ssm")),
            ("arn:aws:iam::111122223333:role/path/App", Some("GlobalResourceName/App")),
            (
                "arn:aws:kms:eu-west-1:111122223333:key/1",
                Some("ResourceName/arn:aws:kms:eu-west-1:111122223333:key/1"),
            ),
            ("SSM-SessionManagerRunShell", Some("ResourceName/SSM-SessionManagerRunShell")),
            ("the serial console", None),
        ];
        for (subject, search) in rows {
            let found = search_for(subject, Some(&document))
                .map(|(_, search)| String::from(search.as_str()));
            assert_eq!(found.as_deref(), search, "{subject}");
        }
    }
}
