//! Domain names, in lower case and without the final dot; the root is the empty name.

/// Is `name` this domain, or below it?
#[must_use]
pub fn is_within(name: &str, domain: &str) -> bool {
    domain.is_empty()
        || name
            .strip_suffix(domain)
            .is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
}

/// Does a pattern match `name`? A `*` at its beginning stands for any beginning of a name, in the middle
/// of a label too.
#[must_use]
pub fn matches_pattern(name: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => name.ends_with(end),
        None => name == pattern,
    }
}

/// Can a pattern match `suffix` or a name below it?
#[must_use]
pub fn may_match_below(pattern: &str, suffix: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => end.ends_with(suffix) || alloc::format!(".{suffix}").ends_with(end),
        None => pattern.ends_with(suffix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_hold_whole_labels() {
        let name = "ssm.eu-west-1.amazonaws.com";
        for domain in ["", "com", "amazonaws.com", "eu-west-1.amazonaws.com", name] {
            assert!(is_within(name, domain), "{domain}");
        }
        for domain in ["om", "m.eu-west-1.amazonaws.com", ".com", "a.ssm.eu-west-1.amazonaws.com"] {
            assert!(!is_within(name, domain), "{domain}");
        }
    }

    #[test]
    fn patterns_match() {
        let name = "ssm.eu-west-1.amazonaws.com";
        for pattern in ["*", "*.com", "*m.eu-west-1.amazonaws.com", name] {
            assert!(matches_pattern(name, pattern), "{pattern}");
        }
        for pattern in ["com", "amazonaws.com", "*.ssm.eu-west-1.amazonaws.com", "*.net", "sm.com"]
        {
            assert!(!matches_pattern(name, pattern), "{pattern}");
        }
    }
}
