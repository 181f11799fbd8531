//! What each kind of change costs or endangers.

use ssm_doctor_facts::change::{Change, Ec2Change, EndpointPolicyChange, Risk};

pub(super) fn of_change(change: &Change) -> &'static [Risk] {
    match change {
        Change::Ec2(change) => ec2(change),
        Change::EndpointPolicy(EndpointPolicyChange::Reset { .. }) => {
            &[Risk::Replaces, Risk::WidensAccess]
        }
        _ => &[],
    }
}

fn ec2(change: &Ec2Change) -> &'static [Risk] {
    match change {
        Ec2Change::AssociateNewAddress { .. } | Ec2Change::CreateInterfaceEndpoint { .. } => {
            &[Risk::Costs]
        }
        Ec2Change::ReplaceRoute { .. } | Ec2Change::ReplaceTransitGatewayRoute { .. } => {
            &[Risk::Interrupts, Risk::Replaces]
        }
        _ => &[],
    }
}
