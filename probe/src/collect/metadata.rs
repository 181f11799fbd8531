//! The instance metadata service, asked as the agent asks it: a token first, then the rest with it.
//!
//! The document with the role's credentials has their secret too. Of it only code and expiry are read.

use std::{io, net::SocketAddr, time::Duration};

use serde::Deserialize;
use ssm_doctor_facts::{
    probe::{Metadata, Reply, Role},
    time::Timestamp,
};

use super::http;

const USUAL: &str = "169.254.169.254:80";
/// For each attempt. The agent waits one second (measured).
const WITHIN: Duration = Duration::from_millis(1200);

const ID: &str = "/latest/meta-data/instance-id";
const REGION: &str = "/latest/meta-data/placement/region";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

pub fn look(place: Option<&str>) -> Metadata {
    let place = place.unwrap_or(USUAL);
    let mut found = Metadata {
        token: Reply::Silent,
        without_token: None,
        instance: None,
        region: None,
        role: None,
    };
    let token = match token(place) {
        Ok((200, token)) => token,
        Ok((status, _)) => {
            found.token = Reply::Status(status);
            return found;
        }
        Err(error) => {
            found.token = http::reply(&error);
            // The hop limit holds for the answer with the token only. Source: EC2 user guide, "Use the
            // Instance Metadata Service to access instance metadata".
            let plain = attempt(place, "GET", ID, &[]);
            found.without_token =
                Some(plain.map_or_else(|error| http::reply(&error), |it| Reply::Status(it.0)));
            return found;
        }
    };
    found.token = Reply::Status(200);
    let text = |path: &str| match get(place, path, &token) {
        Ok((200, text)) => Some(text.trim().to_owned()),
        _ => None,
    };
    found.instance = text(ID);
    found.region = text(REGION);
    found.role = match get(place, ROLES, &token) {
        Ok((404, _)) => Some(Role::None),
        Ok((200, names)) => match names.lines().next().map(str::trim).filter(|it| !it.is_empty()) {
            Some(name) => Some(role(name, text(&format!("{ROLES}{name}")).as_deref())),
            None => Some(Role::None),
        },
        _ => None,
    };
    found
}

/// What is read of the document of a role.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    code: Option<String>,
    expiration: Option<String>,
}

fn role(name: &str, document: Option<&str>) -> Role {
    let found = document.and_then(|it| serde_json::from_str::<Credentials>(it).ok());
    let expires_at = found.as_ref().and_then(|it| it.expiration.clone());
    Role::Named {
        name: name.to_owned(),
        code: found.and_then(|it| it.code),
        expires_at: expires_at.and_then(|it| Timestamp::try_from(it).ok()),
    }
}

fn token(place: &str) -> io::Result<(u16, String)> {
    const LIFE: (&str, &str) = ("X-aws-ec2-metadata-token-ttl-seconds", "60");
    request(place, "PUT", "/latest/api/token", &[LIFE, ("Content-Length", "0")])
}

fn get(place: &str, path: &str, token: &str) -> io::Result<(u16, String)> {
    request(place, "GET", path, &[("X-aws-ec2-metadata-token", token)])
}

/// A request, sent again if no answer comes in time.
///
/// Above 1,024 packets a second, EC2 drops what a network interface sends to link-local services, so a busy node
/// loses some. Source: EC2 user guide, "Access instance metadata".
fn request(
    place: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<(u16, String)> {
    match attempt(place, method, path, headers) {
        Err(error) if http::reply(&error) == Reply::Silent => attempt(place, method, path, headers),
        found => found,
    }
}

fn attempt(
    place: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<(u16, String)> {
    let address: SocketAddr = place.parse().map_err(io::Error::other)?;
    let mut stream = http::connect(address, WITHIN)?;
    let headers = [&[("Host", place), ("Connection", "close")], headers].concat();
    let answer = http::send(&mut stream, method, path, &headers)?;
    let status = answer.status;
    Ok((status, answer.body(&mut stream)?))
}
