"""Asks the server, by AWS's own Python client, whether it answers like AWS where moto did not.

    selftest.py --endpoint URL

Every function `test_*` gets a fresh account per world. What AWS answers was read from recorded
responses and its documentation; where neither says, nothing is asserted.
"""

import argparse
import ipaddress
import itertools
import json
import sys
import traceback
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import worlds

ABSENT_INSTANCE = "i-0123456789abcdef0"
CHANNELS = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
]
_accounts = itertools.count(200000000001)
_endpoint = ""


class Account:
    """A world, seen by its operator."""

    def __init__(self, world: str, *broken: str) -> None:
        self.name = str(next(_accounts))
        self.world = worlds.build(_endpoint, self.name, world, list(broken))
        self.ids = self.world["ids"]
        self.target = self.world["target"]
        self.region = self.world["region"]
        self.role = f"arn:aws:iam::{self.name}:role/{self.ids.get('role')}"
        self.user = f"arn:aws:iam::{self.name}:user/operator"

    def client(self, service: str, region: str | None = None, key: str | None = None) -> Any:
        environment = self.world["operator_env"]
        return boto3.client(
            service,
            endpoint_url=_endpoint,
            region_name=region or self.region,
            aws_access_key_id=key or environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    def __getattr__(self, service: str) -> Any:
        self.__dict__[service] = self.client(service)
        return self.__dict__[service]

    def put(self, **values: Any) -> None:
        worlds.Cloud(_endpoint, self.name, self.region).put_state(values)

    def in_vpc(self, operation: str, key: str) -> list[dict[str, Any]]:
        vpc = [{"Name": "vpc-id", "Values": [self.ids["vpc"]]}]
        return getattr(self.ec2, operation)(Filters=vpc)[key]

    def simulate(self, source: str, actions: list[str], *resources: str, **more: Any) -> list[dict[str, Any]]:
        if resources:
            more["ResourceArns"] = list(resources)
        answer = self.iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=actions, **more)
        return answer["EvaluationResults"]


def refused(code: str, status: int, call: Callable[[], Any]) -> None:
    try:
        call()
    except ClientError as error:
        got = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        assert got == (code, status), got
    else:
        raise AssertionError(f"not refused with {code}")


def equal(got: Any, wanted: Any) -> None:
    assert got == wanted, f"{got!r}, not {wanted!r}"


def test_nodes() -> None:
    a = Account("private-endpoints")
    rows = a.ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [a.target]}])
    row = rows["InstanceInformationList"][0]
    equal((row["InstanceId"], row["PingStatus"], row["ResourceType"]), (a.target, "Online", "EC2Instance"))
    assert row["LastPingDateTime"].tzinfo, "a time that is none"
    legacy = a.ssm.describe_instance_information(
        InstanceInformationFilterList=[{"key": "PingStatus", "valueSet": ["ConnectionLost"]}]
    )
    equal(legacy["InstanceInformationList"], [])
    equal(a.client("ssm", "eu-west-3").describe_instance_information()["InstanceInformationList"], [])
    refused("ValidationException", 400, lambda: a.ssm.describe_instance_information(MaxResults=51))
    equal(a.ssm.get_connection_status(Target=a.target)["Status"], "connected")
    equal(a.ssm.get_connection_status(Target=ABSENT_INSTANCE)["Status"], "notconnected")


def test_node_pages() -> None:
    a = Account("private-endpoints")
    row = {"PingStatus": "Online", "AgentVersion": "3.3.2299.0", "PlatformType": "Linux"}
    a.put(nodes={f"mi-{number:017x}": row for number in range(12)})
    first = a.ssm.describe_instance_information(MaxResults=5)
    equal(len(first["InstanceInformationList"]), 5)
    pages = a.ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 5})
    equal(len({row["InstanceId"] for page in pages for row in page["InstanceInformationList"]}), 12)


def test_stopped_instances_are_not_listed() -> None:
    a = Account("private-endpoints", "instance-stopped")
    equal(a.ssm.describe_instance_information()["InstanceInformationList"], [])


