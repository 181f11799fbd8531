//! Instances: those that the configuration names, and those that an Auto Scaling group launches.
//!
//! A group launches its instances alike, so one stands for all that it launches in a subnet.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde_json::Value;
use ssm_doctor_facts::{
    ec2::{
        AttachedInterface, CheckStatus, Instance, InstanceState, InstanceStatus, MetadataOptions,
        NetworkInterface,
    },
    ids::{Arn, InstanceId, NetworkInterfaceId, SecurityGroupId, SubnetId},
    lookup::{Row, Why},
};

use super::{
    row::{GROUPS, Rows, SUBNETS, VPCS, partition, unknown},
    security_group::default_group,
};
use crate::plan::{
    identity::INTERFACE_OF_INSTANCE,
    world::{Home, Known, Resource, World},
};

pub const KINDS: [&str; 2] = ["aws_instance", "aws_autoscaling_group"];
const PROFILE: [&str; 1] = ["aws_iam_instance_profile"];
const TEMPLATE: [&str; 1] = ["aws_launch_template"];
const INTERFACE: [&str; 1] = ["aws_network_interface"];
/// What has an interface to which others refer.
const INTERFACES: [&str; 2] = ["aws_instance", "aws_network_interface"];

/// The public address of a new instance. AWS chooses the real one; this one is from a range for documentation (RFC 5737).
const NEW_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

/// What an instance is launched with.
#[derive(Clone)]
struct Launch {
    subnet: Known<String>,
    groups: Known<Vec<String>>,
    profile: Known<String>,
    /// None where the subnet decides.
    public_address: Option<bool>,
    metadata: MetadataOptions,
    image: Option<String>,
}

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &["aws_instance"]).filter(|instance| !instance.data) {
        let Ok(id) = resource.id.parse::<InstanceId>() else { continue };
        let launch = launch(world, resource);
        put(rows, world, home, resource, &id, launch);
    }
    for resource in world.of(home, &["aws_autoscaling_group"]) {
        let template = template_of(world, resource).map(|template| launch_of(world, template));
        let launch = template.or_else(|| configuration_of(world, resource));
        let subnets = world.refers(resource, "vpc_zone_identifier", &SUBNETS);
        let subnets = match subnets {
            Known::Value(subnets) => subnets.into_iter().map(Known::Value).collect(),
            Known::None => vec![Known::None],
            Known::Unknown(why, address) => vec![Known::Unknown(why, address)],
        };
        let slug: String = resource
            .id
            .chars()
            .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
            .collect();
        let slug = slug.strip_prefix("i-").unwrap_or(&slug);
        for (at, subnet) in subnets.into_iter().enumerate() {
            let suffix = if at == 0 { String::new() } else { format!("-{at}") };
            let Ok(id) = format!("i-{slug}{suffix}").parse::<InstanceId>() else { continue };
            let Some(mut launch) = launch.clone() else {
                let row = unknown(Why::NotInPlan, &resource.attribute_address("launch_template"));
                rows.instances.push((resource.address.clone(), id.clone()));
                rows.facts.instances.insert(id, row);
                continue;
            };
            if !matches!(subnet, Known::None) {
                launch.subnet = subnet;
            }
            put(rows, world, home, resource, &id, launch);
        }
    }
}

fn template_of<'w, 'p>(world: &'w World<'p>, resource: &Resource<'p>) -> Option<&'w Resource<'p>> {
    let own = resource.items("launch_template").first();
    let nested = resource.items("mixed_instances_policy").first().and_then(|policy| {
        policy.get("launch_template")?.get(0)?.get("launch_template_specification")?.get(0)
    });
    let block = own.or(nested)?;
    let names = ["name", "launch_template_name"];
    let given = names.iter().find_map(|name| block.get(name)?.as_str());
    let by_name = given.and_then(|name| {
        world
            .resources
            .iter()
            .find(|other| other.kind == TEMPLATE[0] && other.known("name").as_deref() == Some(name))
    });
    by_name.or_else(|| {
        let ids = ["id", "launch_template_id", "name", "launch_template_name"].iter();
        let ids = ids.filter_map(|name| {
            if own.is_some() {
                let ids =
                    world.refers_in_block(resource, "launch_template", block, name, &TEMPLATE);
                return ids.value();
            }
            let policy = resource.expression("mixed_instances_policy")?.get(0)?;
            let template = policy.get("launch_template")?.get(0)?;
            let written = template.get("launch_template_specification")?.get(0)?.get(name);
            world.ids(resource, block.get(*name), written, name, &TEMPLATE).value()
        });
        let ids = ids.flatten().collect::<Vec<_>>();
        world.resources.iter().find(|other| ids.contains(&other.id))
    })
}

