//! What is known of a request before it is made: condition keys and their values.
//!
//! A key is left out where nothing is known of it (`aws:SourceIp` of the operator); evaluation then
//! says what depends on it. Where an API call could find its value, the key holds that question, which
//! is asked only if a policy depends on the key. Source: IAM user guide, "AWS global condition context keys";
//! Service Authorization Reference for `ssm`, `ssmmessages` and `kms`.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::net::Ipv4Addr;

use crate::case::Case;
use crate::{
    network::path,
    permissions::{
        actions::{START, is_owned_by_aws, target_arn},
        identity::{CredentialSource, Identity, PermissionQuestion, Side},
        operator,
    },
};
use ssm_doctor_facts::{
    change::CREATED_ROLE,
    ec2::Endpoint,
    ids::*,
    limit::PermissionLimit,
    lookup::{Facts, Ourselves, Row, Unknown},
    scope::Scope,
    ssm::AgentVersion,
    time::Timestamp,
};
use ssm_doctor_iam_policy::{KeyValue, RequestContext, may_tag_sessions, service_of};

pub const MFA: &str = "aws:MultiFactorAuthPresent";
const MFA_AGE: &str = "aws:MultiFactorAuthAge";
/// Keys whose conditions ask for MFA.
pub const MFA_KEYS: [&str; 2] = [MFA, MFA_AGE];
/// By which version of the metadata service a role's credentials came to the machine, `1.0` or `2.0`.
/// Source: Service Authorization Reference for `ec2`; EC2 user guide, "Configure the Instance Metadata
/// Service options".
const ROLE_DELIVERY: &str = "ec2:RoleDelivery";
/// The agent does not fall back to version 1 since. Source: amazon-ssm-agent `RELEASENOTES.md`.
const VERSION_2_ONLY: AgentVersion = AgentVersion([3, 2, 1041, 0]);

/// Keys of tags of the resource.
const RESOURCE_TAGS: [&str; 2] = ["aws:ResourceTag/", "ssm:resourceTag/"];
/// As EC2's own actions have it, and those of Systems Manager do not, although the resource is EC2's. Source:
/// Service Authorization Reference for `ssm`, "Resource types", `instance`.
const EC2_TAGS: &str = "ec2:ResourceTag/";

/// The context of a request.
///
/// # Errors
/// [`Unknown`] only while what every request has is unasked, so that answers of the simulator do not
/// depend on which question was put first.
pub fn of(question: PermissionQuestion, case: &Case) -> Result<RequestContext, Unknown> {
    let mut context = before_path(question, case)?;
    if matches!(question.identity.side, Side::Agent(_)) && case.scope.target.instance().is_some() {
        of_path(&mut context, question.action, case);
    }
    Ok(context)
}

/// The context without the keys that depend on the way of the request.
///
/// # Errors
/// As [`of`].
pub fn before_path(question: PermissionQuestion, case: &Case) -> Result<RequestContext, Unknown> {
    let PermissionQuestion { identity, action, resource } = question;
    let caller = case.facts.caller(&Ourselves::Us).hint()?;
    let mut it = RequestContext::for_principal(&identity.principal());
    of_every_request(&mut it, case.scope);
    of_principal(&mut it, identity, case)?;
    of_organization(&mut it, identity, resource, case.facts);
    match identity.side {
        Side::Agent(source) => of_node(&mut it, source, case)?,
        Side::Operator => {
            for key in
                ["ssm:SourceInstanceARN", "ec2:SourceInstanceARN", "aws:Ec2InstanceSourceVpc"]
            {
                it.set(key, KeyValue::Absent);
            }
            // Only the credentials of an instance's role have it.
            let machine = identity.session.as_deref().is_none_or(|it| it.starts_with("i-"));
            if identity.is_user() || identity.is_role() && !machine {
                it.set(ROLE_DELIVERY, KeyValue::Absent);
            }
        }
    }
    let account = caller.map_or("", |it| it.account.as_str());
    it = of_resource(it, action, resource, account, case)?;
    if action == START {
        // Policies require with this key that the document is checked as well; here it always is.
        it.set("ssm:SessionDocumentAccessCheck", exactly("true"));
        it.set(
            "ssm:AccessRequestId",
            KeyValue::Unknown(Unknown::limit(PermissionLimit::AccessRequest)),
        );
    } else {
        // A key of `StartSession` alone. Source: Service Authorization Reference for `ssm`.
        it.set("ssm:SessionDocumentAccessCheck", KeyValue::Absent);
    }
    of_service(&mut it, question, case);
    Ok(it)
}

