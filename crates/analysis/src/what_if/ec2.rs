//! Changes to instances and networks.

use ssm_doctor_facts::{
    change::Ec2Change, ec2::InstanceState, ids::NetworkInterfaceId, lookup::Facts, scope::Scope,
};

use super::present;

/// None if the effect is not modelled.
pub(super) fn edit(facts: &mut Facts, change: &Ec2Change, _scope: &Scope) -> Option<()> {
    match change {
        Ec2Change::AssociateNewAddress { interface } => associate_address(facts, interface),
        Ec2Change::StartInstance { instance } => {
            present(facts.instances.get_mut(instance))?.state = InstanceState::Running;
            Some(())
        }
        _ => None,
    }
}

/// An address from the range for documentation (RFC 5737): AWS chooses the real one.
const NEW_ADDRESS: core::net::Ipv4Addr = core::net::Ipv4Addr::new(203, 0, 113, 1);

fn associate_address(facts: &mut Facts, id: &NetworkInterfaceId) -> Option<()> {
    let interfaces = facts
        .instances
        .values_mut()
        .filter_map(|row| present(Some(row)))
        .flat_map(|instance| &mut instance.interfaces);
    interfaces.filter(|interface| interface.id == *id).next()?.public_ip = Some(NEW_ADDRESS);
    if let Some(interface) = present(facts.network_interfaces.get_mut(id)) {
        interface.public_ip = Some(NEW_ADDRESS);
    }
    Some(())
}
