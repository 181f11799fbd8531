//! What is worth asking in the same round as other questions, since their answers will lead to it.
//!
//! Every fact here would be asked for one or more rounds later by some check. Leaving an entry out makes a
//! collection slower, and changes no report.

use alloc::{collections::BTreeSet, vec::Vec};

use crate::network::service::CORE;
use ssm_doctor_facts::{
    ec2::TargetKind,
    ids::{NetworkInterfaceId, TransitGatewayId, VpcId},
    lookup::{Facts, Need, Row},
    scope::Scope,
    ssm::SettingId,
};

/// `needs`, with what is about to be needed and can be asked in the same round.
#[must_use]
pub fn with_neighbours(mut needs: BTreeSet<Need>, facts: &Facts, scope: &Scope) -> BTreeSet<Need> {
    let host_management = Need::service_setting(SettingId::DefaultHostManagementRole);
    if needs.iter().any(|it| matches!(it, Need::instance(_))) && !facts.has(&host_management) {
        needs.insert(host_management);
    }
    // What no policy allows a grant of the key may.
    let keys = needs.iter().filter_map(|it| match it {
        Need::simulation(it) if it.action.starts_with("kms:") => it.resource.parse().ok(),
        _ => None,
    });
    let grants: Vec<_> = keys.map(Need::key_grants).filter(|it| !facts.has(it)).collect();
    needs.extend(grants);
    // A zone may lead to endpoints of a hub VPC, whose own settings then count.
    if needs.iter().any(|it| matches!(it, Need::zone_records(_))) {
        needs.extend(CORE.iter().filter_map(|service| {
            let need = Need::service_endpoints(scope.region.endpoint_service(service));
            (!facts.has(&need)).then_some(need)
        }));
    }
    let unseen = |need: &Need| !facts.has(need);
    let (hubs, interfaces) = hubs(facts);
    // Where a transit gateway is on the way its tables decide, and the VPCs that are attached to it: one for
    // egress, or a hub.
    let mut crossed: BTreeSet<VpcId> = needs
        .iter()
        .filter_map(|it| match it {
            Need::transit_gateway_attachments(vpc) => Some(vpc.clone()),
            _ => None,
        })
        .chain(crossing(facts, scope))
        .collect();
    // One setting of the Region blocks every gateway, and matters wherever a route leads to one, as it does in
    // a VPC for egress.
    let egress = |it: &VpcId| !facts.route_tables.contains_key(it) && !hubs.contains(it);
    if !needs.is_empty() && leads_out(facts) || crossed.iter().any(egress) {
        needs.extend(Some(Need::public_access_block(scope.region.clone())).filter(unseen));
    }
    if !crossed.is_empty() {
        needs.extend(transit_gateways(facts).map(Need::transit_gateway).filter(unseen));
        crossed.extend(hubs.iter().cloned());
        needs.extend(crossed.iter().cloned().map(Need::transit_gateway_attachments).filter(unseen));
    }
    needs.extend(hubs.into_iter().chain(crossed).map(Need::route_tables).filter(unseen));
    needs.extend(interfaces.into_iter().map(Need::network_interface).filter(unseen));
    // The roles that an agent may have from Systems Manager, by name or by path and name.
    let setting = facts.service_settings.get(&SettingId::DefaultHostManagementRole);
    let nodes = facts.nodes.values();
    let roles = nodes.filter_map(|row| present(Some(row))?.role.as_deref());
    let setting = present(setting).map(|setting| setting.value.as_str());
    for raw in roles.chain(setting.filter(|it| !it.starts_with('$'))) {
        if let Ok(name) = raw.rsplit('/').next().unwrap_or(raw).parse()
            && !facts.roles.contains_key(&name)
        {
            needs.insert(Need::role(name));
        }
    }
    needs
}

/// What a row has, if it was seen and is not absent.
fn present<T>(row: Option<&Row<T>>) -> Option<&T> {
    match row {
        Some(Row::Present(row)) => Some(row),
        _ => None,
    }
}

/// What the routes lead to.
fn targets(facts: &Facts) -> impl Iterator<Item = TargetKind> {
    let listed = facts.route_tables.values().filter_map(|it| present(Some(it)));
    listed.flatten().flat_map(|it| &it.routes).map(|it| it.via.kind())
}

fn transit_gateways(facts: &Facts) -> impl Iterator<Item = TransitGatewayId> {
    targets(facts).filter_map(|it| match it {
        TargetKind::TransitGateway(id) => Some(id),
        _ => None,
    })
}

/// The VPC of the instance, if its packets may well leave by a transit gateway: it has a route to one, and no
/// endpoint of its own for Systems Manager.
fn crossing(facts: &Facts, scope: &Scope) -> Option<VpcId> {
    let vpc = present(facts.instances.get(scope.target.instance()?))?.vpc.as_ref()?;
    let endpoints = present(facts.endpoints.get(vpc))?;
    let served = endpoints.iter().any(|it| it.serves(&scope.region) == Some("ssm"));
    let tables = present(facts.route_tables.get(vpc))?;
    let mut routes = tables.iter().flat_map(|it| &it.routes);
    let leaves = routes.any(|it| matches!(it.via.kind(), TargetKind::TransitGateway(_)));
    (leaves && !served).then(|| vpc.clone())
}

/// Is there a route to a gateway to the internet?
fn leads_out(facts: &Facts) -> bool {
    targets(facts).any(|it| {
        matches!(
            it,
            TargetKind::InternetGateway(_)
                | TargetKind::EgressOnlyGateway(_)
                | TargetKind::NatGateway(_)
        )
    })
}

/// More VPCs with endpoints of their own than this are no hubs.
const HUBS: usize = 3;

/// The other VPCs that have endpoints of our services, and those endpoints' interfaces, where they are
/// so few that they must be shared.
fn hubs(facts: &Facts) -> (BTreeSet<VpcId>, BTreeSet<NetworkInterfaceId>) {
    let ours: BTreeSet<VpcId> = vpcs_of_instances(facts).collect();
    let rows = facts.service_endpoints.values();
    let listed = rows.filter_map(|row| present(Some(row)));
    let others = || {
        listed.clone().flatten().filter(|it| it.vpc.as_ref().is_some_and(|it| !ours.contains(it)))
    };
    let vpcs: BTreeSet<VpcId> = others().filter_map(|it| it.vpc.clone()).collect();
    if vpcs.len() > HUBS {
        return (BTreeSet::new(), BTreeSet::new());
    }
    (vpcs, others().flat_map(|it| it.interfaces.iter().cloned()).collect())
}

fn vpcs_of_instances(facts: &Facts) -> impl Iterator<Item = VpcId> {
    let instances = facts.instances.values().filter_map(|row| present(Some(row)));
    instances.filter_map(|instance| instance.vpc.clone())
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::{
        ids::{InstanceId, Target},
        ssm::{ManagedNode, Ping, ServiceSetting},
    };

    use alloc::borrow::ToOwned;

    use super::*;

    #[test]
    fn roles_of_the_agent_are_asked_early() {
        let id: InstanceId = "i-1".parse().unwrap();
        let scope = r#"{"target": "i-1", "region": "eu-west-1", "at": "2026-11-23T03:00:00Z"}"#;
        let scope: Scope = serde_json::from_str(scope).unwrap();
        let needs = with_neighbours([Need::instance(id.clone())].into(), &Facts::default(), &scope);
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
            with_neighbours(BTreeSet::new(), &facts, &scope),
            [role("AWSSystemsManagerDefaultEC2InstanceManagementRole"), role("Edge")].into()
        );
    }
}
