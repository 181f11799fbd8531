//! Which rows a change edits, and which changes AWS refuses.

use alloc::string::ToString;

use serde_json::{Value, json};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, IamChange, KmsChange},
    ec2::Destination,
    scope::Scope,
};
use ssm_doctor_fixtures as fixtures;

use super::apply;

/// The facts after the change; None if its effect is not modelled, or AWS refuses it.
fn after(facts: &Value, change: impl Into<Change>) -> Option<Value> {
    let scope = json!({ "target": "i-1", "region": "eu-west-1", "at": "2026-11-23T03:00:00Z" });
    let scope: Scope = serde_json::from_value(scope).unwrap();
    let facts = fixtures::from_json(&facts.to_string()).unwrap();
    let facts = apply(&facts, [&change.into()], &scope).ok()?;
    Some(serde_json::from_str(&fixtures::to_json(&facts).unwrap()).unwrap())
}

/// The change edits `before` as a merge patch says.
#[track_caller]
fn assert_edits(before: &Value, change: impl Into<Change>, edits: &Value) {
    let mut expected = before.clone();
    json_patch::merge(&mut expected, edits);
    // As facts are written: without what is a default.
    let expected = fixtures::from_json(&expected.to_string()).unwrap();
    let expected = serde_json::from_str(&fixtures::to_json(&expected).unwrap()).unwrap();
    assert_eq!(after(before, change), Some(expected));
}

fn route(via: &str, state: &str) -> Value {
    json!({ "to": { "cidr": "0.0.0.0/0" }, "via": via, "state": state })
}

fn table(id: &str, routes: &[Value]) -> Value {
    json!({ "id": id, "main": false, "subnets": [], "routes": routes })
}

/// A stopped instance with two interfaces, routes to both and to another one.
fn stopped(public_ip: &Value) -> Value {
    let interface = |id: &str, index: i32, public_ip: &Value| json!({ "id": id, "device_index": index, "subnet": "subnet-1", "public_ip": public_ip, "security_groups": [] });
    let row = |public_ip: &Value| json!({ "subnet": "subnet-1", "private_ips": [], "security_groups": [], "public_ip": public_ip });
    json!({
        "instances": { "i-1": {
            "state": "stopped", "metadata": { "enabled": true, "tokens_required": true },
            "interfaces": [interface("eni-1", 1, &Value::Null), interface("eni-0", 0, public_ip)],
        } },
        "instance_statuses": { "i-1": "absent" },
        "network_interfaces": { "eni-0": row(public_ip), "eni-1": row(&Value::Null) },
        "subnets": { "subnet-1": { "vpc": "vpc-1", "maps_public_ip": true } },
        "route_tables": {
            "vpc-1": [table("rtb-1", &[route("eni-0", "blackhole"), route("eni-2", "blackhole")])],
            "vpc-2": [table("rtb-2", &[route("eni-1", "blackhole")])],
        },
    })
}

#[test]
fn an_instance_starts_with_a_public_address_and_with_its_routes() {
    let start = || Ec2Change::StartInstance { instance: "i-1".parse().unwrap() };
    let status = json!({ "i-1": { "instance": "ok", "system": "ok" } });
    let tables = json!({
        "vpc-1": [table("rtb-1", &[route("eni-0", "active"), route("eni-2", "blackhole")])],
        "vpc-2": [table("rtb-2", &[route("eni-1", "active")])],
    });
    // One that it has is an Elastic IP address, which stays.
    for (had, has) in
        [(Value::Null, json!("203.0.113.1")), (json!("192.0.2.7"), json!("192.0.2.7"))]
    {
        let mut running = stopped(&has);
        running["instances"]["i-1"]["state"] = json!("running");
        running["instance_statuses"] = status.clone();
        running["route_tables"] = tables.clone();
        assert_edits(&stopped(&had), start(), &running);
    }
}

#[test]
fn a_new_address_is_in_both_rows_of_an_interface() {
    let change = Ec2Change::AssociateNewAddress { interface: "eni-0".parse().unwrap() };
    assert_edits(&stopped(&Value::Null), change, &stopped(&json!("203.0.113.1")));
}

