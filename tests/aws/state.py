"""What a test puts into the world beside what AWS's own API can make.

Everything is kept per account, and what AWS keeps per region also per region, so that cases can run
side by side on one server, each in an account of its own. `PUT /_test/state` sets these keys.
"""

import copy
import threading
from collections import defaultdict
from typing import Any

REGIONAL: dict[str, Any] = {
    "nodes": {},  # node id -> row of ssm:DescribeInstanceInformation, without its id
    "connections": {},  # node id -> "connected" | "notconnected"
    "service_settings": {},  # setting id -> value
    "sessions": [],  # rows of ssm:DescribeSessions
    "connect_endpoints": [],  # rows of ec2:DescribeInstanceConnectEndpoints
    "serial_console": False,  # may the account use it?
    "updated": [],  # nodes whose agent Run Command has updated
    "activations": [],  # rows of ssm:DescribeActivations
    "impaired": [],  # EC2 instances whose instance status check fails
    "launch_times": {},  # EC2 instance -> ISO 8601 time
    "profile_times": {},  # EC2 instance -> ISO 8601 time at which its profile was attached
    "consoles": {},  # EC2 instance -> {"output": text, "at": ISO 8601 time}
    "events": {},  # EC2 instance -> rows of its scheduled events
    "endpoint_states": {},  # VPC endpoint -> state other than available
    "owners": {},  # VPC or subnet -> the account that owns it and shares it with this one
    "firewall_groups": {},  # VPC -> rows of route53resolver:ListFirewallRuleGroupAssociations
    "firewall_rules": {},  # DNS Firewall rule group -> rows of route53resolver:ListFirewallRules
    "firewall_lists": {},  # DNS Firewall domain list -> its domains; None: a list that AWS manages
    "firewall_endpoints": {},  # Network Firewall -> its SyncStates; none for one that is still being made
    "firewall_policies": {},  # ARN -> answer of network-firewall:DescribeFirewallPolicy, FirewallPolicy of it
    "rule_groups": {},  # ARN -> RuleGroup, of network-firewall:DescribeRuleGroup
    "profiles": {},  # VPC -> ids of Route 53 Profiles
    "profile_resources": {},  # Route 53 Profile -> ARNs
    "foreign_transit_gateways": [],  # transit gateways of other accounts, which show no tables
    "vpn_connections": [],  # rows of ec2:DescribeVpnConnections
    "trail": [],  # events of CloudTrail: name, source, seconds_ago, username, resources, and keys of the record
    "hidden": [],  # ids that this account cannot see (the owner's side of a shared VPC)
}
ACCOUNT_WIDE: dict[str, Any] = {
    "deny": [],  # "service:Operation" to refuse
    "expired_keys": [],  # access keys whose session is over
    "scps": None,  # service control policies; None: the account is in no organization
    "delegated": False,  # whether the account may read the organization's policies
    "page_size": 0,  # most rows in any page of a list, whatever the client asks for; 0: no limit
    "latency_ms": 0,  # how long every answer takes at least
    "grouped_simulation": False,  # one EvaluationResult per action, the resources inside it
}

_lock = threading.Lock()
_accounts: dict[str, dict[str, Any]] = defaultdict(lambda: copy.deepcopy(ACCOUNT_WIDE))
_regions: dict[tuple[str, str], dict[str, Any]] = defaultdict(lambda: copy.deepcopy(REGIONAL))


def account(account_id: str) -> dict[str, Any]:
    with _lock:
        return _accounts[account_id]


def region(account_id: str, name: str) -> dict[str, Any]:
    with _lock:
        return _regions[account_id, name]


def put(account_id: str, region_name: str, values: dict[str, Any]) -> None:
    """Replace the given keys, leave the others. An unknown key is a mistake in the test."""
    for key in values:
        if key not in REGIONAL and key not in ACCOUNT_WIDE:
            raise KeyError(key)
    for key, value in values.items():
        home = region(account_id, region_name) if key in REGIONAL else account(account_id)
        home[key] = value


def reset() -> None:
    with _lock:
        _accounts.clear()
        _regions.clear()
