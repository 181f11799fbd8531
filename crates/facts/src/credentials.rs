//! Credentials in text that others wrote: logs, and messages that somebody copies.

use alloc::string::String;

/// What stands in the place of a credential.
const HIDDEN: &str = "…";

/// The names before a value that nobody may see, in lower case.
const NAMES: [&str; 8] = [
    "x-amz-security-token",
    "x-amz-signature",
    "aws_secret_access_key",
    "aws_session_token",
    "secretaccesskey",
    "secret_access_key",
    "sessiontoken",
    "tokenvalue",
];

/// The text without the user and password of URLs, such as a proxy's, and without keys and tokens.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    without_values(&without_users(text))
}

fn without_users(text: &str) -> String {
    let mut rest = text;
    let mut done = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("://") {
        done.extend([before, "://"]);
        let ends = |letter: char| letter.is_whitespace() || "\"'`<>/?#\\".contains(letter);
        let authority = after.split(ends).next().unwrap_or_default();
        rest = match authority.rsplit_once('@') {
            Some((user, _)) => {
                done.push_str(HIDDEN);
                after.get(user.len()..).unwrap_or_default()
            }
            None => after,
        };
    }
    done + rest
}

fn without_values(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut done = String::with_capacity(text.len());
    let mut from = 0;
    while let Some((at, name)) = NAMES
        .iter()
        .filter_map(|name| Some((lower.get(from..)?.find(name)? + from, *name)))
        .min_by_key(|(at, name)| (*at, core::cmp::Reverse(name.len())))
    {
        let end = at + name.len();
        let after = text.get(end..).unwrap_or_default();
        let value = after.trim_start_matches(['"', '\'', '=', ':', ' ']);
        let begin = end + (after.len() - value.len());
        let ends = |letter: char| letter.is_whitespace() || "\"',;&}".contains(letter);
        let length = value.find(ends).unwrap_or(value.len());
        done.push_str(text.get(from..begin).unwrap_or_default());
        // A name in a sentence has no value behind it.
        if begin > end && length > 7 {
            done.push_str(HIDDEN);
            from = begin + length;
        } else {
            from = begin;
        }
    }
    done.push_str(text.get(from..).unwrap_or_default());
    done
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn users_keys_and_tokens_go() {
        for (text, expected) in [
            (
                "invalid proxy address \"http://svc:Hunter%2Secret@proxy.corp:3128\": parse",
                "invalid proxy address \"http://…@proxy.corp:3128\": parse",
            ),
            (
                "Get https://s3.eu-west-1.amazonaws.com/a?X-Amz-Security-Token=IQoJb3JpZ2lu&X-Amz-Signature=0123456789abcdef: x",
                "Get https://s3.eu-west-1.amazonaws.com/a?X-Amz-Security-Token=…&X-Amz-Signature=… x",
            ),
            ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = …"),
            ("\"SessionToken\": \"FwoGZXIvYXdzE\", \"x\"", "\"SessionToken\": \"…\", \"x\""),
            ("https://host/a?mail=a@b http://x", "https://host/a?mail=a@b http://x"),
            ("the sessiontoken is old", "the sessiontoken is old"),
        ] {
            assert_eq!(without_credentials(text), expected);
        }
    }
}
