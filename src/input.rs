//! What a path on the command line means: a file, or standard input if it is `-`.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

/// Is standard input meant?
#[must_use]
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// What messages call it.
#[must_use]
pub fn name(path: &Path) -> String {
    if is_standard(path) { "standard input".into() } else { path.display().to_string() }
}

/// All that it contains.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !is_standard(path) {
        return fs::read(path);
    }
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}