/// What a group launches by a launch configuration, the predecessor of launch templates.
fn configuration_of(world: &World, resource: &Resource) -> Option<Launch> {
    let kinds = ["aws_launch_configuration"];
    let id = world.refers_to_one(resource, "launch_configuration", &kinds).value()?;
    let found = world.with_id(&id).filter(|found| kinds.contains(&found.kind))?;
    let profile = world.refers_to_one(found, "iam_instance_profile", &PROFILE);
    Some(Launch {
        subnet: Known::None,
        groups: world.refers(found, "security_groups", &GROUPS),
        profile: profile.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()),
        public_address: found.values.get("associate_public_ip_address").and_then(Value::as_bool),
        metadata: metadata(found.items("metadata_options").first()),
        image: found.known("image_id"),
    })
}

fn launch(world: &World, resource: &Resource) -> Launch {
    let base = template_of(world, resource).map(|template| launch_of(world, template));
    let mut launch = Launch {
        subnet: world.refers_to_one(resource, "subnet_id", &SUBNETS),
        groups: world.refers(resource, "vpc_security_group_ids", &GROUPS),
        profile: world.refers_to_one(resource, "iam_instance_profile", &PROFILE),
        public_address: resource.values.get("associate_public_ip_address").and_then(Value::as_bool),
        metadata: metadata(resource.items("metadata_options").first()),
        image: resource.known("ami"),
    };
    let Some(base) = base else {
        // A template that the plan does not contain may bring what the instance does not say.
        if !resource.items("launch_template").is_empty() {
            let address = resource.attribute_address("launch_template");
            for part in [&mut launch.subnet, &mut launch.profile] {
                if matches!(part, Known::None) {
                    *part = Known::Unknown(Why::NotInPlan, address.clone());
                }
            }
            if matches!(launch.groups, Known::None) {
                launch.groups = Known::Unknown(Why::NotInPlan, address);
            }
        }
        return launch;
    };
    if matches!(launch.subnet, Known::None) {
        launch.subnet = base.subnet;
    }
    if matches!(launch.groups, Known::None) {
        launch.groups = base.groups;
    }
    if matches!(launch.profile, Known::None) {
        launch.profile = base.profile;
    }
    if resource.items("metadata_options").is_empty() {
        launch.metadata = base.metadata;
    }
    Launch {
        public_address: launch.public_address.or(base.public_address),
        image: launch.image.or(base.image),
        ..launch
    }
}

fn launch_of(world: &World, template: &Resource) -> Launch {
    let interface = template.items("network_interfaces").first();
    let in_interface = |name: &str, kinds: &[&str]| {
        interface.map_or(Known::None, |block| {
            world.refers_in_block(template, "network_interfaces", block, name, kinds)
        })
    };
    let first = |ids: Known<Vec<String>>| match ids {
        Known::Value(ids) => ids.into_iter().next().map_or(Known::None, Known::Value),
        Known::None => Known::None,
        Known::Unknown(why, address) => Known::Unknown(why, address),
    };
    let groups = match in_interface("security_groups", &GROUPS) {
        Known::None => world.refers(template, "vpc_security_group_ids", &GROUPS),
        groups => groups,
    };
    let profile = template.items("iam_instance_profile").first().map_or(Known::None, |block| {
        let refers = |name: &str| {
            first(world.refers_in_block(template, "iam_instance_profile", block, name, &PROFILE))
        };
        match refers("name") {
            Known::None => refers("arn"),
            name => name,
        }
    });
    // It may be a text: the provider keeps three states of it.
    let public = interface.and_then(|block| block.get("associate_public_ip_address"));
    let public = public.and_then(|value| value.as_bool().or_else(|| value.as_str()?.parse().ok()));
    Launch {
        subnet: first(in_interface("subnet_id", &SUBNETS)),
        groups,
        profile: profile.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()),
        public_address: public,
        metadata: metadata(template.items("metadata_options").first()),
        image: template.known("image_id"),
    }
}

