"""The operations that moto has not: registered on its response classes.

Answers have the shape of real ones. Where AWS's behaviour is not documented the comment says so.
"""

import json
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from moto.cloudtrail.responses import CloudTrailResponse
from moto.cloudwatch.models import CloudWatchBackend
from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ec2.responses import EC2Response
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from moto.logs.models import logs_backends
from moto.logs.responses import LogsResponse
from moto.networkfirewall.responses import NetworkFirewallResponse
from moto.organizations.responses import OrganizationsResponse
from moto.route53resolver.responses import Route53ResolverResponse
from moto.ssm.responses import SimpleSystemManagerResponse

import state
from corrections import Refused

UPDATED_AGENT = "3.3.2746.0"
NODE_ID = re.compile(r"^(i-(\w{8}|\w{17})|mi-\w{17})$")


def register(simulator: "Simulator") -> None:
    global _simulator
    _simulator = simulator
    for cls, operations in (
        (
            SimpleSystemManagerResponse,
            (
                describe_activations,
                describe_instance_information,
                describe_sessions,
                get_connection_status,
                get_service_setting,
                send_command,
                update_service_setting,
            ),
        ),
        (IamResponse, (simulate_custom_policy, simulate_principal_policy)),
        (
            EC2Response,
            (
                describe_instance_connect_endpoints,
                describe_vpn_connections,
                describe_vpc_block_public_access_options,
                get_serial_console_access_status,
                replace_transit_gateway_route,
            ),
        ),
        (
            NetworkFirewallResponse,
            (describe_firewall_policy, describe_rule_group, update_firewall_policy, update_rule_group),
        ),
        (LogsResponse, (associate_kms_key,)),
        (CloudTrailResponse, (lookup_events,)),
        (OrganizationsResponse, (describe_organization, describe_policy, list_parents, list_policies_for_target)),
        (
            Route53ResolverResponse,
            (
                create_firewall_domain_list,
                create_firewall_rule,
                get_firewall_domain_list,
                list_firewall_domains,
                list_firewall_rule_group_associations,
                list_firewall_rules,
                update_firewall_domains,
                update_firewall_rule,
            ),
        ),
    ):
        for operation in operations:
            setattr(cls, operation.__name__, operation)
    CloudWatchBackend.get_metric_data = get_metric_data


# CloudWatch. moto knows the queries for one metric, and not those that search for metrics.


SEARCH = re.compile(r"SEARCH\('([^']*)', '(\w+)', (\d+)\)")
_queries_of_metrics = CloudWatchBackend.get_metric_data


def get_metric_data(self: CloudWatchBackend, queries: list[dict[str, Any]], *times: Any, **given: Any) -> list[dict[str, Any]]:
    """A search finds the metrics whose namespace, name and dimensions are as it says. Each becomes a query."""
    found = []
    for query in queries:
        search = SEARCH.fullmatch(query.get("Expression", ""))
        if not search:
            found.append(query)
            continue
        words, stat, period = search.groups()
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', words))
        namespace, name = wanted.pop("Namespace"), wanted.pop("MetricName")
        for dimensions in {
            tuple((it.name, it.value) for it in metric.dimensions)
            for metric in self.get_all_metrics()
            if metric.namespace == namespace and metric.name == name
        }:
            if wanted.items() <= dict(dimensions).items():
                label = re.sub(r"\$\{PROP\('Dim\.(\w+)'\)\}", lambda it, of=dict(dimensions): of[it[1]], query["Label"])
                metric = {"Namespace": namespace, "MetricName": name}
                metric["Dimensions"] = [{"Name": key, "Value": value} for key, value in dimensions]
                one = {"Id": query["Id"], "Label": label}
                found.append({**one, "MetricStat": {"Metric": metric, "Period": int(period), "Stat": stat}})
    return _queries_of_metrics(self, found, *times, **given)


# CloudTrail. An event shows its attributes outside of its record, which is JSON in a text.


_lookups: dict[tuple[str, str], list[float]] = {}


