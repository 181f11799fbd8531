//! What a session's document asks for, each field as the agent reads it.

use alloc::{format, string::String, vec::Vec};

use serde_json::Value;

use crate::case::Case;
use crate::session::document::{default_of, is_parameter};
use ssm_doctor_facts::{
    iam::Key,
    ids::*,
    limit::SessionLimit,
    lookup::{Facts, Ourselves, Unknown},
    text::Text,
};
use ssm_doctor_iam_policy::KeyValue;

/// What the preferences ask of a session, each field as the agent would read it.
pub struct Preferences<'a> {
    pub name: DocumentName,
    pub(super) content: &'a Value,
}

/// A key, for the question who may use it.
pub struct GuardedKey<'f> {
    pub arn: Arn,
    pub policy: Result<&'f Text, Unknown>,
    /// Beyond what is known of every such request.
    pub context: Vec<(&'f str, KeyValue)>,
}

impl<'f> GuardedKey<'f> {
    #[must_use]
    pub fn of(key: &'f Key) -> Self {
        Self { arn: key.arn.clone(), policy: key.policy(), context: Vec::new() }
    }
}

/// Why a key cannot encrypt sessions, whoever may use it and whatever is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnfitKey {
    /// KMS serves it in its own Region only.
    OfOtherRegion,
    OfAws,
    OfSpec(String),
    ForUsage(String),
}

/// Why the key of this name cannot encrypt sessions of `region`; None if it can, once it is enabled.
#[must_use]
pub fn unfit_key(name: &str, key: &Key, region: &Region) -> Option<UnfitKey> {
    if key.arn.region() != region.as_str() {
        return Some(UnfitKey::OfOtherRegion);
    }
    // AWS reserves these aliases for its own keys. Source: KMS developer guide, "Aliases".
    if key.is_of_aws() || name.contains("alias/aws/") {
        return Some(UnfitKey::OfAws);
    }
    if let Some(spec) = key.spec.as_ref().filter(|it| *it != "SYMMETRIC_DEFAULT") {
        return Some(UnfitKey::OfSpec(spec.clone()));
    }
    (key.usage != "ENCRYPT_DECRYPT").then(|| UnfitKey::ForUsage(key.usage.clone()))
}

