"""Where moto answers otherwise than AWS: put right, so that no test learns from it.

Each function below replaces or wraps one of moto's, named in `apply`.
"""

import ipaddress
import json
import re
import secrets
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.serialize import never_return, url_encode
from moto.core.utils import get_pagination_model, utcnow
from moto.ec2.models import EC2Backend, ec2_backends, elastic_ip_addresses
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.iam_instance_profile import IamInstanceProfileAssociation
from moto.ec2.models.instances import Instance, InstanceBackend, MetadataOptions
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.managed_prefixes import ManagedPrefixList
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.network_acls import NetworkAclBackend
from moto.ec2.models.route_tables import Route
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.transit_gateway_attachments import TransitGatewayAttachment
from moto.ec2.models.transit_gateway_route_tables import TransitGatewayRelations, TransitGatewayRouteTableBackend
from moto.ec2.models.vpcs import VPC, VPCBackend, VPCEndPoint
from moto.ec2.responses import EC2Response
from moto.ec2.responses.general import General
from moto.ec2.utils import Base64EncodedString, random_public_ip
from moto.iam import models as iam_models
from moto.iam.models import IAMBackend, User
from moto.iam.responses import IamResponse
from moto.logs.utils import EventMessageFilter
from moto.networkfirewall.responses import NetworkFirewallResponse
from moto.kms.models import KmsBackend
from moto.route53.models import FakeZone, Route53Backend, route53_backends
from moto.route53.responses import Route53
from moto.route53resolver.models import ResolverRule, ResolverRuleAssociation, Route53ResolverBackend
from moto.s3.models import S3Backend
from moto.ssm.models import SimpleSystemManagerBackend

import state


class Refused(ServiceException):
    """An error of AWS's own: `Refused(code, message)`."""


def _regional(resource: Any) -> dict[str, Any]:
    backend = getattr(resource, "ec2_backend", resource)
    return state.region(backend.account_id, backend.region_name)


# Network interfaces

# Addresses that AWS keeps in every subnet: network, router, DNS, spare.
RESERVED = 4


def free_address(subnet: Subnet) -> str:
    network = ipaddress.ip_network(subnet.cidr_block)
    taken = {
        address["PrivateIpAddress"]
        for eni in subnet.ec2_backend.enis.values()
        if eni.subnet_id == subnet.id
        for address in eni.private_ip_addresses
    }
    # Above the addresses that moto counts off for instances, so that the two never meet.
    hosts = range(network.num_addresses - 2, RESERVED - 1, -1)
    return next(str(network[n]) for n in hosts if str(network[n]) not in taken)


def service_interface(
    backend: EC2Backend, subnet_id: str, groups: list[str], kind: str, description: str
) -> NetworkInterface:
    """An interface that an AWS service keeps in a customer's subnet."""
    subnet = backend.get_subnet(subnet_id)
    eni = backend.create_network_interface(subnet, free_address(subnet), group_ids=groups, description=description)
    eni.interface_type = kind
    eni.requester_managed = True
    eni.status = "in-use"
    if kind == "nat_gateway":
        eni._group_set = []
        eni.source_dest_check = False
    return eni


# VPC endpoints


def create_vpc_endpoint(
    self: VPCBackend, vpc_id: str, service_name: str, endpoint_type: str, **given: Any
) -> VPCEndPoint:
    interface = (endpoint_type or "").lower() == "interface"
    private_dns = interface and given.pop("private_dns_enabled", True)
    given.pop("private_dns_enabled", None)
    subnets = given.pop("subnet_ids", None) or []
    vpc = self.get_vpc(vpc_id)
    if private_dns:
        refuse_private_dns(self, vpc, service_name)
    if interface and not given.get("security_group_ids"):
        given["security_group_ids"] = [self.get_default_security_group(vpc_id).id]
    endpoint = _create_vpc_endpoint(
        self,
        vpc_id,
        service_name,
        endpoint_type or "Gateway",
        subnet_ids=[],
        private_dns_enabled=private_dns,
        **given,
    )
    endpoint.vpc_endpoint_type = endpoint_type or "Gateway"
    endpoint.ip_address_type = "ipv4"
    endpoint.requester_managed = False
    endpoint.dns_suffix = secrets.token_hex(4)
    add_endpoint_subnets(endpoint, subnets)
    return endpoint


def refuse_private_dns(backend: EC2Backend, vpc: VPC, service_name: str) -> None:
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise Refused(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes "
            f"set to true for {vpc.id}",
        )
    for other in backend.vpc_end_points.values():
        if other.vpc_id == vpc.id and other.service_name == service_name and other.private_dns_enabled:
            raise Refused(
                "InvalidParameter",
                f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                f"{service_name} in the VPC {vpc.id}",
            )
    refuse_second_zone(backend.account_id, vpc.id, private_name(service_name), "InvalidParameter")