def lookup_events(self: CloudTrailResponse) -> Any:
    account, region = self.current_account, self.region
    now = time.monotonic()
    recent = [at for at in _lookups.get((account, region), []) if now - at < 1]
    if len(recent) >= 2:
        raise Refused("ThrottlingException", "Rate exceeded")
    _lookups[account, region] = [*recent, now]
    attributes = self._get_param("LookupAttributes") or []
    known = {"AccessKeyId", "EventId", "EventName", "EventSource", "ReadOnly", "ResourceName", "ResourceType", "Username"}
    if len(attributes) > 1 or any(it["AttributeKey"] not in known for it in attributes):
        raise Refused("InvalidLookupAttributesException", "Invalid lookup attribute specified.")
    size = self._get_param("MaxResults") or 50
    if not 1 <= size <= 50:
        raise Refused("InvalidMaxResultsException", "Max results must be between 1 and 50.")

    def matches(row: dict[str, Any]) -> bool:
        fields = {
            "EventName": [row["name"]],
            "EventSource": [row["source"]],
            "ResourceName": row.get("resources", []),
            "Username": [row.get("username")],
        }
        return all(it["AttributeValue"] in fields.get(it["AttributeKey"], []) for it in attributes)

    rows = sorted(state.region(account, region)["trail"], key=lambda row: row["seconds_ago"])
    return _json({"Events": [_event(row, region) for row in rows if matches(row)][:size]})


def _event(row: dict[str, Any], region: str) -> dict[str, Any]:
    at = int(time.time() - row["seconds_ago"])
    record = {
        "eventVersion": "1.11",
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)),
        "eventSource": row["source"],
        "eventName": row["name"],
        "awsRegion": region,
        "sourceIPAddress": "198.51.100.23",
        "userAgent": "aws-cli/2.31.0",
        "readOnly": False,
        "userIdentity": {"type": "AssumedRole", "arn": row.get("arn"), "accessKeyId": "ASIAIOSFODNN7EXAMPLE"},
        **row.get("record", {}),
    }
    return {
        "EventId": "11111111-2222-3333-4444-555555555555",
        "EventName": row["name"],
        "EventSource": row["source"],
        "EventTime": at,
        "ReadOnly": str(record["readOnly"]).lower(),
        "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "Username": row.get("username"),
        "Resources": [{"ResourceName": name} for name in row.get("resources", [])],
        "CloudTrailEvent": json.dumps(record),
    }


# Systems Manager speaks JSON, with times as seconds since 1970.


def _json(body: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body)


def _page(request: Any, rows: list[Any], default: int, lowest: int, highest: int) -> dict[str, Any]:
    size = request._get_param("MaxResults") or default
    if not lowest <= size <= highest:
        raise Refused(
            "ValidationException",
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value between {lowest} and {highest}",
        )
    limit = state.account(request.current_account)["page_size"]
    size = min(size, limit) if limit else size
    token = request._get_param("NextToken") or "0"
    if not token.isdigit() or int(token) > len(rows):
        raise Refused("InvalidNextToken", "The specified token is not valid.")
    start = int(token)
    page: dict[str, Any] = {"rows": rows[start : start + size]}
    if start + size < len(rows):
        page["NextToken"] = str(start + size)
    return page


def _answer(page: dict[str, Any], name: str) -> tuple[int, dict[str, str], str]:
    body = {name: page["rows"]}
    if "NextToken" in page:
        body["NextToken"] = page["NextToken"]
    return _json(body)


def _ec2_state(account: str, region: str, instance: str) -> str:
    for reservation in ec2_backends[account][region].reservations.values():
        for candidate in reservation.instances:
            if candidate.id == instance:
                return candidate.state
    return "absent"


