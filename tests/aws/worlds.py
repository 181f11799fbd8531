"""Builds accounts the way their owners did: by API calls, and breaks them the same way.

    worlds.py --endpoint URL build WORLD[@REGION] [BREAK...]    prints one JSON object
    worlds.py --endpoint URL serve                      the same for each JSON line on stdin
    worlds.py list                                      names of worlds and breaks

A world is healthy. A break is what somebody did to it, together with what the agent's heartbeat then
shows: AWS's API never says *why* a node is silent, so the two must agree or the test proves nothing.
Breaks that people make before the launch (`before_launch`) change the plan, the others the account.
"""

import argparse
import base64
import json
import sys
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import boto3
from botocore.config import Config

AGENT = "3.3.2299.0"
IMAGE = "ami-0a1b2c3d4e5f60718"
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
ANYWHERE = "0.0.0.0/0"
READS = [
    "cloudtrail:LookupEvents",
    "cloudwatch:GetMetricData",
    "ec2:Describe*",
    "ec2:GetConsoleOutput",
    "ec2:GetManagedPrefixListEntries",
    "ec2:SearchTransitGatewayRoutes",
    "iam:Get*",
    "iam:List*",
    "iam:SimulatePrincipalPolicy",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:ListGrants",
    "logs:DescribeLogGroups",
    "logs:FilterLogEvents",
    "network-firewall:Describe*",
    "network-firewall:ListFirewalls",
    "organizations:DescribeOrganization",
    "organizations:DescribePolicy",
    "organizations:List*",
    "route53:Get*",
    "route53:List*",
    "route53profiles:List*",
    "route53resolver:Get*",
    "route53resolver:List*",
    "s3:GetBucketPolicy",
    "s3:GetEncryptionConfiguration",
    "ssm:Describe*",
    "ssm:Get*",
    "ssm:List*",
    "sts:GetCallerIdentity",
]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resources: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def trust(service: str) -> str:
    return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