def add_endpoint_subnets(endpoint: VPCEndPoint, subnets: list[str]) -> None:
    backend = endpoint.ec2_backend
    for subnet in subnets:
        if subnet in endpoint.subnet_ids:
            continue
        eni = service_interface(
            backend, subnet, endpoint.security_group_ids, "vpc_endpoint", f"VPC Endpoint Interface {endpoint.id}"
        )
        endpoint.subnet_ids.append(subnet)
        endpoint.network_interface_ids.append(eni.id)


def remove_endpoint_subnets(endpoint: VPCEndPoint, subnets: list[str]) -> None:
    for eni_id in list(endpoint.network_interface_ids):
        if endpoint.ec2_backend.enis[eni_id].subnet_id in subnets:
            endpoint.network_interface_ids.remove(eni_id)
            del endpoint.ec2_backend.enis[eni_id]
    endpoint.subnet_ids = [subnet for subnet in endpoint.subnet_ids if subnet not in subnets]


def endpoint_dns_entries(self: VPCEndPoint) -> list[dict[str, str]]:
    if self.vpc_endpoint_type.lower() != "interface" or not self.subnet_ids:
        return []
    region = self.ec2_backend.region_name
    service = self.service_name.split(".")[-1]
    stem = f"{self.id}-{self.dns_suffix}"
    zones = {self.ec2_backend.get_subnet(subnet).availability_zone for subnet in self.subnet_ids}
    names = [f"{stem}.{service}.{region}.vpce.amazonaws.com"]
    names += [f"{stem}-{zone}.{service}.{region}.vpce.amazonaws.com" for zone in sorted(zones)]
    entries = [{"DnsName": name, "HostedZoneId": "Z2E726K9Y6RL4W"} for name in names]
    if self.private_dns_enabled:
        entries.append({"DnsName": f"{service}.{region}.amazonaws.com", "HostedZoneId": "Z0EXAMPLEPRIVATE"})
    return entries


def modify_vpc_endpoint(self: EC2Response) -> ActionResult:
    get = self._get_param
    endpoint = self.ec2_backend.describe_vpc_endpoints(vpc_end_point_ids=[get("VpcEndpointId")])[0]
    private_dns = self._get_bool_param("PrivateDnsEnabled")
    if private_dns and not endpoint.private_dns_enabled:
        refuse_private_dns(self.ec2_backend, self.ec2_backend.get_vpc(endpoint.vpc_id), endpoint.service_name)
    if private_dns is not None:
        endpoint.private_dns_enabled = private_dns
    if self._get_bool_param("ResetPolicy"):
        endpoint.modify(json.dumps(VPCEndPoint.DEFAULT_POLICY), *[None] * 6)
    endpoint.modify(
        get("PolicyDocument"),
        None,
        None,
        get("AddRouteTableIds"),
        get("RemoveRouteTableIds"),
        get("AddSecurityGroupIds"),
        get("RemoveSecurityGroupIds"),
    )
    groups = [self.ec2_backend.get_security_group_from_id(group) for group in endpoint.security_group_ids]
    for eni_id in endpoint.network_interface_ids:
        self.ec2_backend.enis[eni_id]._group_set = list(groups)
    remove_endpoint_subnets(endpoint, get("RemoveSubnetIds") or [])
    add_endpoint_subnets(endpoint, get("AddSubnetIds") or [])
    return ActionResult({"Return": True})


def delete_vpc_endpoints(self: VPCBackend, vpce_ids: list[str] | None = None) -> None:
    for endpoint_id in vpce_ids or []:
        endpoint = self.vpc_end_points.get(endpoint_id)
        if endpoint and endpoint.vpc_endpoint_type == "Gateway":
            for table in self.route_tables.values():
                for key, route in list(table._routes.items()):
                    if route.vpc_endpoint_id == endpoint_id or getattr(route.gateway, "id", None) == endpoint_id:
                        del table._routes[key]
        elif endpoint:
            remove_endpoint_subnets(endpoint, list(endpoint.subnet_ids))
        # AWS still lists it as `deleting` for a minute or so, then forgets it.
        self.vpc_end_points.pop(endpoint_id, None)


def endpoint_state(self: VPCEndPoint) -> str:
    return _regional(self)["endpoint_states"].get(self.id, "available")