def test_settings_sessions_activations() -> None:
    a = Account("hybrid")
    tier = a.ssm.get_service_setting(SettingId="/ssm/managed-instance/activation-tier")["ServiceSetting"]
    equal((tier["SettingValue"], tier["Status"]), ("advanced", "Customized"))
    tier = a.client("ssm", "eu-west-3").get_service_setting(SettingId="/ssm/managed-instance/activation-tier")
    equal((tier["ServiceSetting"]["SettingValue"], tier["ServiceSetting"]["Status"]), ("standard", "Default"))
    setting = "/ssm/managed-instance/default-ec2-instance-management-role"
    refused("ServiceSettingNotFound", 400, lambda: a.ssm.get_service_setting(SettingId=setting))
    equal(len(a.ssm.describe_activations()["ActivationList"]), 1)
    over = {"SessionId": "operator-0a1b2c", "Target": a.target, "Status": "Terminated", "Owner": a.user}
    a.put(sessions=[over])
    equal(a.ssm.describe_sessions(State="Active")["Sessions"], [])
    history = a.ssm.describe_sessions(State="History", Filters=[{"key": "Target", "value": a.target}])
    equal(history["Sessions"], [over])


def test_documents() -> None:
    a = Account("private-endpoints")
    refused("InvalidDocument", 400, lambda: a.ssm.get_document(Name="SSM-SessionManagerRunShell"))
    port = json.loads(a.ssm.get_document(Name="AWS-StartSSHSession")["Content"])
    equal(port["sessionType"], "Port")
    a = Account("private-endpoints", "runas-no-user")
    own = json.loads(a.ssm.get_document(Name="SSM-SessionManagerRunShell")["Content"])
    equal(own["inputs"]["runAsEnabled"], True)


def test_simulation_of_a_role() -> None:
    a = Account("private-endpoints")
    results = a.simulate(a.role, ["ssm:UpdateInstanceInformation", *CHANNELS, "s3:PutObject"])
    equal([one["EvalDecision"] for one in results], ["allowed"] * 5 + ["implicitDeny"])
    allowed = results[0]
    equal(allowed["EvalResourceName"], "*")
    equal(
        allowed["MatchedStatements"],
        [{"SourcePolicyId": "AmazonSSMManagedInstanceCore", "SourcePolicyType": "IAM Policy"}],
    )
    for absent in ("PermissionsBoundaryDecisionDetail", "OrganizationsDecisionDetail", "ResourceSpecificResults"):
        assert absent not in allowed, absent
    refused("NoSuchEntity", 404, lambda: a.simulate(a.role + "x", CHANNELS))
    session = f"arn:aws:sts::{a.name}:assumed-role/EC2RoleforSSM/{a.target}"
    refused("InvalidInput", 400, lambda: a.simulate(session, CHANNELS))
    refused("InvalidInput", 400, lambda: a.simulate(a.role, ["ssm:NoSuchAction"]))


def test_simulation_layers() -> None:
    a = Account("private-endpoints", "role-boundary-denies")
    result = a.simulate(a.role, CHANNELS[:1])[0]
    equal(result["EvalDecision"], "implicitDeny")
    equal(result["PermissionsBoundaryDecisionDetail"], {"AllowedByPermissionsBoundary": False})
    a = Account("private-endpoints", "scp-denies")
    result = a.simulate(a.role, CHANNELS[:1])[0]
    equal(result["EvalDecision"], "explicitDeny")
    equal(result["OrganizationsDecisionDetail"], {"AllowedByOrganizations": False})


def test_simulation_of_resources() -> None:
    a = Account("private-endpoints", "operator-ssh-only")
    instance = f"arn:aws:ec2:{a.region}:{a.name}:instance/{a.target}"
    other = f"arn:aws:ec2:{a.region}:{a.name}:instance/{ABSENT_INSTANCE}"
    ssh = f"arn:aws:ssm:{a.region}::document/AWS-StartSSHSession"
    shell = f"arn:aws:ssm:{a.region}:{a.name}:document/SSM-SessionManagerRunShell"
    wanted = {instance: "allowed", other: "implicitDeny", ssh: "allowed", shell: "implicitDeny"}
    results = a.simulate(a.user, ["ssm:StartSession"], *wanted)
    equal({one["EvalResourceName"]: one["EvalDecision"] for one in results}, wanted)
    # Compared as text, `*` is none of the resources that the policy names.
    equal(a.simulate(a.user, ["ssm:StartSession"])[0]["EvalDecision"], "implicitDeny")
    own = f"arn:aws:ssm:{a.region}:{a.name}:session/AIDAEXAMPLE-0a1b2c"
    result = a.simulate(a.user, ["ssmmessages:OpenDataChannel"], own)[0]["ResourceSpecificResults"][0]
    equal((result["EvalResourceDecision"], result["MissingContextValues"]), ("implicitDeny", ["aws:userid"]))
    key = [{"ContextKeyName": "aws:userid", "ContextKeyValues": ["AIDAEXAMPLE"], "ContextKeyType": "string"}]
    result = a.simulate(a.user, ["ssmmessages:OpenDataChannel"], own, ContextEntries=key)[0]
    equal(result["EvalDecision"], "allowed")


