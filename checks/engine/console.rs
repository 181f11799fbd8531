//! Changes as a path through the AWS console.

mod permission;

use alloc::{format, string::String};

use ssm_doctor_facts::change::{
    Change, Ec2Change, NetworkFirewallChange, Route53Change, Route53ResolverChange,
};

/// Where in the console a change is made; None where the console cannot make it.
pub(super) fn place(change: &Change) -> Option<String> {
    match change {
        Change::Ec2(change) => Some(ec2(change)),
        Change::NetworkFirewall(change) => Some(match change {
            NetworkFirewallChange::AddDomains { group, domains } => format!(
                "VPC → Network Firewall rule groups → {} → Domain list → Edit → add {}",
                group.name(),
                domains.join(", ")
            ),
            NetworkFirewallChange::SetHomeNet { group, .. } => format!(
                "VPC → Network Firewall rule groups → {} → Rule variables → Edit → HOME_NET",
                group.name()
            ),
            NetworkFirewallChange::SetPolicyHomeNet { policy, .. } => format!(
                "VPC → Firewall policies → {} → Details → Policy variables → HOME_NET",
                policy.name()
            ),
        }),
        Change::Route53(
            Route53Change::UpsertAddresses { zone, name, .. }
            | Route53Change::UpsertAlias { zone, name, .. }
            | Route53Change::UpsertCname { zone, name, .. },
        ) => Some(format!("Route 53 → Hosted zones → {zone} → the record of {name}")),
        Change::Route53(Route53Change::DisassociateZone { zone, vpc, .. }) => Some(format!(
            "Route 53 → Hosted zones → {zone} → Edit hosted zone → {vpc} → Remove VPC"
        )),
        Change::Route53Resolver(change) => Some(match change {
            Route53ResolverChange::CreateFirewallAllowRule { group, .. } => {
                format!("VPC → DNS Firewall → Rule groups → {group} → Rules → Add rule")
            }
            Route53ResolverChange::TrustRedirection { group, list, .. } => {
                format!("VPC → DNS Firewall → Rule groups → {group} → the rule with {list} → Edit")
            }
            Route53ResolverChange::AssociateSystemRule { .. } => {
                "Route 53 → Resolver → Rules → Create rule → type System".into()
            }
            Route53ResolverChange::DisassociateResolverRule { rule, vpc } => {
                format!("Route 53 → Resolver → Rules → {rule} → VPCs → {vpc} → Disassociate")
            }
        }),
        Change::EndpointPolicy(change) => Some(permission::endpoint_policy(change)),
        Change::Iam(change) => Some(permission::iam(change)),
        Change::InstanceProfile(change) => Some(permission::instance_profile(change)),
        Change::Kms(change) => Some(permission::kms(change)),
        Change::Logs(change) => permission::logs(change),
        Change::S3(change) => Some(permission::s3(change)),
        Change::ServiceSetting(change) => Some(permission::service_setting(change)),
        Change::Ssm(change) => permission::ssm(change),
        Change::Tag(change) => Some(permission::tag(change)),
        _ => None,
    }
}