def endpoint_filter_value(self: VPCEndPoint, name: str, method: str | None = None) -> Any:
    own = {
        "vpc-endpoint-id": self.id,
        "vpc-endpoint-type": self.vpc_endpoint_type,
        "vpc-endpoint-state": self.state,
        "service-name": self.service_name,
        "vpc-id": self.vpc_id,
        "ip-address-type": "ipv4",
    }
    return own[name] if name in own else super(VPCEndPoint, self).get_filter_value(name, method)


# Private hosted zones


def private_name(service_name: str) -> str:
    """`ssm.eu-west-1.amazonaws.com.` of `com.amazonaws.eu-west-1.ssm`."""
    region, service = service_name.removeprefix("com.amazonaws.").split(".", 1)
    return f"{service}.{region}.amazonaws.com."


def refuse_second_zone(account: str, vpc: str, name: str, code: str) -> None:
    """A VPC can have one zone of a name, and an endpoint's private DNS is such a zone."""
    zones = route53_backends[account]["aws"].zones.values()
    taken = any(zone.name == name and any(one["vpc_id"] == vpc for one in zone.vpcs) for zone in zones)
    if taken:
        raise Refused(code, f"The VPC {vpc} is already associated with a hosted zone for the domain {name}")


def refuse_zone(backend: Route53Backend, name: str, vpc: str, region: str) -> None:
    refuse_second_zone(backend.account_id, vpc, name, "ConflictingDomainExists")
    for endpoint in ec2_backends[backend.account_id][region].vpc_end_points.values():
        if endpoint.vpc_id == vpc and endpoint.private_dns_enabled and private_name(endpoint.service_name) == name:
            raise Refused("ConflictingDomainExists", f"{endpoint.id} has private DNS for the domain {name}")


def zone_parameter(self: Route53, name: str, *default: Any) -> Any:
    """A zone with a VPC is private, whether the request says so or not."""
    if name == "HostedZoneConfig.PrivateZone" and self._get_param("VPC.VPCId"):
        return True
    return BaseResponse._get_bool_param(self, name, *default)


def create_hosted_zone(self: Route53Backend, name: str, *args: Any, **given: Any) -> FakeZone:
    if given.get("vpcid"):
        refuse_zone(self, name, given["vpcid"], given["vpcregion"])
    return _create_hosted_zone(self, name, *args, **given)


def associate_vpc_with_hosted_zone(self: Route53Backend, zone_id: str, vpcid: str, vpcregion: str) -> FakeZone:
    refuse_zone(self, self.get_hosted_zone(zone_id).name, vpcid, vpcregion)
    return _associate_vpc_with_hosted_zone(self, zone_id, vpcid, vpcregion)


def list_resource_record_sets(
    self: Route53Backend, zone_id: str, start_type: str, start_name: str, max_items: int
) -> tuple[list[Any], Any, Any, bool]:
    limit = state.account(self.account_id)["page_size"]
    return _list_resource_record_sets(
        self, zone_id, start_type, start_name, min(max_items, limit) if limit else max_items
    )


def filter_of_messages(self: EventMessageFilter, pattern: str) -> None:
    _filter_of_messages(self, pattern)
    self.terms = re.findall(r'"([^"]*)"', pattern or "")


def message_matches(self: EventMessageFilter, message: str) -> bool:
    """moto takes several quoted terms for one; each has to occur."""
    if len(self.terms) > 1:
        return all(term in message for term in self.terms)
    return _message_matches(self, message)


def list_resolver_rule_associations(self: Route53ResolverBackend, filters: Any, **given: Any) -> Any:
    """AWS lists its own rule for every VPC beside the account's: ask the internet about anything."""
    for association in self.resolver_rule_associations.values():
        # moto sorts by the name, which is optional.
        association.name = association.name or ""
    found, token = _list_resolver_rule_associations(self, filters, **given)
    wanted = next((one["Values"] for one in filters or [] if one["Name"] in ("VPCId", "vpc_id")), [])
    own = [
        ResolverRuleAssociation(
            self.region_name,
            f"rslvr-autodefined-assoc-{vpc}-internet-resolver",
            "rslvr-autodefined-rr-internet-resolver",
            vpc,
            "System Rule Association",
        )
        for vpc in wanted
        if not given.get("next_token")
    ]
    return own + list(found), token


def resolver_rule(self: ResolverRule) -> dict[str, Any]:
    """Rules for all names are spelled `.`, and any other name with its final dot."""
    described = _resolver_rule(self)
    described["DomainName"] = described["DomainName"].rstrip(".") + "."
    return described


# Gateways and routes


