//! Documents, service settings and activations of Systems Manager.

use ssm_doctor_facts::{
    ids::{ActivationId, DocumentName},
    lookup::Row,
    ssm::{Activation, Document, ServiceSetting, SettingId},
    text::Text,
};

use super::row::{Rows, unknown};
use crate::plan::world::{Home, Known, World};

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &["aws_ssm_document"]) {
        let Ok(name) = resource.id.parse::<DocumentName>() else { continue };
        let row = match resource.text("content") {
            Known::Unknown(why, address) => unknown(why, &address),
            content => {
                let content = Text::parse(&content.value().unwrap_or_default());
                Row::Present(Document {
                    kind: resource.known("document_type").unwrap_or_default(),
                    version: None,
                    created_at: None,
                    parameters: Document::parameters_of(&content),
                    content,
                    // The provider makes each version the default one.
                    later: None,
                })
            }
        };
        rows.facts.documents.insert(name, row);
    }
    let settings = [SettingId::DefaultHostManagementRole, SettingId::ActivationTier];
    for resource in world.of(home, &["aws_ssm_service_setting"]) {
        let given = resource.known("setting_id").unwrap_or_default();
        let Some(id) = settings.into_iter().find(|id| given.ends_with(id.as_str())) else {
            continue;
        };
        let row = match world.refers_to_one(resource, "setting_value", &["aws_iam_role"]) {
            Known::Unknown(why, address) => unknown(why, &address),
            value => Row::Present(ServiceSetting {
                value: value.value().unwrap_or_default(),
                status: "Customized".into(),
                changed_at: None,
            }),
        };
        rows.facts.service_settings.insert(id, row);
    }
    for resource in world.of(home, &["aws_ssm_activation"]) {
        let Ok(id) = resource.id.parse::<ActivationId>() else { continue };
        let number = |name: &str| resource.values.get(name)?.as_i64()?.try_into().ok();
        let row = Activation {
            expired: resource.flag("expired", false),
            expires_at: resource.known("expiration_date").and_then(|at| at.try_into().ok()),
            limit: number("registration_limit"),
            count: number("registration_count"),
        };
        rows.facts.activations.insert(id, Row::Present(row));
    }
}