fn exactly(value: &str) -> KeyValue {
    KeyValue::Exact(value.into())
}

/// How long credentials last at most, in seconds. Source: STS API reference, `AssumeRole` (12 hours) and
/// `GetSessionToken` (36 hours).
const LONGEST_OF_ROLE: i64 = 12 * 60 * 60;
const LONGEST_OF_USER: i64 = 36 * 60 * 60;

/// When credentials were issued that are still in force.
fn issued_within(longest: i64, scope: &Scope) -> KeyValue {
    let earliest = Timestamp::from_second(scope.at.as_second() - longest);
    earliest.map_or(KeyValue::PRESENT, |earliest| {
        KeyValue::between(&earliest.to_string(), &scope.at.to_string())
    })
}

/// Who calls AWS directly, over TLS, now.
fn of_every_request(it: &mut RequestContext, scope: &Scope) {
    it.set("aws:RequestedRegion", exactly(scope.region.as_str()));
    it.set("aws:SecureTransport", exactly("true"));
    it.set("aws:ViaAWSService", exactly("false"));
    it.set("aws:CurrentTime", exactly(&scope.at.to_string()));
    it.set("aws:EpochTime", exactly(&Timestamp::as_second(scope.at).to_string()));
    for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:TagKeys"] {
        it.set(key, KeyValue::Absent);
    }
    for key in ["aws:SourceAccount", "aws:SourceArn", "aws:PrincipalServiceName"] {
        it.set(key, KeyValue::Absent);
    }
}

fn of_principal(it: &mut RequestContext, identity: &Identity, case: &Case) -> Result<(), Unknown> {
    let caller = case.facts.caller(&Ourselves::Us).hint()?;
    let ours = caller.filter(|_| identity.side == Side::Operator && operator::is_caller(case));
    let rest = "aws:PrincipalTag/";
    if identity.is_user() {
        let user = identity.name().parse().ok();
        let user = user.map(|name| case.facts.user(&name).hint()).transpose()?.flatten();
        if let Some(user) = user {
            set_tags(it, &[rest], &user.tags);
            *it = core::mem::take(it).with_others(rest, KeyValue::Absent);
            if let Some(id) = &user.id {
                it.set("aws:userid", exactly(id));
            }
        }
        // Requests signed with long-term keys have neither.
        match ours.and_then(|it| it.temporary) {
            Some(true) => it.set("aws:TokenIssueTime", issued_within(LONGEST_OF_USER, case.scope)),
            // Source: IAM user guide, "AWS global condition context keys": "this key is not present when
            // a principal uses long-term credentials".
            Some(false) => {
                for key in ["aws:TokenIssueTime", MFA, MFA_AGE] {
                    it.set(key, KeyValue::Absent);
                }
            }
            None => {}
        }
        it.set("aws:FederatedProvider", KeyValue::Absent);
    }
    if identity.is_role() {
        it.set("aws:TokenIssueTime", issued_within(LONGEST_OF_ROLE, case.scope));
        let name = identity.name().parse::<RoleName>().ok();
        let role = name.as_ref().map(|name| case.facts.role(name).hint()).transpose()?.flatten();
        if let (Some(role), Some(name)) = (role, &name) {
            // A service passes no tags. A caller who may tag the session may have replaced any tag of
            // the role.
            if !may_be_tagged(identity, case.facts) {
                // Tags that AWS does not show are left out: what depends on them is not settled, whoever
                // judges it.
                let tags = case.facts.role_tags(name).optional();
                if tags.as_ref().map_or_else(Unknown::is_unasked, |_| true) {
                    *it = with_tags(core::mem::take(it), &[rest], tags);
                }
            }
            if let Some(id) = role.id.as_ref().filter(|id| *id != CREATED_ROLE) {
                it.set(
                    "aws:userid",
                    match &identity.session {
                        Some(session) => exactly(&format!("{id}:{session}")),
                        None => KeyValue::Prefix(format!("{id}:")),
                    },
                );
            }
        }
    }
    if let Some(caller) = ours {
        if caller.mfa == Some(true) {
            it.set(MFA, exactly("true"));
        }
        it.set("aws:userid", exactly(&caller.user_id));
    }
    Ok(())
}