def test_simulation_with_missing_context() -> None:
    a = Account("private-endpoints", "operator-mfa-condition")
    instance = f"arn:aws:ec2:{a.region}:{a.name}:instance/{a.target}"
    result = a.simulate(a.user, ["ssm:StartSession"], instance)[0]
    equal((result["EvalDecision"], result["MissingContextValues"]), ("implicitDeny", []))
    inner = result["ResourceSpecificResults"][0]
    equal(inner["MissingContextValues"], ["aws:MultiFactorAuthPresent"])
    entry = {"ContextKeyName": "aws:MultiFactorAuthPresent", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"}
    equal(a.simulate(a.user, ["ssm:StartSession"], instance, ContextEntries=[entry])[0]["EvalDecision"], "allowed")


def test_simulation_pages() -> None:
    a = Account("private-endpoints")
    first = a.iam.simulate_principal_policy(PolicySourceArn=a.role, ActionNames=CHANNELS, MaxItems=3)
    equal((len(first["EvaluationResults"]), first["IsTruncated"]), (3, True))
    pages = a.iam.get_paginator("simulate_principal_policy").paginate(PolicySourceArn=a.role, ActionNames=CHANNELS)
    equal([one["EvalActionName"] for page in pages for one in page["EvaluationResults"]], CHANNELS)


def test_simulation_of_group_policies() -> None:
    a = Account("private-endpoints", "operator-no-start-session")
    cloud = worlds.Cloud(_endpoint, a.name, a.region)
    cloud.iam.create_group(GroupName="admins")
    cloud.iam.put_group_policy(
        GroupName="admins", PolicyName="all", PolicyDocument=worlds.policy(worlds.allow("ssm:*"))
    )
    equal(a.simulate(a.user, ["ssm:StartSession"])[0]["EvalDecision"], "implicitDeny")
    cloud.iam.add_user_to_group(GroupName="admins", UserName="operator")
    equal(a.simulate(a.user, ["ssm:StartSession"])[0]["EvalDecision"], "allowed")


def test_interface_endpoints() -> None:
    a = Account("private-endpoints")
    endpoints = a.in_vpc("describe_vpc_endpoints", "VpcEndpoints")
    ssm = next(one for one in endpoints if one["VpcEndpointId"] == a.ids["ssm_endpoint"])
    equal((ssm["State"], ssm["PrivateDnsEnabled"], ssm["VpcEndpointType"]), ("available", True, "Interface"))
    assert any(entry["DnsName"] == f"ssm.{a.region}.amazonaws.com" for entry in ssm["DnsEntries"]), ssm["DnsEntries"]
    interfaces = a.ec2.describe_network_interfaces(NetworkInterfaceIds=ssm["NetworkInterfaceIds"])["NetworkInterfaces"]
    equal([one["SubnetId"] for one in interfaces], [a.ids["endpoints_subnet"]])
    equal(interfaces[0]["InterfaceType"], "vpc_endpoint")
    equal([group["GroupId"] for group in interfaces[0]["Groups"]], [a.ids["endpoints_group"]])
    address = ipaddress.ip_address(interfaces[0]["PrivateIpAddress"])
    assert address in ipaddress.ip_network("10.0.1.0/24"), address


def test_changed_endpoints() -> None:
    a = Account("private-endpoints", "endpoint-private-dns-off")
    cloud = worlds.Cloud(_endpoint, a.name, a.region)
    cloud.ec2.modify_vpc_endpoint(
        VpcEndpointId=a.ids["ssm_endpoint"],
        AddSubnetIds=[a.ids["instance_subnet"]],
        RemoveSecurityGroupIds=[a.ids["endpoints_group"]],
        AddSecurityGroupIds=[a.ids["instance_group"]],
    )
    (ssm,) = a.ec2.describe_vpc_endpoints(VpcEndpointIds=[a.ids["ssm_endpoint"]])["VpcEndpoints"]
    equal((ssm["PrivateDnsEnabled"], len(ssm["NetworkInterfaceIds"])), (False, 2))
    interfaces = a.ec2.describe_network_interfaces(NetworkInterfaceIds=ssm["NetworkInterfaceIds"])["NetworkInterfaces"]
    equal({group["GroupId"] for one in interfaces for group in one["Groups"]}, {a.ids["instance_group"]})
    a = Account("private-endpoints", "vpc-dns-hostnames-off", "endpoint-missing-ssm")
    cloud = worlds.Cloud(_endpoint, a.name, a.region)
    wanted = {"VpcId": a.ids["vpc"], "ServiceName": f"com.amazonaws.{a.region}.ssm", "VpcEndpointType": "Interface"}
    refused("InvalidParameter", 400, lambda: cloud.ec2.create_vpc_endpoint(**wanted, PrivateDnsEnabled=True))


def test_gateways() -> None:
    a = Account("private-nat", "nat-deleted")
    (nat,) = a.ec2.describe_nat_gateways(NatGatewayIds=[a.ids["nat_gateway"]])["NatGateways"]
    equal((nat["State"], nat["ConnectivityType"]), ("deleted", "public"))
    (table,) = a.ec2.describe_route_tables(RouteTableIds=[a.ids["instance_route_table"]])["RouteTables"]
    equal([route["State"] for route in table["Routes"]], ["active", "blackhole"])
    refused("NatGatewayNotFound", 400, lambda: a.ec2.describe_nat_gateways(NatGatewayIds=["nat-0123456789abcdef0"]))
    a = Account("public-ip", "igw-detached")
    (table,) = a.ec2.describe_route_tables(RouteTableIds=[a.ids["instance_route_table"]])["RouteTables"]
    equal(table["Routes"][1]["State"], "blackhole")
    (gateway,) = a.ec2.describe_internet_gateways(InternetGatewayIds=[a.ids["internet_gateway"]])["InternetGateways"]
    equal(gateway["Attachments"], [])


def test_network_acls_end_with_a_denial() -> None:
    a = Account("private-endpoints", "nacl-denies-443")
    (acl,) = a.ec2.describe_network_acls(NetworkAclIds=[a.ids["acl"]])["NetworkAcls"]
    last = {entry["Egress"]: entry["RuleAction"] for entry in acl["Entries"] if entry["RuleNumber"] == 32767}
    equal(last, {True: "deny", False: "deny"})


def test_instances() -> None:
    a = Account("private-endpoints", "status-impaired")
    (instance,) = a.ec2.describe_instances(InstanceIds=[a.target])["Reservations"][0]["Instances"]
    assert "Association" not in instance["NetworkInterfaces"][0], "a public address"
    given = instance["IamInstanceProfile"]
    assert given["Id"].startswith("AIPA"), given
    profile = a.client("iam").get_instance_profile(InstanceProfileName=given["Arn"].rsplit("/", 1)[-1])
    equal(profile["InstanceProfile"]["InstanceProfileId"], given["Id"])
    ids = {"InstanceIds": [a.target], "IncludeAllInstances": True}
    (status,) = a.ec2.describe_instance_status(**ids)["InstanceStatuses"]
    equal((status["InstanceStatus"]["Status"], status["SystemStatus"]["Status"]), ("impaired", "ok"))
    refused("InvalidInstanceID.NotFound", 400, lambda: a.ec2.describe_instances(InstanceIds=[ABSENT_INSTANCE]))
    refused("InvalidInstanceID.Malformed", 400, lambda: a.ec2.describe_instances(InstanceIds=["i-none"]))
    a = Account("private-endpoints", "instance-stopped")
    equal(a.ec2.describe_instance_status(InstanceIds=[a.target])["InstanceStatuses"], [])
    ids = {"InstanceIds": [a.target], "IncludeAllInstances": True}
    (status,) = a.ec2.describe_instance_status(**ids)["InstanceStatuses"]
    equal((status["InstanceState"]["Name"], status["InstanceStatus"]["Status"]), ("stopped", "not-applicable"))
    a = Account("public-ip")
    (instance,) = a.ec2.describe_instances(InstanceIds=[a.target])["Reservations"][0]["Instances"]
    assert instance["NetworkInterfaces"][0]["Association"]["PublicIp"], "no public address"


def test_vpc_details() -> None:
    a = Account("private-endpoints")
    (vpc,) = a.ec2.describe_vpcs(VpcIds=[a.ids["vpc"]])["Vpcs"]
    (options,) = a.ec2.describe_dhcp_options(DhcpOptionsIds=[vpc["DhcpOptionsId"]])["DhcpOptions"]
    servers = next(one for one in options["DhcpConfigurations"] if one["Key"] == "domain-name-servers")
    equal(servers["Values"], [{"Value": "AmazonProvidedDNS"}])
    for attribute, key in (("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")):
        equal(a.ec2.describe_vpc_attribute(VpcId=a.ids["vpc"], Attribute=attribute)[key], {"Value": True})
    (prefixes,) = a.ec2.describe_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{a.region}.s3"]}]
    )["PrefixLists"]
    entries = a.ec2.get_managed_prefix_list_entries(PrefixListId=prefixes["PrefixListId"])["Entries"]
    equal([entry["Cidr"] for entry in entries], prefixes["Cidrs"])
    public = a.ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
    equal(public["InternetGatewayBlockMode"], "off")
    refused("InvalidParameterValue", 400, lambda: a.ec2.describe_route_tables(MaxResults=1000))


