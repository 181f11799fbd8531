//! Changes to names, logs, documents and settings.

use alloc::{string::ToString, vec::Vec};

use ssm_doctor_facts::{
    change::{
        LogsChange, NetworkFirewallChange, Route53Change, Route53ResolverChange,
        ServiceSettingChange, SsmChange,
    },
    cloudwatch_logs::LogGroup,
    lookup::{Facts, Row},
    ssm::{Document, ServiceSetting, SettingId},
    text::Text,
};

use super::present;

pub(super) fn logs(facts: &mut Facts, change: &LogsChange) -> Option<()> {
    match change {
        LogsChange::CreateLogGroup { group, key } => {
            let row = LogGroup { key: key.as_ref().map(ToString::to_string) };
            facts.log_groups.insert(group.clone(), Row::Present(row));
        }
        LogsChange::EncryptLogGroup { group, key } => {
            present(facts.log_groups.get_mut(group))?.key = Some(key.to_string());
        }
    }
    Some(())
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

pub(super) fn service_setting(facts: &mut Facts, change: &ServiceSettingChange) -> Option<()> {
    let ServiceSettingChange::Update { setting, value } = change;
    let ids = [SettingId::DefaultHostManagementRole, SettingId::ActivationTier];
    let id = ids.into_iter().find(|id| setting.ends_with(id.as_str()))?;
    let row =
        ServiceSetting { value: value.clone(), status: "Customized".into(), changed_at: None };
    facts.service_settings.insert(id, Row::Present(row));
    Some(())
}

pub(super) fn ssm(facts: &mut Facts, change: &SsmChange) -> Option<()> {
    match change {
        SsmChange::CreateDocument { name, content } => {
            let row = Document {
                kind: "Session".into(),
                version: None,
                created_at: None,
                parameters: Vec::new(),
                content: Text::parse(content),
            };
            facts.documents.insert(name.clone(), Row::Present(row));
            Some(())
        }
        SsmChange::UpdateDocument { name, content } => {
            let document = present(facts.documents.get_mut(name))?;
            document.content = Text::parse(content);
            // AWS counts them, and would give the time of the change.
            document.version = None;
            document.created_at = None;
            Some(())
        }
        SsmChange::SetDefaultDocumentVersion { .. }
        | SsmChange::ListPastSessions { .. }
        | SsmChange::GetConnectionStatus { .. }
        | SsmChange::UpdateAgent { .. } => None,
    }
}