impl Preferences<'_> {
    pub(super) fn asks_nothing(&self) -> bool {
        ["s3BucketName", "cloudWatchLogGroupName", "kmsKeyId"]
            .iter()
            .all(|it| matches!(self.text(it), Ok(None)))
            && matches!(self.flag("runAsEnabled"), Ok(false))
    }

    fn input(&self, field: &str) -> Option<&'_ Value> {
        self.content.get("inputs").and_then(|it| it.get(field))
    }

    /// The type of session that the document opens.
    #[must_use]
    pub fn session_type(&self) -> &str {
        self.content.get("sessionType").and_then(Value::as_str).unwrap_or_default()
    }

    /// Does a shell begin with commands of the document, on any platform? `shellProfile` has a text for `linux`, which
    /// holds for macOS too, and one for `windows`.
    #[must_use]
    pub fn has_shell_profile(&self) -> bool {
        let profiles = self.input("shellProfile").and_then(Value::as_object).into_iter().flatten();
        profiles.into_iter().any(|(_, it)| it.as_str().is_some_and(|it| !it.trim().is_empty()))
    }

    /// A text field; None when it is absent or empty.
    ///
    /// # Errors
    /// [`Unknown`] when the field is a document parameter or not a text.
    pub fn text(&self, field: &str) -> Result<Option<&str>, Unknown> {
        match self.input(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(raw)) if is_parameter(raw) => Err(self.parameter(field, raw)),
            Some(Value::String(raw)) => Ok(Some(raw.as_str()).filter(|it| !it.is_empty())),
            Some(_) => Err(Unknown::limit(SessionLimit::NotText {
                document: self.name.clone(),
                field: field.into(),
            })),
        }
    }

    /// A yes-or-no field, which the agent reads from a boolean or from the word.
    ///
    /// # Errors
    /// [`Unknown`] when the field is a document parameter or not a yes or no.
    pub fn flag(&self, field: &str) -> Result<bool, Unknown> {
        match self.input(field) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(raw)) if is_parameter(raw) => Err(self.parameter(field, raw)),
            Some(Value::String(raw)) if raw.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(raw)) if raw.eq_ignore_ascii_case("false") => Ok(false),
            Some(Value::String(raw)) if raw.is_empty() && field == "runAsEnabled" => Ok(false),
            Some(_) => Err(Unknown::limit(SessionLimit::NotFlag {
                document: self.name.clone(),
                field: field.into(),
            })),
        }
    }

    /// The key that sessions are encrypted with; None if there is none, or it does not exist.
    ///
    /// # Errors
    /// [`Unknown`] when the field cannot be read, or the key was not seen. What KMS says of keys that are
    /// another account's depends on their policies, so there "not found" is no answer.
    pub fn key<'f>(&self, facts: &'f Facts) -> Result<Option<&'f Key>, Unknown> {
        let Some(raw) = self.text("kmsKeyId")? else { return Ok(None) };
        let name: KeyName = raw.parse().map_err(|_| self.misnamed("kmsKeyId", raw))?;
        let key = facts.key(&name).optional()?;
        if let (None, Ok(arn)) = (key, raw.parse::<Arn>())
            && arn.account() != facts.caller(&Ourselves::Us).required()?.account.as_str()
        {
            return Err(Unknown::limit(SessionLimit::KeyOfOtherAccount { key: arn }));
        }
        Ok(key)
    }

    /// As [`key`](Self::key), of a key too that does not show, where the preferences say which it is: an
    /// alias may stand for any. None too of a key that no permission lets encrypt sessions.
    ///
    /// # Errors
    /// As there.
    pub fn guarded_key<'f>(&self, case: &Case<'f>) -> Result<Option<GuardedKey<'f>>, Unknown> {
        let name = self.text("kmsKeyId")?.unwrap_or_default();
        let region = &case.scope.region;
        // KMS does not describe a key of another Region.
        if name.parse::<Arn>().is_ok_and(|arn| arn.region() != region.as_str()) {
            return Ok(None);
        }
        let unseen = match self.key(case.facts) {
            Ok(key) => {
                let key = key.filter(|key| unfit_key(name, key, region).is_none());
                return Ok(key.map(GuardedKey::of));
            }
            Err(unknown) => unknown,
        };
        let (Some(raw), false) = (self.text("kmsKeyId")?, unseen.is_unasked()) else {
            return Err(unseen);
        };
        let caller = case.facts.caller(&Ourselves::Us).required()?;
        let arn = match raw.parse::<Arn>() {
            Ok(arn) => arn,
            Err(_) if raw.starts_with("alias/") => return Err(unseen),
            Err(_) => {
                let (partition, account) = (caller.arn.partition(), &caller.account);
                let arn = format!("arn:{partition}:kms:{}:{account}:key/{raw}", case.scope.region);
                let Ok(arn) = arn.parse() else { return Err(unseen) };
                arn
            }
        };
        if !arn.resource().starts_with("key/") {
            return Err(unseen);
        }
        Ok(Some(GuardedKey { arn, policy: Err(unseen), context: Vec::new() }))
    }

    /// The bucket that sessions are logged to.
    ///
    /// # Errors
    /// [`Unknown`] when the field cannot be read.
    pub fn bucket(&self) -> Result<Option<BucketName>, Unknown> {
        let Some(raw) = self.text("s3BucketName")? else { return Ok(None) };
        raw.parse().map(Some).map_err(|_| self.misnamed("s3BucketName", raw))
    }

    fn misnamed(&self, field: &str, raw: &str) -> Unknown {
        Unknown::limit(SessionLimit::InvalidName {
            document: self.name.clone(),
            field: field.into(),
            value: raw.into(),
        })
    }

    /// Do commands run as root anyway, on `platform` (`linux` or `macOS`)? Then `RunAs` is not looked at.
    ///
    /// # Errors
    /// [`Unknown`] when the field is a document parameter.
    pub fn elevated(&self, platform: &str) -> Result<bool, Unknown> {
        let field = "runAsElevated";
        let properties = self.content.get("properties").and_then(|it| it.get(platform));
        match properties.and_then(|it| it.get(field)) {
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(raw)) if is_parameter(raw) => Err(self.parameter(field, raw)),
            Some(Value::String(raw)) => Ok(raw.eq_ignore_ascii_case("true")),
            _ => Ok(false),
        }
    }

    fn parameter(&self, field: &str, raw: &str) -> Unknown {
        Unknown::limit(SessionLimit::Parameter {
            document: self.name.clone(),
            field: field.into(),
            value: raw.into(),
            default: default_of(self.content, raw),
        })
    }
}