def create_nat_gateway(self: NatGatewayBackend, *args: Any, **given: Any) -> NatGateway:
    gateway = _create_nat_gateway(self, *args, **given)
    gateway.connectivity_type = gateway.connectivity_type or "public"
    eni = gateway._eni
    eni.interface_type = "nat_gateway"
    eni.requester_managed = True
    eni.status = "in-use"
    eni.source_dest_check = False
    # A NAT gateway has no security group, and its address is one of its subnet's.
    eni._group_set = []
    eni.description = f"Interface for NAT Gateway {gateway.id}"
    address = free_address(eni.subnet)
    eni.private_ip_address = address
    eni.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]
    gateway.private_ip = address
    gateway.address_set[0]["privateIp"] = address
    gateway.address_set[0]["isPrimary"] = True
    gateway.address_set[0]["status"] = "succeeded"
    return gateway


def delete_nat_gateway(self: NatGatewayBackend, nat_gateway_id: str) -> NatGateway:
    gateway = self.nat_gateways.get(nat_gateway_id)
    if gateway is None:
        raise Refused("NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found")
    # It stays listed as deleted for about an hour; its interface and its hold on the address are gone.
    gateway.state = "deleted"
    gateway.delete_time = utcnow()
    self.enis.pop(gateway._eni.id, None)
    return gateway


def describe_nat_gateways(self: NatGatewayBackend, filters: Any, nat_gateway_ids: list[str] | None) -> list[NatGateway]:
    for gateway in nat_gateway_ids or []:
        if gateway not in self.nat_gateways:
            raise Refused("NatGatewayNotFound", f"The Nat Gateway {gateway} was not found")
    return _visible(self, _describe_nat_gateways(self, filters, nat_gateway_ids))


def route_state(self: Route) -> str:
    """A route to something that is gone stays in its table and swallows packets."""
    backend = self.route_table.ec2_backend
    if self.nat_gateway and self.nat_gateway.state != "available":
        return "blackhole"
    if self.gateway and self.gateway.id.startswith("igw-"):
        gateway = backend.internet_gateways.get(self.gateway.id)
        if gateway is None or gateway.vpc is None or gateway.vpc.id != self.route_table.vpc_id:
            return "blackhole"
    if self.instance and self.instance.state in ("stopped", "terminated"):
        return "blackhole"
    if self.interface:
        instance = self.interface.instance
        stopped = instance is not None and instance.state in ("stopped", "terminated")
        if stopped or self.interface.id not in backend.enis:
            return "blackhole"
    return "active"


# Network ACLs


def create_network_acl(self: NetworkAclBackend, vpc_id: str, tags: Any = None, default: bool = False) -> Any:
    acl = _create_network_acl(self, vpc_id, tags, default)
    if not default:
        for egress in (True, False):
            self.create_network_acl_entry(
                network_acl_id=acl.id,
                rule_number=32767,
                protocol="-1",
                rule_action="deny",
                egress=egress,
                cidr_block="0.0.0.0/0",
                icmp_code=None,
                icmp_type=None,
                port_range_from=None,
                port_range_to=None,
                ipv6_cidr_block=None,
            )
    return acl


# Regions

# Enabled in every account of the aws partition; the others each account chooses.
REGIONS = {
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
}


def describe_regions(self: RegionsAndZonesBackend, *args: Any, **given: Any) -> list[Any]:
    """moto lists every region of every partition."""
    return [region for region in _describe_regions(self, *args, **given) if region.name in REGIONS]


# Instances


def instance_status(self: Instance) -> dict[str, Any]:
    if self.state_code != 16:
        return {"Status": "not-applicable"}
    if self.id in _regional(self)["impaired"]:
        since = utcnow().isoformat()
        return {
            "Details": [{"Name": "reachability", "Status": "failed", "ImpairedSince": since}],
            "Status": "impaired",
        }
    return {"Details": [{"Name": "reachability", "Status": "passed"}], "Status": "ok"}


def launch_time(self: Instance) -> Any:
    return _regional(self)["launch_times"].get(self.id, self._launched)


def set_launch_time(self: Instance, value: Any) -> None:
    self._launched = value


def scheduled_events(self: Instance) -> list[dict[str, Any]]:
    return _regional(self)["events"].get(self.id, [])


def get_console_output(self: General) -> ActionResult:
    """What the world says; moto shows a machine of 2005."""
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    console = _regional(instance)["consoles"].get(instance.id)
    result = {"InstanceId": instance.id, "Timestamp": console["at"] if console else instance.launch_time}
    if console:
        result["Output"] = Base64EncodedString.from_raw_string(console["output"])
    return ActionResult(result)


def profile_time(self: IamInstanceProfileAssociation) -> Any:
    times = state.region(self.ec2_backend.account_id, self.ec2_backend.region_name)["profile_times"]
    return times.get(self.instance_id, self.instance.launch_time)


