//! The key of the pseudonyms.

use sha2::{Digest as _, Sha256};

/// The key of the pseudonyms.
#[derive(Clone, Copy)]
pub(crate) struct Secret([u8; 32]);

impl Secret {
    /// The hash of everything that is to be replaced.
    pub(crate) fn of(content: &str) -> Self {
        Self(Sha256::digest(content.as_bytes()).into())
    }

    /// Bytes that nobody can compute without the key, for each `kind` of pseudonym others.
    pub(crate) fn bytes(self, kind: &str, of: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.0, kind.as_bytes(), &[0], of] {
            hash.update(part);
        }
        hash.finalize().into()
    }
}