/// Does the role's trust policy let the caller tag the session?
#[must_use]
pub fn may_be_tagged(identity: &Identity, facts: &Facts) -> bool {
    let role = || facts.role(&identity.name().parse().ok()?).optional().ok().flatten();
    identity.side == Side::Operator
        && identity.is_role()
        && role().is_some_and(|it| may_tag_sessions(&it.trust))
}

/// Tags that a call of their own shows.
fn with_tags(
    mut context: RequestContext,
    families: &[&str],
    tags: Result<Option<&BTreeMap<String, String>>, Unknown>,
) -> RequestContext {
    let others = match tags {
        Ok(tags) => {
            if let Some(tags) = tags {
                set_tags(&mut context, families, tags);
            }
            KeyValue::Absent
        }
        Err(unknown) => KeyValue::Unknown(unknown),
    };
    families.iter().fold(context, |context, family| context.with_others(family, others.clone()))
}

fn set_tags(it: &mut RequestContext, families: &[&str], tags: &BTreeMap<String, String>) {
    for (tag, value) in tags {
        for family in families {
            it.set(&format!("{family}{tag}"), exactly(value));
        }
    }
}

/// Asked for only where a policy has it.
fn of_organization(it: &mut RequestContext, identity: &Identity, resource: &str, facts: &Facts) {
    let id = match facts.organization(&Ourselves::Us).optional() {
        Ok(Some(it)) => exactly(&it.id),
        Ok(None) => KeyValue::Absent,
        Err(unknown) => KeyValue::Unknown(unknown),
    };
    // A resource of AWS does not belong to our organization, whatever value the key has for it.
    let owned = is_owned_by_aws(resource);
    it.set("aws:ResourceOrgID", if owned { KeyValue::Absent } else { id.clone() });
    it.set("aws:PrincipalOrgID", id);
    let paths =
        identity.arn.account().parse().map(|it| facts.organization_policies(&it).optional());
    let organization = facts.organization(&Ourselves::Us).optional();
    if let (Ok(Ok(Some(policies))), Ok(Some(organization))) = (paths, organization) {
        let above = policies.levels.iter().rev().skip(1).rev().map(|it| it.id.as_str());
        let path = core::iter::once(organization.id.as_str()).chain(above);
        let path = path.fold(String::new(), |so_far, it| so_far + it + "/");
        it.set("aws:PrincipalOrgPaths", KeyValue::Multiple([path].into()));
    }
}

/// What the agent's requests have.
fn of_node(it: &mut RequestContext, source: CredentialSource, case: &Case) -> Result<(), Unknown> {
    let target = target_arn(case)?;
    it.set("ssm:SourceInstanceARN", exactly(&target));
    // A service assumes the role, without an MFA code.
    for key in MFA_KEYS {
        it.set(key, KeyValue::Absent);
    }
    if source != CredentialSource::InstanceProfile {
        it.set(ROLE_DELIVERY, KeyValue::Absent);
    }
    let Some(id) = case.scope.target.instance() else { return Ok(()) };
    if source == CredentialSource::InstanceProfile {
        it.set("ec2:SourceInstanceARN", exactly(&target));
        if let Some(instance) = case.facts.instance(id).hint()? {
            let node = case.facts.node(&case.scope.target).optional().ok().flatten();
            let version = node.and_then(|it| it.version().ok());
            if instance.metadata.tokens_required || version >= Some(VERSION_2_ONLY) {
                it.set(ROLE_DELIVERY, exactly("2.0"));
            }
            if let Some(vpc) = &instance.vpc {
                it.set("aws:Ec2InstanceSourceVpc", exactly(vpc.as_str()));
            }
            let first = instance.interfaces.iter().find(|it| it.device_index == 0);
            if let Some(address) = first.and_then(|it| it.private_ip) {
                it.set("aws:Ec2InstanceSourcePrivateIPv4", exactly(&address.to_string()));
            }
        }
    }
    Ok(())
}