def _node_matches(row: dict[str, Any], key: str, values: list[str]) -> bool:
    if key.startswith("tag:"):
        return row.get("Tags", {}).get(key[len("tag:") :]) in values
    field = {
        "InstanceIds": "InstanceId",
        "PlatformTypes": "PlatformType",
        "ActivationIds": "ActivationId",
    }.get(key, key)
    if field not in (
        "InstanceId",
        "PlatformType",
        "ActivationId",
        "PingStatus",
        "AgentVersion",
        "IamRole",
        "ResourceType",
        "AssociationStatus",
        "SourceIds",
        "SourceTypes",
    ):
        raise Refused("InvalidFilterKey", "The specified key is not valid.")
    return row.get(field) in values


def describe_instance_information(self: SimpleSystemManagerResponse) -> Any:
    current = self._get_param("Filters") or []
    legacy = self._get_param("InstanceInformationFilterList") or []
    if current and legacy:
        raise Refused("ValidationException", "Filters and InstanceInformationFilterList cannot be used together.")
    filters = [(f["Key"], f["Values"]) for f in current] + [(f["key"], f["valueSet"]) for f in legacy]
    for key, values in filters:
        # Whether AWS refuses an unknown id or lists nothing is not documented; a malformed one it refuses.
        if key == "InstanceIds" and not all(NODE_ID.match(value) for value in values):
            raise Refused("InvalidInstanceId", "")
    rows = []
    for node, row in sorted(state.region(self.current_account, self.region)["nodes"].items()):
        # Stopped and terminated instances are not listed, whatever their last ping said.
        if node.startswith("i-") and _ec2_state(self.current_account, self.region, node) in (
            "stopping",
            "stopped",
            "shutting-down",
            "terminated",
        ):
            continue
        row = {"InstanceId": node, **row}
        if node in state.region(self.current_account, self.region)["updated"]:
            row["AgentVersion"], row["IsLatestVersion"] = UPDATED_AGENT, True
        if all(_node_matches(row, key, values) for key, values in filters):
            row.pop("Tags", None)
            rows.append(row)
    return _answer(_page(self, rows, 10, 5, 50), "InstanceInformationList")


def get_connection_status(self: SimpleSystemManagerResponse) -> Any:
    target = self._get_param("Target")
    # What AWS says of an id it has never seen is not documented; it is not an error.
    status = state.region(self.current_account, self.region)["connections"].get(target, "notconnected")
    return _json({"Target": target, "Status": status})


SETTING_DEFAULTS = {"/ssm/managed-instance/activation-tier": "standard"}


def get_service_setting(self: SimpleSystemManagerResponse) -> Any:
    given = self._get_param("SettingId")
    setting = given.split(":servicesetting", 1)[-1]
    own = state.region(self.current_account, self.region)["service_settings"]
    value = own.get(setting, SETTING_DEFAULTS.get(setting))
    if value is None:
        raise Refused("ServiceSettingNotFound", f"The specified service setting {given} was not found.")
    return _json(
        {
            "ServiceSetting": {
                "SettingId": setting,
                "SettingValue": value,
                # Long since in force.
                "LastModifiedDate": time.time() - 86_400,
                "LastModifiedUser": "System" if setting not in own else f"arn:aws:iam::{self.current_account}:root",
                "ARN": f"arn:aws:ssm:{self.region}:{self.current_account}:servicesetting{setting}",
                "Status": "Customized" if setting in own else "Default",
            }
        }
    )


def update_service_setting(self: SimpleSystemManagerResponse) -> Any:
    setting = self._get_param("SettingId").split(":servicesetting", 1)[-1]
    if setting not in SETTING_DEFAULTS and not setting.startswith("/ssm/"):
        raise Refused("ServiceSettingNotFound", f"The specified service setting {setting} was not found.")
    state.region(self.current_account, self.region)["service_settings"][setting] = self._get_param("SettingValue")
    return _json({})


def send_command(self: SimpleSystemManagerResponse) -> Any:
    """AWS-UpdateSSMAgent shows when the node reports again; what other documents do is not modelled."""
    document = self._get_param("DocumentName")
    targets = self._get_param("InstanceIds") or []
    for target in self._get_param("Targets") or []:
        targets += target["Values"]
    own = state.region(self.current_account, self.region)
    for node in targets:
        if own["nodes"].get(node, {}).get("PingStatus") != "Online":
            raise Refused("InvalidInstanceId", "Instances not in a valid state for account")
    if document == "AWS-UpdateSSMAgent":
        own["updated"] += targets
    return _json({"Command": {"CommandId": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "DocumentName": document}})


