//! `CloudTrail`: the event history.
//!
//! An account may look events up twice a second in a Region. So calls of one run keep their distance, and each reads
//! the latest page only. Addresses and keys of callers are not taken over.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_cloudtrail::{
    Client,
    config::Region as SdkRegion,
    types::{Event, LookupAttribute, LookupAttributeKey},
};
use serde_json::Value;
use ssm_doctor_facts::{
    cloudtrail::TrailEvent,
    ids::{EventSearch, Region},
    lookup::Facts,
};
use tokio::time::{Instant, sleep_until};

use super::{
    service::Service,
    why::{Outcome, row, timestamp, unreadable},
};

pub type CloudTrail = Service<Client>;

/// The longest page.
const PAGE: i32 = 50;

/// Between two calls.
const DISTANCE: Duration = Duration::from_millis(500);

/// More of a message is not kept.
const LONGEST_MESSAGE: usize = 1_000;

/// When the next call may start.
#[derive(Clone, Default)]
pub struct Turn(Arc<Mutex<Option<Instant>>>);

impl Turn {
    /// When this call may start. Later calls wait for it.
    fn take(&self, now: Instant) -> Instant {
        // A call that panicked took its turn all the same.
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let start = next.map_or(now, |next| next.max(now));
        *next = Some(start + DISTANCE);
        start
    }
}

impl CloudTrail {
    /// `region` is the target's.
    pub async fn events(self, search: EventSearch, region: Region, turn: Turn) -> Facts {
        let events = self.look_up(&search, &region, &turn).await;
        Facts { events: [(search, row(events))].into(), ..Facts::default() }
    }

    async fn look_up(
        &self,
        search: &EventSearch,
        region: &Region,
        turn: &Turn,
    ) -> Outcome<Vec<TrailEvent>> {
        // Every search has a slash: its type checks that.
        let (attribute, value) = search.as_str().split_once('/').unwrap_or_default();
        let (key, is_global) = match attribute {
            "Username" => (LookupAttributeKey::Username, false),
            "EventName" => (LookupAttributeKey::EventName, false),
            "GlobalResourceName" => (LookupAttributeKey::ResourceName, true),
            _ => (LookupAttributeKey::ResourceName, false),
        };
        let only = LookupAttribute::builder().attribute_key(key).attribute_value(value).build();
        let only = only.map_err(|error| unreadable(error.to_string()))?;
        let client = if is_global { self.of_global_services(region) } else { self.client.clone() };
        sleep_until(turn.take(Instant::now())).await;
        let call = client.lookup_events().lookup_attributes(only).max_results(PAGE);
        let output = self.watch.read(call.send().await, &[])?;
        let found = output.and_then(|output| output.events).into_iter().flatten();
        let mut events: Vec<TrailEvent> = found.filter_map(|found| event(&found)).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        Ok(Some(events))
    }

    /// IAM's events are in one Region of the partition. Source: `CloudTrail` user guide, "Global service events".
    fn of_global_services(&self, region: &Region) -> Client {
        let home = match region.partition() {
            "aws" => "us-east-1",
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => return self.client.clone(),
        };
        let config = self.client.config().to_builder().region(SdkRegion::new(home));
        Client::from_conf(config.build())
    }
}

/// An event whose time or name cannot be read is left out: what is missing says nothing.
fn event(it: &Event) -> Option<TrailEvent> {
    let record: Value = serde_json::from_str(it.cloud_trail_event()?).ok()?;
    let text = |path: &str| record.pointer(path).and_then(Value::as_str).map(String::from);
    let message = text("/errorMessage");
    Some(TrailEvent {
        at: timestamp(it.event_time())?,
        name: it.event_name()?.into(),
        source: it.event_source()?.into(),
        by: text("/userIdentity/arn").or_else(|| text("/userIdentity/invokedBy")),
        // A record that does not say so may be a change.
        read_only: record.get("readOnly").and_then(Value::as_bool).unwrap_or_default(),
        error: text("/errorCode"),
        message: message.map(|message| message.chars().take(LONGEST_MESSAGE).collect()),
        target: text("/requestParameters/target"),
        role: text("/requestParameters/roleArn"),
    })
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;
    use ssm_doctor_facts::time::Timestamp;
    use ssm_doctor_fuzz::{check, edited, seeds};

    use super::*;

    #[test]
    fn an_event_is_read_without_address_and_key() {
        let record = r#"{
            "eventTime": "2023-11-14T22:13:20Z", "readOnly": false, "sourceIPAddress": "198.51.100.7",
            "userIdentity": {
                "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Ops/alice",
                "accessKeyId": "ASIAEXAMPLE"
            },
            "errorCode": "AccessDenied", "errorMessage": "User: alice is not authorized",
            "requestParameters": { "target": "i-1" }
        }"#;
        let row = Event::builder()
            .event_time(DateTime::from_secs(1_700_000_000))
            .event_name("StartSession")
            .event_source("ssm.amazonaws.com")
            .cloud_trail_event(record);
        let read = event(&row.clone().build()).unwrap();
        assert_eq!(Some(read.at), Timestamp::from_second(1_700_000_000));
        assert_eq!(read.by.as_deref(), Some("arn:aws:sts::111122223333:assumed-role/Ops/alice"));
        assert_eq!(
            (read.error.as_deref(), read.target.as_deref()),
            (Some("AccessDenied"), Some("i-1"))
        );
        let shown = format!("{read:?}");
        assert!(!shown.contains("198.51.100.7") && !shown.contains("ASIAEXAMPLE"), "{shown}");
        assert_eq!(event(&row.cloud_trail_event("{").build()), None);
    }

    #[test]
    fn no_edited_record_makes_it_panic() {
        let texts = seeds("tests/fuzz/corpus/event", ".json");
        check(2_000, edited(), |edited| {
            let row = Event::builder()
                .event_time(DateTime::from_secs(1_700_000_000))
                .event_name("StartSession")
                .event_source("ssm.amazonaws.com")
                .cloud_trail_event(edited.text(&texts));
            let read = event(&row.build());
            let message = read.and_then(|read| read.message).unwrap_or_default();
            assert!(message.chars().count() <= LONGEST_MESSAGE);
        });
    }

    #[test]
    fn calls_keep_their_distance() {
        let (turn, now) = (Turn::default(), Instant::now());
        assert_eq!(turn.take(now), now);
        assert_eq!(turn.take(now), now + DISTANCE);
        assert_eq!(turn.take(now + DISTANCE / 2), now + 2 * DISTANCE);
        let later = now + 4 * DISTANCE;
        assert_eq!(turn.take(later), later);
    }
}
