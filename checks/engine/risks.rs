//! What each kind of change costs or endangers.

use alloc::vec::Vec;

use ssm_doctor_analysis::answer::FixOption;
use ssm_doctor_facts::{
    change::{
        Change, Ec2Change, EndpointPolicyChange, InstanceProfileChange, KmsChange,
        NetworkFirewallChange, Risk, Route53Change, Route53ResolverChange, S3Change,
        ServiceSettingChange, SsmChange,
    },
    ssm::SettingId,
};

/// Those of the option and of its changes, the heaviest last.
#[must_use]
pub fn of_option(option: &FixOption) -> Vec<Risk> {
    let of_changes = option.changes.iter().flat_map(of_change).copied();
    let mut risks: Vec<Risk> = option.risks.iter().copied().chain(of_changes).collect();
    risks.sort_unstable();
    risks.dedup();
    risks
}

fn of_change(change: &Change) -> &'static [Risk] {
    match change {
        Change::Ec2(change) => ec2(change),
        Change::EndpointPolicy(EndpointPolicyChange::Reset { .. }) => {
            &[Risk::Replaces, Risk::WidensAccess]
        }
        Change::Route53(Route53Change::DisassociateZone { .. }) => &[Risk::Interrupts],
        Change::Route53(_)
        | Change::NetworkFirewall(
            NetworkFirewallChange::SetHomeNet { .. }
            | NetworkFirewallChange::SetPolicyHomeNet { .. },
        )
        | Change::Route53Resolver(
            Route53ResolverChange::TrustRedirection { .. }
            | Route53ResolverChange::DisassociateResolverRule { .. },
        )
        | Change::Ssm(SsmChange::SetDefaultDocumentVersion { .. }) => &[Risk::Replaces],
        Change::InstanceProfile(
            InstanceProfileChange::Replace { .. } | InstanceProfileChange::Disassociate { .. },
        ) => &[Risk::Interrupts, Risk::Replaces],
        Change::Kms(KmsChange::CreateKey { .. }) | Change::S3(S3Change::CreateBucket { .. }) => {
            &[Risk::Costs]
        }
        Change::ServiceSetting(ServiceSettingChange::Update { setting, .. }) => {
            // AWS charges for each hybrid node; Default Host Management is for every instance of the Region.
            if setting.ends_with(SettingId::ActivationTier.as_str()) {
                &[Risk::Costs]
            } else {
                &[Risk::WidensAccess]
            }
        }
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
        ReplaceRoute { is_blackhole: false, .. }
        | DeleteRoute { .. }
        | ReplaceTransitGatewayRoute { .. }
        | AssociateDhcpOptions { .. }
        | DeleteEndpoint { .. } => &[Risk::Interrupts, Risk::Replaces],
        RebootInstance { .. } => &[Risk::Interrupts],
        // A stop deletes what is on instance-store volumes.
        StopAndStartInstance { .. } => &[Risk::Interrupts, Risk::CannotBeUndone],
        _ => &[],
    }
}