def describe_sessions(self: SimpleSystemManagerResponse) -> Any:
    active = {"Active": True, "History": False}.get(self._get_param("State"))
    if active is None:
        raise Refused("ValidationException", "State must be Active or History.")
    rows = []
    for row in state.region(self.current_account, self.region)["sessions"]:
        if (row["Status"] in ("Connected", "Connecting")) != active:
            continue
        wanted = {f["key"]: f["value"] for f in self._get_param("Filters") or []}
        if all(
            row.get({"SessionId": "SessionId", "Target": "Target", "Owner": "Owner", "Status": "Status"}[key]) == value
            for key, value in wanted.items()
            if key in ("SessionId", "Target", "Owner", "Status")
        ):
            rows.append(row)
    return _answer(_page(self, rows, 50, 1, 200), "Sessions")


def describe_activations(self: SimpleSystemManagerResponse) -> Any:
    field = {"ActivationIds": "ActivationId", "DefaultInstanceName": "DefaultInstanceName", "IamRole": "IamRole"}
    filters = [(field[f["FilterKey"]], f["FilterValues"]) for f in self._get_param("Filters") or []]
    rows = [
        row
        for row in state.region(self.current_account, self.region)["activations"]
        if all(row.get(key) in values for key, values in filters)
    ]
    return _answer(_page(self, rows, 50, 1, 50), "ActivationList")


def describe_vpc_block_public_access_options(self: EC2Response) -> ActionResult:
    options = {
        "AwsAccountId": self.current_account,
        "AwsRegion": self.region,
        "State": "default-state",
        "InternetGatewayBlockMode": "off",
        "ExclusionsAllowed": "allowed",
        "ManagedBy": "account",
    }
    return ActionResult({"VpcBlockPublicAccessOptions": options})


def replace_transit_gateway_route(self: EC2Response) -> ActionResult:
    backend = ec2_backends[self.current_account][self.region]
    table, block = self._get_param("TransitGatewayRouteTableId"), self._get_param("DestinationCidrBlock")
    backend.delete_transit_gateway_route(table, block)
    attachment = self._get_param("TransitGatewayAttachmentId")
    backend.create_transit_gateway_route(table, block, attachment, self._get_param("Blackhole") or False)
    return ActionResult({"Route": {"DestinationCidrBlock": block, "Type": "static", "State": "active"}})


def describe_instance_connect_endpoints(self: EC2Response) -> ActionResult:
    vpcs = [value for f in self._get_param("Filters") or [] if f["Name"] == "vpc-id" for value in f["Values"]]
    rows = state.region(self.current_account, self.region)["connect_endpoints"]
    return ActionResult({"InstanceConnectEndpoints": [row for row in rows if not vpcs or row["VpcId"] in vpcs]})


def describe_vpn_connections(self: EC2Response) -> ActionResult:
    rows = state.region(self.current_account, self.region)["vpn_connections"]
    filters = {it["Name"]: it["Values"] for it in self._get_param("Filters", [])}
    keys = {"vpn-gateway-id": "VpnGatewayId", "transit-gateway-id": "TransitGatewayId"}
    matches = lambda row: all(row.get(keys[name]) in values for name, values in filters.items())
    return ActionResult({"VpnConnections": [row for row in rows if matches(row)]})


def get_serial_console_access_status(self: EC2Response) -> ActionResult:
    enabled = state.region(self.current_account, self.region)["serial_console"]
    return ActionResult({"SerialConsoleAccessEnabled": enabled, "ManagedBy": "account"})


# Organizations, of which every account is a member that has service control policies.

MANAGEMENT = "999900001111"
CHAIN = ("r-test", "ou-test-sandbox1")
FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def _organization(request: OrganizationsResponse) -> dict[str, Any]:
    own = state.account(request.current_account)
    if own["scps"] is None:
        raise Refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    return own