def test_regions() -> None:
    regions = {one["RegionName"] for one in Account("hybrid").ec2.describe_regions()["Regions"]}
    assert {"us-east-1", "eu-west-3"} <= regions, regions
    assert not {"cn-north-1", "us-gov-west-1"} & regions, regions


def test_shared_vpc() -> None:
    a = Account("private-endpoints", "shared-vpc")
    equal(a.in_vpc("describe_vpc_endpoints", "VpcEndpoints"), [])
    interfaces = a.in_vpc("describe_network_interfaces", "NetworkInterfaces")
    equal([one["InterfaceType"] for one in interfaces], ["interface"])
    (vpc,) = a.ec2.describe_vpcs(VpcIds=[a.ids["vpc"]])["Vpcs"]
    equal(vpc["OwnerId"], "999988887777")


def test_small_pages() -> None:
    a = Account("private-endpoints", "small-pages")
    pages = list(a.ec2.get_paginator("describe_security_groups").paginate())
    equal({len(page["SecurityGroups"]) for page in pages}, {1})
    assert len(pages) > 8, len(pages)


def test_logs_keys_buckets() -> None:
    a = Account("public-ip", "s3-logging-with-rights")
    rules = a.s3.get_bucket_encryption(Bucket=a.ids["bucket"])["ServerSideEncryptionConfiguration"]["Rules"]
    equal(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")
    refused("NoSuchBucketPolicy", 404, lambda: a.s3.get_bucket_policy(Bucket=a.ids["bucket"]))
    refused("NoSuchBucket", 404, lambda: a.s3.get_bucket_encryption(Bucket="no-such-bucket-anywhere"))
    a = Account("public-ip", "cloudwatch-encryption-gate-without-rights")
    groups = a.logs.describe_log_groups(logGroupNamePrefix="/ssm/sessions")["logGroups"]
    equal([group["kmsKeyId"] for group in groups], [a.ids["key"]])
    equal(a.kms.describe_key(KeyId=a.ids["key"])["KeyMetadata"]["Enabled"], True)
    statements = json.loads(a.kms.get_key_policy(KeyId=a.ids["key"], PolicyName="default")["Policy"])["Statement"]
    equal(statements[0]["Effect"], "Allow")


def test_buckets_elsewhere() -> None:
    a = Account("public-ip", "s3-bucket-elsewhere")
    # AWS's client asks again where the refusal says that the bucket is.
    asked = a.s3.get_bucket_encryption(Bucket=f"session-logs-elsewhere-{a.name}")
    equal(asked["ResponseMetadata"]["HTTPStatusCode"], 200)
    equal(a.s3.meta.region_name, "eu-west-1")
    log = json.loads(urllib.request.urlopen(f"{_endpoint}/_test/log?account={a.name}", timeout=10).read())
    equal([(call["region"], call["status"]) for call in log][-2:], [("eu-west-1", 301), ("eu-central-1", 200)])


def test_network_firewalls() -> None:
    a = Account("private-nat", "firewall-without-ssmmessages")
    firewalls = a.client("network-firewall")
    listed = firewalls.list_firewalls(VpcIds=[a.ids["vpc"]])["Firewalls"]
    equal([sorted(one) for one in listed], [["FirewallArn", "FirewallName"]])
    equal(firewalls.list_firewalls(VpcIds=["vpc-0123456789abcdef0"])["Firewalls"], [])
    about = firewalls.describe_firewall(FirewallArn=listed[0]["FirewallArn"])
    attachments = [one["Attachment"] for one in about["FirewallStatus"]["SyncStates"].values()]
    equal([one["EndpointId"] for one in attachments], [a.ids["firewall_endpoint"]])
    policy = firewalls.describe_firewall_policy(FirewallPolicyArn=about["Firewall"]["FirewallPolicyArn"])
    [group] = policy["FirewallPolicy"]["StatefulRuleGroupReferences"]
    rules = firewalls.describe_rule_group(RuleGroupArn=group["ResourceArn"])["RuleGroup"]["RulesSource"]
    equal(rules["RulesSourceList"]["GeneratedRulesType"], "ALLOWLIST")
    absent = group["ResourceArn"] + "x"
    refused("ResourceNotFoundException", 400, lambda: firewalls.describe_rule_group(RuleGroupArn=absent))


def test_consoles_events_and_profiles() -> None:
    a = Account("private-endpoints", "unregistered-by-timeout", "event-scheduled", "profile-attached-lately")
    console = a.ec2.get_console_output(InstanceId=a.target, Latest=True)
    assert "SSM Agent unable to acquire credentials" in console["Output"], console
    events = a.ec2.describe_instance_status(InstanceIds=[a.target])["InstanceStatuses"][0]["Events"]
    equal([event["Code"] for event in events], ["instance-retirement", "system-reboot"])
    only = [{"Name": "instance-id", "Values": [a.target]}]
    profiles = a.ec2.describe_iam_instance_profile_associations(Filters=only)["IamInstanceProfileAssociations"]
    equal([profile["State"] for profile in profiles], ["associated"])
    assert (datetime.now(UTC) - profiles[0]["Timestamp"]).total_seconds() < 3600, profiles
    quiet = Account("private-endpoints").ec2
    equal("Output" in quiet.get_console_output(InstanceId=quiet_target(quiet)), False)


def quiet_target(ec2: Any) -> str:
    return ec2.describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]


