//! What is worth asking in the same round as other questions, since their answers will lead to it.
//!
//! Every fact here would be asked for one or more rounds later by some check. Leaving an entry out makes a
//! collection slower, and changes no report.

use alloc::{collections::BTreeSet, vec::Vec};

use super::{facts::Facts, need::Need, row::Row};
use crate::{
    ec2::{Endpoint, Instance, NetworkInterface, RouteState, RouteTable, TargetKind},
    iam::{Decision, Question, Simulation},
    ids::*,
    scope::Scope,
    ssm::{CORE, Document, ManagedNode, Ping, ServiceSetting, SettingId},
};

macro_rules! neighbours {
    ($($(#[$doc:meta])* $accessor:ident in $table:ident: $key:ident => $row:ty, asked with $actions:expr
        $(, seen from $vantage:ident)? $(, beside $beside:path)? $(, then $then:path)?;)*) => {
        /// `needs`, with what is about to be needed and can be asked in the same round.
        #[must_use]
        pub fn with_neighbours(
            mut needs: BTreeSet<Need>,
            facts: &Facts,
            scope: &Scope,
        ) -> BTreeSet<Need> {
            let mut new: Vec<Need> = needs.iter().cloned().collect();
            $($(for (key, row) in &facts.$table {
                if let Row::Present(row) = row {
                    new.extend($then(key, row, facts, scope));
                }
            })?)*
            while let Some(need) = new.pop() {
                if facts.has(&need) {
                    continue;
                }
                match &need {
                    $($(Need::$accessor(key) => new.extend(
                        $beside(key, facts, scope).into_iter().filter(|more| !needs.contains(more)),
                    ),)?)*
                    _ => {}
                }
                needs.insert(need);
            }
            needs
        }
    };
}

table!(neighbours);

/// What the functions of both columns return: `of_…` for a key, `after_…` for a row.
type Needs = Vec<Need>;

fn of_instance(_: &InstanceId, _: &Facts, _: &Scope) -> Needs {
    [Need::service_setting(SettingId::DefaultHostManagementRole)].into()
}

/// Where no policy allows the use of a key, a grant of the key may. A key that a fix would create has none.
fn of_simulation(question: &Question, _: &Facts, _: &Scope) -> Needs {
    let key: Option<Arn> = question.resource.parse().ok();
    let key = key.filter(|key| {
        question.action.starts_with("kms:") && key.name() != KeyName::created().as_str()
    });
    key.map(Need::key_grants).into_iter().collect()
}

/// Where the simulator does not allow a request, the policies say why. They also show which of their condition keys
/// the simulator was not given.
fn after_simulation(question: &Question, row: &Simulation, _: &Facts, _: &Scope) -> Needs {
    if row.decision == Decision::Allowed {
        return Needs::new();
    }
    let principal = &question.principal;
    let need = match principal.resource().split_once('/') {
        Some(("role", _)) => principal.name().parse().ok().map(Need::role_policies),
        Some(("user", _)) => principal.name().parse().ok().map(Need::user_policies),
        _ => None,
    };
    need.into_iter().collect()
}

/// The role that an agent may have from Systems Manager.
fn after_node(_: &Target, row: &ManagedNode, _: &Facts, _: &Scope) -> Needs {
    row.role.as_deref().and_then(role_named).into_iter().collect()
}

/// The role of Default Host Management.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the table passes every key alike")]
fn after_service_setting(_: &SettingId, row: &ServiceSetting, _: &Facts, _: &Scope) -> Needs {
    row.role().filter(|role| !role.starts_with('$')).and_then(role_named).into_iter().collect()
}

/// The need for a role that is given by its name, or by its path and name.
fn role_named(raw: &str) -> Option<Need> {
    raw.rsplit('/').next()?.parse().ok().map(Need::role)
}

/// What sessions are encrypted with and logged to.
fn after_document(_: &DocumentName, row: &Document, _: &Facts, _: &Scope) -> Needs {
    let inputs = row.content.json().and_then(|content| content.get("inputs"));
    // A parameter's value comes with the session.
    let is_name = |text: &&str| !text.is_empty() && !text.contains("{{");
    let name = |field: &str| inputs?.get(field)?.as_str().filter(is_name);
    let needs = [
        name("kmsKeyId").and_then(|key| key.parse().ok()).map(Need::key),
        name("s3BucketName").and_then(|bucket| bucket.parse().ok()).map(Need::bucket),
        name("cloudWatchLogGroupName").and_then(|group| group.parse().ok()).map(Need::log_group),
    ];
    needs.into_iter().flatten().collect()
}

/// A zone may lead to endpoints of a hub VPC, whose own settings then count.
fn of_zone_records(_: &ZoneId, _: &Facts, scope: &Scope) -> Needs {
    let names = CORE.iter().map(|service| scope.region.endpoint_service(service));
    names.map(Need::service_endpoints).collect()
}

/// The hub's routes lead back, and its endpoints' interfaces let packets in.
fn after_service_endpoints(_: &ServiceName, row: &[Endpoint], facts: &Facts, _: &Scope) -> Needs {
    let hubs = hubs(facts);
    let is_shared =
        |endpoint: &&Endpoint| endpoint.vpc.as_ref().is_some_and(|vpc| hubs.contains(vpc));
    let shared = row.iter().filter(is_shared);
    let interfaces = shared.flat_map(|endpoint| endpoint.interfaces.iter().cloned());
    let interfaces = interfaces.map(Need::network_interface).collect::<Needs>();
    hubs.into_iter().map(Need::route_tables).chain(interfaces).collect()
}

/// A silent agent's packets may get lost in a VPN connection. That of an agent that reports is in order.
fn of_transit_gateway(id: &TransitGatewayId, facts: &Facts, scope: &Scope) -> Needs {
    let node = facts.nodes.get(&scope.target);
    let reports = matches!(node, None | Some(Row::Present(ManagedNode { ping: Ping::Online, .. })));
    let gateway = id.as_str().parse().ok().filter(|_| !reports);
    gateway.map(Need::vpn_connections).into_iter().collect()
}

/// Where packets cross a transit gateway, its route tables decide. The VPC to which they lead is a hub with endpoints,
/// or a VPC for egress.
fn of_transit_gateway_attachments(vpc: &VpcId, facts: &Facts, scope: &Scope) -> Needs {
    let hubs = hubs(facts);
    let mut needs = Needs::from([Need::route_tables(vpc.clone())]);
    if !facts.route_tables.contains_key(vpc) && !hubs.contains(vpc) {
        // One setting of the Region blocks every gateway, and matters in a VPC for egress.
        needs.push(Need::public_access_block(scope.region.clone()));
    }
    needs.extend(hubs.into_iter().map(Need::transit_gateway_attachments));
    let tables = facts.route_tables.values().filter_map(Row::present);
    needs.extend(transit_gateways(tables.flatten()).map(Need::transit_gateway));
    needs
}

fn after_route_tables(vpc: &VpcId, row: &[RouteTable], facts: &Facts, scope: &Scope) -> Needs {
    let mut needs = Needs::new();
    let leads_out = |target: TargetKind| {
        matches!(
            target,
            TargetKind::InternetGateway(_)
                | TargetKind::EgressOnlyGateway(_)
                | TargetKind::NatGateway(_)
        )
    };
    if targets(row).any(leads_out) {
        needs.push(Need::public_access_block(scope.region.clone()));
    }
    needs.extend(dead_interfaces(row).map(Need::network_interface));
    // Packets of the instance may well leave by a transit gateway: there is a route to one, and no endpoint for
    // Systems Manager.
    let instance = scope.target.instance().and_then(|id| facts.instances.get(id));
    let ours = instance
        .and_then(Row::present)
        .is_some_and(|instance: &Instance| instance.vpc.as_ref() == Some(vpc));
    let serves = |endpoint: &Endpoint| endpoint.serves(&scope.region) == Some("ssm");
    let endpoints = facts.endpoints.get(vpc).and_then(Row::present);
    let unserved = endpoints.is_some_and(|endpoints| !endpoints.iter().any(serves));
    if ours && unserved && transit_gateways(row).next().is_some() {
        needs.push(Need::transit_gateway_attachments(vpc.clone()));
        needs.extend(of_transit_gateway_attachments(vpc, facts, scope));
    }
    needs
}

/// A dead route to an instance's interface is alive again once the instance runs.
fn after_network_interface(
    id: &NetworkInterfaceId,
    row: &NetworkInterface,
    facts: &Facts,
    _: &Scope,
) -> Needs {
    let mut tables = facts.route_tables.values().filter_map(Row::present);
    let is_dead = tables.any(|tables| dead_interfaces(tables).any(|dead| dead == *id));
    row.instance.clone().filter(|_| is_dead).map(Need::instance).into_iter().collect()
}

/// The interfaces to which routes lead that EC2 calls blackholes.
fn dead_interfaces(tables: &[RouteTable]) -> impl Iterator<Item = NetworkInterfaceId> {
    let routes = tables.iter().flat_map(|table| &table.routes);
    let dead = routes.filter(|route| route.state == RouteState::Blackhole);
    dead.filter_map(|route| match route.via.kind() {
        TargetKind::Interface(id) => Some(id),
        _ => None,
    })
}

/// What the routes lead to.
fn targets<'f>(
    tables: impl IntoIterator<Item = &'f RouteTable>,
) -> impl Iterator<Item = TargetKind> {
    tables.into_iter().flat_map(|table| &table.routes).map(|route| route.via.kind())
}