def _delegated(request: OrganizationsResponse) -> dict[str, Any]:
    """All but DescribeOrganization is for the management account and its delegates."""
    own = _organization(request)
    if not own["delegated"]:
        raise Refused("AccessDeniedException", "You don't have permissions to access this resource.")
    return own


def describe_organization(self: OrganizationsResponse) -> str:
    _organization(self)
    arn = f"arn:aws:organizations::{MANAGEMENT}"
    return json.dumps(
        {
            "Organization": {
                "Id": "o-testexample",
                "Arn": f"{arn}:organization/o-testexample",
                "FeatureSet": "ALL",
                "MasterAccountId": MANAGEMENT,
                "MasterAccountArn": f"{arn}:account/o-testexample/{MANAGEMENT}",
                "MasterAccountEmail": "master@example.com",
            }
        }
    )


def list_parents(self: OrganizationsResponse) -> str:
    _delegated(self)
    chain = [*CHAIN, self.current_account]
    child = self._get_param("ChildId")
    if child not in chain[1:]:
        raise Refused("ChildNotFoundException", "You specified a child that doesn't exist.")
    parent = chain[chain.index(child) - 1]
    kind = "ROOT" if parent.startswith("r-") else "ORGANIZATIONAL_UNIT"
    return json.dumps({"Parents": [{"Id": parent, "Type": kind}]})


def list_policies_for_target(self: OrganizationsResponse) -> str:
    own = _delegated(self)
    target, kind = self._get_param("TargetId"), self._get_param("Filter")
    if kind == "SERVICE_CONTROL_POLICY":
        of_account = [f"p-scp{number:05}" for number, _ in enumerate(own["scps"])]
        ids = of_account if target == self.current_account else ["p-FullAWSAccess"]
    else:
        ids = []
    policies = [{"Id": one, "Name": one, "Type": kind, "AwsManaged": one == "p-FullAWSAccess"} for one in ids]
    return json.dumps({"Policies": policies})


def describe_policy(self: OrganizationsResponse) -> str:
    own = _delegated(self)
    one = self._get_param("PolicyId")
    document = FULL if one == "p-FullAWSAccess" else own["scps"][int(one.removeprefix("p-scp"))]
    return json.dumps({"Policy": {"PolicySummary": {"Id": one, "Name": one}, "Content": json.dumps(document)}})


# DNS Firewall.


def _firewall(self: Route53ResolverResponse) -> dict[str, Any]:
    return state.region(self.current_account, self.region)


def list_firewall_rule_group_associations(self: Route53ResolverResponse) -> Any:
    vpc = self._get_param("VpcId")
    rows = [
        {"Id": f"rslvr-frgassoc-{number}", "VpcId": owner, "Status": "COMPLETE", **row}
        for owner, own in _firewall(self)["firewall_groups"].items()
        for number, row in enumerate(own)
        if vpc in (None, owner)
    ]
    return _answer(_page(self, rows, 100, 1, 100), "FirewallRuleGroupAssociations")


def list_firewall_rules(self: Route53ResolverResponse) -> Any:
    group = self._get_param("FirewallRuleGroupId")
    rules = _firewall(self)["firewall_rules"]
    if group not in rules:
        raise Refused("ResourceNotFoundException", f"The rule group {group} was not found.")
    rows = [{"FirewallRuleGroupId": group, **row} for row in rules[group]]
    return _answer(_page(self, rows, 100, 1, 100), "FirewallRules")


def _firewall_list(self: Route53ResolverResponse) -> list[str] | None:
    name = self._get_param("FirewallDomainListId")
    lists = _firewall(self)["firewall_lists"]
    if name not in lists:
        raise Refused("ResourceNotFoundException", f"The domain list {name} was not found.")
    return lists[name]


def get_firewall_domain_list(self: Route53ResolverResponse) -> Any:
    domains = _firewall_list(self)
    about = {"Id": self._get_param("FirewallDomainListId"), "Status": "COMPLETE"}
    if domains is None:
        about["ManagedOwnerName"] = "Route 53 Resolver DNS Firewall"
    return _json({"FirewallDomainList": {**about, "DomainCount": len(domains or [])}})


