//! What each kind of change costs or endangers.

use ssm_doctor_facts::change::{
    Change, Ec2Change, EndpointPolicyChange, NetworkFirewallChange, Risk, Route53ResolverChange,
};

pub(super) fn of_change(change: &Change) -> &'static [Risk] {
    match change {
        Change::Ec2(change) => ec2(change),
        Change::EndpointPolicy(EndpointPolicyChange::Reset { .. }) => {
            &[Risk::Replaces, Risk::WidensAccess]
        }
        Change::Route53(_)
        | Change::NetworkFirewall(
            NetworkFirewallChange::SetHomeNet { .. }
            | NetworkFirewallChange::SetPolicyHomeNet { .. },
        )
        | Change::Route53Resolver(
            Route53ResolverChange::TrustRedirection { .. }
            | Route53ResolverChange::DisassociateResolverRule { .. },
        ) => &[Risk::Replaces],
        _ => &[],
    }
}

fn ec2(change: &Ec2Change) -> &'static [Risk] {
    #[allow(clippy::enum_glob_use, reason = "most variants are named")]
    use Ec2Change::*;
    match change {
        CreateNatGateway { .. }
        | AssociateNatGatewayAddress { .. }
        | CreateTransitGatewayAttachment { .. }
        | CreateInterfaceEndpoint { .. }
        | AddEndpointSubnet { .. } => &[Risk::Costs],
        // Whatever the groups admit reaches the instance from the internet.
        AssociateNewAddress { .. } => &[Risk::Costs, Risk::WidensAccess],
        // All of the subnet may use the internet gateway again.
        ExcludeFromPublicAccessBlock { .. } => &[Risk::WidensAccess],
        ReplaceRoute { .. }
        | DeleteRoute { .. }
        | ReplaceTransitGatewayRoute { .. }
        | AssociateDhcpOptions { .. }
        | DeleteEndpoint { .. } => &[Risk::Interrupts, Risk::Replaces],
        StopAndStartInstance { .. } | RebootInstance { .. } => &[Risk::Interrupts],
        _ => &[],
    }
}