fn ec2(change: &Ec2Change) -> String {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use Ec2Change::*;
    let instance_action =
        |id: &dyn core::fmt::Display, action: &str| format!("EC2 → Instances → {id} → {action}");
    let endpoint_action =
        |id: &dyn core::fmt::Display, action: &str| format!("VPC → Endpoints → {id} → {action}");
    match change {
        CreateRoute { table, .. } | ReplaceRoute { table, .. } | DeleteRoute { table, .. } => {
            format!("VPC → Route tables → {table} → Routes → Edit routes")
        }
        CreateInternetGateway => "VPC → Internet gateways → Create internet gateway".into(),
        AttachInternetGateway { gateway, vpc } => {
            format!("VPC → Internet gateways → {gateway} → Actions → Attach to VPC → {vpc}")
        }
        CreateEgressOnlyInternetGateway { vpc } => {
            format!("VPC → Egress-only internet gateways → Create → {vpc}")
        }
        CreateNatGateway { subnet } => {
            format!(
                "VPC → NAT gateways → Create NAT gateway → {subnet}, Public, Allocate Elastic IP"
            )
        }
        AssociateNatGatewayAddress { gateway, .. } => {
            format!("VPC → NAT gateways → {gateway} → Actions → Edit IP address associations")
        }
        AcceptPeering { peering, region } => {
            let place = format!("VPC → Peering connections → {peering} → Actions → Accept request");
            match region {
                Some(region) => format!("{place} (in {region})"),
                None => place,
            }
        }
        ExcludeFromPublicAccessBlock { subnet, .. } => {
            format!("VPC → Settings → Block Public Access → Create exclusions → {subnet}")
        }
        CreateTransitGatewayAttachment { .. } => {
            "VPC → Transit gateway attachments → Create transit gateway attachment".into()
        }
        AcceptTransitGatewayAttachment { attachment } => format!(
            "VPC → Transit gateway attachments → {attachment} → Actions → Accept transit gateway attachment"
        ),
        AddTransitGatewayAttachmentSubnet { attachment, .. } => format!(
            "VPC → Transit gateway attachments → {attachment} → Actions → Modify transit gateway attachment"
        ),
        AssociateTransitGatewayRouteTable { table, .. } => {
            format!("VPC → Transit gateway route tables → {table} → Associations → Create")
        }
        EnableTransitGatewayPropagation { table, .. } => {
            format!("VPC → Transit gateway route tables → {table} → Propagations → Create")
        }
        CreateTransitGatewayRoute { table, .. } | ReplaceTransitGatewayRoute { table, .. } => {
            format!("VPC → Transit gateway route tables → {table} → Routes")
        }
        AssociateNewAddress { interface } => format!(
            "EC2 → Elastic IP addresses → Allocate; then Actions → Associate → Network interface {interface}"
        ),
        DisableSourceDestCheck { interface } => {
            format!("EC2 → Network interfaces → {interface} → Actions → Change source/dest. check")
        }
        EnableDns64 { subnet } => {
            format!("VPC → Subnets → {subnet} → Actions → Edit subnet settings → Enable DNS64")
        }
        StartInstance { instance } => instance_action(instance, "Instance state → Start"),
        StopAndStartInstance { instance } => {
            instance_action(instance, "Instance state → Stop; then Instance state → Start")
        }
        RebootInstance { instance } => instance_action(instance, "Instance state → Reboot"),
        EnableMetadataService { instance } => {
            instance_action(instance, "Actions → Instance settings → Modify metadata options")
        }
        CreateSecurityGroup { vpc } => {
            format!("EC2 → Security groups → Create security group → {vpc}")
        }
        AuthorizeEgress { group, .. } => {
            format!("EC2 → Security groups → {group} → Outbound rules → Edit")
        }
        AuthorizeIngress { group, .. } => {
            format!("EC2 → Security groups → {group} → Inbound rules → Edit")
        }
        CreateNetworkAclEntry { acl, egress, .. } => {
            let direction = if *egress { "Outbound" } else { "Inbound" };
            format!("VPC → Network ACLs → {acl} → {direction} rules → Edit")
        }
        DeleteEndpoint { endpoint } => endpoint_action(endpoint, "Actions → Delete"),
        CreateGatewayEndpoint { service, .. } | CreateInterfaceEndpoint { service, .. } => {
            format!("VPC → Endpoints → Create endpoint → {service}")
        }
        AddEndpointSubnet { endpoint, .. } => endpoint_action(endpoint, "Actions → Manage subnets"),
        AddEndpointSecurityGroup { endpoint, .. } => {
            endpoint_action(endpoint, "Actions → Manage security groups")
        }
        AddEndpointRouteTable { endpoint, .. } => {
            endpoint_action(endpoint, "Actions → Manage route tables")
        }
        EnablePrivateDns { endpoint } => {
            endpoint_action(endpoint, "Actions → Modify private DNS name")
        }
        MakeEndpointDualStack { endpoint } => {
            endpoint_action(endpoint, "Actions → Modify endpoint settings")
        }
        EnableDnsSupport { vpc } | EnableDnsHostnames { vpc } => {
            format!("VPC → Your VPCs → {vpc} → Actions → Edit VPC settings → DNS settings")
        }
        AssociateDhcpOptions { vpc } => format!(
            "VPC → DHCP option sets → Create; then VPC → Your VPCs → {vpc} → Actions → Edit VPC settings → DHCP option set"
        ),
    }
}
