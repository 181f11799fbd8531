//! Hides parts of a case, and fills them in again in other ways.

use std::collections::BTreeMap;

use proptest::prelude::RngExt;
use ssm_doctor_facts::text::Text;

use super::{
    ACCOUNT, Case, ContextValue, OTHER_ACCOUNT, ROLE, Requester, SESSIONS, USER, everything,
    pools::{KEY_POOLS, ValueType},
    random::Random,
};

/// The parts of a case that are unknown.
#[derive(Clone, Debug, Default)]
pub struct Hidden {
    /// Unknown keys. With a number: the first bytes of the value that are known.
    pub keys: BTreeMap<String, Option<usize>>,
    pub layers: Vec<HiddenLayer>,
    pub session_name: bool,
    pub owner: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenLayer {
    Identity,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    Resource,
    Endpoint,
}

impl HiddenLayer {
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::Boundary,
        Self::Session,
        Self::ServiceControl,
        Self::ResourceControl,
        Self::Resource,
        Self::Endpoint,
    ];
}

impl Random {
    /// Hides random parts of a case.
    pub fn hide(&mut self, case: &Case) -> Hidden {
        let mut hidden = Hidden::default();
        let often = *self.pick(&[0.1, 0.3, 0.6]);
        // A key that the request does not have can be hidden too.
        let absent =
            KEY_POOLS.iter().map(|pool| pool.key).filter(|key| !case.context.contains_key(*key));
        let keys: Vec<String> =
            case.context.keys().cloned().chain(absent.map(Into::into)).collect();
        for key in keys {
            if key == "aws:PrincipalType" || !self.chance(often) {
                continue;
            }
            let known = match case.context.get(&key) {
                Some(ContextValue::Single(value)) if self.chance(0.3) => {
                    Some(self.0.random_range(0..=value.len()))
                }
                _ => None,
            };
            hidden.keys.insert(key, known);
        }
        hidden.layers = HiddenLayer::ALL.into_iter().filter(|_| self.chance(0.08)).collect();
        hidden.session_name = matches!(case.requester, Requester::Session(_)) && self.chance(0.2);
        hidden.owner = self.chance(0.05);
        hidden
    }

    /// Fills in the hidden parts in a random way.
    pub fn fill(&mut self, case: &Case, hidden: &Hidden) -> Case {
        let mut full = case.clone();
        for (key, start) in &hidden.keys {
            let value = match (start, case.context.get(key)) {
                (Some(at), Some(ContextValue::Single(value))) => {
                    let possible = possible(key, &value[..*at]);
                    Some(ContextValue::Single(
                        self.pick(&[possible, vec![value.clone()]].concat()).clone(),
                    ))
                }
                _ if self.chance(0.3) => None,
                _ if self.chance(0.3) => case.context.get(key).cloned(),
                _ if KEY_POOLS.iter().any(|pool| pool.multivalued && pool.key == *key) => {
                    let values = possible(key, "");
                    let count = self.0.random_range(1..=2);
                    Some(ContextValue::Multiple(
                        (0..count).map(|_| self.pick(&values).clone()).collect(),
                    ))
                }
                _ => Some(ContextValue::Single(self.pick(&possible(key, "")).clone())),
            };
            full.context.remove(key);
            full.context.extend(value.map(|value| (key.clone(), value)));
        }
        let trust = case.action == "sts:AssumeRole";
        for layer in &hidden.layers {
            let kind = self.0.random_range(0..4);
            if kind == 3 {
                continue;
            }
            let principal = matches!(
                layer,
                HiddenLayer::Resource | HiddenLayer::Endpoint | HiddenLayer::ResourceControl
            );
            let resource = !(trust && *layer == HiddenLayer::Resource);
            let policy = match kind {
                0 => None,
                1 => Some(everything("Allow", principal, resource)),
                _ => Some(everything("Deny", principal, resource)),
            };
            let levels: Vec<Vec<Text>> = policy.iter().map(|policy| vec![policy.clone()]).collect();
            match layer {
                HiddenLayer::Identity => full.identity = policy.into_iter().collect(),
                HiddenLayer::Boundary => full.boundary = policy,
                HiddenLayer::Session => full.session = policy,
                HiddenLayer::ServiceControl => full.scps = levels,
                HiddenLayer::ResourceControl => full.rcps = levels,
                HiddenLayer::Resource => full.resource_policy = policy.or(full.resource_policy),
                HiddenLayer::Endpoint => full.endpoint = policy,
            }
        }
        if hidden.session_name {
            full.requester = Requester::Session(self.pick::<&str>(&SESSIONS));
        }
        if hidden.owner {
            full.owner = self.pick::<&str>(&[ACCOUNT, OTHER_ACCOUNT]);
        }
        full
    }
}

/// Values that begin with `start` for a key: values that policies expect, and others.
fn possible(key: &str, start: &str) -> Vec<String> {
    let pool = KEY_POOLS.iter().find(|pool| pool.key == key);
    let kind = pool.map_or(ValueType::Text, |pool| pool.kind);
    let more: &[&str] = match kind {
        ValueType::Text | ValueType::Binary => {
            &["ana", "ANA", "operations", "i-2", "Aps", "x-2", "o-3/"]
        }
        ValueType::Number => &["-2", "301", "1000000", "3599.75"],
        ValueType::Date => {
            &["2020-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "2030-01-01T00:00:00Z"]
        }
        ValueType::Bool => &["true", "false"],
        ValueType::Ip => &["203.0.113.8", "8.8.8.8", "2001:db9::1"],
        ValueType::Arn => &[USER, ROLE, "arn:aws:iam::444455556666:user/x"],
    };
    let known =
        pool.into_iter().flat_map(|pool| pool.values.iter().chain(pool.patterns)).chain(more);
    let plain = |text: &str| {
        !text.contains(['*', '?', '$']) && (kind != ValueType::Ip || !text.contains('/'))
    };
    let mut values: Vec<String> = known
        .filter(|text| text.starts_with(start) && plain(text))
        .map(|text| (*text).into())
        .collect();
    if matches!(kind, ValueType::Text | ValueType::Binary) {
        values.push(format!("{start}zz"));
    }
    values
}
