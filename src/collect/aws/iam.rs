//! IAM: profiles, roles, users, and its simulator.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::{
    Client,
    types::{self as sdk, ContextKeyTypeEnum},
};
use percent_encoding::percent_decode_str;
use ssm_doctor_facts::{
    iam::{Decision, InstanceProfile, Question, Role, Simulation, User},
    ids::{Arn, ProfileName, RoleName, UserName},
    lookup::Facts,
    text::Text,
};

use super::{
    service::Service,
    shared::{Shared, TaggedRole},
    why::{Failure, Outcome, field, named, read, row, unreadable},
};

pub type Iam = Service<Client>;

pub const GONE: [&str; 1] = ["NoSuchEntity"];

/// Pages of one simulation, of up to a thousand results each; a server that never says "that was
/// all" is not followed further.
const MOST_PAGES: usize = 20;

impl Iam {
    /// The profile, and the role in it: the answer holds the whole role but its tags.
    pub async fn instance_profile(self, name: ProfileName) -> Facts {
        let output =
            self.client.get_instance_profile().instance_profile_name(name.as_str()).send().await;
        let mut facts = Facts::default();
        let profile = self.watch.read(output, &GONE).and_then(|output| {
            let Some(output) = output else { return Ok(None) };
            let profile = field("InstanceProfile", output.instance_profile())?;
            for it in profile.roles() {
                facts.roles.insert(read("RoleName", it.role_name())?, row(role(it).map(Some)));
            }
            let id = profile.instance_profile_id();
            Ok(Some(InstanceProfile {
                id: (!id.is_empty()).then(|| id.into()),
                roles: facts.roles.keys().cloned().collect(),
            }))
        });
        facts.instance_profiles.insert(name, row(profile));
        facts
    }

    /// The role, and its tags.
    pub async fn role(self, name: RoleName, shared: Shared) -> Facts {
        let role = self.tagged_role(&name, &shared).await;
        Self::role_rows(name, role)
    }

    pub fn role_rows(name: RoleName, role: Outcome<TaggedRole>) -> Facts {
        let tags = row(role.clone().map(|it| Some(it?.1)));
        Facts {
            roles: [(name.clone(), row(role.map(|it| Some(it?.0))))].into(),
            role_tags: [(name, tags)].into(),
            ..Facts::default()
        }
    }

    pub async fn tagged_role(&self, name: &RoleName, shared: &Shared) -> Outcome<TaggedRole> {
        let ask = async {
            let output = self.client.get_role().role_name(name.as_str()).send().await;
            let Some(output) = self.watch.read(output, &GONE)? else { return Ok(None) };
            let found = field("Role", output.role())?;
            Ok(Some((role(found)?, tags(found.tags()))))
        };
        shared.roles.get(name.clone(), Box::pin(ask)).await
    }

    pub async fn user(self, name: UserName, shared: Shared) -> Facts {
        let user = self.read_user(&name, &shared).await;
        Facts { users: [(name, row(user.map(|it| Some(it?.0))))].into(), ..Facts::default() }
    }

    /// The user, and the permissions boundary.
    pub async fn read_user(
        &self,
        name: &UserName,
        shared: &Shared,
    ) -> Outcome<(User, Option<Arn>)> {
        let ask = async {
            let output = self.client.get_user().user_name(name.as_str()).send().await;
            let Some(output) = self.watch.read(output, &GONE)? else { return Ok(None) };
            let found = field("User", output.user())?;
            let user = User {
                arn: read("Arn", found.arn())?,
                id: Some(found.user_id().to_owned()).filter(|it| !it.is_empty()),
                tags: tags(found.tags()),
            };
            Ok(Some((user, boundary(found.permissions_boundary())?)))
        };
        shared.users.get(name.clone(), Box::pin(ask)).await
    }

    /// May one principal do these things to these resources of one type? Resources of several types
    /// in one question would be judged as if each action took them all.
    pub async fn simulations(self, batch: Batch) -> Facts {
        let mut found = Facts::default();
        let mut results = self.simulate(&batch).await;
        for question in batch.questions {
            let result = match &mut results {
                Ok(Some(known)) => known
                    .remove(&(question.action.to_ascii_lowercase(), question.resource.clone()))
                    .ok_or_else(|| {
                        let Question { action, resource, .. } = &question;
                        unreadable(format!("an answer that lacks {action} on {resource}"))
                    })
                    .map(Some),
                Ok(None) => Ok(None),
                Err(failure) => Err(failure.clone()),
            };
            found.simulations.insert(question, row(result));
        }
        found
    }

