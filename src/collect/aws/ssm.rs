//! Systems Manager: nodes, their session channel and past sessions, settings and documents.

use std::{cmp::Reverse, collections::BTreeSet};

use aws_sdk_ssm::{
    Client,
    operation::{
        get_document::GetDocumentOutput, list_tags_for_resource::ListTagsForResourceOutput,
    },
    types::{
        Activation as SdkActivation, ConnectionStatus, DescribeActivationsFilter,
        DescribeActivationsFilterKeys, DocumentFormat, DocumentStatus, DocumentType,
        InstanceInformation, InstanceInformationStringFilter, PlatformType, ResourceTypeForTagging,
        Session as SdkSession, SessionFilter, SessionFilterKey, SessionState, SourceType,
    },
};
use ssm_doctor_analysis::session::is_owned_by_aws;
use ssm_doctor_facts::{
    ids::{ActivationId, DocumentName, InstanceId, TaggedName, Target},
    lookup::{Facts, Ourselves},
    ssm::{
        Activation, Connection, Document, HybridNode, LaterVersion, ManagedNode, PastSession, Ping,
        ServiceSetting, SettingId,
    },
    text::Text,
};

use super::{
    service::Service,
    why::{Failure, Outcome, field, maybe, named, row, timestamp, unreadable},
};
use crate::collect::chain::both;

pub type Ssm = Service<Client>;

/// The most that `DescribeInstanceInformation` allows.
const PAGE: i32 = 50;

/// Of the hybrid nodes that report, no more pages than these are looked through.
const PAGES: u8 = 4;

impl Ssm {
    pub async fn node(self, target: Target) -> Facts {
        let node = self.instance_information(&target).await;
        Facts { nodes: [(target, row(node))].into(), ..Facts::default() }
    }

    /// An id that is not managed is left out of the list; whether an unknown one is an error is not
    /// documented, so both count.
    async fn instance_information(&self, target: &Target) -> Outcome<ManagedNode> {
        let id = target.to_string();
        let call = self.client.describe_instance_information().filters(only("InstanceIds", &id)?);
        let rows =
            call.into_paginator().page_size(PAGE).items().send().collect::<Result<Vec<_>, _>>();
        let rows = self.watch.read(rows.await, &["InvalidInstanceId"])?.unwrap_or_default();
        rows.iter().find(|it| it.instance_id() == Some(id.as_str())).map(node).transpose()
    }

    /// Every node of the Region. Of `instances`, that those which are not in the list are not managed.
    ///
    /// # Errors
    /// AWS's words.
    pub async fn all_nodes(self, instances: BTreeSet<InstanceId>) -> Result<Facts, Failure> {
        let call = self.client.describe_instance_information();
        let rows =
            call.into_paginator().page_size(PAGE).items().send().collect::<Result<Vec<_>, _>>();
        let rows = self.watch.read(rows.await, &[])?.unwrap_or_default();
        let mut facts = Facts::default();
        for it in &rows {
            let id = it.instance_id().unwrap_or_default().to_owned();
            if let Ok(target) = Target::try_from(id) {
                facts.nodes.insert(target, row(node(it).map(Some)));
            }
        }
        for id in instances.into_iter().map(Target::Instance) {
            facts.nodes.entry(id).or_insert_with(|| row(Ok(None)));
        }
        Ok(facts)
    }

    pub async fn hybrid_nodes(self) -> Facts {
        let nodes = self.reporting().await;
        Facts { hybrid_nodes: [(Ourselves::Us, row(nodes))].into(), ..Facts::default() }
    }

    async fn reporting(&self) -> Outcome<Vec<HybridNode>> {
        let call = self
            .client
            .describe_instance_information()
            .filters(only("ResourceType", "ManagedInstance")?)
            .filters(only("PingStatus", "Online")?);
        let mut pages = call.into_paginator().page_size(PAGE).send();
        let mut nodes = Vec::new();
        for _ in 0..PAGES {
            let Some(page) = pages.next().await else { break };
            let page = self.watch.read(page, &[])?;
            for it in page.and_then(|it| it.instance_information_list).into_iter().flatten() {
                nodes.push(HybridNode {
                    id: named("InstanceId", it.instance_id())?,
                    computer_name: text(it.computer_name()),
                    ip: text(it.ip_address()),
                    registered_at: timestamp(it.registration_date()),
                });
            }
        }
        Ok(Some(nodes))
    }

    pub async fn activation(self, id: ActivationId) -> Facts {
        let activation = self.describe_activation(&id).await;
        Facts { activations: [(id, row(activation))].into(), ..Facts::default() }
    }

    /// One that was deleted is left out of the list.
    async fn describe_activation(&self, id: &ActivationId) -> Outcome<Activation> {
        let only = DescribeActivationsFilter::builder()
            .filter_key(DescribeActivationsFilterKeys::ActivationIds)
            .filter_values(id.as_str());
        let call = self.client.describe_activations().filters(only.build());
        let output = self.watch.read(call.send().await, &["InvalidActivationId"])?;
        let mut rows = output.and_then(|it| it.activation_list).into_iter().flatten();
        Ok(rows.find(|it| it.activation_id() == Some(id.as_str())).map(|it| activation(&it)))
    }

