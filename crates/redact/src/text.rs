//! A text, word by word: what is an address, a Region or a UUID in it, and what is a word.

use alloc::string::{String, ToString as _};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::{address::Addresses, word::Words};

/// The text with pseudonyms. Without `addresses` it has none.
pub(crate) fn replace(raw: &str, words: &Words, addresses: Option<&Addresses>) -> String {
    let mut replaced = String::new();
    let mut rest = Rest { raw, at: 0 };
    while let Some(token) = rest.next(addresses.is_some()) {
        match (token, addresses) {
            (Token::Address(address, _, prefix), Some(addresses)) => {
                replaced.push_str(&addresses.replace(address, prefix).to_string());
            }
            (Token::Dashed(address, _), Some(addresses)) => {
                let dotted = addresses.replace(IpAddr::V4(address), None).to_string();
                replaced.push_str(&dotted.replace('.', "-"));
            }
            (Token::Uuid(raw), _) => replaced.push_str(&words.uuid(raw)),
            (Token::Word(raw), _) => replaced.push_str(&words.replace(raw)),
            (Token::Address(_, raw, _) | Token::Dashed(_, raw) | Token::Kept(raw), _) => {
                replaced.push_str(raw);
            }
        }
    }
    replaced
}

/// The networks in a text, such as `10.0.0.0/16`.
pub(crate) fn networks(raw: &str, mut each: impl FnMut(IpNet)) {
    let mut rest = Rest { raw, at: 0 };
    while let Some(token) = rest.next(true) {
        if let Token::Address(address, _, Some(prefix)) = token
            && let Ok(network) = IpNet::new(address, prefix)
        {
            each(network);
        }
    }
}