    async fn simulate(&self, batch: &Batch) -> Outcome<Results> {
        let of = |part: fn(&Question) -> &String| -> BTreeSet<String> {
            batch.questions.iter().map(|it| part(it).clone()).collect()
        };
        let (actions, resources) = (of(|it| &it.action), of(|it| &it.resource));
        let call = self
            .client
            .simulate_principal_policy()
            .policy_source_arn(batch.principal.as_str())
            .set_action_names(Some(actions.into_iter().collect()))
            .set_resource_arns(
                Some(resources.iter().cloned().collect()).filter(|_| !resources.contains("*")),
            )
            .set_context_entries(Some(
                batch.context.iter().map(|(key, values)| context_entry(key, values)).collect(),
            ));
        let mut results = Results::new();
        let mut marker = None;
        for _ in 0..MOST_PAGES {
            let output = call.clone().set_marker(marker).send().await;
            let Some(page) = self.watch.read(output, &GONE)? else { return Ok(None) };
            for it in page.evaluation_results() {
                for resource in &resources {
                    if let Some(simulation) = simulation(it, resource, resources.len() == 1) {
                        // IAM spells actions as it likes.
                        let action = it.eval_action_name().to_ascii_lowercase();
                        results.insert((action, resource.clone()), simulation);
                    }
                }
            }
            marker = page.marker().map(Into::into);
            if !page.is_truncated() {
                return Ok(Some(results));
            }
            field("Marker", marker.as_ref())?;
        }
        Err(unreadable("a list that does not end"))
    }
}

/// By action, in lower case, and resource.
type Results = BTreeMap<(String, String), Simulation>;

/// The questions that one call answers: of one principal, about resources of one type, with the same
/// context.
pub struct Batch {
    principal: Arn,
    context: BTreeMap<String, Vec<String>>,
    questions: BTreeSet<Question>,
}

pub fn batched(questions: impl IntoIterator<Item = Question>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for question in questions {
        let fits = |batch: &&mut Batch| {
            batch.principal == question.principal
                && batch.context == question.context
                && batch
                    .questions
                    .first()
                    .is_some_and(|other| kind(&other.resource) == kind(&question.resource))
        };
        match batches.iter_mut().find(fits) {
            Some(batch) => _ = batch.questions.insert(question),
            None => batches.push(Batch {
                principal: question.principal.clone(),
                context: question.context.clone(),
                questions: [question].into(),
            }),
        }
    }
    batches
}

/// Service and type of a resource, and nothing for `*`.
fn kind(arn: &str) -> Option<(&str, &str)> {
    // All log groups at once are not one of them.
    if arn.contains(":log-group::") {
        return Some(("logs", ""));
    }
    let mut fields = arn.splitn(6, ':').skip(2);
    let (service, resource) = (fields.next()?, fields.nth(2)?);
    Some((service, resource.split(['/', ':']).next().unwrap_or_default()))
}

fn context_entry(key: &str, values: &[String]) -> sdk::ContextEntry {
    sdk::ContextEntry::builder()
        .context_key_name(key)
        .set_context_key_values(Some(values.to_vec()))
        .context_key_type(data_type(key, values.len()))
        .build()
}

/// Source: IAM user guide, "AWS global condition context keys", "Data type" of each; Service
/// Authorization Reference for `ec2`.
fn data_type(key: &str, values: usize) -> ContextKeyTypeEnum {
    match key {
        "aws:SecureTransport"
        | "aws:PrincipalIsAWSService"
        | "aws:ViaAWSService"
        | "ssm:SessionDocumentAccessCheck" => ContextKeyTypeEnum::Boolean,
        "aws:CurrentTime" => ContextKeyTypeEnum::Date,
        "aws:EpochTime" | "ec2:RoleDelivery" => ContextKeyTypeEnum::Numeric,
        "aws:SourceIp" | "aws:Ec2InstanceSourcePrivateIPv4" => ContextKeyTypeEnum::Ip,
        // Only texts have more than one value.
        _ if values == 1 => ContextKeyTypeEnum::String,
        _ => ContextKeyTypeEnum::StringList,
    }
}

