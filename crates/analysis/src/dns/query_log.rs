//! Queries that the VPC's resolver logged, beside what it should have answered.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::net::IpAddr;

use serde_json::Value;

use ssm_doctor_facts::{
    ids::{EndpointId, InstanceId, VpcId},
    lookup::{Facts, Unknown, Unknowns},
    resolver_query_logs::{LoggedQuery, QuerySearch},
    route53::{FirewallAction, RecordType},
};

use crate::{
    case::Case,
    dns::resolution::{Name, Resolution},
};

/// What an event of a query log says; None if it is none. Source: Route 53 Developer Guide, "Values that appear in VPC
/// Resolver query logs".
#[must_use]
pub fn parse(event: &str) -> Option<LoggedQuery> {
    let event: Value = serde_json::from_str(event).ok()?;
    let text = |field: &str| event.get(field).and_then(Value::as_str);
    let answers = event.get("answers").and_then(Value::as_array).into_iter().flatten();
    let address = |answer: &Value| answer.get("Rdata")?.as_str()?.parse().ok();
    Some(LoggedQuery {
        at: text("query_timestamp")?.to_string().try_into().ok()?,
        name: text("query_name")?.trim_end_matches('.').to_lowercase(),
        kind: text("query_type")?.to_string().into(),
        code: text("rcode")?.to_uppercase(),
        answers: answers.filter_map(address).collect(),
        firewall: text("firewall_rule_action").map(|action| action.to_string().into()),
    })
}

/// The logged queries of an instance; None if the queries of its VPC are logged nowhere that is read.
///
/// # Errors
/// [`Unknown`] when a log was not seen.
pub fn logged<'a>(
    case: &Case<'a>,
    instance: &InstanceId,
    vpc: &VpcId,
) -> Result<Option<Vec<&'a LoggedQuery>>, Unknown> {
    let groups = case.facts.query_logs(vpc).required()?;
    let (mut queries, mut unseen) = (Vec::new(), Unknowns::default());
    for group in groups {
        let search = QuerySearch { group: group.clone(), instance: instance.clone() };
        queries.extend(unseen.keep(case.facts.queries(&search).required()).into_iter().flatten());
    }
    unseen.none()?;
    Ok((!groups.is_empty()).then_some(queries))
}

/// The latest query for the addresses of a host. Systems ask for both kinds of addresses, and most services have IPv4
/// addresses alone.
#[must_use]
pub fn latest<'a>(queries: &[&'a LoggedQuery], host: &str) -> Option<&'a LoggedQuery> {
    let of = |kind: &RecordType| {
        let queries = queries.iter().filter(|query| query.name == host && query.kind == *kind);
        queries.copied().max_by_key(|query| query.at)
    };
    of(&RecordType::A).or_else(|| of(&RecordType::Aaaa))
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrongAnswer {
    BlockedByFirewall,
    /// A response code other than `NOERROR`.
    Code(String),
    NoAddress,
    /// None of them is the endpoint's.
    OtherAddresses {
        endpoint: EndpointId,
        addresses: Vec<IpAddr>,
    },
}

/// Did the client get no answer, whatever the answer should have been?
#[must_use]
pub fn refusal(query: &LoggedQuery) -> Option<WrongAnswer> {
    if query.firewall == Some(FirewallAction::Block) {
        return Some(WrongAnswer::BlockedByFirewall);
    }
    (query.code != "NOERROR").then(|| WrongAnswer::Code(query.code.clone()))
}

/// Does the answer lack the addresses that the name has in the VPC?
///
/// # Errors
/// [`Unknown`] when the addresses were not seen.
pub fn wrong_address(
    query: &LoggedQuery,
    name: &Name,
    facts: &Facts,
) -> Result<Option<WrongAnswer>, Unknown> {
    if query.answers.is_empty() {
        let has_some = name.families.is_some_and(|families| match query.kind {
            RecordType::A => families.v4,
            RecordType::Aaaa => families.v6,
            _ => false,
        });
        return Ok(has_some.then_some(WrongAnswer::NoAddress));
    }
    let Resolution::Endpoint(endpoint) = &name.to else { return Ok(None) };
    let known = name.addresses(facts)?;
    let other = !query.answers.iter().any(|address| known.contains(address));
    Ok(other.then(|| WrongAnswer::OtherAddresses {
        endpoint: endpoint.id.clone(),
        addresses: query.answers.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_read() {
        // Source: Route 53 Developer Guide, "Resolver query log example", with other values.
        let event = json!({
            "version": "1.100000", "account_id": "111122223333", "region": "eu-west-1", "vpc_id": "vpc-0abc",
            "query_timestamp": "2026-11-23T02:51:55Z", "query_name": "SSM.eu-west-1.amazonaws.com.",
            "query_type": "A", "query_class": "IN", "rcode": "NOERROR",
            "answers": [
                { "Rdata": "a.example.com.", "Type": "CNAME", "Class": "IN" },
                { "Rdata": "10.0.1.5", "Type": "A", "Class": "IN" },
            ],
            "srcaddr": "10.0.1.9", "srcport": "56067", "transport": "UDP",
            "srcids": { "instance": "i-0abc" }, "firewall_rule_action": "ALERT",
        });
        let query = parse(&event.to_string()).unwrap();
        assert_eq!(query.name, "ssm.eu-west-1.amazonaws.com");
        assert_eq!(query.answers, ["10.0.1.5".parse::<IpAddr>().unwrap()]);
        assert_eq!((&query.kind, &query.firewall), (&RecordType::A, &Some(FirewallAction::Alert)));
        assert_eq!(refusal(&query), None);
    }

    #[test]
    fn what_is_no_event_is_not_read() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in ["", "null", "{}", "{\"query_name\": 1}", "2 111122223333 eni-0abc", &deep] {
            assert_eq!(parse(text), None);
        }
    }

    #[test]
    fn the_latest_query_for_an_address_counts() {
        let query = |at: i64, kind: RecordType, code: &str| LoggedQuery {
            at: ssm_doctor_facts::time::Timestamp::from_second(at).unwrap(),
            name: "ssm".into(),
            kind,
            code: code.into(),
            answers: vec![],
            firewall: None,
        };
        let rows = [
            query(3, RecordType::Aaaa, "NOERROR"),
            query(2, RecordType::A, "NXDOMAIN"),
            query(1, RecordType::A, "NOERROR"),
        ];
        let found = latest(&rows.each_ref(), "ssm").unwrap();
        assert_eq!(refusal(found), Some(WrongAnswer::Code("NXDOMAIN".into())));
        assert_eq!(latest(&rows.each_ref(), "ssmmessages"), None);
    }
}
