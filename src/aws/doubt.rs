//! What an answer cannot be trusted with: lists that lack what every VPC has, and lists of a VPC
//! that another account shares, from which AWS leaves out what is its owner's.
//!
//! Source for sharing: VPC user guide, "Responsibilities and permissions for owners and
//! participants". Participants see route tables and network ACLs of the subnets shared with them.

use std::collections::BTreeSet;

use ssm_doctor_facts::{
    ec2::{NetworkAcl, RouteTable, TargetKind},
    ids::{AccountId, SubnetId, VpcId},
    lookup::{Facts, Need, Ourselves, Row, Why},
};

/// Turns every row that claims too much into an unknown one. Doubting twice changes nothing.
pub fn doubt(facts: &mut Facts) {
    let vpcs: BTreeSet<VpcId> = facts
        .vpcs
        .keys()
        .chain(facts.route_tables.keys())
        .chain(facts.network_acls.keys())
        .chain(facts.endpoints.keys())
        .chain(facts.internet_gateways.keys())
        .cloned()
        .collect();
    let mut doubts = Vec::new();
    for vpc in &vpcs {
        let owner = foreign_owner(facts, vpc);
        doubts.extend(incomplete(facts, vpc, owner.is_some()));
        if let Some(owner) = owner {
            doubts.extend(hidden(facts, vpc, &owner));
        }
    }
    for (need, why, detail) in doubts {
        facts.give_up(&need, why, &detail);
    }
}

type Doubt = (Need, Why, String);

/// The account that shares `vpc` with ours, if it is not ours.
fn foreign_owner(facts: &Facts, vpc: &VpcId) -> Option<AccountId> {
    let ours = &present(facts.caller.get(&Ourselves::Us))?.account;
    let owner = present(facts.vpcs.get(vpc)).and_then(|it| it.owner.as_ref()).or_else(|| {
        let mut subnets = facts.subnets.values().filter_map(|it| present(Some(it)));
        subnets.find(|it| it.vpc == *vpc)?.owner.as_ref()
    })?;
    (owner != ours).then(|| owner.clone())
}

/// What a row has, if it was seen and is not absent.
pub fn present<T>(row: Option<&Row<T>>) -> Option<&T> {
    match row {
        Some(Row::Present(row)) => Some(row),
        _ => None,
    }
}

/// Every VPC has a main route table and a default network ACL.
fn incomplete(facts: &Facts, vpc: &VpcId, foreign: bool) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let why = if foreign { Why::HiddenByOwner } else { Why::Unreadable };
    let tables = present(facts.route_tables.get(vpc));
    if let Some(tables) = tables
        && !tables.iter().any(|it| it.main)
        && !(foreign && covered(facts, vpc, tables.iter().flat_map(|it: &RouteTable| &it.subnets)))
    {
        let detail = format!("the list of {} lacks the VPC's main route table", tables.len());
        doubts.push((Need::route_tables(vpc.clone()), why, detail));
    }
    let acls = present(facts.network_acls.get(vpc));
    if let Some(acls) = acls
        && !acls.iter().any(|it| it.default)
        && !(foreign && covered(facts, vpc, acls.iter().flat_map(|it: &NetworkAcl| &it.subnets)))
    {
        let detail = format!("the list of {} lacks the VPC's default network ACL", acls.len());
        doubts.push((Need::network_acls(vpc.clone()), why, detail));
    }
    doubts
}

/// Is every subnet that our instances have in `vpc` among these?
fn covered<'a>(facts: &Facts, vpc: &VpcId, subnets: impl Iterator<Item = &'a SubnetId>) -> bool {
    let subnets: BTreeSet<_> = subnets.collect();
    let instances = facts.instances.values().filter_map(|it| present(Some(it)));
    instances.filter(|it| it.vpc.as_ref() == Some(vpc)).all(|it| {
        it.subnet
            .iter()
            .chain(it.interfaces.iter().map(|it| &it.subnet))
            .all(|it| subnets.contains(it))
    })
}

