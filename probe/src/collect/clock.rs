//! The clock of the node.

use std::time::SystemTime;

/// What the node's clock shows, in seconds since 1970.
pub fn seconds() -> Option<i64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}