/// Keys of requests through a VPC endpoint. Source: IAM user guide, "AWS global condition context keys", "Properties of
/// the network".
const BY_ENDPOINT: [&str; 7] = [
    "aws:SourceVpce",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:VpcSourceIp",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
];

/// Through which endpoint the agent's requests go, or from which address they leave to the internet.
/// What was not seen of it is asked for only if a policy depends on it.
fn of_path(it: &mut RequestContext, action: &str, case: &Case) {
    const SERVICES: [&str; 5] = ["ssm", "ssmmessages", "kms", "s3", "logs"];
    let service = service_of(action);
    match path::endpoint_on_path(case, service) {
        Ok(Some((endpoint, vpc))) => by_endpoint(it, endpoint, vpc, case),
        // A public name may still resolve to an endpoint elsewhere, unless the path to it was seen.
        Ok(None) => {
            let Some(service) = SERVICES.into_iter().find(|it| *it == service) else { return };
            match path::public_source_addresses(case, service) {
                Ok(Some(addresses)) => {
                    for key in BY_ENDPOINT {
                        it.set(key, KeyValue::Absent);
                    }
                    if let [address] = addresses.as_slice() {
                        it.set("aws:SourceIp", exactly(&address.to_string()));
                    }
                }
                Ok(None) => {}
                Err(unknown) => {
                    for key in BY_ENDPOINT.into_iter().chain(["aws:SourceIp"]) {
                        it.set(key, KeyValue::Unknown(unknown.clone()));
                    }
                }
            }
        }
        Err(unknown) => {
            for key in BY_ENDPOINT.into_iter().chain(["aws:SourceIp"]) {
                it.set(key, KeyValue::Unknown(unknown.clone()));
            }
        }
    }
}

/// The context of an agent's request through this endpoint, which replaces what is known of its path.
pub fn by_endpoint(it: &mut RequestContext, endpoint: &Endpoint, vpc: &VpcId, case: &Case) {
    it.set("aws:SourceVpce", exactly(endpoint.id.as_str()));
    it.set("aws:SourceVpc", exactly(vpc.as_str()));
    // AWS lists the services that set these keys, and adds to the list. Source: IAM user guide, as for `BY_ENDPOINT`.
    for key in ["aws:SourceVpcArn", "aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths"] {
        let limit = PermissionLimit::KeyOfSomeServices { key: key.into() };
        it.set(key, KeyValue::Unknown(Unknown::limit(limit)));
    }
    // "Not available when a requester uses a VPC endpoint", where `aws:VpcSourceIp` is.
    it.set("aws:SourceIp", KeyValue::Absent);
    if let Some(address) = only_address(case) {
        it.set("aws:VpcSourceIp", exactly(&address.to_string()));
    }
}

/// The address that an instance's packets come from, where it has no other.
fn only_address(case: &Case) -> Option<Ipv4Addr> {
    let instance = case.facts.instance(case.scope.target.instance()?).optional().ok()??;
    let [interface] = instance.interfaces.as_slice() else { return None };
    interface.private_ip.filter(|_| interface.ipv6.is_empty())
}

/// What agent and plugin send to KMS and S3.
fn of_service(it: &mut RequestContext, question: PermissionQuestion, case: &Case) {
    let PermissionQuestion { identity, action, .. } = question;
    if action.starts_with("kms:") {
        it.set("kms:CallerAccount", exactly(identity.arn.account()));
        let aliases = aliases(case.facts, question.resource);
        if !aliases.is_empty() {
            it.set("kms:ResourceAliases", KeyValue::AtLeast(aliases));
        }
    }
    if action.starts_with("s3:") {
        // AWS speaks no older version. Source: S3 user guide, "Infrastructure security in Amazon S3".
        it.set("s3:TlsVersion", KeyValue::between("1.2", "1.3"));
    }
    match (action, identity.side) {
        ("kms:Decrypt", _) | ("kms:GenerateDataKey", Side::Operator) => {
            it.set("kms:ViaService", KeyValue::Absent);
            it.set(
                "kms:EncryptionContext:aws:ssm:TargetId",
                exactly(&case.scope.target.to_string()),
            );
            it.set("kms:EncryptionContext:aws:ssm:SessionId", KeyValue::PRESENT);
            // A key policy for parameters or secrets asks for what sessions do not send. Source:
            // session-manager-plugin `src/datachannel/streaming.go`; `aws:ssm:RandomChallenge` came later.
            let more = KeyValue::Unknown(Unknown::limit(PermissionLimit::EncryptionContext));
            *it = core::mem::take(it)
                .with_others("kms:EncryptionContext:aws:ssm:", more)
                .with_others("kms:EncryptionContext:", KeyValue::Absent);
        }
        // The agent leaves encryption to the bucket, and gives the bucket's owner the object.
        // Source: amazon-ssm-agent `agent/s3util/s3util.go`.
        ("s3:PutObject" | "s3:PutObjectAcl", Side::Agent(_)) => {
            it.set("s3:x-amz-acl", exactly("bucket-owner-full-control"));
            it.set("s3:x-amz-server-side-encryption", KeyValue::Absent);
            it.set("s3:x-amz-server-side-encryption-aws-kms-key-id", KeyValue::Absent);
        }
        _ => {}
    }
}