fn transit_gateways<'f>(
    tables: impl IntoIterator<Item = &'f RouteTable>,
) -> impl Iterator<Item = TransitGatewayId> {
    targets(tables).filter_map(|target| match target {
        TargetKind::TransitGateway(id) => Some(id),
        _ => None,
    })
}

/// Endpoints in more VPCs than this are not shared ones: each VPC has its own.
const HUBS: usize = 3;

/// The hub VPCs: others than the instance's own, with endpoints of our services that it may share.
fn hubs(facts: &Facts) -> BTreeSet<VpcId> {
    let instances = facts.instances.values().filter_map(Row::present);
    let ours: BTreeSet<&VpcId> = instances.filter_map(|instance| instance.vpc.as_ref()).collect();
    let listed = facts.service_endpoints.values().filter_map(Row::present);
    let vpcs = listed.flatten().filter_map(|endpoint| endpoint.vpc.as_ref());
    let others: BTreeSet<VpcId> = vpcs.filter(|vpc| !ours.contains(vpc)).cloned().collect();
    if others.len() > HUBS { BTreeSet::new() } else { others }
}

#[cfg(test)]
mod tests {
    use alloc::{borrow::ToOwned, format};

    use super::*;
    use crate::ssm::Ping;

    fn scope() -> Scope {
        let scope = r#"{"target": "i-1", "region": "eu-west-1", "at": "2026-11-23T03:00:00Z"}"#;
        serde_json::from_str(scope).unwrap()
    }

