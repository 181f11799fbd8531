//! How the AWS tools get credentials here, by the SDK's own reading of the shared configuration files.
//!
//! Of a profile only the names of the settings are kept that are about credentials, and of a saved
//! single sign-on token when it ends.

use std::{borrow::Cow, collections::BTreeSet, fs, path::Path};

use aws_config::profile::{self, ProfileFileLoadError, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};
use serde::{Deserialize, de::IgnoredAny};
use ssm_doctor_facts::{
    lookup::{Row, Why},
    time::Timestamp,
    workstation::{Login, Means, Profile, SignOn},
};

use super::environment::{Setup, home, variable};
use crate::collect::text::printable;

pub async fn read(setup: &Setup) -> Row<Login> {
    let set = match load(&Fs::real(), &Env::real(), setup.profile.clone()).await {
        Ok(set) => set,
        Err(error) => {
            return Row::Unknown {
                unknown: Why::Unreadable,
                detail: printable(&error.to_string()),
            };
        }
    };
    let profiles = chain(&set);
    let environment_keys = variable(&["AWS_ACCESS_KEY_ID"]).is_some()
        && variable(&["AWS_SECRET_ACCESS_KEY"]).is_some();
    // What fills the environment may say so there.
    let told = || variable(&["AWS_CREDENTIAL_EXPIRATION"])?.1.try_into().ok();
    Row::Present(Login {
        by_flag: setup.profile_flag.is_some(),
        environment_keys,
        sign_on: profiles.last().and_then(|it| sign_on(&set, &it.name)),
        profiles,
        ends_at: setup.ends_at.or_else(|| if environment_keys { told() } else { None }),
    })
}

/// The files where they usually are, or where `AWS_CONFIG_FILE` and the like say.
#[expect(clippy::default_trait_access, reason = "its name is of a crate that we do not depend on")]
async fn load(
    fs: &Fs,
    env: &Env,
    selected: Option<String>,
) -> Result<ProfileSet, ProfileFileLoadError> {
    profile::load(fs, env, &Default::default(), selected.map(Cow::Owned)).await
}

/// The selected profile, and those that it gets its credentials from.
fn chain(set: &ProfileSet) -> Vec<Profile> {
    let mut profiles = Vec::new();
    let mut seen = BTreeSet::new();
    let mut name = set.selected_profile();
    while seen.insert(name) {
        let profile = set.get_profile(name);
        let has = |setting: &str| profile.is_some_and(|it| it.get(setting).is_some());
        let settings: [(&[&str], Means); 8] = [
            (&["aws_access_key_id"], Means::Keys),
            (&["role_arn"], Means::Role),
            (&["mfa_serial"], Means::Mfa),
            (&["credential_process"], Means::Process),
            (&["sso_session", "sso_start_url"], Means::SignOn),
            (&["login_session"], Means::Login),
            (&["web_identity_token_file"], Means::WebIdentity),
            (&["credential_source"], Means::Machine),
        ];
        let sets = settings.into_iter().filter(|(names, _)| names.iter().any(|it| has(it)));
        profiles.push(Profile { name: printable(name), sets: sets.map(|it| it.1).collect() });
        match profile.filter(|_| has("role_arn")).and_then(|it| it.get("source_profile")) {
            Some(source) => name = source,
            None => break,
        }
    }
    profiles
}

/// The token that was saved when somebody signed in to where this profile does.
fn sign_on(set: &ProfileSet, name: &str) -> Option<SignOn> {
    let profile = set.get_profile(name)?;
    let url = match profile.get("sso_session") {
        Some(session) => set.sso_session(session)?.get("sso_start_url")?,
        None => profile.get("sso_start_url")?,
    };
    latest(&home()?.join(".aws/sso/cache"), url)
}

/// A file of the cache, as far as it is read. The token itself is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    start_url: String,
    expires_at: String,
    refresh_token: Option<IgnoredAny>,
}

fn latest(cache: &Path, url: &str) -> Option<SignOn> {
    let same = |it: &str| it.trim_end_matches(['/', '#']) == url.trim_end_matches(['/', '#']);
    let files = fs::read_dir(cache).ok()?;
    let tokens = files.filter_map(|file| {
        let text = fs::read_to_string(file.ok()?.path()).ok()?;
        let token: Saved =
            serde_json::from_str(&text).ok().filter(|it: &Saved| same(&it.start_url))?;
        // Early versions of the AWS CLI ended it so.
        let ends_at = Timestamp::try_from(token.expires_at.replace("UTC", "Z")).ok()?;
        Some(SignOn { ends_at, renewable: token.refresh_token.is_some() })
    });
    tokens.max_by_key(|it| it.ends_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn profiles_are_followed_to_their_source() {
        let config = "[profile admin]\nrole_arn = arn:aws:iam::111122223333:role/Admin\nmfa_serial = x\nsource_profile = middle\n\
            [profile middle]\nrole_arn = y\nsource_profile = base\n\
            [profile base]\naws_access_key_id = AKIDSECRET\naws_secret_access_key = SECRET\n\
            [profile dev]\nsso_session = corp\n[sso-session corp]\nsso_start_url = https://corp.example/start\n\
            [profile loop]\nrole_arn = z\nsource_profile = loop\n\
            [profile plain]\nregion = eu-west-1\n";
        let fs = Fs::from_slice(&[("config", config)]);
        let env = Env::from_slice(&[
            ("AWS_CONFIG_FILE", "config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "none"),
        ]);
        let rows = [
            ("admin", "admin: role_arn mfa_serial; middle: role_arn; base: aws_access_key_id"),
            ("dev", "dev: sso"),
            ("loop", "loop: role_arn"),
            ("plain", "plain: "),
            ("missing", "missing: "),
        ];
        for (name, expected) in rows {
            let set = load(&fs, &env, Some(name.into())).await.unwrap();
            let told: Vec<_> = chain(&set)
                .iter()
                .map(|it| {
                    let sets: Vec<_> = it.sets.iter().map(Means::as_str).collect();
                    format!("{}: {}", it.name, sets.join(" "))
                })
                .collect();
            assert_eq!(told.join("; "), expected);
        }
    }

    #[test]
    fn the_latest_token_of_the_same_address_counts() {
        let cache = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(cache.path().join(name), text).unwrap();
        let url = "https://corp.example/start";
        assert_eq!(latest(cache.path(), url), None);
        write(
            "a.json",
            r#"{ "startUrl": "https://corp.example/start#/", "expiresAt": "2026-11-23T02:00:00UTC", "accessToken": "SECRET" }"#,
        );
        write(
            "b.json",
            r#"{ "startUrl": "https://corp.example/start", "expiresAt": "2026-11-23T04:00:00Z", "accessToken": "SECRET", "refreshToken": "SECRET" }"#,
        );
        write(
            "c.json",
            r#"{ "startUrl": "https://other.example/start", "expiresAt": "2026-11-24T04:00:00Z", "accessToken": "SECRET" }"#,
        );
        write("d.json", r#"{ "clientId": "x", "expiresAt": "2027-01-01T00:00:00Z" }"#);
        write("e.json", "{");
        let found = latest(cache.path(), url).unwrap();
        assert_eq!(
            (found.ends_at.to_string().as_str(), found.renewable),
            ("2026-11-23T04:00:00Z", true)
        );
    }
}