/// The aliases by which a key was found; it may have others.
fn aliases(facts: &Facts, key: &str) -> Vec<String> {
    let found = facts
        .keys
        .iter()
        .filter(|(_, row)| matches!(row, Row::Present(it) if it.arn.as_str() == key));
    let aliases = found.filter_map(|(name, _)| {
        let alias = name.as_str().find("alias/").and_then(|at| name.as_str().get(at..))?;
        Some(alias.to_string())
    });
    aliases.collect()
}

fn of_resource(
    mut it: RequestContext,
    action: &str,
    resource: &str,
    account: &str,
    case: &Case,
) -> Result<RequestContext, Unknown> {
    let rest = |it: RequestContext, known: &KeyValue| {
        RESOURCE_TAGS.iter().fold(it, |it, family| it.with_others(family, known.clone()))
    };
    it =
        it.with_others("aws:RequestTag/", KeyValue::Absent).with_others(EC2_TAGS, KeyValue::Absent);
    let owner = resource.split(':').nth(4).filter(|it| !it.is_empty());
    if is_owned_by_aws(resource) {
        it.set("aws:ResourceAccount", KeyValue::Absent);
        return Ok(rest(it, &KeyValue::Absent));
    }
    it.set("aws:ResourceAccount", exactly(owner.unwrap_or(account)));
    if target_arn(case).is_ok_and(|it| it == resource) {
        let Some(id) = case.scope.target.instance() else {
            let name = format!("managed-instance/{}", case.scope.target);
            return Ok(tagged(it, name.parse(), case.facts));
        };
        let Some(instance) = case.facts.instance(id).hint()? else { return Ok(it) };
        set_tags(&mut it, &RESOURCE_TAGS, &instance.tags);
        return Ok(rest(it, &KeyValue::Absent));
    }
    if let Some((_, name)) = resource.split_once(":document/") {
        return Ok(tagged(it, format!("document/{name}").parse(), case.facts));
    }
    if resource.contains(":session/") {
        // The tags that Systems Manager gives sessions. Source: Systems Manager user guide, "Additional
        // sample IAM policies for Session Manager".
        it.set("ssm:resourceTag/aws:ssmmessages:session-id", KeyValue::PRESENT);
        it.set(
            "ssm:resourceTag/aws:ssmmessages:target-id",
            exactly(&case.scope.target.to_string()),
        );
    }
    if action.starts_with("ssmmessages:") && (resource == "*" || resource.contains(":ssmmessages:"))
    {
        return Ok(rest(it, &KeyValue::Absent));
    }
    Ok(it)
}

/// The tags of a document or hybrid node.
fn tagged(
    context: RequestContext,
    name: Result<TaggedName, String>,
    facts: &Facts,
) -> RequestContext {
    let Ok(name) = name else { return context };
    with_tags(context, &RESOURCE_TAGS, facts.resource_tags(&name).optional())
}

/// Is it a key of a resource's tag?
#[must_use]
pub fn is_resource_tag(key: &str) -> bool {
    RESOURCE_TAGS
        .iter()
        .any(|family| key.get(..family.len()).is_some_and(|it| it.eq_ignore_ascii_case(family)))
}