#[test]
fn a_stop_and_start_ends_the_events_of_the_old_host() {
    let events = json!([{ "code": "instance-retirement" }]);
    let row = |system: &str, events: &Value| json!({ "instance_statuses": { "i-1": { "instance": "ok", "system": system, "events": events } } });
    let change = Ec2Change::StopAndStartInstance { instance: "i-1".parse().unwrap() };
    assert_edits(&row("impaired", &events), change, &row("ok", &json!([])));
}

#[test]
fn routes_are_active_again_when_their_target_works() {
    let facts = |peering: &str, gateways: &Value, states: [&str; 2]| {
        let routes =
            [route("pcx-1", states[0]), route("igw-1", states[1]), route("pcx-2", "blackhole")];
        let side = |vpc: &str| json!({ "vpc": vpc });
        json!({
            "peerings": { "pcx-1": { "state": peering, "requester": side("vpc-1"), "accepter": side("vpc-2") } },
            "internet_gateways": { "vpc-1": gateways },
            "route_tables": { "vpc-1": [table("rtb-1", &routes)], "vpc-2": [table("rtb-2", &routes)] },
        })
    };
    let detached = json!([]);
    let before = facts("pending-acceptance", &detached, ["blackhole", "blackhole"]);
    assert_edits(
        &before,
        Ec2Change::AcceptPeering { peering: "pcx-1".parse().unwrap(), region: None },
        &facts("active", &detached, ["active", "blackhole"]),
    );
    let gateway = "igw-1".parse().unwrap();
    assert_edits(
        &before,
        Ec2Change::AttachInternetGateway { gateway, vpc: "vpc-1".parse().unwrap() },
        &facts(
            "pending-acceptance",
            &json!([{ "id": "igw-1", "state": "available" }]),
            ["blackhole", "active"],
        ),
    );
}

#[test]
fn a_route_that_is_not_there_cannot_be_deleted() {
    let propagated = json!({ "to": { "cidr": "10.9.0.0/16" }, "via": "vgw-1", "state": "active", "propagated": true });
    let facts = |routes: &[Value]| json!({ "route_tables": { "vpc-1": [table("rtb-1", routes)] } });
    let before = facts(&[route("nat-1", "active"), propagated.clone()]);
    let delete = |to: &str| Ec2Change::DeleteRoute {
        table: "rtb-1".parse().unwrap(),
        to: Destination::Cidr(to.parse().unwrap()),
    };
    assert_edits(&before, delete("0.0.0.0/0"), &facts(&[propagated]));
    assert_eq!(after(&before, delete("10.0.0.0/8")), None);
    assert_eq!(after(&before, delete("10.9.0.0/16")), None);
}

#[test]
fn an_attachment_takes_the_place_of_the_one_that_failed() {
    let attachment = |id: &str, gateway: &str, state: &str| json!({ "id": id, "transit_gateway": gateway, "state": state, "subnets": ["subnet-1"] });
    let facts =
        |attachments: &[Value]| json!({ "transit_gateway_attachments": { "vpc-1": attachments } });
    let other = attachment("tgw-attach-2", "tgw-2", "available");
    let change = Ec2Change::CreateTransitGatewayAttachment {
        gateway: "tgw-1".parse().unwrap(),
        vpc: "vpc-1".parse().unwrap(),
        subnet: "subnet-1".parse().unwrap(),
    };
    assert_edits(
        &facts(&[attachment("tgw-attach-1", "tgw-1", "failed"), other.clone()]),
        change,
        &facts(&[other, attachment("tgw-attach-created", "tgw-1", "available")]),
    );
}