/// What a result says of `resource`, if anything. Where results are given for each resource, the one
/// above them may name a template instead of a resource, and be the worst of several.
fn simulation(it: &sdk::EvaluationResult, resource: &str, only: bool) -> Option<Simulation> {
    let specific = it.resource_specific_results();
    let mine = specific.iter().find(|it| it.eval_resource_name() == resource);
    let named = it.eval_resource_name() == Some(resource);
    if mine.is_none() && !named && !(only && specific.len() < 2) {
        return None;
    }
    let (decision, statements) = match mine {
        Some(it) => (it.eval_resource_decision(), it.matched_statements()),
        None => (it.eval_decision(), it.matched_statements()),
    };
    let missing = mine.map(sdk::ResourceSpecificResult::missing_context_values).unwrap_or_default();
    let missing: BTreeSet<_> = it.missing_context_values().iter().chain(missing).cloned().collect();
    let boundary = mine
        .and_then(|it| it.permissions_boundary_decision_detail())
        .or(it.permissions_boundary_decision_detail());
    let policies: BTreeSet<_> = statements.iter().filter_map(|it| it.source_policy_id()).collect();
    Some(Simulation {
        decision: Decision::from(decision.as_str().to_owned()),
        policies: policies.into_iter().map(Into::into).collect(),
        missing_context: missing.into_iter().collect(),
        allowed_by_boundary: boundary
            .map(sdk::PermissionsBoundaryDecisionDetail::allowed_by_permissions_boundary),
        allowed_by_organizations: it
            .organizations_decision_detail()
            .map(sdk::OrganizationsDecisionDetail::allowed_by_organizations),
    })
}

fn role(it: &sdk::Role) -> Result<Role, Failure> {
    let trust = field("AssumeRolePolicyDocument", it.assume_role_policy_document())?;
    Ok(Role {
        arn: read::<Arn>("Arn", it.arn())?,
        id: Some(it.role_id().to_owned()).filter(|it| !it.is_empty()),
        trust: Text::parse(&decoded(trust)),
        boundary: boundary(it.permissions_boundary())?,
    })
}

fn boundary(it: Option<&sdk::AttachedPermissionsBoundary>) -> Result<Option<Arn>, Failure> {
    it.map(|it| named("PermissionsBoundaryArn", it.permissions_boundary_arn())).transpose()
}

fn tags(tags: &[sdk::Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|it| (it.key().to_owned(), it.value().to_owned())).collect()
}