def modify_instance_metadata_options(self: InstanceBackend, instance_id: str, **given: Any) -> MetadataOptions:
    """Changes what is given and keeps the rest; moto sets the rest to nothing."""
    options = self.get_instance(instance_id).metadata_options
    for field, name in (
        ("http_tokens", "http_tokens"),
        ("http_put_response_hop_limit", "hop_limit"),
        ("http_endpoint", "http_endpoint"),
        ("http_protocol_ipv6", "http_protocol"),
        ("instance_metadata_tags", "metadata_tags"),
    ):
        if given.get(name) is not None:
            setattr(options, field, given[name])
    return options


def refuse_malformed(instances: list[str]) -> None:
    for instance in instances:
        if not re.fullmatch(r"i-([0-9a-f]{8}|[0-9a-f]{17})", instance):
            raise Refused("InvalidInstanceID.Malformed", f'Invalid id: "{instance}"')


def instances_by_ids(self: InstanceBackend, instance_ids: list[str], *args: Any, **given: Any) -> Any:
    refuse_malformed(instance_ids)
    return _instances_by_ids(self, instance_ids, *args, **given)


def statuses_by_ids(self: InstanceBackend, instance_ids: list[str], *args: Any, **given: Any) -> Any:
    refuse_malformed(instance_ids)
    return _statuses_by_ids(self, instance_ids, *args, **given)


def association(self: NetworkInterface) -> dict[str, Any] | None:
    """Absent without a public address; moto gives an empty one."""
    return _association.fget(self) or None


def init_profile_association(self: IamInstanceProfileAssociation, *args: Any, **given: Any) -> None:
    """The instance carries the profile's id; moto puts the association's there."""
    _init_profile_association(self, *args, **given)
    self.instance.iam_instance_profile = {
        "Arn": self.iam_instance_profile.arn,
        "Id": self.iam_instance_profile.id,
    }


# VPCs


def owner_id(self: VPC | Subnet) -> str:
    return _regional(self)["owners"].get(self.id, self.ec2_backend.account_id)


def _visible(backend: EC2Backend, rows: list[Any]) -> list[Any]:
    hidden = _regional(backend)["hidden"]
    return [row for row in rows if row.id not in hidden]


def describe_vpc_endpoints(self: VPCBackend, *args: Any, **given: Any) -> list[VPCEndPoint]:
    return _visible(self, _describe_vpc_endpoints(self, *args, **given))


def network_interfaces(self: NetworkInterfaceBackend, *args: Any, **given: Any) -> list[NetworkInterface]:
    hidden = _regional(self)["hidden"]
    owners = {
        eni for one in hidden if one in self.vpc_end_points for eni in self.vpc_end_points[one].network_interface_ids
    }
    return [eni for eni in _network_interfaces(self, *args, **given) if eni.id not in owners]


def describe_security_groups(self: SecurityGroupBackend, *args: Any, **given: Any) -> list[SecurityGroup]:
    return _visible(self, _describe_security_groups(self, *args, **given))


def describe_internet_gateways(self: InternetGatewayBackend, *args: Any, **given: Any) -> list[Any]:
    return _visible(self, _describe_internet_gateways(self, *args, **given))


def init_vpc(self: VPC, *args: Any, **given: Any) -> None:
    """Every region has one set of DHCP options from the start, and every VPC uses it."""
    _init_vpc(self, *args, **given)
    backend = self.ec2_backend
    if not hasattr(backend, "amazon_dhcp_options"):
        region = backend.region_name
        domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
        backend.amazon_dhcp_options = backend.create_dhcp_options(["AmazonProvidedDNS"], [domain])
    self.dhcp_options = backend.amazon_dhcp_options


# Every service


def serialized(self: BaseResponse, result: ActionResult) -> Any:
    """Pages EC2's lists, which moto gives whole whatever MaxResults says."""
    if isinstance(self, EC2Response) and isinstance(result.result, dict):
        try:
            _cut(self, result.result)
        except Refused as refusal:
            result = ActionResult(refusal)
            self.response_headers["status"] = "400"
    return _serialized(self, result)


# Not every operation takes few rows at a time, and outside its range AWS refuses.
PAGE_SIZES = {"DescribeRouteTables": (5, 100), "GetManagedPrefixListEntries": (1, 100)}