def list_firewall_domains(self: Route53ResolverResponse) -> Any:
    domains = _firewall_list(self)
    if domains is None:
        raise Refused("AccessDeniedException", "A managed domain list cannot be read.")
    return _answer(_page(self, [f"{domain}." for domain in domains], 100, 1, 5000), "Domains")


def create_firewall_domain_list(self: Route53ResolverResponse) -> Any:
    lists = _firewall(self)["firewall_lists"]
    name = f"rslvr-fdl-{len(lists):08x}new"
    lists[name] = []
    return _json({"FirewallDomainList": {"Id": name, "Name": self._get_param("Name"), "Status": "COMPLETE"}})


def update_firewall_domains(self: Route53ResolverResponse) -> Any:
    domains = _firewall_list(self)
    if domains is None:
        raise Refused("AccessDeniedException", "A managed domain list cannot be changed.")
    given, operation = self._get_param("Domains"), self._get_param("Operation")
    kept = [] if operation == "REPLACE" else [domain for domain in domains if domain not in given]
    domains[:] = kept if operation == "REMOVE" else kept + given
    return _json({"Id": self._get_param("FirewallDomainListId"), "Status": "COMPLETE"})


RULE = ("FirewallDomainListId", "Name", "Priority", "Action", "BlockResponse", "FirewallDomainRedirectionAction", "Qtype")


def create_firewall_rule(self: Route53ResolverResponse) -> Any:
    group = self._get_param("FirewallRuleGroupId")
    rules = _firewall(self)["firewall_rules"].get(group)
    if rules is None:
        raise Refused("ResourceNotFoundException", f"The rule group {group} was not found.")
    rule = {name: self._get_param(name) for name in RULE if self._get_param(name) is not None}
    if any(known["Priority"] == rule["Priority"] for known in rules):
        raise Refused("ValidationException", f"The priority {rule['Priority']} is taken.")
    rules.append(rule)
    return _json({"FirewallRule": {"FirewallRuleGroupId": group, **rule}})


def update_firewall_rule(self: Route53ResolverResponse) -> Any:
    group, listed = self._get_param("FirewallRuleGroupId"), self._get_param("FirewallDomainListId")
    for rule in _firewall(self)["firewall_rules"].get(group, []):
        if rule["FirewallDomainListId"] == listed:
            rule.update({name: self._get_param(name) for name in RULE if self._get_param(name) is not None})
            return _json({"FirewallRule": {"FirewallRuleGroupId": group, **rule}})
    raise Refused("ResourceNotFoundException", f"{group} has no rule for {listed}.")


# CloudWatch Logs.


def associate_kms_key(self: LogsResponse) -> str:
    name = self._get_param("logGroupName")
    groups = logs_backends[self.current_account][self.region].groups
    if name not in groups:
        raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
    groups[name].kms_key_id = self._get_param("kmsKeyId")
    return ""


# Network Firewall.


def update_firewall_policy(self: NetworkFirewallResponse) -> str:
    return _replaced(self, "firewall_policies", "FirewallPolicyArn", "FirewallPolicy")


def update_rule_group(self: NetworkFirewallResponse) -> str:
    return _replaced(self, "rule_groups", "RuleGroupArn", "RuleGroup")


def _replaced(self: NetworkFirewallResponse, table: str, key: str, value: str) -> str:
    arn, own = self._get_param(key), state.region(self.current_account, self.region)[table]
    if arn not in own:
        raise Refused("ResourceNotFoundException", f"{arn} was not found.")
    if self._get_param("UpdateToken") != "1":
        raise Refused("InvalidTokenException", "The token does not match.")
    own[arn] = self._get_param(value)
    return json.dumps({"UpdateToken": "1", f"{value}Response": {key: arn}})