class Cloud:
    """The account under construction. Its clients act as the account's root, unseen by the log."""

    _clients: ClassVar[dict[tuple[str, str, str], Any]] = {}
    _account: ClassVar[str] = ""

    def __init__(self, endpoint: str, account: str, region: str) -> None:
        self.endpoint, self.account, self.region = endpoint, account, region
        Cloud._account = account

    def __getattr__(self, service: str) -> Any:
        key = (self.endpoint, service, self.region)
        if key not in Cloud._clients:
            client = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id="builder",
                aws_secret_access_key="builder",
                config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
            )
            client.meta.events.register("before-sign", Cloud._act_as)
            Cloud._clients[key] = client
        return Cloud._clients[key]

    @staticmethod
    def _act_as(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = Cloud._account

    def put_state(self, values: dict[str, Any], region: str | None = None) -> None:
        request = urllib.request.Request(
            f"{self.endpoint}/_test/state?account={self.account}&region={region or self.region}",
            data=json.dumps(values).encode(),
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=10).close()


class World:
    def __init__(self, endpoint: str, account: str, region: str) -> None:
        self.cloud = Cloud(endpoint, account, region)
        self.account, self.region = account, region
        # What the plan may change before anything is launched.
        self.plan: dict[str, Any] = {"profile": True, "public_ip": True, "metadata": {"HttpTokens": "optional"}}
        self.ids: dict[str, Any] = {}
        self.target = ""
        self.node: dict[str, Any] = {}
        self.silence = 0
        # Nodes beside the target, and those of them whose session channel is open.
        self.others: dict[str, Any] = {}
        self.connected: list[str] = []
        self.state: dict[str, Any] = {"service_settings": {}}
        # Who asks the doctor; a user of another name exists already, with own permissions.
        self.operator_name = "operator"
        self.operator_statements: list[dict[str, Any]] = []
        self.operator_tags: list[dict[str, str]] = []
        self.operator_groups: list[str] = []
        self.token_expired = False

    # What the agent's heartbeat shows. Of several breaks the worst one shows.

    def sees(self, silence: int) -> None:
        self.silence = max(self.silence, silence)

    def not_connected(self) -> None:
        """Registered and pinging, but the session channel is down."""
        self.sees(1)

    def lost(self) -> None:
        """It worked once; the last ping is two hours old."""
        self.sees(2)

    def never_registered(self) -> None:
        self.sees(3)

    # Parts

    def vpc(self, hostnames: bool, cidr: str = "10.0.0.0/16") -> str:
        vpc = self.cloud.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        self.cloud.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": hostnames})
        self.ids["vpc"] = vpc
        return vpc

    def subnet(self, name: str, cidr: str) -> str:
        zone = f"{self.region}a"
        subnet = self.cloud.ec2.create_subnet(VpcId=self.ids["vpc"], CidrBlock=cidr, AvailabilityZone=zone)
        self.ids[f"{name}_subnet"] = subnet["Subnet"]["SubnetId"]
        table = self.cloud.ec2.create_route_table(VpcId=self.ids["vpc"])["RouteTable"]["RouteTableId"]
        self.cloud.ec2.associate_route_table(RouteTableId=table, SubnetId=self.ids[f"{name}_subnet"])
        self.ids[f"{name}_route_table"] = table
        return self.ids[f"{name}_subnet"]

    def security_group(self, name: str, description: str) -> str:
        group = self.cloud.ec2.create_security_group(GroupName=name, Description=description, VpcId=self.ids["vpc"])[
            "GroupId"
        ]
        self.ids[f"{name}_group"] = group
        return group

    def internet_gateway(self) -> str:
        gateway = self.cloud.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.cloud.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.ids["vpc"])
        self.ids["internet_gateway"] = gateway
        return gateway

    def endpoint(self, service: str) -> None:
        created = self.cloud.ec2.create_vpc_endpoint(
            VpcId=self.ids["vpc"],
            ServiceName=f"com.amazonaws.{self.region}.{service}",
            VpcEndpointType="Interface",
            SubnetIds=[self.ids["endpoints_subnet"]],
            SecurityGroupIds=[self.ids["endpoints_group"]],
            PrivateDnsEnabled=True,
        )
        self.ids[f"{service}_endpoint"] = created["VpcEndpoint"]["VpcEndpointId"]

    def role(self, name: str, service: str = "ec2.amazonaws.com", managed: str = CORE, path: str = "/") -> str:
        arn = self.cloud.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service), Path=path)
        self.cloud.iam.attach_role_policy(RoleName=name, PolicyArn=managed)
        self.ids["role"] = name
        return arn["Role"]["Arn"]

    def profile(self) -> None:
        self.role("EC2RoleforSSM")
        self.cloud.iam.create_instance_profile(InstanceProfileName="EC2RoleforSSM")
        self.cloud.iam.add_role_to_instance_profile(InstanceProfileName="EC2RoleforSSM", RoleName="EC2RoleforSSM")
        self.ids["profile"] = "EC2RoleforSSM"

    def instance(self, subnet: str, group: str) -> None:
        given: dict[str, Any] = {}
        if self.plan["profile"]:
            given["IamInstanceProfile"] = {"Name": "EC2RoleforSSM"}
        given["MetadataOptions"] = self.plan["metadata"]
        given["TagSpecifications"] = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web-1"}]}]
        self.runs(self.launch(subnet, group, **given))

    def launch(self, subnet: str, group: str, **given: Any) -> dict[str, Any]:
        launched = self.cloud.ec2.run_instances(
            ImageId=IMAGE,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet,
            SecurityGroupIds=[group],
            **given,
        )
        return launched["Instances"][0]

    def runs(self, instance: dict[str, Any]) -> None:
        """The instance is the target, and its agent reports."""
        self.target = instance["InstanceId"]
        self.state["launch_times"] = {self.target: ago(days=30).isoformat()}
        self.node = {
            "PingStatus": "Online",
            "LastPingDateTime": ago(seconds=50).timestamp(),
            "AgentVersion": AGENT,
            "IsLatestVersion": False,
            "PlatformType": "Linux",
            "PlatformName": "Amazon Linux",
            "PlatformVersion": "2",
            "ResourceType": "EC2Instance",
            "IPAddress": instance["PrivateIpAddress"],
            "ComputerName": instance.get("PrivateDnsName", ""),
            "SourceId": self.target,
            "SourceType": "AWS::EC2::Instance",
        }
        if "agent" in self.plan:
            self.node["AgentVersion"] = self.plan["agent"]
        if "dhmc_role" in self.plan:
            self.node["IamRole"] = self.plan["dhmc_role"]

    def target_arn(self) -> str:
        if self.target.startswith("mi-"):
            return f"arn:aws:ssm:{self.region}:{self.account}:managed-instance/{self.target}"
        return f"arn:aws:ec2:{self.region}:{self.account}:instance/{self.target}"

    def document_arns(self) -> list[str]:
        return [
            f"arn:aws:ssm:{self.region}:{self.account}:document/SSM-SessionManagerRunShell",
            f"arn:aws:ssm:{self.region}::document/AWS-StartSSHSession",
            f"arn:aws:ssm:{self.region}::document/AWS-StartPortForwardingSession",
            f"arn:aws:ssm:{self.region}::document/AWS-StartPortForwardingSessionToRemoteHost",
        ]

    def session_statements(self, targets: bool = True, documents: list[str] | None = None, **more: Any) -> None:
        """The operator's own rights: StartSession on the target and on documents, each if wanted."""
        resources = [self.target_arn()] if targets else []
        resources += self.document_arns() if documents is None else documents
        own = "arn:aws:ssm:*:*:session/${aws:userid}-*"
        self.operator_statements = [
            allow("ssm:StartSession", resources, **more),
            allow("ssmmessages:OpenDataChannel", own),
            allow(["ssm:ResumeSession", "ssm:TerminateSession"], own),
        ]

    def preferences(self, **inputs: Any) -> None:
        """Saves session preferences, which makes the document that does not exist before."""
        defaults = {
            "s3BucketName": "",
            "s3KeyPrefix": "",
            "s3EncryptionEnabled": False,
            "cloudWatchLogGroupName": "",
            "cloudWatchEncryptionEnabled": False,
            "cloudWatchStreamingEnabled": False,
            "idleSessionTimeout": "20",
            "maxSessionDuration": "",
            "kmsKeyId": "",
            "runAsEnabled": False,
            "runAsDefaultUser": "",
            "shellProfile": {"windows": "", "linux": ""},
        }
        self.session_document(
            "SSM-SessionManagerRunShell",
            description="Document to hold regional settings for Session Manager",
            sessionType="Standard_Stream",
            inputs={**defaults, **inputs},
        )

    def session_document(self, name: str, **content: Any) -> None:
        self.cloud.ssm.create_document(
            Name=name,
            DocumentType="Session",
            DocumentFormat="JSON",
            Content=json.dumps({"schemaVersion": "1.0", **content}),
        )

    def key(self) -> str:
        arn = self.cloud.kms.create_key(Description="sessions")["KeyMetadata"]["Arn"]
        self.ids["key"] = arn
        return arn

    def operator(self) -> dict[str, str]:
        iam = self.cloud.iam
        if self.operator_name == "operator":
            iam.create_user(UserName="operator")
        else:
            self.operator_statements = []
        iam.put_user_policy(UserName=self.operator_name, PolicyName="Diagnose", PolicyDocument=policy(allow(READS)))
        if self.operator_statements:
            document = policy(*self.operator_statements)
            iam.put_user_policy(UserName=self.operator_name, PolicyName="Sessions", PolicyDocument=document)
        for group in self.operator_groups:
            iam.add_user_to_group(UserName=self.operator_name, GroupName=group)
        if self.operator_tags:
            iam.tag_user(UserName=self.operator_name, Tags=self.operator_tags)
        key = iam.create_access_key(UserName=self.operator_name)["AccessKey"]
        self.ids["access_key"] = key["AccessKeyId"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def administrator(self) -> dict[str, str]:
        """Who carries out what the doctor says."""
        iam = self.cloud.iam
        if any(user["UserName"] == "administrator" for user in iam.list_users()["Users"]):
            return {}
        iam.create_user(UserName="administrator")
        iam.put_user_policy(UserName="administrator", PolicyName="All", PolicyDocument=policy(allow("*")))
        key = iam.create_access_key(UserName="administrator")["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def finish(self) -> dict[str, Any]:
        # As AWS shows the node once its agent reports again.
        reports = {"nodes": {self.target: {**self.node}, **self.others}, "connections": {self.target: "connected"}}
        nodes = {self.target: self.node}
        if self.silence == 3:
            nodes = {}
        elif self.silence == 2:
            self.node.update(PingStatus="ConnectionLost", LastPingDateTime=ago(hours=2).timestamp())
        nodes.update(self.others)
        connections = {self.target: "connected" if self.silence == 0 else "notconnected"}
        connections |= dict.fromkeys(self.connected, "connected")
        environment = self.operator()
        if self.token_expired:
            self.state["expired_keys"] = [environment["AWS_ACCESS_KEY_ID"]]
        self.cloud.put_state({**self.state, "nodes": nodes, "connections": connections})
        return {
            "target": self.target,
            "region": self.region,
            "account": self.account,
            "operator_env": environment,
            "administrator_env": self.administrator(),
            "reports": reports,
            "ids": self.ids,
        }


# The worlds

WORLDS: dict[str, tuple[str, Callable[[World], None]]] = {}


def world(name: str, region: str) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    def keep(build: Callable[[World], None]) -> Callable[[World], None]:
        WORLDS[name] = (region, build)
        return build

    return keep


@world("private-endpoints", "ap-northeast-1")
def private_endpoints(w: World) -> None:
    """No way out: interface endpoints in one subnet, the instance in another."""
    w.vpc(hostnames=True)
    w.subnet("endpoints", "10.0.1.0/24")
    instance_subnet = w.subnet("instance", "10.0.11.0/24")
    group = w.security_group("instance", "no way in")
    endpoints = w.security_group("endpoints", "HTTPS from the VPC")
    w.cloud.ec2.authorize_security_group_ingress(GroupId=endpoints, IpPermissions=[https_from("10.0.0.0/16")])
    # No way out for the endpoints either: security groups let replies through.
    w.cloud.ec2.revoke_security_group_egress(GroupId=endpoints, IpPermissions=[EVERYTHING])
    for service in ("ssm", "ssmmessages", "ec2messages"):
        w.endpoint(service)
    gateway = w.cloud.ec2.create_vpc_endpoint(
        VpcId=w.ids["vpc"],
        ServiceName=f"com.amazonaws.{w.region}.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[w.ids["instance_route_table"]],
    )
    w.ids["s3_endpoint"] = gateway["VpcEndpoint"]["VpcEndpointId"]
    w.profile()
    w.instance(instance_subnet, group)


@world("public-ip", "eu-west-1")
def public_ip(w: World) -> None:
    w.vpc(hostnames=False)
    subnet = w.subnet("instance", "10.0.11.0/24")
    if w.plan["public_ip"]:
        w.cloud.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    gateway = w.internet_gateway()
    w.cloud.ec2.create_route(
        RouteTableId=w.ids["instance_route_table"], DestinationCidrBlock=ANYWHERE, GatewayId=gateway
    )
    group = w.security_group("instance", "as the console makes it: no way in, every way out")
    w.profile()
    w.instance(subnet, group)


@world("private-nat", "us-east-2")
def private_nat(w: World) -> None:
    w.vpc(hostnames=False)
    public = w.subnet("public", "10.0.1.0/24")
    subnet = w.subnet("instance", "10.0.11.0/24")
    gateway = w.internet_gateway()
    w.cloud.ec2.create_route(RouteTableId=w.ids["public_route_table"], DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    address = w.cloud.ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = w.cloud.ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    w.ids["nat_gateway"] = nat
    w.cloud.ec2.create_route(
        RouteTableId=w.ids["instance_route_table"], DestinationCidrBlock=ANYWHERE, NatGatewayId=nat
    )
    group = w.security_group("instance", "no way in")
    w.profile()
    w.instance(subnet, group)


@world("terraformed", "")
def terraformed(w: World) -> None:
    """What is in the account already: an instance that Terraform made."""
    reservations = w.cloud.ec2.describe_instances()["Reservations"]
    (instance,) = [instance for reservation in reservations for instance in reservation["Instances"]]
    w.runs(instance)
    for user in w.cloud.iam.list_users()["Users"]:
        if user["UserName"] != "administrator":
            w.operator_name = user["UserName"]


def transit_gateway(w: World) -> None:
    w.ids["transit_gateway"] = w.cloud.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]


def attachment(w: World, name: str, cidr: str) -> None:
    """A VPC's attachment to the transit gateway, in a subnet of its own."""
    made = w.cloud.ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=w.ids["transit_gateway"], VpcId=w.ids["vpc"], SubnetIds=[w.subnet(f"{name}_attachment", cidr)]
    )
    w.ids[name] = made["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]


def by_transit_gateway(w: World, table: str, cidr: str) -> None:
    w.cloud.ec2.create_route(
        RouteTableId=w.ids[f"{table}_route_table"],
        DestinationCidrBlock=cidr,
        TransitGatewayId=w.ids["transit_gateway"],
    )


def default_table(w: World) -> str:
    tables = w.cloud.ec2.describe_transit_gateway_route_tables()["TransitGatewayRouteTables"]
    return next(one["TransitGatewayRouteTableId"] for one in tables if one["DefaultAssociationRouteTable"])


def transit_table(w: World, name: str, attachment: str) -> None:
    """A route table of the transit gateway's, for what comes in by an attachment."""
    ec2, association = w.cloud.ec2, {"TransitGatewayAttachmentId": w.ids[attachment]}
    made = ec2.create_transit_gateway_route_table(TransitGatewayId=w.ids["transit_gateway"])
    w.ids[name] = made["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"]
    ec2.disassociate_transit_gateway_route_table(TransitGatewayRouteTableId=default_table(w), **association)
    ec2.associate_transit_gateway_route_table(TransitGatewayRouteTableId=w.ids[name], **association)


@world("hub-transit", "eu-west-1")
def hub_transit(w: World) -> None:
    """Endpoints of a hub VPC, by a transit gateway and zones that are shared."""
    ec2 = w.cloud.ec2
    transit_gateway(w)
    w.vpc(hostnames=True, cidr="10.9.0.0/16")
    hub = w.ids["vpc"]
    w.subnet("endpoints", "10.9.1.0/24")
    endpoints = w.security_group("endpoints", "HTTPS from the spokes")
    ec2.authorize_security_group_ingress(GroupId=endpoints, IpPermissions=[https_from("10.0.0.0/8")])
    for service in ("ssm", "ssmmessages"):
        w.endpoint(service)
    private_dns_off(w, "ssm", "ssmmessages")
    attachment(w, "hub", "10.9.99.0/28")
    by_transit_gateway(w, "endpoints", "10.0.0.0/8")
    w.vpc(hostnames=True)
    w.ids["hub_vpc"] = hub
    subnet = w.subnet("instance", "10.0.11.0/24")
    attachment(w, "spoke", "10.0.99.0/28")
    by_transit_gateway(w, "instance", "10.0.0.0/8")
    for service in ("ssm", "ssmmessages"):
        zone(w, host(w, service), record(host(w, service), "A", *endpoint_addresses(w, service)))
    group = w.security_group("instance", "no way in")
    w.profile()
    w.instance(subnet, group)


@world("central-egress", "eu-west-1")
def central_egress(w: World) -> None:
    """Out by a transit gateway and the NAT gateway of another VPC."""
    ec2 = w.cloud.ec2
    transit_gateway(w)
    w.vpc(hostnames=False, cidr="10.9.0.0/16")
    w.ids["egress_vpc"] = w.ids["vpc"]
    public = w.subnet("public", "10.9.1.0/24")
    gateway = w.internet_gateway()
    ec2.create_route(RouteTableId=w.ids["public_route_table"], DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    w.ids["nat_gateway"] = nat
    attachment(w, "egress", "10.9.99.0/28")
    by_transit_gateway(w, "public", "10.0.0.0/8")
    ec2.create_route(
        RouteTableId=w.ids["egress_attachment_route_table"], DestinationCidrBlock=ANYWHERE, NatGatewayId=nat
    )
    w.vpc(hostnames=False)
    subnet = w.subnet("instance", "10.0.11.0/24")
    attachment(w, "spoke", "10.0.99.0/28")
    by_transit_gateway(w, "instance", ANYWHERE)
    transit_table(w, "spokes", "spoke")
    ec2.create_transit_gateway_route(
        DestinationCidrBlock=ANYWHERE,
        TransitGatewayRouteTableId=w.ids["spokes"],
        TransitGatewayAttachmentId=w.ids["egress"],
    )
    group = w.security_group("instance", "no way in")
    w.profile()
    w.instance(subnet, group)


@world("hybrid", "eu-central-1")
def hybrid(w: World) -> None:
    """A machine of one's own, registered by an activation, in an account with the advanced tier."""
    w.role("SSMServiceRole", "ssm.amazonaws.com", path="/service-role/")
    w.target = "mi-0a1b2c3d4e5f60718"
    w.state["service_settings"]["/ssm/managed-instance/activation-tier"] = "advanced"
    w.state["activations"] = [
        {
            "ActivationId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
            "IamRole": "service-role/SSMServiceRole",
            "RegistrationLimit": 5,
            "RegistrationsCount": 1,
            "ExpirationDate": ago(days=20).timestamp(),
            "Expired": True,
            "CreatedDate": ago(days=21).timestamp(),
            "Tags": [],
        }
    ]
    w.node = {
        "PingStatus": "Online",
        "LastPingDateTime": ago(seconds=50).timestamp(),
        "AgentVersion": AGENT,
        "IsLatestVersion": False,
        "PlatformType": "Linux",
        "PlatformName": "Raspbian GNU/Linux",
        "PlatformVersion": "12",
        "ActivationId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        "IamRole": "service-role/SSMServiceRole",
        "RegistrationDate": ago(days=20).timestamp(),
        "ResourceType": "ManagedInstance",
        "Name": "raspberry",
        "IPAddress": "192.168.1.20",
        "ComputerName": "raspberry",
        "SourceId": w.target,
        "SourceType": "AWS::SSM::ManagedInstance",
    }


# The breaks

EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}
BREAKS: dict[str, Callable[[World], None]] = {}
BEFORE_LAUNCH: set[str] = set()


def breaks(function: Callable[[World], None]) -> Callable[[World], None]:
    BREAKS[function.__name__.replace("_", "-")] = function
    return function


def before_launch(function: Callable[[World], None]) -> Callable[[World], None]:
    BEFORE_LAUNCH.add(function.__name__.replace("_", "-"))
    return breaks(function)


def https_from(cidr: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": cidr}]}


# Target


@breaks
def instance_stopped(w: World) -> None:
    w.cloud.ec2.stop_instances(InstanceIds=[w.target])
    w.lost()


@breaks
def instance_terminated(w: World) -> None:
    w.cloud.ec2.terminate_instances(InstanceIds=[w.target])
    w.never_registered()


@breaks
def status_impaired(w: World) -> None:
    w.state["impaired"] = [w.target]
    w.lost()


@breaks
def disk_filled_up(w: World) -> None:
    """The machine's own metrics end with its last report; EC2 goes on to measure its CPU."""
    w.lost()
    of_machine = [{"Name": "InstanceId", "Value": w.target}]
    disk = [*of_machine, {"Name": "path", "Value": "/"}, {"Name": "fstype", "Value": "xfs"}]
    for namespace, name, dimensions, hours, value in (
        ("AWS/EC2", "CPUUtilization", of_machine, 0.1, 3.0),
        ("CWAgent", "disk_used_percent", disk, 6, 100.0),
        ("CWAgent", "mem_used_percent", of_machine, 6, 40.0),
    ):
        datum = {"MetricName": name, "Dimensions": dimensions, "Timestamp": ago(hours=hours), "Value": value}
        w.cloud.cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])


def writes_log(w: World, group: str, stream: str, messages: list[str]) -> None:
    w.cloud.logs.create_log_group(logGroupName=group)
    w.cloud.logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(ago(minutes=5).timestamp() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    w.cloud.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def endpoint_address(w: World, name: str) -> str:
    endpoint = w.cloud.ec2.describe_vpc_endpoints(VpcEndpointIds=[w.ids[name]])["VpcEndpoints"][0]
    found = w.cloud.ec2.describe_network_interfaces(NetworkInterfaceIds=endpoint["NetworkInterfaceIds"][:1])
    return found["NetworkInterfaces"][0]["PrivateIpAddress"]


@breaks
def flow_log_shows_rejects(w: World) -> None:
    """No call shows why packets are rejected, only that they are."""
    w.lost()
    instance = w.cloud.ec2.describe_instances(InstanceIds=[w.target])["Reservations"][0]["Instances"][0]
    interface, address = instance["NetworkInterfaces"][0]["NetworkInterfaceId"], instance["PrivateIpAddress"]
    end = int(ago(minutes=5).timestamp())
    record = f"2 {w.account} {interface} {address} {{}} 42000 {{}} 6 7 420 {end - 60} {end} {{}} OK"
    service = endpoint_address(w, "ssm_endpoint")
    records = [record.format(service, 443, "REJECT"), record.format(service, 443, "ACCEPT"), record.format("10.0.9.9", 22, "REJECT")]
    writes_log(w, "/vpc/flow-logs", f"{interface}-all", [*records, "2 - - NODATA", "\x1b[2Jnot a record"])
    w.cloud.ec2.create_flow_logs(
        ResourceIds=[w.ids["vpc"]],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="/vpc/flow-logs",
        DeliverLogsPermissionArn=f"arn:aws:iam::{w.account}:role/flow-logs",
    )


@breaks
def query_log_shows_another_answer(w: World) -> None:
    """The resolver answered with an address that belongs to no endpoint."""
    w.lost()
    query = {
        "version": "1.100000",
        "query_timestamp": ago(minutes=5).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "query_name": f"ssm.{w.region}.amazonaws.com.",
        "query_type": "A",
        "rcode": "NOERROR",
        "answers": [{"Rdata": "10.99.0.1", "Type": "A", "Class": "IN"}],
        "srcids": {"instance": w.target},
    }
    writes_log(w, "/vpc/queries", "queries", [json.dumps(query), "{"])
    resolver = w.cloud.route53resolver
    made = resolver.create_resolver_query_log_config(
        Name="queries",
        DestinationArn=f"arn:aws:logs:{w.region}:{w.account}:log-group:/vpc/queries",
        CreatorRequestId="queries",
    )
    resolver.associate_resolver_query_log_config(
        ResolverQueryLogConfigId=made["ResolverQueryLogConfig"]["Id"], ResourceId=w.ids["vpc"]
    )


@breaks
def user_data_removes_agent(w: World) -> None:
    script = b"#!/bin/bash\nexport DB_PASSWORD=hunter2\nyum update -y\nyum remove -y amazon-ssm-agent\n"
    w.cloud.ec2.modify_instance_attribute(InstanceId=w.target, UserData={"Value": base64.b64encode(script)})
    w.never_registered()


@before_launch
def imds_off(w: World) -> None:
    w.plan["metadata"] = {"HttpEndpoint": "disabled"}
    w.never_registered()


@breaks
def just_built(w: World) -> None:
    w.state["launch_times"] = {w.target: ago(minutes=3).isoformat()}
    w.never_registered()


@breaks
def event_scheduled(w: World) -> None:
    due = {"Code": "instance-retirement", "NotBefore": ago(days=-2).isoformat(), "Description": "degraded hardware"}
    over = {"Code": "system-reboot", "NotBefore": ago(days=2).isoformat(), "Description": "[Completed] done"}
    w.state["events"] = {w.target: [due, over]}


def add_instances(w: World, count: int, profile: bool) -> list[str]:
    """More instances in the target's subnet. They never registered."""
    given = {"IamInstanceProfile": {"Name": w.ids["profile"]}} if profile else {}
    instances = []
    # One at a time: moto gives a profile to the first instance of a call only.
    for _ in range(count):
        launched = w.launch(w.ids["instance_subnet"], w.ids["instance_group"], **given)
        instances.append(launched["InstanceId"])
    w.state["launch_times"] |= dict.fromkeys(instances, ago(days=30).isoformat())
    return instances


def fleet(w: World, healthy: int, blocked: int, stopped: int) -> None:
    w.connected = add_instances(w, healthy, profile=True)
    w.others = {instance: {**w.node, "SourceId": instance} for instance in w.connected}
    add_instances(w, blocked, profile=False)
    w.operator_statements.append(allow("ssm:StartSession", f"arn:aws:ec2:{w.region}:{w.account}:instance/*"))
    w.cloud.ec2.stop_instances(InstanceIds=add_instances(w, stopped, profile=True))


@breaks
def small_fleet(w: World) -> None:
    fleet(w, healthy=1, blocked=1, stopped=1)


@breaks
def assumable(w: World) -> None:
    """A role for whoever examines several accounts."""
    anybody = policy({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    w.cloud.iam.create_role(RoleName="ssm-doctor", AssumeRolePolicyDocument=anybody)
    rights = policy(allow(READS), *w.operator_statements)
    w.cloud.iam.put_role_policy(RoleName="ssm-doctor", PolicyName="Diagnose", PolicyDocument=rights)


@breaks
def larger_fleet(w: World) -> None:
    fleet(w, healthy=5, blocked=3, stopped=2)


# Agent


@breaks
def unregistered(w: World) -> None:
    w.never_registered()


def console(w: World, *lines: str) -> None:
    noise = ["Linux version 6.1.0", "root password: hunter2", "Welcome to Amazon Linux 2\x1b[0m"]
    output = "\r\n".join([*noise, *lines, "login: "])
    w.state["consoles"] = {w.target: {"output": output, "at": ago(days=29, hours=23).isoformat()}}


def says_agent(w: World, error: str) -> None:
    at = ago(days=29, hours=23).strftime("%Y/%m/%d %H:%M:%SZ")
    console(w, f"{at}: SSM Agent unable to acquire credentials: <error>{error}", "\tstatus code: 400</error>")


@breaks
def unregistered_by_timeout(w: World) -> None:
    """The host's own firewall: nothing that AWS shows is wrong, but the machine says whom it dialled."""
    post = f'Post "https://ssm.{w.region}.amazonaws.com/": dial tcp 10.0.1.5:443: i/o timeout'
    says_agent(
        w,
        "Skipping default host management fallback: retrieved credentials failed to report to ssm. "
        f"Error: RequestError: send request failed caused by: {post}",
    )
    w.never_registered()


@breaks
def unregistered_by_interception(w: World) -> None:
    says_agent(w, "tls: failed to verify certificate: x509: certificate signed by unknown authority")
    w.never_registered()


@breaks
def lost_by_disk(w: World) -> None:
    console(w, "rsyslogd: file '/var/log/messages': write error: No space left on device")
    w.state["consoles"][w.target]["at"] = ago(hours=1).isoformat()
    w.lost()


@breaks
def kernel_panic(w: World) -> None:
    panic = "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"
    console(w, f"[    1.9] {panic}", f"[    1.9] ---[ end {panic} ]---")
    w.state["consoles"][w.target]["at"] = ago(hours=1).isoformat()
    w.state["impaired"] = [w.target]
    w.lost()


@breaks
def profile_attached_lately(w: World) -> None:
    w.state["profile_times"] = {w.target: ago(minutes=12).isoformat()}
    w.never_registered()


@breaks
def disguised_as_hybrid(w: World) -> None:
    """An image of a machine that was registered by an activation."""
    hybrid = {**w.node, "ResourceType": "ManagedInstance", "SourceType": "AWS::SSM::ManagedInstance"}
    w.never_registered()
    w.others = {"mi-0fedcba9876543210": hybrid}


@breaks
def connection_lost(w: World) -> None:
    w.lost()


@breaks
def online_not_connected(w: World) -> None:
    w.not_connected()


@breaks
def agent_old(w: World) -> None:
    w.node["AgentVersion"] = "2.3.50.0"
    w.not_connected()


# Identity


@before_launch
def no_profile(w: World) -> None:
    w.plan["profile"] = False
    w.never_registered()


@before_launch
def dhmc_on_no_profile(w: World) -> None:
    """Default Host Management Configuration manages what has no profile; nothing is wrong."""
    w.plan["profile"] = False
    w.plan["dhmc_role"] = dhmc_role(w)


def dhmc_role(w: World) -> str:
    """Turns Default Host Management on, and makes its role."""
    default = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
    name = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
    w.role(name, "ssm.amazonaws.com", default, "/service-role/")
    setting = "/ssm/managed-instance/default-ec2-instance-management-role"
    w.state["service_settings"][setting] = f"service-role/{name}"
    return f"service-role/{name}"


@before_launch
def dhmc_on_agent_too_old(w: World) -> None:
    dhmc_on_no_profile(w)
    w.plan["agent"] = "3.2.500.0"
    w.lost()


@breaks
def empty_profile(w: World) -> None:
    w.cloud.iam.remove_role_from_instance_profile(InstanceProfileName=w.ids["profile"], RoleName=w.ids["role"])
    w.lost()


def replace_rights(w: World, *statements: dict[str, Any]) -> None:
    w.cloud.iam.detach_role_policy(RoleName=w.ids["role"], PolicyArn=CORE)
    if statements:
        w.cloud.iam.put_role_policy(RoleName=w.ids["role"], PolicyName="Own", PolicyDocument=policy(*statements))


@breaks
def role_without_ssmmessages(w: World) -> None:
    replace_rights(w, allow(["ssm:UpdateInstanceInformation", "ssm:ListAssociations", "ec2messages:*"]))
    w.not_connected()


@breaks
def role_without_core(w: World) -> None:
    replace_rights(w, allow("s3:*"))
    w.lost()


@breaks
def role_has_withdrawn_policy(w: World) -> None:
    """It still gives all that sessions take."""
    w.cloud.iam.detach_role_policy(RoleName=w.ids["role"], PolicyArn=CORE)
    withdrawn = "arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM"
    w.cloud.iam.attach_role_policy(RoleName=w.ids["role"], PolicyArn=withdrawn)


@breaks
def role_from_endpoint_only(w: World) -> None:
    """Rights that hold through one's own endpoints alone, which the simulator knows nothing of."""
    endpoints = [w.ids["ssm_endpoint"], w.ids["ssmmessages_endpoint"]]
    source = {"StringEquals": {"aws:SourceVpce": endpoints}}
    replace_rights(w, allow(["ssm:*", "ssmmessages:*", "ec2messages:*"], Condition=source))


@breaks
def dhmc_shadowed(w: World) -> None:
    """Default Host Management is on, and a profile with half the rights keeps the agent from it."""
    role = w.ids["role"]
    dhmc_role(w)
    w.ids["role"] = role
    role_without_ssmmessages(w)


@breaks
def dhmc_behind_useless_profile(w: World) -> None:
    """The profile's role may not register, so Default Host Management serves; nothing is wrong."""
    role = w.ids["role"]
    given = dhmc_role(w)
    w.ids["role"] = role
    replace_rights(w, allow("s3:*"))
    w.node["IamRole"] = given


@breaks
def role_denied_by_condition(w: World) -> None:
    """Rights tied to the program that asks: whether they hold depends on what the API cannot know."""
    program = {"StringLike": {"aws:UserAgent": "*amazon-ssm-agent*"}}
    replace_rights(w, allow(["ssm:*", "ssmmessages:*", "ec2messages:*"], Condition=program))


@breaks
def role_spares_old_endpoints(w: World) -> None:
    """Nothing but through two endpoints, which were made anew since."""
    old = {"StringNotEquals": {"aws:SourceVpce": ["vpce-0123456789abcdef0", "vpce-0fedcba9876543210"]}}
    grant(w, {"Sid": "OnlyOurEndpoints", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": old})
    w.lost()


@breaks
def role_tied_to_the_office(w: World) -> None:
    """Nothing from outside the company's addresses, of which a request through an endpoint has none."""
    outside = {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}
    grant(w, {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": outside})
    w.lost()


@breaks
def role_behind_perimeter(w: World) -> None:
    """Credentials that work in the VPC only, of an instance whose requests leave it by the internet."""
    elsewhere = {
        "StringNotEquals": {"aws:SourceVpc": "${aws:Ec2InstanceSourceVpc}"},
        "Null": {"ec2:SourceInstanceARN": "false"},
        "BoolIfExists": {"aws:ViaAWSService": "false"},
    }
    grant(w, {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": elsewhere})
    w.lost()


@breaks
def role_boundary_denies(w: World) -> None:
    boundary = w.cloud.iam.create_policy(PolicyName="OnlyStorage", PolicyDocument=policy(allow("s3:*")))
    w.cloud.iam.put_role_permissions_boundary(RoleName=w.ids["role"], PermissionsBoundary=boundary["Policy"]["Arn"])
    w.lost()


@breaks
def scp_denies(w: World) -> None:
    deny = {"Effect": "Deny", "Action": "ssmmessages:*", "Resource": "*"}
    w.state["scps"] = [json.loads(policy(allow("*"), deny))]
    w.not_connected()


@breaks
def scp_readable(w: World) -> None:
    """The account is a delegated administrator of the organization's policies."""
    w.state["delegated"] = True


@breaks
def scp_allows(w: World) -> None:
    """An organization that forbids nothing here."""
    w.state["scps"] = [json.loads(policy(allow("*")))]


@breaks
def role_trusts_wrong_service(w: World) -> None:
    w.cloud.iam.update_assume_role_policy(RoleName=w.ids["role"], PolicyDocument=trust("ssm.amazonaws.com"))
    w.lost()


# Network


@before_launch
def no_public_ip(w: World) -> None:
    """The public subnet trap: a route to the internet and no address to use it with."""
    w.plan["public_ip"] = False
    w.never_registered()


@breaks
def default_route_missing(w: World) -> None:
    w.cloud.ec2.delete_route(RouteTableId=w.ids["instance_route_table"], DestinationCidrBlock=ANYWHERE)
    w.lost()


@breaks
def nat_deleted(w: World) -> None:
    w.cloud.ec2.delete_nat_gateway(NatGatewayId=w.ids["nat_gateway"])
    w.lost()


@breaks
def nat_in_private_subnet(w: World) -> None:
    w.cloud.ec2.delete_route(RouteTableId=w.ids["public_route_table"], DestinationCidrBlock=ANYWHERE)
    w.lost()


@before_launch
def igw_detached(w: World) -> None:
    """Detaching needs a VPC without public addresses, so the instance has none either."""
    w.plan["public_ip"] = False
    w.plan["detach"] = True
    w.never_registered()


@breaks
def nat_instance_with_two_interfaces(w: World) -> None:
    """As fck-nat has it: routes lead to an interface that outlives the instance, and packets leave by the first one."""
    ec2, subnet = w.cloud.ec2, w.ids["public_subnet"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    group = w.security_group("nat", "NAT")
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[https_from("10.0.0.0/16")])
    made = ec2.create_network_interface(SubnetId=subnet, Groups=[group], Description="static private interface")
    w.ids["nat_interface"] = made["NetworkInterface"]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(
        NetworkInterfaceId=w.ids["nat_interface"], SourceDestCheck={"Value": False}
    )
    w.ids["nat_instance"] = w.launch(subnet, group)["InstanceId"]
    ec2.attach_network_interface(
        NetworkInterfaceId=w.ids["nat_interface"], InstanceId=w.ids["nat_instance"], DeviceIndex=1
    )
    table = {"RouteTableId": w.ids["instance_route_table"], "DestinationCidrBlock": ANYWHERE}
    ec2.delete_route(**table)
    ec2.create_route(**table, NetworkInterfaceId=w.ids["nat_interface"])


@breaks
def nat_instance_stopped(w: World) -> None:
    nat_instance_with_two_interfaces(w)
    w.cloud.ec2.stop_instances(InstanceIds=[w.ids["nat_instance"]])
    w.lost()


@breaks
def instance_sg_no_egress(w: World) -> None:
    w.cloud.ec2.revoke_security_group_egress(GroupId=w.ids["instance_group"], IpPermissions=[EVERYTHING])
    w.lost()


def network_acl(w: World, subnet: str, inbound: list[tuple[int, int]], outbound: list[tuple[int, int]]) -> None:
    """Replaces the subnet's network ACL by one that lets these TCP ports through and nothing else."""
    acl = w.cloud.ec2.create_network_acl(VpcId=w.ids["vpc"])["NetworkAcl"]["NetworkAclId"]
    w.ids["acl"] = acl
    for egress, ranges in ((False, inbound), (True, outbound)):
        for number, (first, last) in enumerate(ranges, 1):
            w.cloud.ec2.create_network_acl_entry(
                NetworkAclId=acl,
                RuleNumber=100 * number,
                Protocol="6",
                RuleAction="allow",
                Egress=egress,
                CidrBlock=ANYWHERE,
                PortRange={"From": first, "To": last},
            )
    used = w.cloud.ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
    association = next(a for a in used["NetworkAcls"][0]["Associations"] if a["SubnetId"] == subnet)
    w.cloud.ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl)


@breaks
def nacl_denies_443(w: World) -> None:
    network_acl(w, w.ids["instance_subnet"], [(1024, 65535)], [(80, 80), (1024, 65535)])
    w.lost()


@breaks
def nacl_denies_443_on_purpose(w: World) -> None:
    """Somebody made a rule that denies, so that person is to be asked."""
    network_acl(w, w.ids["instance_subnet"], [(1024, 65535)], [(1, 65535)])
    w.cloud.ec2.create_network_acl_entry(
        NetworkAclId=w.ids["acl"],
        RuleNumber=50,
        Protocol="6",
        RuleAction="deny",
        Egress=True,
        CidrBlock=ANYWHERE,
        PortRange={"From": 443, "To": 443},
    )
    w.lost()


@breaks
def nacl_denies_ephemeral(w: World) -> None:
    """Lets the question out and not the answer in: network ACLs keep no state."""
    network_acl(w, w.ids["instance_subnet"], [(443, 443)], [(443, 443)])
    w.lost()


@breaks
def endpoint_nacl_denies_443(w: World) -> None:
    network_acl(w, w.ids["endpoints_subnet"], [(80, 80)], [(1024, 65535)])
    w.lost()


@breaks
def nacl_strict(w: World) -> None:
    """Exactly what is needed, and healthy."""
    network_acl(w, w.ids["instance_subnet"], [(1024, 65535)], [(443, 443)])


@breaks
def endpoint_sg_no_443(w: World) -> None:
    w.cloud.ec2.revoke_security_group_ingress(
        GroupId=w.ids["endpoints_group"], IpPermissions=[https_from("10.0.0.0/16")]
    )
    w.lost()


@breaks
def endpoint_sg_full(w: World) -> None:
    """As many rules as AWS allows by default, and none for the instance."""
    endpoint_sg_no_443(w)
    w.cloud.ec2.authorize_security_group_ingress(
        GroupId=w.ids["endpoints_group"],
        IpPermissions=[https_from(f"10.9.{number}.0/24") for number in range(60)],
    )


@breaks
def endpoint_sg_other_subnet(w: World) -> None:
    endpoint_sg_no_443(w)
    w.cloud.ec2.authorize_security_group_ingress(
        GroupId=w.ids["endpoints_group"], IpPermissions=[https_from("10.0.1.0/24")]
    )


@breaks
def endpoint_missing_ssm(w: World) -> None:
    w.cloud.ec2.delete_vpc_endpoints(VpcEndpointIds=[w.ids["ssm_endpoint"]])
    w.lost()


@breaks
def endpoint_missing_ssmmessages(w: World) -> None:
    w.cloud.ec2.delete_vpc_endpoints(VpcEndpointIds=[w.ids["ssmmessages_endpoint"]])
    w.not_connected()


@breaks
def endpoint_missing_ec2messages(w: World) -> None:
    """Only agents of before 2024 use it; nothing is wrong."""
    w.cloud.ec2.delete_vpc_endpoints(VpcEndpointIds=[w.ids["ec2messages_endpoint"]])


@breaks
def endpoint_without_subnets(w: World) -> None:
    w.cloud.ec2.modify_vpc_endpoint(
        VpcEndpointId=w.ids["ssmmessages_endpoint"], RemoveSubnetIds=[w.ids["endpoints_subnet"]]
    )
    w.not_connected()


@breaks
def endpoint_failed(w: World) -> None:
    w.state["endpoint_states"] = {w.ids["ssm_endpoint"]: "failed"}
    w.lost()


@breaks
def endpoint_policy_denies(w: World) -> None:
    document = {"Version": "2012-10-17", "Statement": [{**allow("s3:*"), "Principal": "*"}]}
    w.cloud.ec2.modify_vpc_endpoint(VpcEndpointId=w.ids["ssm_endpoint"], PolicyDocument=json.dumps(document))
    w.lost()


@breaks
def channel_endpoint_policy_denies(w: World) -> None:
    """The agent reports by the other endpoint, and opens no channel by this one."""
    document = policy({**allow("ssmmessages:CreateControlChannel"), "Principal": "*"})
    w.cloud.ec2.modify_vpc_endpoint(VpcEndpointId=w.ids["ssmmessages_endpoint"], PolicyDocument=document)
    w.not_connected()


@breaks
def data_channel_endpoint_policy_denies(w: World) -> None:
    """The agent is connected. It needs the other channel only once a session starts."""
    control = {**allow("ssmmessages:CreateControlChannel"), "Principal": "*"}
    opens = {**allow("ssmmessages:OpenControlChannel"), "Principal": "*"}
    w.cloud.ec2.modify_vpc_endpoint(
        VpcEndpointId=w.ids["ssmmessages_endpoint"], PolicyDocument=policy(control, opens)
    )


def endpoint_policy(w: World, *statements: dict[str, Any]) -> None:
    document = policy(*({**one, "Principal": "*"} for one in statements))
    w.cloud.ec2.modify_vpc_endpoint(VpcEndpointId=w.ids["ssm_endpoint"], PolicyDocument=document)


@breaks
def endpoint_policy_only_denies(w: World) -> None:
    """Nothing in it allows, so nothing gets through."""
    endpoint_policy(w, {"Sid": "NoCommands", "Effect": "Deny", "Action": "ssm:SendCommand", "Resource": "*"})
    w.lost()


@breaks
def endpoint_policy_other_organization(w: World) -> None:
    w.state["scps"] = [json.loads(policy(allow("*")))]
    endpoint_policy(w, allow("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-another"}}))
    w.lost()


@breaks
def endpoint_policy_of_organization(w: World) -> None:
    """Our own; nothing is wrong."""
    w.state["scps"] = [json.loads(policy(allow("*")))]
    endpoint_policy(w, allow("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-testexample"}}))


@breaks
def endpoint_policy_of_account(w: World) -> None:
    """Our own; nothing is wrong."""
    endpoint_policy(w, allow("ssm:*", Condition={"StringEquals": {"aws:PrincipalAccount": w.account}}))


@breaks
def shared_vpc(w: World) -> None:
    """The VPC belongs to another account, which shares its subnets and keeps its endpoints to itself."""
    mine = {w.ids[key] for key in w.ids if key == "vpc" or key.endswith("_subnet")}
    w.state["owners"] = {one: "999988887777" for one in mine}
    w.state["hidden"] = [value for key, value in w.ids.items() if key.endswith("_endpoint")]
    w.state["hidden"].append(w.ids["endpoints_group"])


# DNS


@breaks
def endpoint_private_dns_off(w: World) -> None:
    private_dns_off(w, "ssm", "ssmmessages", "ec2messages")
    w.lost()


@breaks
def vpc_dns_support_off(w: World) -> None:
    w.cloud.ec2.modify_vpc_attribute(VpcId=w.ids["vpc"], EnableDnsSupport={"Value": False})
    w.lost()


@breaks
def vpc_dns_hostnames_off(w: World) -> None:
    w.cloud.ec2.modify_vpc_attribute(VpcId=w.ids["vpc"], EnableDnsHostnames={"Value": False})
    w.lost()


@breaks
def custom_dns_servers(w: World) -> None:
    """Whether that server forwards to the VPC's resolver no API says."""
    options = w.cloud.ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name-servers", "Values": ["10.0.0.53"]}]
    )
    w.cloud.ec2.associate_dhcp_options(DhcpOptionsId=options["DhcpOptions"]["DhcpOptionsId"], VpcId=w.ids["vpc"])


def dns_server(w: World) -> str:
    """An instance of the same VPC, which DHCP hands out as the DNS server."""
    subnet = w.subnet("dns", "10.0.53.0/24")
    w.ids["dns_group"] = w.cloud.ec2.create_security_group(
        GroupName="dns", Description="DNS", VpcId=w.ids["vpc"]
    )["GroupId"]
    server = w.launch(subnet, w.ids["dns_group"])
    w.ids["dns_server"] = server["InstanceId"]
    options = w.cloud.ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name-servers", "Values": [server["PrivateIpAddress"]]}]
    )
    w.cloud.ec2.associate_dhcp_options(DhcpOptionsId=options["DhcpOptions"]["DhcpOptionsId"], VpcId=w.ids["vpc"])
    return server["InstanceId"]


def lets_queries_in(w: World) -> None:
    w.cloud.ec2.authorize_security_group_ingress(
        GroupId=w.ids["dns_group"],
        IpPermissions=[
            {"IpProtocol": protocol, "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
            for protocol in ("udp", "tcp")
        ],
    )


@breaks
def dns_of_another_vpc(w: World) -> None:
    """DHCP options that were copied from another VPC, with the address of its resolver."""
    options = w.cloud.ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name-servers", "Values": ["172.16.0.2"]}]
    )
    w.cloud.ec2.associate_dhcp_options(DhcpOptionsId=options["DhcpOptions"]["DhcpOptionsId"], VpcId=w.ids["vpc"])
    w.lost()


def firewall_instance(w: World) -> None:
    """An instance through which a route more specific than the local one leads to the endpoints."""
    subnet = w.subnet("firewall", "10.0.50.0/24")
    group = w.security_group("firewall", "firewall")
    w.cloud.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[EVERYTHING])
    launched = w.cloud.ec2.run_instances(
        ImageId=IMAGE, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group]
    )
    firewall = launched["Instances"][0]
    w.ids["firewall"] = firewall["InstanceId"]
    w.ids["firewall_interface"] = firewall["NetworkInterfaces"][0]["NetworkInterfaceId"]
    w.cloud.ec2.create_route(
        RouteTableId=w.ids["instance_route_table"],
        DestinationCidrBlock="10.0.1.0/24",
        NetworkInterfaceId=w.ids["firewall_interface"],
    )


@breaks
def firewall_instance_serves(w: World) -> None:
    firewall_instance(w)
    w.cloud.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=w.ids["firewall_interface"], SourceDestCheck={"Value": False}
    )