def _cut(request: EC2Response, body: dict[str, Any]) -> None:
    action = request._get_action()
    model = get_pagination_model("ec2").get(action)
    if not model or isinstance(model["result_key"], list) or body.get("NextToken"):
        return
    key = model["result_key"]
    rows = body.get(key)
    asked = request._get_int_param("MaxResults")
    if asked is not None:
        lowest, highest = PAGE_SIZES.get(action, (5, 1000))
        if not lowest <= asked <= highest:
            raise Refused("InvalidParameterValue", f"Value ( {asked} ) for parameter maxResults is invalid.")
    limit = state.account(request.current_account)["page_size"]
    size = min(filter(None, (asked, limit)), default=0)
    if rows is None or not size:
        return
    token = str(request._get_param("NextToken") or "page-0")
    start = int(token.removeprefix("page-")) if token.startswith("page-") else 0
    body[key] = list(rows)[start : start + size]
    if start + size < len(rows):
        body["NextToken"] = f"page-{start + size}"


def get_bucket_encryption(self: S3Backend, bucket_name: str) -> dict[str, Any]:
    """Since January 2023 every bucket is encrypted with S3's own keys unless told otherwise."""
    return _get_bucket_encryption(self, bucket_name) or {
        "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    }


def put_user_permissions_boundary(self: IamResponse) -> ActionResult:
    user = self.backend.get_user(self._get_param("UserName"))
    user.permissions_boundary = {
        "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
        "PermissionsBoundaryArn": self._get_param("PermissionsBoundary"),
    }
    return ActionResult({})


def create_user(self: IAMBackend, *args: Any, **given: Any) -> Any:
    user = _create_user(self, *args, **given)
    user.id = unique_id("AIDA")
    return user


def create_instance_profile(self: IAMBackend, *args: Any, **given: Any) -> Any:
    profile = _create_instance_profile(self, *args, **given)
    profile.id = unique_id("AIPA")
    return profile


def unique_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(17))


# The session documents that AWS owns are in every account. None has `inputs`: the account's
# preferences are no part of them.
AWS_DOCUMENTS = {
    "AWS-StartInteractiveCommand": "InteractiveCommands",
    "AWS-StartNonInteractiveCommand": "NonInteractiveCommands",
    "AWS-StartPortForwardingSession": "Port",
    "AWS-StartPortForwardingSessionToRemoteHost": "Port",
    "AWS-StartSSHSession": "Port",
}


def get_document(self: SimpleSystemManagerBackend, name: str, *args: Any, **given: Any) -> dict[str, Any]:
    if name not in AWS_DOCUMENTS:
        return _get_document(self, name, *args, **given)
    content = {"schemaVersion": "1.0", "description": name, "sessionType": AWS_DOCUMENTS[name]}
    return {
        "Name": name,
        "DocumentVersion": "1",
        "Status": "Active",
        "Content": json.dumps(content),
        "DocumentType": "Session",
        "DocumentFormat": "JSON",
    }


def create_security_group(self: SecurityGroupBackend, *args: Any, **given: Any) -> SecurityGroup:
    """A VPC's default group lets its own members in."""
    group = _create_security_group(self, *args, **given)
    if group.is_default:
        self.authorize_security_group_ingress(
            group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}], vpc_id=group.vpc_id
        )
    return group


def prefix_list_cidrs(self: ManagedPrefixList) -> list[str]:
    newest = list(self.entries.values())[-1:]
    return [entry["Cidr"] for entries in newest for entry in entries]


def few_managed_policies() -> str:
    """moto makes all 1,582 of AWS's policies for every account: more time than all else in a world."""
    every = json.loads(iam_models.aws_managed_policies_data)
    few = ("AmazonSSM", "AmazonEC2RoleforSSM", "CloudWatchAgentServerPolicy", "AdministratorAccess", "ReadOnlyAccess")
    return json.dumps({name: policy for name, policy in every.items() if name.startswith(few)})


_create_vpc_endpoint = VPCBackend.create_vpc_endpoint
_describe_vpc_endpoints = VPCBackend.describe_vpc_endpoints
_create_nat_gateway = NatGatewayBackend.create_nat_gateway
_describe_nat_gateways = NatGatewayBackend.describe_nat_gateways
_create_network_acl = NetworkAclBackend.create_network_acl
_describe_internet_gateways = InternetGatewayBackend.describe_internet_gateways
_network_interfaces = NetworkInterfaceBackend.get_all_network_interfaces
_describe_security_groups = SecurityGroupBackend.describe_security_groups
_create_security_group = SecurityGroupBackend.create_security_group
_instances_by_ids = InstanceBackend.get_reservations_by_instance_ids
_statuses_by_ids = InstanceBackend.describe_instance_status
_association = NetworkInterface.association
_init_profile_association = IamInstanceProfileAssociation.__init__
_create_user = IAMBackend.create_user
_create_instance_profile = IAMBackend.create_instance_profile
_get_document = SimpleSystemManagerBackend.get_document
_describe_regions = RegionsAndZonesBackend.describe_regions
_init_vpc = VPC.__init__
_serialized = BaseResponse.serialized
_get_bucket_encryption = S3Backend.get_bucket_encryption
_create_hosted_zone = Route53Backend.create_hosted_zone
_enable_key = KmsBackend.enable_key
_disable_key = KmsBackend.disable_key
_associate_vpc_with_hosted_zone = Route53Backend.associate_vpc_with_hosted_zone
_list_resource_record_sets = Route53Backend.list_resource_record_sets
_filter_of_messages = EventMessageFilter.__init__
_message_matches = EventMessageFilter.matches
_list_resolver_rule_associations = Route53ResolverBackend.list_resolver_rule_associations
_resolver_rule = ResolverRule.description