def test_identity_and_refusals() -> None:
    a = Account("private-endpoints")
    equal(a.sts.get_caller_identity()["Arn"], a.user)
    cloud = worlds.Cloud(_endpoint, a.name, a.region)
    assumed = cloud.sts.assume_role(RoleArn=a.role, RoleSessionName="me")["Credentials"]
    caller = a.client("sts", key=assumed["AccessKeyId"]).get_caller_identity()
    equal(caller["Arn"], f"arn:aws:sts::{a.name}:assumed-role/EC2RoleforSSM/me")
    nobody = "AKIAIOSFODNN7EXAMPLE"
    refused("AuthFailure", 401, a.client("ec2", key=nobody).describe_vpcs)
    refused("InvalidClientTokenId", 403, a.client("sts", key=nobody).get_caller_identity)
    refused("UnrecognizedClientException", 400, a.client("ssm", key=nobody).describe_instance_information)
    a.put(deny=["ec2:DescribeVpcs", "iam:GetRole", "ssm:GetDocument", "s3:GetEncryptionConfiguration"])
    refused("UnauthorizedOperation", 403, a.ec2.describe_vpcs)
    refused("AccessDenied", 403, lambda: a.iam.get_role(RoleName="any"))
    refused("AccessDeniedException", 400, lambda: a.ssm.get_document(Name="any"))
    refused("AccessDenied", 403, lambda: a.s3.get_bucket_encryption(Bucket="any"))
    a = Account("private-endpoints", "operator-token-expired")
    refused("ExpiredToken", 403, a.sts.get_caller_identity)
    refused("RequestExpired", 400, a.ec2.describe_vpcs)
    refused("ExpiredTokenException", 400, a.ssm.describe_instance_information)


def test_unknown_operations_and_the_log() -> None:
    a = Account("private-endpoints")
    refused("InvalidAction", 400, a.ec2.describe_vpc_block_public_access_exclusions)
    refused("UnknownOperationException", 400, lambda: a.ssm.start_session(Target=a.target))
    with urllib.request.urlopen(f"{_endpoint}/_test/log?account={a.name}", timeout=10) as answer:
        log = json.load(answer)
    equal([one["action"] for one in log], ["DescribeVpcBlockPublicAccessExclusions", "StartSession"])
    assert all(one["unimplemented"] and one["end"] >= one["start"] for one in log), log


def main() -> None:
    global _endpoint
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True)
    _endpoint = parser.parse_args().endpoint
    failed = 0
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            try:
                test()
            except Exception:  # noqa: BLE001 (each test speaks for itself)
                failed += 1
                print(f"{name}: {traceback.format_exc()}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