fn metadata(block: Option<&Value>) -> MetadataOptions {
    let text = |name: &str| block?.get(name)?.as_str();
    let hops = block.and_then(|block| block.get("http_put_response_hop_limit")?.as_i64());
    MetadataOptions {
        enabled: text("http_endpoint") != Some("disabled"),
        tokens_required: text("http_tokens") == Some("required"),
        hop_limit: hops.and_then(|hops| hops.try_into().ok()),
    }
}

fn put(
    rows: &mut Rows,
    world: &World,
    home: &Home,
    resource: &Resource,
    id: &InstanceId,
    launch: Launch,
) {
    rows.instances.push((resource.address.clone(), id.clone()));
    let row = row(rows, world, home, resource, id, launch);
    rows.facts.instances.insert(id.clone(), row);
    let status = InstanceStatus {
        instance: CheckStatus::Ok,
        system: CheckStatus::Ok,
        ebs: None,
        events: Vec::new(),
    };
    rows.facts.instance_statuses.insert(id.clone(), Row::Present(status));
}

fn row(
    rows: &mut Rows,
    world: &World,
    home: &Home,
    resource: &Resource,
    id: &InstanceId,
    mut launch: Launch,
) -> Row<Instance> {
    let mut interface_id = resource.known("primary_network_interface_id");
    // An interface of its own brings its subnet and its groups along.
    if let Some(block) = resource.items("network_interface").first() {
        let ids = world.refers_in_block(
            resource,
            "network_interface",
            block,
            "network_interface_id",
            &INTERFACE,
        );
        let own = ids.value().and_then(|ids| ids.into_iter().next());
        if let Some(own) = own.as_ref().and_then(|id| world.with_id(id)) {
            launch.subnet = world.refers_to_one(own, "subnet_id", &SUBNETS);
            launch.groups = world.refers(own, "security_groups", &GROUPS);
        }
        interface_id = own.or(interface_id);
    }
    let subnet_id = match launch.subnet {
        Known::Value(subnet) => subnet,
        Known::None => return unknown(Why::NotInPlan, &resource.attribute_address("subnet_id")),
        Known::Unknown(why, address) => return unknown(why, &address),
    };
    let Ok(subnet_id) = subnet_id.parse::<SubnetId>() else {
        return unknown(Why::Unreadable, &resource.attribute_address("subnet_id"));
    };
    let subnet = match rows.facts.subnets.get(&subnet_id) {
        Some(Row::Present(subnet)) => Some(subnet.clone()),
        Some(Row::Unknown { unknown: why, detail }) => return unknown(*why, detail),
        _ => None,
    };
    let mut groups: Vec<SecurityGroupId> = match launch.groups {
        Known::Value(ids) if !ids.is_empty() => {
            ids.iter().filter_map(|id| id.parse().ok()).collect()
        }
        Known::Unknown(why, address) => return unknown(why, &address),
        // Where nobody names a group, AWS takes the VPC's default one.
        _ => default_groups(world, home, subnet.as_ref().map(|subnet| subnet.vpc.as_str())),
    };
    for attachment in world.of(home, &["aws_network_interface_sg_attachment"]) {
        let to = world.refers_to_one(attachment, "network_interface_id", &INTERFACES);
        let to = match to {
            Known::Unknown(why, address) => return unknown(why, &address),
            known => known.value(),
        };
        if to.as_ref() != Some(&resource.id) && (to.is_none() || to != interface_id) {
            continue;
        }
        match world.refers_to_one(attachment, "security_group_id", &GROUPS) {
            Known::Unknown(why, address) => return unknown(why, &address),
            known => groups.extend(known.value().and_then(|id| id.parse().ok())),
        }
    }
    let profile = match launch.profile {
        Known::Unknown(why, address) => return unknown(why, &address),
        Known::None => None,
        Known::Value(name) => {
            let (partition, account) = (partition(home), &home.account);
            format!("arn:{partition}:iam::{account}:instance-profile/{name}").parse::<Arn>().ok()
        }
    };
    let private_ip = resource
        .known("private_ip")
        .and_then(|text| text.parse().ok())
        .or_else(|| address_in(rows, &subnet_id, ADDRESS));
    let public_ip = match public_address(
        world,
        home,
        resource,
        launch.public_address,
        subnet.as_ref().is_some_and(|subnet| subnet.maps_public_ip),
        interface_id.as_deref(),
    ) {
        Known::Unknown(why, address) => return unknown(why, &address),
        known => known.value(),
    };
    let ipv6: Vec<_> =
        resource.texts("ipv6_addresses").iter().filter_map(|text| text.parse().ok()).collect();
    let interface_id = interface_id.unwrap_or_else(|| INTERFACE_OF_INSTANCE.id(id.as_str()));
    let Ok(interface_id) = interface_id.parse::<NetworkInterfaceId>() else {
        return unknown(
            Why::Unreadable,
            &resource.attribute_address("primary_network_interface_id"),
        );
    };
    let interface = NetworkInterface {
        subnet: subnet_id.clone(),
        private_ips: private_ip.map(std::net::IpAddr::V4).into_iter().collect(),
        security_groups: groups.clone(),
        instance: Some(id.clone()),
        public_ip,
        source_dest_check: Some(resource.flag("source_dest_check", true)),
    };
    rows.facts.network_interfaces.insert(interface_id.clone(), Row::Present(interface));
    Row::Present(Instance {
        name: resource.tags().get("Name").cloned(),
        // A service that manages instances creates them itself.
        managed_by: None,
        state: state(world, home, resource),
        vpc: subnet.map(|subnet| subnet.vpc),
        subnet: Some(subnet_id.clone()),
        interfaces: vec![AttachedInterface {
            id: interface_id,
            device_index: 0,
            subnet: subnet_id,
            private_ip,
            public_ip,
            ipv6,
            security_groups: groups,
        }],
        profile,
        profile_id: None,
        metadata: launch.metadata,
        image: launch.image.and_then(|image| image.parse().ok()),
        windows: resource.flag("get_password_data", false),
        launched_at: None,
        tags: if resource.kind == KINDS[0] { resource.tags() } else { BTreeMap::new() },
    })
}

