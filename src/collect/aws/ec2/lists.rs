//! How EC2 lists things: pages, filters, and what an answer without an item means.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

use aws_sdk_ec2::{
    Client,
    types::{self as sdk, Filter},
};
use ssm_doctor_facts::{
    ids::SecurityGroupId,
    lookup::{Row, Table},
};

use crate::collect::aws::{
    service::Service,
    why::{Failure, Outcome, named, read, row, unreadable},
};

pub type Ec2 = Service<Client>;

/// The page size that these calls allow at most, and the smaller one of route tables.
pub const PAGE: i32 = 1000;
pub const SMALL_PAGE: i32 = 100;
pub const PAGE_OF_FEW: i32 = 255;

/// All pages of a call, flattened.
macro_rules! all {
    ($self:expr, $call:expr $(, $absent:literal)*) => {
        $self.watch.read($call.send().collect::<Result<Vec<_>, _>>().await, &[$($absent),*])
    };
}
pub(super) use all;

/// The rows of a call that cannot say "there is none".
pub fn listed<T>(outcome: Outcome<Vec<T>>) -> Result<Vec<T>, Failure> {
    outcome.map(Option::unwrap_or_default)
}

pub fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Rows by the id they carry. An item without an id has nowhere to go, and its id is then missed.
pub fn keyed<'a, I: 'a, K, T>(
    items: &'a [I],
    id: impl Fn(&'a I) -> Option<&'a str>,
    map: impl Fn(&'a I) -> Result<T, Failure>,
) -> BTreeMap<K, Result<T, Failure>>
where
    K: Ord + std::str::FromStr,
{
    items.iter().filter_map(|it| Some((id(it)?.parse().ok()?, map(it)))).collect()
}

/// Asks for things by id. One id that does not exist makes EC2 refuse them all.
pub async fn by_id<K, T, Asked>(
    ids: BTreeSet<K>,
    ask: impl Fn(Vec<String>) -> Asked,
) -> Table<K, Row<T>>
where
    K: Clone + Ord + ToString,
    Asked: Future<Output = Outcome<BTreeMap<K, Result<T, Failure>>>>,
{
    let mut batches = vec![ids];
    let mut rows = BTreeMap::new();
    while let Some(batch) = batches.pop() {
        match ask(batch.iter().map(ToString::to_string).collect()).await {
            Ok(Some(mut found)) => rows.extend(batch.into_iter().map(|id| {
                let lost = || Err(unreadable(format!("an answer that lacks {}", id.to_string())));
                let found = found.remove(&id).unwrap_or_else(lost);
                (id, row(found.map(Some)))
            })),
            Ok(None) if batch.len() > 1 => {
                batches.extend(batch.into_iter().map(|id| BTreeSet::from([id])));
            }
            Ok(None) => rows.extend(batch.into_iter().map(|id| (id, row(Ok(None))))),
            Err(failure) => {
                rows.extend(batch.into_iter().map(|id| (id, row(Err(failure.clone())))));
            }
        }
    }
    rows.into()
}

/// The rows of a filtered answer; of a refused one, that the ids asked for are unknown.
pub fn swept<K: Ord, T>(
    outcome: Result<BTreeMap<K, Result<T, Failure>>, Failure>,
    asked: BTreeSet<K>,
) -> Table<K, Row<T>> {
    match outcome {
        Ok(found) => found.into_iter().map(|(id, it)| (id, row(it.map(Some)))).collect(),
        Err(failure) => asked.into_iter().map(|id| (id, row(Err(failure.clone())))).collect(),
    }
}

pub fn word<T: From<String>>(raw: Option<&str>) -> T {
    T::from(raw.unwrap_or_default().to_owned())
}

pub fn ids<'a, T>(name: &str, raw: impl IntoIterator<Item = &'a str>) -> Result<Vec<T>, Failure>
where
    T: std::str::FromStr<Err = String>,
{
    raw.into_iter().map(|it| read(name, it)).collect()
}

pub fn tags(tags: &[sdk::Tag]) -> BTreeMap<String, String> {
    let pair =
        |it: &sdk::Tag| Some((it.key()?.to_owned(), it.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(pair).collect()
}

pub fn groups(groups: &[sdk::GroupIdentifier]) -> Result<Vec<SecurityGroupId>, Failure> {
    groups.iter().map(|it| named("groupId", it.group_id())).collect()
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::{ids::SubnetId, lookup::Why};

    use super::*;

    #[test]
    fn what_is_lost_from_an_answer_is_not_absent() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let id = |raw: &str| raw.parse::<SubnetId>().unwrap();
        let ids = BTreeSet::from([id("subnet-1"), id("subnet-2"), id("subnet-3")]);
        // EC2 refuses all three because the third does not exist, then answers one by one.
        let rows = runtime.block_on(by_id(ids, |asked| async move {
            match asked.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["subnet-1"] => Ok(Some([(id("subnet-1"), Ok(1))].into())),
                ["subnet-2"] => Ok(Some(BTreeMap::new())),
                _ => Ok(None),
            }
        }));
        let states: Vec<_> = rows
            .into_iter()
            .map(|(_, row)| row)
            .map(|it| match it {
                Row::Present(_) => "present",
                Row::Absent(_) => "absent",
                Row::Unknown { unknown: Why::Unreadable, .. } => "unreadable",
                Row::Unknown { .. } => "unknown",
            })
            .collect();
        assert_eq!(states, ["present", "unreadable", "absent"]);
    }
}