/// IAM hands out policies URL-encoded (RFC 3986: `+` is itself). What is not UTF-8 then stays as it came.
pub fn decoded(raw: &str) -> String {
    percent_decode_str(raw).decode_utf8().map_or_else(|_| raw.into(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1";

    fn statement(policy: &str) -> sdk::Statement {
        sdk::Statement::builder().source_policy_id(policy).build()
    }

    fn result(decision: &str) -> sdk::builders::EvaluationResultBuilder {
        sdk::EvaluationResult::builder()
            .eval_action_name("ssm:StartSession")
            .eval_decision(sdk::PolicyEvaluationDecisionType::from(decision))
    }

    #[test]
    fn a_plain_result_is_read() {
        let row = result("implicitDeny")
            .eval_resource_name("*")
            .missing_context_values("aws:SourceIp")
            .organizations_decision_detail(
                sdk::OrganizationsDecisionDetail::builder().allowed_by_organizations(false).build(),
            )
            .permissions_boundary_decision_detail(
                sdk::PermissionsBoundaryDecisionDetail::builder()
                    .allowed_by_permissions_boundary(true)
                    .build(),
            )
            .matched_statements(statement("b"))
            .matched_statements(statement("a"))
            .matched_statements(statement("b"))
            .build()
            .unwrap();
        assert_eq!(
            simulation(&row, "*", true).unwrap(),
            Simulation {
                decision: Decision::ImplicitDeny,
                policies: vec!["a".into(), "b".into()],
                missing_context: vec!["aws:SourceIp".into()],
                allowed_by_boundary: Some(true),
                allowed_by_organizations: Some(false),
            }
        );
    }

    #[test]
    fn the_result_for_the_resource_wins_over_the_one_above_it() {
        let specific = |resource: &str, decision: &str| {
            sdk::ResourceSpecificResult::builder()
                .eval_resource_name(resource)
                .eval_resource_decision(sdk::PolicyEvaluationDecisionType::from(decision))
                .missing_context_values("ssm:resourceTag/a")
                .matched_statements(statement("mine"))
                .build()
                .unwrap()
        };
        let row = result("explicitDeny")
            .eval_resource_name("arn:aws:ec2:${Region}:${Account}:instance/*")
            .matched_statements(statement("other"))
            .missing_context_values("aws:SourceIp")
            .resource_specific_results(specific(
                "arn:aws:ec2:eu-west-1:111122223333:instance/i-2",
                "explicitDeny",
            ))
            .resource_specific_results(specific(INSTANCE, "allowed"))
            .build()
            .unwrap();
        let read = simulation(&row, INSTANCE, true).unwrap();
        assert_eq!((read.decision, read.policies), (Decision::Allowed, vec!["mine".into()]));
        assert_eq!(read.missing_context, ["aws:SourceIp", "ssm:resourceTag/a"]);
    }

    #[test]
    fn a_result_for_another_resource_is_not_taken() {
        let other = "arn:aws:ec2:eu-west-1:111122223333:instance/i-2";
        let row = result("allowed").eval_resource_name(other).build().unwrap();
        assert!(simulation(&row, INSTANCE, false).is_none());
        assert!(simulation(&row, other, false).is_some());
        // The only one asked about, named by a template.
        let row = result("allowed").eval_resource_name("arn:aws:ec2:*:*:instance/*").build();
        assert!(simulation(&row.unwrap(), INSTANCE, true).is_some());
    }

    #[test]
    fn one_call_answers_what_differs_in_action_or_resource_only() {
        let (alice, role) = ("user/alice", "role/EC2RoleforSSM");
        let question = |principal: &str, action: &str, resource: &str| Question {
            principal: format!("arn:aws:iam::111122223333:{principal}").parse().unwrap(),
            action: action.into(),
            resource: resource.into(),
            context: BTreeMap::new(),
        };
        let mut tagged = question(role, "ssmmessages:OpenDataChannel", "*");
        tagged.context.insert("aws:PrincipalTag/App".into(), vec!["shop".into()]);
        let document = |name: &str| format!("arn:aws:ssm:ap-northeast-1::document/{name}");
        let batches = batched([
            question(alice, "ssm:StartSession", &document("AWS-StartSSHSession")),
            question(alice, "ssm:StartSession", &document("AWS-StartPortForwardingSession")),
            question(alice, "ssm:StartSession", INSTANCE),
            question(role, "ssmmessages:OpenDataChannel", "*"),
            question(role, "ssmmessages:CreateDataChannel", "*"),
            question(role, "kms:Decrypt", "*"),
            question(alice, "ssmmessages:OpenDataChannel", "*"),
            tagged,
        ]);
        let sizes: Vec<_> = batches.iter().map(|batch| batch.questions.len()).collect();
        assert_eq!(sizes, [2, 1, 3, 1, 1]);
    }

    #[test]
    fn policies_come_url_encoded() {
        let rows = [
            ("%7B%22a%22%3A%22b+c%22%7D", "{\"a\":\"b+c\"}"),
            ("{\"a\":1}", "{\"a\":1}"),
            ("%C3%A9", "é"),
            ("100%", "100%"),
            ("%zz%41%+1", "%zzA%+1"),
            ("%ff", "%ff"),
        ];
        for (raw, plain) in rows {
            assert_eq!(decoded(raw), plain);
        }
    }

    #[test]
    fn a_role_is_read() {
        let boundary = sdk::AttachedPermissionsBoundary::builder()
            .permissions_boundary_arn("arn:aws:iam::111122223333:policy/Edge")
            .build();
        let row = sdk::Role::builder()
            .path("/")
            .role_id("AROA")
            .create_date(aws_smithy_types::DateTime::from_secs(0))
            .role_name("App")
            .arn("arn:aws:iam::111122223333:role/App")
            .assume_role_policy_document("%7B%22Statement%22%3A%5B%5D%7D")
            .permissions_boundary(boundary)
            .tags(sdk::Tag::builder().key("team").value("x").build().unwrap())
            .build()
            .unwrap();
        let of_role = tags(row.tags());
        let read = role(&row).unwrap();
        assert!(read.trust.json().is_some());
        assert_eq!(read.boundary.as_ref().map(Arn::name), Some("Edge"));
        assert_eq!(of_role.get("team").map(String::as_str), Some("x"));
    }
}