enum Token<'t> {
    /// With the length of the prefix that follows it.
    Address(IpAddr, &'t str, Option<u8>),
    /// `10-0-1-23`, as in the names of hosts.
    Dashed(Ipv4Addr, &'t str),
    Uuid(&'t str),
    Word(&'t str),
    /// A Region, an Availability Zone, or what is no letter and no digit.
    Kept(&'t str),
}

struct Rest<'t> {
    raw: &'t str,
    at: usize,
}

impl<'t> Rest<'t> {
    fn next(&mut self, addresses: bool) -> Option<Token<'t>> {
        let rest = self.raw.get(self.at..)?;
        let first = rest.chars().next()?;
        let before = self.raw.get(..self.at).and_then(|before| before.chars().next_back());
        // No address begins within a word. Words are taken whole, so this matters only for `::` after a word.
        let begins = !before.is_some_and(char::is_alphanumeric);
        let (token, length) = (addresses && begins)
            .then(|| address(rest).or_else(|| dashed(rest)))
            .flatten()
            .or_else(|| uuid(rest))
            .or_else(|| zone(rest))
            .unwrap_or_else(|| {
                let length = word_length(rest);
                if length == 0 {
                    let length = first.len_utf8();
                    (Token::Kept(rest.get(..length).unwrap_or_default()), length)
                } else {
                    (Token::Word(rest.get(..length).unwrap_or_default()), length)
                }
            });
        self.at += length;
        Some(token)
    }
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())
}

/// Does a token end here?
fn ends(rest: &str, length: usize) -> bool {
    let after = rest.get(length..).unwrap_or_default();
    !after.starts_with(char::is_alphanumeric)
}

fn address(rest: &str) -> Option<(Token<'_>, usize)> {
    let length = rest.bytes().take_while(|b| b.is_ascii_hexdigit() || b":.".contains(b)).count();
    let run = rest.get(..length)?;
    let run = run.trim_end_matches('.');
    let run = if run.ends_with("::") { run } else { run.trim_end_matches(':') };
    let (address, length) = if let Ok(address) = run.parse::<Ipv6Addr>() {
        (IpAddr::V6(address), run.len())
    } else {
        let length = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let run = rest.get(..length)?.trim_end_matches('.');
        (IpAddr::V4(run.parse().ok()?), run.len())
    };
    ends(rest, length).then_some(())?;
    let prefix = rest.get(length..)?.strip_prefix('/').and_then(|after| {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = after.get(..digits)?.parse().ok().filter(|prefix: &u8| *prefix <= most);
        prefix.filter(|_| ends(after, digits))
    });
    Some((Token::Address(address, rest.get(..length)?, prefix), length))
}

fn dashed(rest: &str) -> Option<(Token<'_>, usize)> {
    let length = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').count();
    let run = rest.get(..length)?.trim_end_matches('-');
    let address = run.replace('-', ".").parse().ok()?;
    ends(rest, run.len()).then_some((Token::Dashed(address, run), run.len()))
}

fn uuid(rest: &str) -> Option<(Token<'_>, usize)> {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let length = GROUPS.iter().sum::<usize>() + GROUPS.len() - 1;
    let raw = rest.get(..length)?;
    let fits = raw.split('-').map(str::len).eq(GROUPS)
        && raw.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (fits && ends(rest, length)).then_some((Token::Uuid(raw), length))
}

/// `eu-west-1` or `us-gov-east-1a`: a Region or one of its Availability Zones, which are public.
fn zone(rest: &str) -> Option<(Token<'_>, usize)> {
    const BEGINNINGS: [&str; 18] = [
        "us-gov-", "us-isob-", "us-isof-", "us-iso-", "eu-isoe-", "eusc-de-", "af-", "ap-", "ca-",
        "cn-", "eu-", "il-", "me-", "mx-", "sa-", "us-", "ru-", "nz-",
    ];
    const DIRECTIONS: [&str; 9] = [
        "northeast-",
        "northwest-",
        "southeast-",
        "southwest-",
        "north-",
        "south-",
        "east-",
        "west-",
        "central-",
    ];
    let beginning = BEGINNINGS.iter().find(|beginning| rest.starts_with(**beginning))?;
    let after = rest.get(beginning.len()..)?;
    let direction = DIRECTIONS.iter().find(|direction| after.starts_with(**direction))?;
    let after = after.get(direction.len()..)?;
    after.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
    let mut length = beginning.len() + direction.len() + 1;
    if rest.get(length..)?.starts_with(|c: char| c.is_ascii_lowercase()) {
        length += 1;
    }
    ends(rest, length).then_some((Token::Kept(rest.get(..length)?), length))
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec::Vec};

    use super::*;

    fn kinds(raw: &str) -> Vec<String> {
        let mut rest = Rest { raw, at: 0 };
        let mut kinds = Vec::new();
        while let Some(token) = rest.next(true) {
            match token {
                Token::Address(address, _, prefix) => {
                    let prefix = prefix.map(|bits| alloc::format!("/{bits}")).unwrap_or_default();
                    kinds.push(alloc::format!("address {address}{prefix}"));
                }
                Token::Dashed(address, _) => kinds.push(alloc::format!("address {address}")),
                Token::Uuid(raw) => kinds.push(alloc::format!("uuid {raw}")),
                Token::Word(raw) => kinds.push(raw.to_string()),
                Token::Kept(raw) if raw.len() > 1 => kinds.push(alloc::format!("kept {raw}")),
                Token::Kept(_) => {}
            }
        }
        kinds
    }

    #[test]
    fn texts_come_apart() {
        let rows: [(&str, &[&str]); 12] = [
            (
                "dial tcp 10.0.41.71:443: i/o",
                &["dial", "tcp", "address 10.0.41.71", "443", "i", "o"],
            ),
            ("[fd00:ec2::254]:80", &["address fd00:ec2::254", "80"]),
            ("2001:db8::/56, ::/0", &["address 2001:db8::/56", "56", "address ::/0", "0"]),
            ("10.0.0.0/16.", &["address 10.0.0.0/16", "16"]),
            ("ip-10-0-1-5.ec2.internal", &["ip", "address 10.0.1.5", "ec2", "internal"]),
            (
                "arn:aws:iam::111122223333:role/Web",
                &["arn", "aws", "iam", "111122223333", "role", "Web"],
            ),
            ("arn:aws:s3:::bucket", &["arn", "aws", "s3", "bucket"]),
            ("ssm.eu-west-1.amazonaws.com", &["ssm", "kept eu-west-1", "amazonaws", "com"]),
            ("us-gov-west-1b", &["kept us-gov-west-1b"]),
            ("eu-westend-1", &["eu", "westend", "1"]),
            (
                "v3.3.2958.0 1.2.764.0 20:27:12Z",
                &["v3", "3", "2958", "0", "1", "2", "764", "0", "20", "27", "12Z"],
            ),
            (
                "1234abcd-12ab-34cd-56ef-1234567890ab",
                &["uuid 1234abcd-12ab-34cd-56ef-1234567890ab"],
            ),
        ];
        for (raw, expected) in rows {
            assert_eq!(kinds(raw), expected, "{raw}");
        }
    }
}