def describe_firewall_policy(self: NetworkFirewallResponse) -> str:
    arn = self._get_param("FirewallPolicyArn")
    policies = state.region(self.current_account, self.region)["firewall_policies"]
    if arn not in policies:
        raise Refused("ResourceNotFoundException", f"The policy {arn} was not found.")
    about = {"FirewallPolicyName": arn.rsplit("/", 1)[-1], "FirewallPolicyArn": arn, "FirewallPolicyId": "1"}
    body = {"UpdateToken": "1", "FirewallPolicyResponse": about, "FirewallPolicy": policies[arn]}
    return json.dumps(body)


def describe_rule_group(self: NetworkFirewallResponse) -> str:
    arn = self._get_param("RuleGroupArn")
    groups = state.region(self.current_account, self.region)["rule_groups"]
    if arn not in groups:
        raise Refused("ResourceNotFoundException", f"The rule group {arn} was not found.")
    about = {"RuleGroupName": arn.rsplit("/", 1)[-1], "RuleGroupArn": arn, "RuleGroupId": "1"}
    return json.dumps({"UpdateToken": "1", "RuleGroupResponse": about, "RuleGroup": groups[arn]})


# Route 53 Profiles, of which moto knows nothing.


def profiles(action: str, params: dict[str, Any], region: str, account: str) -> dict[str, Any]:
    own = state.region(account, region)
    if action == "ListProfileAssociations":
        vpc = params.get("resourceId")
        rows = [
            {"Id": f"rpassoc-{profile}", "ProfileId": profile, "ResourceId": vpc, "Status": "COMPLETE"}
            for profile in own["profiles"].get(vpc, [])
        ]
        return {"ProfileAssociations": rows}
    if action == "ListProfileResourceAssociations":
        profile = params["path"].rsplit("/", 1)[-1]
        rows = [
            {"Id": f"rpr-{number}", "ProfileId": profile, "ResourceArn": arn, "Status": "COMPLETE"}
            for number, arn in enumerate(own["profile_resources"].get(profile, []))
        ]
        return {"ProfileResourceAssociations": rows}
    raise NotImplementedError(action)


# IAM's simulator.