/// What belongs to the VPC's owner and is not shown, or not shown with certainty.
fn hidden(facts: &Facts, vpc: &VpcId, owner: &AccountId) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let detail = format!("account {owner}");
    let mut doubt = |need| doubts.push((need, Why::HiddenByOwner, detail.clone()));
    // Endpoints of our own would be listed, the owner's beside them not.
    if present(facts.endpoints.get(vpc)).is_some() {
        doubt(Need::endpoints(vpc.clone()));
    }
    if present(facts.internet_gateways.get(vpc)).is_some_and(Vec::is_empty) {
        doubt(Need::internet_gateways(vpc.clone()));
    }
    let tables = present(facts.route_tables.get(vpc)).into_iter().flatten();
    for hop in tables.flat_map(|it| &it.routes) {
        if let TargetKind::NatGateway(id) = hop.via.kind()
            && matches!(facts.nat_gateways.get(&id), Some(Row::Absent(_)))
        {
            doubt(Need::nat_gateway(id));
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts about one VPC of `owner`, seen from account 111111111111.
    fn facts(owner: &str, tables: &str, acls: &str) -> Facts {
        let text = r#"{
            "caller": {"us": {"account": "111111111111", "arn": "arn:aws:iam::111111111111:user/me", "user_id": "AIDA"}},
            "instances": {"i-1": {"state": "running", "vpc": "vpc-1", "subnet": "subnet-1", "metadata": {"enabled": true}}},
            "vpcs": {"vpc-1": {"owner": "OWNER", "cidrs": ["10.0.0.0/16"]}},
            "route_tables": {"vpc-1": TABLES},
            "network_acls": {"vpc-1": ACLS},
            "endpoints": {"vpc-1": []},
            "internet_gateways": {"vpc-1": []},
            "nat_gateways": {"nat-1": "absent"}
        }"#;
        let text = text.replace("OWNER", owner).replace("TABLES", tables).replace("ACLS", acls);
        serde_json::from_str(&text).unwrap()
    }

    const MAIN: &str = r#"[{"id": "rtb-1", "main": true, "routes":
        [{"to": {"cidr": "0.0.0.0/0"}, "via": "nat-1", "state": "active"}]}]"#;
    const ONLY_OURS: &str = r#"[{"id": "rtb-1", "subnets": ["subnet-1"], "routes": []}]"#;
    const ONLY_OTHERS: &str = r#"[{"id": "rtb-1", "subnets": ["subnet-2"], "routes": []}]"#;
    const DEFAULT_ACL: &str = r#"[{"id": "acl-1", "default": true, "entries": []}]"#;
    const OTHERS_ACL: &str = r#"[{"id": "acl-1", "subnets": ["subnet-2"], "entries": []}]"#;

    #[test]
    fn doubts_are_as_few_as_can_be() {
        type Doubts = &'static [(&'static str, Why)];
        let us = "111111111111";
        let them = "222222222222";
        let rows: [(&str, &str, &str, Doubts); 6] = [
            (us, MAIN, DEFAULT_ACL, &[]),
            (us, ONLY_OURS, DEFAULT_ACL, &[("route_tables", Why::Unreadable)]),
            (us, MAIN, OTHERS_ACL, &[("network_acl", Why::Unreadable)]),
            (
                them,
                MAIN,
                DEFAULT_ACL,
                &[
                    ("endpoints", Why::HiddenByOwner),
                    ("internet_gateways", Why::HiddenByOwner),
                    ("nat_gateway", Why::HiddenByOwner),
                ],
            ),
            (
                them,
                ONLY_OURS,
                DEFAULT_ACL,
                &[("endpoints", Why::HiddenByOwner), ("internet_gateways", Why::HiddenByOwner)],
            ),
            (
                them,
                ONLY_OTHERS,
                OTHERS_ACL,
                &[
                    ("route_tables", Why::HiddenByOwner),
                    ("network_acls", Why::HiddenByOwner),
                    ("endpoints", Why::HiddenByOwner),
                    ("internet_gateways", Why::HiddenByOwner),
                ],
            ),
        ];
        for (owner, tables, acls, expected) in rows {
            let mut facts = facts(owner, tables, acls);
            doubt(&mut facts);
            let unseen = facts.unseen();
            assert_eq!(unseen.len(), expected.len(), "{owner} {tables} {acls}: {unseen:?}");
            for (table, why) in expected {
                let json = serde_json::to_value(&facts).unwrap();
                let of_table = unseen.iter().any(|it| format!("{it:?}").starts_with(table));
                assert!(
                    of_table && json.to_string().contains(&serde_json::to_string(why).unwrap()),
                    "{unseen:?}"
                );
            }
            let once = facts.clone();
            doubt(&mut facts);
            assert_eq!(facts, once);
        }
    }
}