    pub async fn past_sessions(self, target: Target) -> Facts {
        let sessions = self.ended(&target).await;
        Facts { past_sessions: [(target, row(sessions))].into(), ..Facts::default() }
    }

    /// The order of the rows is not documented, so all of a page are looked at: the longest there is.
    async fn ended(&self, target: &Target) -> Outcome<Vec<PastSession>> {
        const MOST: i32 = 200;
        let only = SessionFilter::builder()
            .key(SessionFilterKey::TargetId)
            .value(target.to_string())
            .build()
            .map_err(|it| unreadable(it.to_string()))?;
        let call = self.client.describe_sessions().state(SessionState::History).filters(only);
        let output = self.watch.read(call.max_results(MOST).send().await, &[])?;
        let rows = output.and_then(|it| it.sessions).into_iter().flatten();
        let mut sessions = rows.map(|it| past_session(&it)).collect::<Result<Vec<_>, _>>()?;
        sessions.sort_by_key(|it| Reverse(it.started_at));
        Ok(Some(sessions))
    }

    pub async fn connection(self, target: Target) -> Facts {
        let output = self.client.get_connection_status().target(target.to_string()).send().await;
        let connection = self.watch.read(output, &[]).and_then(|it| {
            let status = it.as_ref().and_then(|it| it.status()).map(ConnectionStatus::as_str);
            Ok(Some(Connection::from(field("Status", status)?.to_owned())))
        });
        Facts { connections: [(target, row(connection))].into(), ..Facts::default() }
    }

    pub async fn service_setting(self, id: SettingId) -> Facts {
        let output = self.client.get_service_setting().setting_id(id.as_str()).send().await;
        let setting = self.watch.read(output, &["ServiceSettingNotFound"]).and_then(|output| {
            let Some(output) = output else { return Ok(None) };
            let setting = field("ServiceSetting", output.service_setting())?;
            Ok(Some(ServiceSetting {
                value: field("SettingValue", setting.setting_value())?.into(),
                status: setting.status().unwrap_or_default().into(),
                changed_at: timestamp(setting.last_modified_date()),
            }))
        });
        Facts { service_settings: [(id, row(setting))].into(), ..Facts::default() }
    }

    /// AWS names documents in this call by name, hybrid nodes by id.
    pub async fn tags(self, name: TaggedName) -> Facts {
        let (kind, id) = name.as_str().split_once('/').unwrap_or_default();
        let kind = match kind {
            "document" => ResourceTypeForTagging::Document,
            _ => ResourceTypeForTagging::ManagedInstance,
        };
        let call = self.client.list_tags_for_resource().resource_type(kind).resource_id(id);
        let tags = self.watch.read(call.send().await, &["InvalidResourceId"]).map(|it| {
            let tags = it.as_ref().map(ListTagsForResourceOutput::tag_list);
            tags.map(|it| it.iter().map(|it| (it.key().into(), it.value().into())).collect())
        });
        Facts { resource_tags: [(name, row(tags))].into(), ..Facts::default() }
    }

    pub async fn document(self, name: DocumentName) -> Facts {
        let document = self.versions(&name).await;
        Facts { documents: [(name, row(document))].into(), ..Facts::default() }
    }

    /// The default version, and the latest one where they differ.
    ///
    /// AWS's own documents and those that another account shares have their default version only. Without it, a
    /// latest version that cannot be read leaves open what sessions use.
    async fn versions(&self, name: &DocumentName) -> Outcome<Document> {
        // Documents written in YAML are turned into JSON on request.
        let call =
            self.client.get_document().name(name.as_str()).document_format(DocumentFormat::Json);
        let latest = call.clone().document_version("$LATEST").send();
        let (default, latest) = if is_owned_by_aws(name) || name.as_str().starts_with("arn:") {
            (call.send().await, None)
        } else {
            let (default, latest) = both(call.send(), latest).await;
            (default, Some(latest))
        };
        let Some(default) = self.watch.read(default, &["InvalidDocument"])? else {
            return Ok(None);
        };
        let mut row = document(&default)?;
        if let Some(latest) = latest
            && let Some(latest) = self.watch.read(latest, &["InvalidDocument"])?
        {
            row.later = later(&latest, row.version.as_deref())?;
        }
        Ok(Some(row))
    }
}

fn only(key: &str, value: &str) -> Result<InstanceInformationStringFilter, Failure> {
    let filter = InstanceInformationStringFilter::builder().key(key).values(value).build();
    filter.map_err(|it| unreadable(it.to_string()))
}

fn text(it: Option<&str>) -> Option<String> {
    it.filter(|it| !it.is_empty()).map(Into::into)
}

fn past_session(it: &SdkSession) -> Result<PastSession, Failure> {
    let reason = [it.reason(), it.details()].into_iter().filter_map(text);
    Ok(PastSession {
        id: field("SessionId", it.session_id())?.into(),
        status: field("Status", it.status())?.as_str().into(),
        started_at: timestamp(it.start_date()),
        document: text(it.document_name()),
        reason: reason.reduce(|all, more| format!("{all}; {more}")),
    })
}

