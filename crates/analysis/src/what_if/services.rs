//! Changes to names, logs, documents and settings.

use ssm_doctor_facts::{
    change::{
        LogsChange, NetworkFirewallChange, Route53Change, Route53ResolverChange,
        ServiceSettingChange, SsmChange,
    },
    lookup::Facts,
};

pub(super) fn logs(_facts: &mut Facts, _change: &LogsChange) -> Option<()> {
    None
}

pub(super) fn network_firewall(_facts: &mut Facts, _change: &NetworkFirewallChange) -> Option<()> {
    None
}

pub(super) fn route53(_facts: &mut Facts, _change: &Route53Change) -> Option<()> {
    None
}

pub(super) fn route53resolver(_facts: &mut Facts, _change: &Route53ResolverChange) -> Option<()> {
    None
}

pub(super) fn service_setting(_facts: &mut Facts, _change: &ServiceSettingChange) -> Option<()> {
    None
}

pub(super) fn ssm(_facts: &mut Facts, _change: &SsmChange) -> Option<()> {
    None
}
