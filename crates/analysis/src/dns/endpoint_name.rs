//! The DNS names that endpoints have whether or not their private DNS is on.

/// Is it an endpoint's own DNS name?
pub(super) fn is_endpoint_name(name: &str) -> bool {
    name.starts_with("vpce-")
}

/// The endpoint whose own DNS name this is: `vpce-0abc` of
/// `vpce-0abc-1a2b3c4d.ssm.eu-west-1.vpce.amazonaws.com`, zonal names likewise.
pub(super) fn endpoint_id(name: &str) -> Option<&str> {
    let (label, rest) = name.split_once('.')?;
    if !rest.contains(".vpce.") {
        return None;
    }
    let id = label.strip_prefix("vpce-")?.split('-').next()?;
    label.get(..("vpce-".len() + id.len()))
}

/// `ssm` for `ssm-fips` too.
pub(super) fn without_fips(service: &str) -> &str {
    service.strip_suffix("-fips").unwrap_or(service)
}