@breaks
def firewall_instance_checks_addresses(w: World) -> None:
    firewall_instance(w)
    w.lost()


@breaks
def dns_server_serves(w: World) -> None:
    dns_server(w)
    lets_queries_in(w)


@breaks
def dns_server_stopped(w: World) -> None:
    server = dns_server(w)
    lets_queries_in(w)
    w.cloud.ec2.stop_instances(InstanceIds=[server])
    w.lost()


@breaks
def dns_server_closed(w: World) -> None:
    dns_server(w)
    w.lost()


def zone(w: World, name: str, *records: dict[str, Any]) -> None:
    """A private hosted zone of the VPC."""
    created = w.cloud.route53.create_hosted_zone(
        Name=name,
        CallerReference=f"{w.account}-{name}",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": w.region, "VPCId": w.ids["vpc"]},
    )
    w.ids["zone"] = created["HostedZone"]["Id"].removeprefix("/hostedzone/")
    changes = [{"Action": "CREATE", "ResourceRecordSet": {"TTL": 60, **record}} for record in records]
    if changes:
        w.cloud.route53.change_resource_record_sets(HostedZoneId=w.ids["zone"], ChangeBatch={"Changes": changes})


def record(name: str, kind: str, *values: str) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "ResourceRecords": [{"Value": value} for value in values]}