fn default_groups(world: &World, home: &Home, vpc: Option<&str>) -> Vec<SecurityGroupId> {
    let vpcs = world.of(home, &VPCS);
    let vpc = vpcs.into_iter().find(|other| Some(other.id.as_str()) == vpc);
    vpc.and_then(|vpc| default_group(vpc).parse().ok()).into_iter().collect()
}

fn state(world: &World, home: &Home, resource: &Resource) -> InstanceState {
    let set = world.of(home, &["aws_ec2_instance_state"]).find_map(|state| {
        world
            .refers_to(state, "instance_id", &["aws_instance"], &resource.id)
            .then(|| state.known("state"))?
    });
    set.or_else(|| resource.known("instance_state"))
        .map_or(InstanceState::Running, InstanceState::from)
}

/// The public address of an instance, if it has one.
fn public_address(
    world: &World,
    home: &Home,
    resource: &Resource,
    asked: Option<bool>,
    by_subnet: bool,
    interface: Option<&str>,
) -> Known<Ipv4Addr> {
    let (mut associated, mut open) = (false, None);
    for address in world.of(home, &["aws_eip", "aws_eip_association"]) {
        for name in ["instance", "instance_id", "network_interface", "network_interface_id"] {
            match world.refers_to_one(address, name, &INTERFACES) {
                Known::Value(of) => {
                    associated |= of == resource.id || Some(of.as_str()) == interface;
                }
                Known::Unknown(why, address) => open = Some((why, address)),
                Known::None => {}
            }
        }
    }
    // The plan of an instance that exists says whether it has one.
    let is = match resource.values.get("public_ip").and_then(Value::as_str) {
        Some(address) => !address.is_empty(),
        None => asked.unwrap_or(by_subnet),
    };
    let given = resource.known("public_ip").and_then(|text| text.parse().ok());
    match open {
        _ if is || associated => Known::Value(given.unwrap_or(NEW_ADDRESS)),
        Some((why, address)) => Known::Unknown(why, address),
        None => Known::None,
    }
}

/// The tenth address of a subnet: AWS keeps the first four and the last one.
pub(super) const ADDRESS: u32 = 10;

/// An address for what is planned in a subnet.
pub(super) fn address_in(rows: &Rows, subnet: &SubnetId, at: u32) -> Option<Ipv4Addr> {
    let Some(Row::Present(subnet)) = rows.facts.subnets.get(subnet) else { return None };
    let cidr = subnet.cidr?;
    let address = Ipv4Addr::from(u32::from(cidr.network()).saturating_add(at));
    // The smallest subnets have 16 addresses.
    let fits = cidr.contains(&address) && address != cidr.broadcast();
    Some(if fits {
        address
    } else {
        Ipv4Addr::from(u32::from(cidr.network()).saturating_add(ADDRESS))
    })
}