# Transit gateways


def transit_association(attachment: TransitGatewayAttachment) -> dict[str, str] | None:
    """moto says the default table, whatever it was told. Only the gateway's owner is told at all."""
    if attachment.transit_gateway_id in _regional(attachment)["foreign_transit_gateways"]:
        return None
    for table in attachment.ec2_backend.transit_gateways_route_tables.values():
        if attachment.id in table.route_table_associations:
            return {"TransitGatewayRouteTableId": table.id, "State": "associated"}
    return None


_transit_tables = TransitGatewayRouteTableBackend.get_all_transit_gateway_route_tables


def transit_tables(backend: EC2Backend, ids: Any = None, filters: Any = None) -> list[Any]:
    foreign = _regional(backend)["foreign_transit_gateways"]
    return [one for one in _transit_tables(backend, ids, filters) if one.transit_gateway_id not in foreign]


def search_transit_gateway_routes(
    backend: EC2Backend, transit_gateway_route_table_id: str, filters: Any, max_results: int | None = None
) -> list[dict[str, Any]]:
    """Static routes with their attachments as the list that they are, and what attachments announce."""
    table = backend.transit_gateways_route_tables[transit_gateway_route_table_id]
    attachments = backend.transit_gateway_attachments
    options = backend.transit_gateways[table.transit_gateway_id].options
    announcing = [one.transitGatewayAttachmentId for one in table.route_table_propagation]
    if table.default_propagation_route_table and options["DefaultRouteTablePropagation"] == "enable":
        of_it = (one for one in attachments.values() if one.transit_gateway_id == table.transit_gateway_id)
        announcing += [one.id for one in of_it if one.resource_type == "vpc"]

    def route(cidr: str, kind: str, condition: str, attachment: str | None) -> dict[str, Any]:
        via = attachments.get(attachment)
        to = {"ResourceId": via.resource_id, "ResourceType": via.resource_type} if via else {}
        to = {**to, "TransitGatewayAttachmentId": attachment}
        return {
            "DestinationCidrBlock": cidr,
            "Type": kind,
            "State": condition,
            "TransitGatewayAttachments": [to] if via else [],
        }

    routes = []
    for cidr, one in table.routes.items():
        via = (one.get("transitGatewayAttachments") or {}).get("transitGatewayAttachmentId")
        routes.append(route(cidr, "static", one["state"], via))
    for attachment in announcing:
        vpc = backend.get_vpc(attachments[attachment].resource_id)
        cidrs = [one["cidr_block"] for one in vpc.get_cidr_block_association_set()]
        routes += [route(cidr, "propagated", "active", attachment) for cidr in cidrs]
    wanted = filters.get("state")
    return [one for one in routes if not wanted or one["State"] in wanted]


def disassociate_transit_gateway_route_table(backend: EC2Backend, tgw_attach_id: str, tgw_rt_id: str) -> Any:
    """moto knows nothing of associations that it made by itself."""
    association = TransitGatewayRelations(backend, tgw_attach_id, tgw_rt_id, state="disassociated")
    backend.unset_route_table_association(tgw_rt_id, tgw_attach_id=tgw_attach_id)
    return association


# Network Firewall


def describe_firewall(self: NetworkFirewallResponse) -> str:
    """With the endpoints, of which moto has none."""
    arn = self._get_param("FirewallArn")
    found = self.networkfirewall_backend.firewalls.get(arn)
    if found is None:
        raise Refused("ResourceNotFoundException", f"The firewall {arn} was not found.")
    states = state.region(self.current_account, self.region)["firewall_endpoints"].get(found.firewall_name, {})
    ready = all(one["Attachment"]["Status"] == "READY" for one in states.values())
    about = {
        "FirewallName": found.firewall_name,
        "FirewallArn": arn,
        "FirewallPolicyArn": found.firewall_policy_arn,
        "VpcId": found.vpc_id,
        "SubnetMappings": found.subnet_mappings,
        "FirewallId": "1",
    }
    status = {
        "Status": "READY" if ready else "PROVISIONING",
        "ConfigurationSyncStateSummary": "IN_SYNC",
        "SyncStates": states,
    }
    return json.dumps({"UpdateToken": "1", "Firewall": about, "FirewallStatus": status})