def host(w: World, service: str) -> str:
    return f"{service}.{w.region}.amazonaws.com"


def private_dns_off(w: World, *services: str) -> None:
    for service in services:
        w.cloud.ec2.modify_vpc_endpoint(VpcEndpointId=w.ids[f"{service}_endpoint"], PrivateDnsEnabled=False)


def endpoint_name(w: World, service: str) -> str:
    found = w.cloud.ec2.describe_vpc_endpoints(VpcEndpointIds=[w.ids[f"{service}_endpoint"]])
    return found["VpcEndpoints"][0]["DnsEntries"][0]["DnsName"]


def endpoint_addresses(w: World, service: str) -> list[str]:
    found = w.cloud.ec2.describe_vpc_endpoints(VpcEndpointIds=[w.ids[f"{service}_endpoint"]])
    interfaces = found["VpcEndpoints"][0]["NetworkInterfaceIds"]
    found = w.cloud.ec2.describe_network_interfaces(NetworkInterfaceIds=interfaces)
    return [one["PrivateIpAddress"] for one in found["NetworkInterfaces"]]


@breaks
def zone_without_record(w: World) -> None:
    private_dns_off(w, "ssm")
    zone(w, host(w, "ssm"))
    w.lost()


@breaks
def zones_lead_to_endpoints(w: World) -> None:
    """By name and by address instead of by private DNS, and healthy."""
    private_dns_off(w, "ssm", "ssmmessages")
    zone(w, host(w, "ssm"), record(host(w, "ssm"), "CNAME", endpoint_name(w, "ssm")))
    zone(w, host(w, "ssmmessages"), record(host(w, "ssmmessages"), "A", *endpoint_addresses(w, "ssmmessages")))


