//! What a path on the command line means: a file, or standard input if it is `-`. And what text the bytes are.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

const STANDARD: &str = "-";

/// Is standard input meant?
#[must_use]
pub fn is_standard(path: &Path) -> bool {
    path == Path::new(STANDARD)
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

/// The text of standard input.
///
/// # Errors
/// If it cannot be read.
pub fn piped_text() -> io::Result<String> {
    Ok(text(&read(Path::new(STANDARD))?))
}

/// The text that a shell wrote. Windows PowerShell writes UTF-16, mostly with a mark at the beginning.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // No text contains NUL. In UTF-16, half of each ASCII letter is NUL.
        [_, 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, _, ..] => utf16(bytes, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    String::from_utf16_lossy(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_every_encoding_is_the_same() {
        const TEXT: &str = "T… ターゲット 😀\r\n";
        let little: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let rows: [(&[u8], &[u8]); 6] = [
            (&[], TEXT.as_bytes()),
            (&[0xef, 0xbb, 0xbf], TEXT.as_bytes()),
            (&[], &little),
            (&[0xff, 0xfe], &little),
            (&[], &big),
            (&[0xfe, 0xff], &big),
        ];
        for (mark, bytes) in rows {
            assert_eq!(text(&[mark, bytes].concat()), TEXT, "{mark:?}");
        }
        assert_eq!(text(&[0xff, 0xfe, b'a', 0, b'b']), "a");
    }
}
