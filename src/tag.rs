//! A tag, as a person types it.

/// A tag that targets must have.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

impl std::str::FromStr for Tag {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        match raw.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                Ok(Self { key: key.into(), value: value.into() })
            }
            _ => Err("expected a tag such as `Environment=production`".into()),
        }
    }
}