@breaks
def zone_with_stale_address(w: World) -> None:
    """The endpoint was made anew, and its interfaces have other addresses now."""
    private_dns_off(w, "ssmmessages")
    zone(w, host(w, "ssmmessages"), record(host(w, "ssmmessages"), "A", "10.0.1.77"))
    w.not_connected()


@breaks
def zone_for_all_of_aws(w: World) -> None:
    """Made for one name, it answers for every other one that it does not exist."""
    w.cloud.ec2.modify_vpc_attribute(VpcId=w.ids["vpc"], EnableDnsHostnames={"Value": True})
    zone(w, "amazonaws.com", record(host(w, "sqs"), "A", "10.9.0.4"))
    w.lost()


@breaks
def zone_of_two_vpcs(w: World) -> None:
    """As before, and another VPC needs the zone."""
    zone_for_all_of_aws(w)
    other = w.cloud.ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    w.cloud.route53.associate_vpc_with_hosted_zone(
        HostedZoneId=w.ids["zone"], VPC={"VPCRegion": w.region, "VPCId": other}
    )


@breaks
def central_zones(w: World) -> None:
    """The endpoints stand in another VPC, and zones lead to them. What lies between does not show."""
    for service in ("ssm", "ssmmessages", "ec2messages"):
        w.cloud.ec2.delete_vpc_endpoints(VpcEndpointIds=[w.ids[f"{service}_endpoint"]])
        zone(w, host(w, service), record(host(w, service), "A", "10.9.0.4", "10.9.1.4"))