#[test]
fn whether_an_accepted_attachment_has_a_table_must_be_known() {
    let facts = |state: &str, gateway: &Value| {
        let attachment = json!({ "id": "tgw-attach-1", "transit_gateway": "tgw-1", "state": state, "subnets": [] });
        json!({
            "transit_gateway_attachments": { "vpc-1": [attachment] },
            "transit_gateways": { "tgw-1": gateway },
        })
    };
    let listed = |association: &Value| json!({ "attachments": [{ "id": "tgw-attach-1", "association": association }], "tables": [] });
    let accept = || Ec2Change::AcceptTransitGatewayAttachment { attachment: "tgw-attach-1".into() };
    let associated = json!({ "table": "tgw-rtb-1", "state": "associated" });
    for gateway in [listed(&associated), json!({ "unknown": "denied" })] {
        let (before, available) =
            (facts("pendingAcceptance", &gateway), facts("available", &gateway));
        assert_edits(&before, accept(), &available);
    }
    assert_eq!(after(&facts("pendingAcceptance", &listed(&Value::Null)), accept()), None);
}

/// A gateway endpoint with a route to it, and an interface endpoint, in every table of facts.
fn endpoints() -> Value {
    let gateway = json!({
        "id": "vpce-1", "service": "com.amazonaws.eu-west-1.s3", "kind": "Gateway",
        "state": "available", "route_tables": ["rtb-1"], "private_dns": false,
    });
    let interface = json!({
        "id": "vpce-2", "service": "com.amazonaws.eu-west-1.s3", "kind": "Interface",
        "state": "available", "private_dns": false, "private_dns_for_inbound_only": true,
    });
    json!({
        "endpoints": { "vpc-1": [gateway, interface] },
        "service_endpoints": { "com.amazonaws.eu-west-1.s3": [gateway, interface] },
        "distant_endpoints": { "vpce-1": gateway, "vpce-2": interface },
        "route_tables": {
            "vpc-1": [table("rtb-1", &[route("igw-1", "active"), route("vpce-1", "active")])],
        },
    })
}

#[test]
fn an_endpoint_is_deleted_with_its_routes() {
    let interface = &endpoints()["endpoints"]["vpc-1"][1];
    assert_edits(
        &endpoints(),
        Ec2Change::DeleteEndpoint { endpoint: "vpce-1".parse().unwrap() },
        &json!({
            "endpoints": { "vpc-1": [interface] },
            "service_endpoints": { "com.amazonaws.eu-west-1.s3": [interface] },
            "distant_endpoints": { "vpce-1": null },
            "route_tables": { "vpc-1": [table("rtb-1", &[route("igw-1", "active")])] },
        }),
    );
}

#[test]
fn private_dns_stays_for_other_networks_alone() {
    let gateway = &endpoints()["endpoints"]["vpc-1"][0];
    let mut interface = endpoints()["endpoints"]["vpc-1"][1].clone();
    interface["private_dns"] = json!(true);
    assert_edits(
        &endpoints(),
        Ec2Change::EnablePrivateDns { endpoint: "vpce-2".parse().unwrap() },
        &json!({
            "endpoints": { "vpc-1": [gateway, interface] },
            "service_endpoints": { "com.amazonaws.eu-west-1.s3": [gateway, interface] },
            "distant_endpoints": { "vpce-2": interface },
        }),
    );
}

#[test]
fn an_instance_profile_has_one_role() {
    let facts = |roles: &[&str]| json!({ "instance_profiles": { "Nodes": { "roles": roles } } });
    let add = || IamChange::AddRoleToInstanceProfile {
        profile: "Nodes".parse().unwrap(),
        role: "New".parse().unwrap(),
    };
    assert_edits(&facts(&[]), add(), &facts(&["New"]));
    assert_eq!(after(&facts(&["Old"]), add()), None);
}

#[test]
fn a_new_key_has_no_grants() {
    let arn = "arn:aws:iam::111122223333:user/alice";
    let before = json!({ "caller": { "us": { "account": "111122223333", "arn": arn, "user_id": "AIDAEXAMPLEALICE" } } });
    let after = after(&before, KmsChange::CreateKey { policy: "{}".into() }).unwrap();
    let key = after["keys"]["key-created"]["arn"].as_str().unwrap();
    assert_eq!(after["key_grants"], json!({ key: [] }));
}