    #[test]
    fn roles_of_the_agent_are_asked_early() {
        let id: InstanceId = "i-1".parse().unwrap();
        let needs =
            with_neighbours([Need::instance(id.clone())].into(), &Facts::default(), &scope());
        assert_eq!(needs.len(), 2, "{needs:?}");

        let mut facts = Facts::default();
        let value = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole".to_owned();
        let setting =
            Row::Present(ServiceSetting { value, status: "Customized".into(), changed_at: None });
        facts.service_settings.insert(SettingId::DefaultHostManagementRole, setting);
        let node = ManagedNode {
            ping: Ping::Online,
            last_ping: None,
            agent_version: None,
            platform: None,
            platform_name: None,
            computer_name: None,
            role: Some("Edge".into()),
            source_type: None,
            registered_at: None,
            activation: None,
            ip: None,
        };
        facts.nodes.insert(Target::Instance(id), Row::Present(node));
        let role = |name: &str| Need::role(name.parse().unwrap());
        assert_eq!(
            with_neighbours(BTreeSet::new(), &facts, &scope()),
            [role("AWSSystemsManagerDefaultEC2InstanceManagementRole"), role("Edge")].into()
        );
    }

    #[test]
    fn policies_are_asked_where_the_simulator_does_not_allow() {
        let wanted = |principal: &str, decision: &str| {
            let question = format!("arn:aws:iam::111122223333:{principal} ssm:StartSession *");
            let facts = serde_json::json!({
                "simulations": { question: { "decision": decision } },
            });
            let facts: Facts = serde_json::from_value(facts).unwrap();
            with_neighbours(BTreeSet::new(), &facts, &scope())
        };
        assert_eq!(wanted("role/path/App", "allowed"), [].into());
        let role = Need::role_policies("App".parse().unwrap());
        assert_eq!(wanted("role/path/App", "implicitDeny"), [role].into());
        let user = Need::user_policies("alice".parse().unwrap());
        assert_eq!(wanted("user/alice", "explicitDeny"), [user].into());
        assert_eq!(wanted("root", "implicitDeny"), [].into());
    }

    #[test]
    fn what_the_preferences_name_is_asked_early() {
        let facts = serde_json::json!({ "documents": { "SSM-SessionManagerRunShell": {
            "kind": "Session",
            "content": { "inputs": {
                "kmsKeyId": "alias/sessions", "s3BucketName": "", "cloudWatchLogGroupName": "logs"
            } },
        } } });
        let facts: Facts = serde_json::from_value(facts).unwrap();
        let key = Need::key("alias/sessions".parse().unwrap());
        let group = Need::log_group("logs".parse().unwrap());
        assert_eq!(with_neighbours(BTreeSet::new(), &facts, &scope()), [key, group].into());
    }
}