@breaks
def hub_not_announced(w: World) -> None:
    """The spokes have a table of their own, to which the hub's VPC does not announce itself."""
    transit_table(w, "spokes", "spoke")
    w.lost()


@breaks
def transit_blackhole(w: World) -> None:
    w.cloud.ec2.create_transit_gateway_route(
        DestinationCidrBlock="10.9.1.0/24", TransitGatewayRouteTableId=default_table(w), Blackhole=True
    )
    w.lost()


@breaks
def attachment_without_table(w: World) -> None:
    w.cloud.ec2.disassociate_transit_gateway_route_table(
        TransitGatewayRouteTableId=default_table(w), TransitGatewayAttachmentId=w.ids["spoke"]
    )
    w.lost()


@breaks
def transit_gateway_of_others(w: World) -> None:
    """Whose tables nobody shows, and the agent is silent."""
    w.state["foreign_transit_gateways"] = [w.ids["transit_gateway"]]
    w.lost()


@breaks
def no_default_route_for_spokes(w: World) -> None:
    w.cloud.ec2.delete_transit_gateway_route(
        DestinationCidrBlock=ANYWHERE, TransitGatewayRouteTableId=w.ids["spokes"]
    )
    w.lost()


@breaks
def egress_without_way_back(w: World) -> None:
    w.cloud.ec2.delete_route(RouteTableId=w.ids["public_route_table"], DestinationCidrBlock="10.0.0.0/8")
    w.lost()


@breaks
def attachment_without_nat(w: World) -> None:
    w.cloud.ec2.delete_route(RouteTableId=w.ids["egress_attachment_route_table"], DestinationCidrBlock=ANYWHERE)
    w.lost()


@breaks
def rule_forwards_aws(w: World) -> None:
    """What the servers of the data centre answer no API says."""
    resolver = w.cloud.route53resolver
    rule = resolver.create_resolver_rule(
        CreatorRequestId=w.account,
        Name="onprem",
        RuleType="FORWARD",
        DomainName="amazonaws.com",
        TargetIps=[{"Ip": "10.99.0.2", "Port": 53}],
    )
    w.ids["rule"] = rule["ResolverRule"]["Id"]
    resolver.associate_resolver_rule(ResolverRuleId=w.ids["rule"], VPCId=w.ids["vpc"], Name="onprem")


@breaks
def names_not_allowed(w: World) -> None:
    """DNS Firewall as a walled garden, with AWS outside."""
    w.ids["firewall_group"] = "rslvr-frg-0123456789abcdef"
    w.state["firewall_groups"] = {w.ids["vpc"]: [{"FirewallRuleGroupId": w.ids["firewall_group"], "Priority": 101}]}
    w.state["firewall_rules"] = {
        w.ids["firewall_group"]: [
            {"Name": "malware", "Priority": 5, "Action": "BLOCK", "FirewallDomainListId": "rslvr-fdl-0managed"},
            {"Name": "allow", "Priority": 10, "Action": "ALLOW", "FirewallDomainListId": "rslvr-fdl-0allowed"},
            {"Name": "block-all", "Priority": 20, "Action": "BLOCK", "FirewallDomainListId": "rslvr-fdl-0all"},
        ]
    }
    w.state["firewall_lists"] = {
        "rslvr-fdl-0managed": None,
        "rslvr-fdl-0allowed": ["*.example.com"],
        "rslvr-fdl-0all": ["*"],
    }
    w.lost()


@breaks
def names_allowed(w: World) -> None:
    """A walled garden with AWS inside, and healthy."""
    names_not_allowed(w)
    w.state["firewall_lists"]["rslvr-fdl-0allowed"] = ["*.example.com", "*.amazonaws.com"]
    w.silence = 0


# Network Firewall


def firewall_arn(w: World, kind: str, name: str) -> str:
    return f"arn:aws:network-firewall:{w.region}:{w.account}:{kind}/{name}"


def behind_firewall(w: World, *targets: str, endpoint: str = "READY") -> None:
    """The way out leads through a firewall of ours, whose policy allows some names."""
    w.ids["firewall_policy"] = firewall_arn(w, "firewall-policy", "egress")
    w.ids["rule_group"] = firewall_arn(w, "stateful-rulegroup", "names")
    vpce = w.cloud.ec2.create_vpc_endpoint(
        VpcId=w.ids["vpc"],
        ServiceName=f"com.amazonaws.vpce.{w.region}.vpce-svc-0fedcba9876543210",
        VpcEndpointType="GatewayLoadBalancer",
        SubnetIds=[w.ids["public_subnet"]],
    )["VpcEndpoint"]["VpcEndpointId"]
    w.ids["firewall_endpoint"] = vpce
    table = {"RouteTableId": w.ids["instance_route_table"], "DestinationCidrBlock": ANYWHERE}
    w.cloud.ec2.delete_route(**table)
    w.cloud.ec2.create_route(**table, VpcEndpointId=vpce)
    getattr(w.cloud, "network-firewall").create_firewall(
        FirewallName="egress",
        FirewallPolicyArn=w.ids["firewall_policy"],
        VpcId=w.ids["vpc"],
        SubnetMappings=[{"SubnetId": w.ids["public_subnet"]}],
    )
    attachment = {"SubnetId": w.ids["public_subnet"], "EndpointId": vpce, "Status": endpoint}
    w.state["firewall_endpoints"] = {"egress": {f"{w.region}a": {"Attachment": attachment}}}
    w.state["firewall_policies"] = {
        w.ids["firewall_policy"]: {
            "StatelessDefaultActions": ["aws:forward_to_sfe"],
            "StatelessFragmentDefaultActions": ["aws:drop"],
            "StatefulRuleGroupReferences": [{"ResourceArn": w.ids["rule_group"], "Priority": 100}],
            "StatefulEngineOptions": {"RuleOrder": "STRICT_ORDER"},
            "StatefulDefaultActions": ["aws:drop_established_app_layer_to_server"],
        }
    }
    names = {"Targets": list(targets), "TargetTypes": ["TLS_SNI"], "GeneratedRulesType": "ALLOWLIST"}
    w.state["rule_groups"] = {w.ids["rule_group"]: {"RulesSource": {"RulesSourceList": names}}}


@breaks
def firewall_allows_aws(w: World) -> None:
    """What lies beyond it does not show, and the agent is connected."""
    behind_firewall(w, ".amazonaws.com", "example.com")


@breaks
def firewall_without_ssmmessages(w: World) -> None:
    """The list knows one of the two names."""
    behind_firewall(w, host(w, "ssm"), host(w, "ec2messages"))
    w.not_connected()


@breaks
def firewall_without_aws(w: World) -> None:
    """A list of package mirrors."""
    behind_firewall(w, ".debian.org")
    w.lost()


@breaks
def firewall_with_rules_of_its_own(w: World) -> None:
    """In Suricata's language, which the doctor does not evaluate."""
    behind_firewall(w)
    rules = "drop tls any any -> any any (sid:1;)"
    w.state["rule_groups"] = {w.ids["rule_group"]: {"RulesSource": {"RulesString": rules}}}
    w.lost()


@breaks
def firewall_in_the_making(w: World) -> None:
    behind_firewall(w, ".amazonaws.com", endpoint="CREATING")
    w.lost()


@breaks
def appliance_of_another_kind(w: World) -> None:
    """Behind a load balancer too, and no firewall of AWS's."""
    behind_firewall(w, ".amazonaws.com")
    w.state["firewall_endpoints"] = {}
    w.lost()


@breaks
def names_redirected_past_the_list(w: World) -> None:
    """AWS is inside the walled garden, and the endpoint's own name that a zone redirects to is not."""
    zones_lead_to_endpoints(w)
    names_not_allowed(w)
    w.state["firewall_lists"]["rslvr-fdl-0allowed"] = [host(w, "ssm"), host(w, "ssmmessages")]


@breaks
def redirections_trusted(w: World) -> None:
    """A walled garden that trusts what the names in it are redirected to, and healthy."""
    names_redirected_past_the_list(w)
    allow = w.state["firewall_rules"][w.ids["firewall_group"]][1]
    allow["FirewallDomainRedirectionAction"] = "TRUST_REDIRECTION_DOMAIN"
    w.silence = 0


@breaks
def profile_of_another_account(w: World) -> None:
    """Which names the zone is for, only its owner sees."""
    w.ids["profile_id"] = "rp-0123456789abcdef"
    w.state["profiles"] = {w.ids["vpc"]: [w.ids["profile_id"]]}
    w.state["profile_resources"] = {w.ids["profile_id"]: ["arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ"]}


# Preferences