fn activation(it: &SdkActivation) -> Activation {
    Activation {
        expired: it.expired(),
        expires_at: timestamp(it.expiration_date()),
        limit: it.registration_limit(),
        count: it.registrations_count(),
    }
}

fn node(it: &InstanceInformation) -> Result<ManagedNode, Failure> {
    Ok(ManagedNode {
        ping: Ping::from(field("PingStatus", it.ping_status())?.as_str().to_owned()),
        last_ping: timestamp(it.last_ping_date_time()),
        agent_version: text(it.agent_version()),
        platform: text(it.platform_type().map(PlatformType::as_str)),
        platform_name: text(it.platform_name()),
        computer_name: text(it.computer_name()),
        role: text(it.iam_role()),
        source_type: text(it.source_type().map(SourceType::as_str)),
        registered_at: timestamp(it.registration_date()),
        activation: maybe("ActivationId", it.activation_id())?,
        ip: text(it.ip_address()),
    })
}

fn document(it: &GetDocumentOutput) -> Result<Document, Failure> {
    let content = Text::parse(field("Content", it.content())?);
    Ok(Document {
        kind: field("DocumentType", it.document_type().map(DocumentType::as_str))?.into(),
        version: it.document_version().map(Into::into),
        created_at: timestamp(it.created_date()),
        parameters: Document::parameters_of(&content),
        content,
        later: None,
    })
}

/// The latest version, unless it is the default one. One that AWS has not finished to save is not in use yet.
fn later(
    latest: &GetDocumentOutput,
    default: Option<&str>,
) -> Result<Option<LaterVersion>, Failure> {
    let version = field("DocumentVersion", latest.document_version())?;
    let is_saved = latest.status().is_none_or(|status| *status == DocumentStatus::Active);
    if Some(version) == default || !is_saved {
        return Ok(None);
    }
    Ok(Some(LaterVersion {
        version: version.into(),
        created_at: timestamp(latest.created_date()),
        content: Text::parse(field("Content", latest.content())?),
    }))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ssm::types::PingStatus;
    use aws_smithy_types::DateTime;
    use ssm_doctor_facts::{lookup::Why, time::Timestamp};

    use super::*;

    #[test]
    fn a_node_is_read() {
        let row = InstanceInformation::builder()
            .instance_id("mi-0123456789abcdef0")
            .ping_status(PingStatus::from("Somnolent"))
            .last_ping_date_time(DateTime::from_secs(1_700_000_000))
            .agent_version("3.3.987.0")
            .platform_type(PlatformType::Windows)
            .iam_role("")
            .activation_id("")
            .ip_address("10.0.11.23")
            .build();
        let read = node(&row).unwrap();
        assert_eq!(read.ping, Ping::Other("Somnolent".into()));
        assert_eq!(read.last_ping, Timestamp::from_second(1_700_000_000));
        assert_eq!(read.platform.as_deref(), Some("Windows"));
        assert_eq!((read.role, read.activation), (None, None));
        assert_eq!(read.ip.as_deref(), Some("10.0.11.23"));

        let bare = node(&InstanceInformation::builder().build()).unwrap_err();
        assert_eq!(
            (bare.why, bare.detail.as_str()),
            (Why::Unreadable, "an answer without `PingStatus`")
        );
    }

    #[test]
    fn an_activation_is_read() {
        let row = SdkActivation::builder()
            .expired(true)
            .expiration_date(DateTime::from_secs(1_700_000_000))
            .registration_limit(5)
            .registrations_count(2)
            .build();
        let expires_at = Timestamp::from_second(1_700_000_000);
        let read = activation(&row);
        assert_eq!(read, Activation { expired: true, expires_at, limit: Some(5), count: Some(2) });
    }

    #[test]
    fn a_document_is_read() {
        let content = r#"{"schemaVersion":"1.0","parameters":{"port":{},"host":{}}}"#;
        let output =
            GetDocumentOutput::builder().document_type(DocumentType::Session).content(content);
        let read = document(&output.build()).unwrap();
        assert_eq!(
            (read.kind.as_str(), read.parameters),
            ("Session", vec!["host".into(), "port".into()])
        );

        let yaml =
            GetDocumentOutput::builder().document_type(DocumentType::Session).content("a: b");
        let read = document(&yaml.build()).unwrap();
        assert_eq!((read.content, read.parameters), (Text::Raw("a: b".into()), vec![]));
    }

    #[test]
    fn a_later_version_is_one_that_is_saved_and_not_the_default() {
        let latest = |version: &str, status: &str| {
            let output = GetDocumentOutput::builder().content("{}").document_version(version);
            let output = output.status(DocumentStatus::from(status)).build();
            later(&output, Some("3")).unwrap().map(|later| later.version)
        };
        assert_eq!(latest("5", "Active").as_deref(), Some("5"));
        assert_eq!(latest("3", "Active"), None);
        assert_eq!(latest("5", "Updating"), None);
    }
}