def enable_key(self: KmsBackend, key_id: str) -> None:
    """KMS takes a key's ARN too."""
    _enable_key(self, self.get_key_id(key_id))


def disable_key(self: KmsBackend, key_id: str) -> None:
    _disable_key(self, self.get_key_id(key_id))


def apply() -> None:
    TransitGatewayAttachment.association = property(transit_association)
    TransitGatewayRouteTableBackend.get_all_transit_gateway_route_tables = transit_tables
    TransitGatewayRouteTableBackend.search_transit_gateway_routes = search_transit_gateway_routes
    TransitGatewayRouteTableBackend.disassociate_transit_gateway_route_table = disassociate_transit_gateway_route_table
    NetworkFirewallResponse.describe_firewall = describe_firewall
    iam_models.aws_managed_policies_data = few_managed_policies()
    # Elastic addresses come from the loopback network otherwise.
    elastic_ip_addresses.random_ip = random_public_ip
    VPCBackend.create_vpc_endpoint = create_vpc_endpoint
    VPCBackend.describe_vpc_endpoints = describe_vpc_endpoints
    VPCBackend.delete_vpc_endpoints = delete_vpc_endpoints
    VPCEndPoint.dns_entries = property(endpoint_dns_entries, lambda self, value: None)
    VPCEndPoint.state = property(endpoint_state, lambda self, value: None)
    VPCEndPoint.get_filter_value = endpoint_filter_value
    EC2Response.modify_vpc_endpoint = modify_vpc_endpoint
    NatGatewayBackend.create_nat_gateway = create_nat_gateway
    NatGatewayBackend.delete_nat_gateway = delete_nat_gateway
    NatGatewayBackend.describe_nat_gateways = describe_nat_gateways
    Route.state = property(route_state)
    NetworkAclBackend.create_network_acl = create_network_acl
    Instance.instance_status = property(instance_status)
    Instance.launch_time = property(launch_time, set_launch_time)
    InstanceBackend.modify_instance_metadata_options = modify_instance_metadata_options
    InternetGatewayBackend.describe_internet_gateways = describe_internet_gateways
    InstanceBackend.get_reservations_by_instance_ids = instances_by_ids
    InstanceBackend.describe_instance_status = statuses_by_ids
    NetworkInterface.association = property(association)
    NetworkInterfaceBackend.get_all_network_interfaces = network_interfaces
    SecurityGroupBackend.create_security_group = create_security_group
    SecurityGroupBackend.describe_security_groups = describe_security_groups
    IamInstanceProfileAssociation.__init__ = init_profile_association
    IamInstanceProfileAssociation.timestamp = property(profile_time)
    Instance.events = property(scheduled_events)
    General.get_console_output = get_console_output
    IAMBackend.create_user = create_user
    IAMBackend.create_instance_profile = create_instance_profile
    SimpleSystemManagerBackend.get_document = get_document
    RegionsAndZonesBackend.describe_regions = describe_regions
    VPC.__init__ = init_vpc
    VPC.owner_id = property(owner_id)
    Subnet.owner_id = property(owner_id)
    ManagedPrefixList.cidrs = property(prefix_list_cidrs)
    BaseResponse.serialized = serialized
    S3Backend.get_bucket_encryption = get_bucket_encryption
    Route53._get_bool_param = zone_parameter
    Route53Backend.create_hosted_zone = create_hosted_zone
    Route53Backend.associate_vpc_with_hosted_zone = associate_vpc_with_hosted_zone
    Route53Backend.list_resource_record_sets = list_resource_record_sets
    KmsBackend.enable_key = enable_key
    KmsBackend.disable_key = disable_key
    Route53ResolverBackend.list_resolver_rule_associations = list_resolver_rule_associations
    ResolverRule.description = resolver_rule
    User.permissions_boundary = None
    # Policies come URL-encoded everywhere, and a profile's roles without their tags.
    roles = "GetInstanceProfileResponse.InstanceProfile.Roles.Role"
    IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER[f"{roles}.AssumeRolePolicyDocument"] = url_encode
    IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER[f"{roles}.Tags"] = never_return
    IamResponse.put_user_permissions_boundary = put_user_permissions_boundary
    EventMessageFilter.__init__ = filter_of_messages
    EventMessageFilter.matches = message_matches