def bucket(w: World) -> str:
    name = f"session-logs-{w.account}"
    w.cloud.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": w.region})
    w.ids["bucket"] = name
    return name


@breaks
def preferences_plain(w: World) -> None:
    w.preferences()


@breaks
def preferences_later_version(w: World) -> None:
    """`update-document` saves a version and leaves the default as it is."""
    w.preferences()
    w.cloud.ssm.update_document(
        Name="SSM-SessionManagerRunShell",
        DocumentVersion="$LATEST",
        Content=json.dumps(
            {
                "schemaVersion": "1.0",
                "sessionType": "Standard_Stream",
                "inputs": {"kmsKeyId": "alias/nobody-made-it"},
            }
        ),
    )


@breaks
def port_document(w: World) -> None:
    """A document of one's own that forwards a port, which nothing logs."""
    name = "Forward-Database"
    w.session_document(
        name,
        description="Forwards the database's port",
        sessionType="Port",
        properties={"portNumber": "5432", "type": "LocalPortForwarding"},
    )
    w.operator_statements.append(
        allow("ssm:StartSession", f"arn:aws:ssm:{w.region}:{w.account}:document/{name}")
    )


@breaks
def s3_logging_without_rights(w: World) -> None:
    """The session works and its log is lost without a word."""
    w.preferences(s3BucketName=bucket(w))


@breaks
def s3_encryption_gate_without_rights(w: World) -> None:
    w.preferences(s3BucketName=bucket(w), s3EncryptionEnabled=True)


@breaks
def s3_logging_with_rights(w: World) -> None:
    name = bucket(w)
    w.preferences(s3BucketName=name, s3EncryptionEnabled=True)
    grant(
        w,
        allow("s3:GetEncryptionConfiguration", f"arn:aws:s3:::{name}"),
        allow(["s3:PutObject", "s3:PutObjectAcl"], f"arn:aws:s3:::{name}/*"),
    )


def bucket_policy(w: World, condition: dict[str, Any]) -> None:
    """Denies everything in the bucket under a condition."""
    bucket = f"arn:aws:s3:::{w.ids['bucket']}"
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [bucket, f"{bucket}/*"]}
    w.cloud.s3.put_bucket_policy(Bucket=w.ids["bucket"], Policy=policy({**deny, "Condition": condition}))


@breaks
def s3_bucket_demands_tls(w: World) -> None:
    s3_logging_with_rights(w)
    bucket_policy(w, {"NumericLessThan": {"s3:TlsVersion": "1.2"}})


@breaks
def s3_bucket_for_deleted_role(w: World) -> None:
    """For the id of a role that was deleted and made again."""
    s3_logging_with_rights(w)
    bucket_policy(w, {"StringNotLike": {"aws:userId": ["AROADBQP57FF2AEXAMPLE:*", w.account]}})


@breaks
def s3_bucket_missing(w: World) -> None:
    w.preferences(s3BucketName="nobody-has-this-bucket", s3EncryptionEnabled=True)
    grant(w, allow(["s3:GetEncryptionConfiguration", "s3:PutObject", "s3:PutObjectAcl"], "*"))


def encrypt(w: World, algorithm: str, **given: str) -> None:
    default = {"SSEAlgorithm": algorithm, **given}
    w.cloud.s3.put_bucket_encryption(
        Bucket=w.ids["bucket"],
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )


@breaks
def s3_bucket_dual_layer(w: World) -> None:
    """Stronger than what the agent knows, so it counts as nothing."""
    s3_logging_with_rights(w)
    encrypt(w, "aws:kms:dsse")


@breaks
def s3_bucket_key_without_rights(w: World) -> None:
    s3_logging_with_rights(w)
    encrypt(w, "aws:kms", KMSMasterKeyID=w.key())


@breaks
def s3_bucket_elsewhere(w: World) -> None:
    """The agent follows a bucket to its Region."""
    name = f"session-logs-elsewhere-{w.account}"
    far = Cloud(w.cloud.endpoint, w.account, "eu-central-1")
    far.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    w.preferences(s3BucketName=name, s3EncryptionEnabled=True)
    grant(w, allow(["s3:GetEncryptionConfiguration", "s3:PutObject", "s3:PutObjectAcl"], "*"))


LOGS = ["logs:DescribeLogGroups", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]


@breaks
def cloudwatch_with_rights(w: World) -> None:
    w.preferences(
        cloudWatchLogGroupName=log_group(w, kmsKeyId=w.key()),
        cloudWatchEncryptionEnabled=True,
        cloudWatchStreamingEnabled=True,
    )
    # A name that begins like the one meant.
    w.cloud.logs.create_log_group(logGroupName="/ssm/sessions-old")
    grant(w, allow(LOGS))


@breaks
def cloudwatch_group_missing(w: World) -> None:
    w.cloud.logs.create_log_group(logGroupName="/ssm/sessions-old", kmsKeyId=w.key())
    w.preferences(cloudWatchLogGroupName="/ssm/sessions", cloudWatchEncryptionEnabled=True)
    grant(w, allow(LOGS))


@breaks
def cloudwatch_group_missing_unenforced(w: World) -> None:
    w.preferences(cloudWatchLogGroupName="/ssm/sessions")
    grant(w, allow(LOGS))


@breaks
def cloudwatch_group_unencrypted(w: World) -> None:
    w.preferences(cloudWatchLogGroupName=log_group(w), cloudWatchEncryptionEnabled=True)
    grant(w, allow(LOGS))


@breaks
def cloudwatch_group_by_arn(w: World) -> None:
    log_group(w, kmsKeyId=w.key())
    arn = f"arn:aws:logs:{w.region}:{w.account}:log-group:/ssm/sessions:*"
    w.preferences(cloudWatchLogGroupName=arn, cloudWatchEncryptionEnabled=True)
    grant(w, allow(LOGS))


@breaks
def cloudwatch_unenforced_with_rights(w: World) -> None:
    w.preferences(cloudWatchLogGroupName=log_group(w))
    grant(w, allow(LOGS))


@breaks
def preferences_streaming_quoted(w: World) -> None:
    """As a template engine writes it; the agent reads no quoted word here."""
    w.preferences(cloudWatchStreamingEnabled="true")


def log_group(w: World, **given: Any) -> str:
    w.cloud.logs.create_log_group(logGroupName="/ssm/sessions", **given)
    return "/ssm/sessions"


@breaks
def cloudwatch_logging_without_rights(w: World) -> None:
    w.preferences(cloudWatchLogGroupName=log_group(w))


@breaks
def cloudwatch_encryption_gate_without_rights(w: World) -> None:
    group = log_group(w, kmsKeyId=w.key())
    w.preferences(cloudWatchLogGroupName=group, cloudWatchEncryptionEnabled=True)


@breaks
def kms_without_decrypt(w: World) -> None:
    key = w.key()
    w.preferences(kmsKeyId=key)
    w.operator_statements.append(allow("kms:GenerateDataKey", key))


@breaks
def operator_uses_keys(w: World) -> None:
    w.operator_statements.append(allow("kms:GenerateDataKey"))


@breaks
def kms_operator_without_generate(w: World) -> None:
    key = w.key()
    w.preferences(kmsKeyId=key)
    grant(w, allow("kms:Decrypt", key))


@breaks
def kms_with_rights(w: World) -> None:
    key = w.key()
    w.preferences(kmsKeyId=key)
    grant(w, allow("kms:Decrypt", key))
    w.operator_statements.append(allow("kms:GenerateDataKey", key))


@breaks
def kms_policy_without_delegation(w: World) -> None:
    """A key policy that names the node's role and its administrator, and leaves nothing to IAM."""
    key = w.key()
    w.preferences(kmsKeyId=key)
    w.operator_statements.append(allow("kms:GenerateDataKey", key))
    iam = f"arn:aws:iam::{w.account}"
    document = policy(
        {**allow("kms:*"), "Sid": "Admin", "Principal": {"AWS": f"{iam}:user/admin"}},
        {**allow("kms:Decrypt"), "Sid": "Nodes", "Principal": {"AWS": f"{iam}:role/{w.ids['role']}"}},
    )
    w.cloud.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document)


@breaks
def kms_disabled_without_decrypt(w: World) -> None:
    """Two faults: to enable the key gives the role no right to it."""
    kms_without_decrypt(w)
    w.cloud.kms.disable_key(KeyId=w.ids["key"])


@breaks
def kms_policy_for_parameters(w: World) -> None:
    """A key policy that was made for SecureString parameters, whose encryption context sessions do not send."""
    kms_with_rights(w)
    administers = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:Put*"]
    condition = {
        "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": f"arn:aws:ssm:*:{w.account}:parameter/*"},
        "StringEquals": {"kms:CallerAccount": w.account},
    }
    document = policy(
        {**allow(administers), "Sid": "Admin", "Principal": {"AWS": f"arn:aws:iam::{w.account}:root"}},
        {**allow(["kms:Decrypt", "kms:GenerateDataKey*"], Condition=condition), "Sid": "Parameters", "Principal": "*"},
    )
    w.cloud.kms.put_key_policy(KeyId=w.ids["key"], PolicyName="default", Policy=document)


@breaks
def kms_key_of_aws(w: World) -> None:
    """AWS's own key for Systems Manager, which lets everybody in who comes by way of that service, and nobody else."""
    w.preferences(kmsKeyId="alias/aws/ssm")
    grant(w, allow("kms:Decrypt"))
    w.operator_statements.append(allow("kms:GenerateDataKey"))


@breaks
def kms_policy_names_deleted_role(w: World) -> None:
    """The node's role was deleted and made again, and the key policy shows the id of the first one."""
    key = w.key()
    w.preferences(kmsKeyId=key)
    iam = f"arn:aws:iam::{w.account}"
    document = policy(
        {**allow("kms:*"), "Sid": "Admin", "Principal": {"AWS": f"{iam}:user/admin"}},
        {**allow("kms:GenerateDataKey"), "Sid": "Operators", "Principal": {"AWS": f"{iam}:user/operator"}},
        {**allow("kms:Decrypt"), "Sid": "Nodes", "Principal": {"AWS": "AROADBQP57FF2AEXAMPLE"}},
    )
    w.cloud.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document)


def grant(w: World, *statements: dict[str, Any]) -> None:
    w.cloud.iam.put_role_policy(RoleName=w.ids["role"], PolicyName="Sessions", PolicyDocument=policy(*statements))


@breaks
def runas_no_user(w: World) -> None:
    w.preferences(runAsEnabled=True)


@breaks
def runas_default_user(w: World) -> None:
    w.preferences(runAsEnabled=True, runAsDefaultUser="ec2-user")


@breaks
def runas_operator_tag(w: World) -> None:
    w.preferences(runAsEnabled=True)
    w.operator_tags = [{"Key": "SSMSessionRunAs", "Value": "ec2-user"}]