class Simulator:
    """The evaluator in its own process, one question at a time."""

    def __init__(self, script: Path, modules: Path) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            ["node", str(script), str(modules)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the policy evaluator has ended")
        answer = json.loads(line)
        if "error" in answer:
            code = "InvalidInput" if answer["error"].startswith("Invalid") else "PolicyEvaluation"
            raise Refused(code, answer["error"])
        return answer


_simulator: Simulator


def _document(text: str) -> dict[str, Any]:
    return json.loads(text if text.lstrip().startswith("{") else unquote(text))


def _attached(entity: Any) -> list[dict[str, Any]]:
    managed = [_managed(policy) for policy in entity.managed_policies.values()]
    inline = [{"name": name, "policy": _document(text)} for name, text in entity.policies.items()]
    return managed + inline


def _managed(policy: Any) -> dict[str, Any]:
    default = next(version for version in policy.versions if version.version_id == policy.default_version_id)
    return {"name": policy.name, "policy": _document(default.document)}


def _principal(request: IamResponse, arn: str) -> dict[str, Any]:
    """The policies of a user, group or role."""
    match = re.fullmatch(r"arn:[^:]+:(iam|sts)::(\d{12}):(user|group|role|assumed-role)/(.+)", arn)
    if not match or match[3] == "assumed-role":
        # A session is not a policy source, though its ARN is what GetCallerIdentity gives.
        raise Refused("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    backend = iam_backends[match[2]][request.partition]
    entities = {"user": backend.users, "group": backend.groups, "role": backend.roles}[match[3]]
    entity = next((one for one in entities.values() if one.arn == arn), None)
    if entity is None or match[2] != request.current_account:
        raise Refused("NoSuchEntity", "Unable to retrieve specified IAM entity.")
    identity = _attached(entity)
    boundary = None
    if match[3] == "user":
        for group in backend.get_groups_for_user(entity.name):
            identity += _attached(group)
    if match[3] != "group":
        boundary_arn = (entity.permissions_boundary or {}).get("PermissionsBoundaryArn")
        boundary = [_managed(backend.managed_policies[boundary_arn])] if boundary_arn else None
    return {"principal": arn, "identity": identity, "boundary": boundary}


def simulate_principal_policy(self: IamResponse) -> ActionResult:
    source = _principal(self, self._get_param("PolicySourceArn") or "")
    return _simulate(self, source)


def simulate_custom_policy(self: IamResponse) -> ActionResult:
    return _simulate(
        self, {"principal": f"arn:aws:iam::{self.current_account}:user/custom", "identity": [], "boundary": None}
    )


SOURCE_TYPES = {"identity": "IAM Policy", "boundary": "Permissions Boundary Policy"}


def _simulate(self: IamResponse, source: dict[str, Any]) -> ActionResult:
    actions = self._get_param("ActionNames") or []
    resources = self._get_param("ResourceArns") or ["*"]
    if not actions:
        raise Refused("InvalidInput", "At least one action is needed.")
    for index, text in enumerate(self._get_param("PolicyInputList") or []):
        source["identity"].append({"name": f"PolicyInputList.{index + 1}", "policy": _document(text)})
    for index, text in enumerate(self._get_param("PermissionsBoundaryPolicyInputList") or []):
        named = {"name": f"PermissionsBoundaryPolicyInputList.{index + 1}", "policy": _document(text)}
        source["boundary"] = [*(source["boundary"] or []), named]
    context = {e["ContextKeyName"]: e["ContextKeyValues"] for e in self._get_param("ContextEntries") or []}
    own = state.account(self.current_account)
    results = []
    for action in actions:
        answers = {
            resource: _simulator.ask(
                {
                    **source,
                    "account": self.current_account,
                    "action": action,
                    "resource": resource,
                    "context": context,
                    "scps": own["scps"],
                }
            )
            for resource in resources
        }
        if own["grouped_simulation"] and resources != ["*"]:
            results.append(_grouped(action, answers))
        else:
            results += [_single(action, resource, answer) for resource, answer in answers.items()]
    size = min(int(self._get_param("MaxItems") or 100), own["page_size"] or 1000)
    start = int(self._get_param("Marker") or 0)
    page: dict[str, Any] = {
        "EvaluationResults": results[start : start + size],
        "IsTruncated": start + size < len(results),
    }
    if page["IsTruncated"]:
        page["Marker"] = str(start + size)
    return ActionResult(page)


def _statements(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"SourcePolicyId": match["name"], "SourcePolicyType": SOURCE_TYPES[match["layer"]]}
        for match in answer["matched"]
    ]


def _layers(answer: dict[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if answer["boundary"] is not None:
        details["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": answer["boundary"]}
    return details


def _specific(resource: str, answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "EvalResourceName": resource,
        "EvalResourceDecision": answer["decision"],
        "MatchedStatements": _statements(answer),
        "MissingContextValues": answer["missing"],
        **_layers(answer),
    }


def _single(action: str, resource: str, answer: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": answer["decision"],
        "MatchedStatements": _statements(answer),
        # Named here for the resource `*` alone, else inside ResourceSpecificResults.
        "MissingContextValues": answer["missing"] if resource == "*" else [],
        **_layers(answer),
    }
    if answer["organizations"] is not None:
        result["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": answer["organizations"]}
    if resource != "*":
        result["ResourceSpecificResults"] = [_specific(resource, answer)]
    return result


def _grouped(action: str, answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One result for all resources of an action, named by a template instead of an ARN."""
    order = ("explicitDeny", "implicitDeny", "allowed")
    worst = min(answers.values(), key=lambda answer: order.index(answer["decision"]))
    parts = next(iter(answers)).split(":", 5)
    template = f"{parts[0]}:{parts[1]}:{parts[2]}:${{Region}}:${{Account}}:{parts[5].split('/')[0]}/*"
    result = _single(action, template, worst)
    result["ResourceSpecificResults"] = [_specific(resource, answer) for resource, answer in answers.items()]
    return result