# Hybrid


@breaks
def registered_again(w: World) -> None:
    """A new SD card in the same machine: the old id is lost, and a new one reports."""
    w.others = {"mi-0aaaabbbbccccdddd": {**w.node, "RegistrationDate": ago(days=1).timestamp()}}
    w.lost()


@breaks
def greengrass(w: World) -> None:
    w.node["SourceType"] = "AWS::IoT::Thing"


@breaks
def standard_tier(w: World) -> None:
    del w.state["service_settings"]["/ssm/managed-instance/activation-tier"]
    # The agent is told nothing of it: the channel is up and StartSession is what fails.


# Operator


@breaks
def operator_no_start_session(w: World) -> None:
    w.operator_statements = []


@breaks
def operator_no_target(w: World) -> None:
    w.session_statements(targets=False)


@breaks
def operator_no_document(w: World) -> None:
    w.session_statements(documents=[])


@breaks
def operator_ssh_only(w: World) -> None:
    w.session_statements(documents=[f"arn:aws:ssm:{w.region}::document/AWS-StartSSHSession"])


@breaks
def operator_tag_on_both(w: World) -> None:
    """One statement for target and documents, with a tag that only the target has."""
    w.session_statements(Condition={"StringEquals": {"ssm:resourceTag/Name": "web-1"}})


@breaks
def operator_tag_on_target(w: World) -> None:
    """A statement each; nothing is wrong."""
    w.session_statements(documents=[], Condition={"StringEquals": {"ssm:resourceTag/Name": "web-1"}})
    w.operator_statements.append(allow("ssm:StartSession", w.document_arns()))


@breaks
def operator_tag_mismatch(w: World) -> None:
    w.session_statements(documents=[], Condition={"StringEquals": {"ssm:resourceTag/Name": "web-2"}})
    w.operator_statements.append(allow("ssm:StartSession", w.document_arns()))


@breaks
def operator_tag_of_aws(w: World) -> None:
    """Only instances of an Auto Scaling group, whose tag nobody but AWS may give."""
    group = {"StringEquals": {"ssm:resourceTag/aws:autoscaling:groupName": "web"}}
    w.session_statements(documents=[], Condition=group)
    w.operator_statements.append(allow("ssm:StartSession", w.document_arns()))


@breaks
def operator_denies_documents(w: World) -> None:
    """Sessions that forward ports, and no others, on a list of all that exists."""
    lane = ["arn:aws:ec2:*:*:instance/*", "arn:aws:ssm:*::document/AWS-StartPortForwardingSession*"]
    w.operator_statements.append(
        {"Sid": "OnlyPorts", "Effect": "Deny", "Action": "ssm:StartSession", "NotResource": lane}
    )


@breaks
def operator_document_check(w: World) -> None:
    """S5: by this key a policy asks that the document be allowed too, the default one included."""
    w.session_statements(documents=[], Condition={"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}})
    w.operator_statements.append(allow("ssm:StartSession", f"arn:aws:ssm:{w.region}::document/AWS-StartSSHSession"))


@breaks
def operator_source_address(w: World) -> None:
    w.session_statements(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})


@breaks
def operator_old_samples(w: World) -> None:
    """From before data channels were signed, and with a pattern that fits users only."""
    own = "arn:aws:ssm:*:*:session/${aws:username}-*"
    w.operator_statements = [
        allow("ssm:StartSession", [w.target_arn(), *w.document_arns()]),
        allow(["ssm:ResumeSession", "ssm:TerminateSession"], own),
    ]


@breaks
def operator_rights_by_group(w: World) -> None:
    iam = w.cloud.iam
    iam.create_group(GroupName="operators")
    own = iam.create_policy(PolicyName="SessionsOfTheGroup", PolicyDocument=policy(*w.operator_statements))
    iam.attach_group_policy(GroupName="operators", PolicyArn=own["Policy"]["Arn"])
    w.operator_statements = []
    w.operator_groups = ["operators"]


@breaks
def another_operator(w: World) -> None:
    """Bob, who may not start sessions; asked about by --operator."""
    bob = w.cloud.iam.create_user(UserName="bob")["User"]["Arn"]
    w.ids["bob"] = bob


@breaks
def role_operator(w: World) -> None:
    """A role that may, and its session; asked about by --operator."""
    arn = w.cloud.iam.create_role(RoleName="Ops", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"), Path="/team/")
    document = policy(*w.operator_statements)
    w.cloud.iam.put_role_policy(RoleName="Ops", PolicyName="Sessions", PolicyDocument=document)
    w.ids["ops"] = arn["Role"]["Arn"]
    w.ids["ops_session"] = f"arn:aws:sts::{w.account}:assumed-role/Ops/carol"


@breaks
def operator_mfa_condition(w: World) -> None:
    w.session_statements(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})


@breaks
def operator_mfa_age(w: World) -> None:
    w.session_statements(Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}})


@breaks
def operator_token_expired(w: World) -> None:
    w.token_expired = True


# The event history. The last ping of a silent node is two hours old.


def happened(w: World, name: str, source: str, seconds_ago: int, username: str, arn: str, **more: Any) -> None:
    row = {"name": name, "source": f"{source}.amazonaws.com", "seconds_ago": seconds_ago, "username": username}
    w.state.setdefault("trail", []).append({**row, "arn": arn, **more})


@breaks
def trail_of_change(w: World) -> None:
    happened(
        w,
        "RevokeSecurityGroupEgress",
        "ec2",
        2 * 3600 + 12 * 60 + 50,
        "alice",
        f"arn:aws:iam::{w.account}:user/alice",
        resources=[w.ids["instance_group"]],
    )


@breaks
def trail_of_refusals(w: World) -> None:
    """A service control policy that nobody here may read refuses what the agent calls."""
    arn = f"arn:aws:sts::{w.account}:assumed-role/EC2RoleforSSM/{w.target}"
    happened(
        w,
        "UpdateInstanceInformation",
        "ssm",
        330,
        w.target,
        arn,
        record={
            "errorCode": "AccessDenied",
            "errorMessage": f"User: {arn} is not authorized to perform: ssm:UpdateInstanceInformation on resource: "
            f"{w.target_arn()} with an explicit deny in a service control policy",
        },
    )


@breaks
def trail_of_start(w: World) -> None:
    arn = f"arn:aws:iam::{w.account}:user/operator"
    happened(
        w,
        "StartSession",
        "ssm",
        180,
        "operator",
        arn,
        record={
            "requestParameters": {"target": w.target},
            "errorCode": "AccessDenied",
            "errorMessage": f"User: {arn} is not authorized to perform: ssm:StartSession on resource: {w.target_arn()} "
            "because no identity-based policy allows the ssm:StartSession action",
        },
    )


@breaks
def trail_of_assumed_role(w: World) -> None:
    """EC2 took on the role for the instance, which shows in no call of the agent."""
    happened(
        w,
        "AssumeRole",
        "sts",
        1500,
        "",
        "ec2.amazonaws.com",
        resources=[w.target],
        record={
            "userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
            "readOnly": True,
            "requestParameters": {
                "roleArn": f"arn:aws:iam::{w.account}:role/EC2RoleforSSM",
                "roleSessionName": w.target,
            },
        },
    )


@breaks
def vpn_down(w: World) -> None:
    """Out by a transit gateway and a VPN connection, whose tunnels are down."""
    ec2, gateway = w.cloud.ec2, w.ids["transit_gateway"]
    customer = ec2.create_customer_gateway(BgpAsn=65000, IpAddress="203.0.113.9", Type="ipsec.1")
    made = ec2.create_vpn_connection(
        Type="ipsec.1",
        CustomerGatewayId=customer["CustomerGateway"]["CustomerGatewayId"],
        TransitGatewayId=gateway,
    )
    w.ids["vpn"] = made["VpnConnection"]["VpnConnectionId"]
    attachments = ec2.describe_transit_gateway_attachments()["TransitGatewayAttachments"]
    (attached,) = [it["TransitGatewayAttachmentId"] for it in attachments if it["ResourceType"] == "vpn"]
    route = {"DestinationCidrBlock": ANYWHERE, "TransitGatewayRouteTableId": w.ids["spokes"]}
    ec2.delete_transit_gateway_route(**route)
    ec2.create_transit_gateway_route(**route, TransitGatewayAttachmentId=attached)
    down = {"Status": "DOWN", "LastStatusChange": "2026-11-23T01:40:00Z"}
    row = {"VpnConnectionId": w.ids["vpn"], "TransitGatewayId": gateway, "State": "available"}
    w.state["vpn_connections"] = [{**row, "VgwTelemetry": [down, down]}]
    w.lost()


@breaks
def trail_denied(w: World) -> None:
    w.state["deny"] = [*w.state.get("deny", []), "cloudtrail:LookupEvents"]


# The server's own ways


@breaks
def small_pages(w: World) -> None:
    """AWS may cut any list into pages; here every one has a single row."""
    for number in range(7):
        w.cloud.ec2.create_security_group(GroupName=f"other-{number}", Description="not used", VpcId=w.ids["vpc"])
    w.state["page_size"] = 1


@breaks
def grouped_simulation(w: World) -> None:
    w.state["grouped_simulation"] = True


@breaks
def slow_answers(w: World) -> None:
    """Slow enough that calls made at once overlap, so that rounds can be counted from outside."""
    w.state["latency_ms"] = 150


def build(endpoint: str, account: str, name: str, broken: list[str]) -> dict[str, Any]:
    name, _, region = name.partition("@")
    if name == "empty":
        return {"administrator_env": World(endpoint, account, region).administrator()}
    own_region, construct = WORLDS[name]
    w = World(endpoint, account, region or own_region)
    for one in broken:
        if one in BEFORE_LAUNCH:
            BREAKS[one](w)
    construct(w)
    if w.plan.get("detach"):
        w.cloud.ec2.detach_internet_gateway(InternetGatewayId=w.ids["internet_gateway"], VpcId=w.ids["vpc"])
    w.session_statements()
    for one in broken:
        if one not in BEFORE_LAUNCH:
            BREAKS[one](w)
    return w.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint")
    parser.add_argument("--account", default="111122223333")
    parser.add_argument("command", choices=["build", "serve", "list"])
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.command == "list":
        print(json.dumps({"worlds": list(WORLDS), "breaks": list(BREAKS)}))
    elif arguments.command == "build":
        name, *broken = arguments.names
        print(json.dumps(build(arguments.endpoint, arguments.account, name, broken)))
    else:
        for line in sys.stdin:
            wanted = json.loads(line)
            try:
                reply = build(arguments.endpoint, wanted["account"], wanted["world"], wanted["breaks"])
            except Exception as error:  # noqa: BLE001 (the caller's case fails with it)
                reply = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
