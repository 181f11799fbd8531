//! Log files as streams: plain, gzip, tar, UTF-16, folders and standard input.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use ssm_doctor_analysis::node::agent_log::{Kind, Matcher, Scan, Scanner};

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read `{}`: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("`{}` has no log files in it", path.display())]
    NoFiles { path: PathBuf },
    #[error("the search for signatures cannot start: {0}")]
    Matcher(String),
}

impl ReadError {
    /// Was the file there, and closed to this user?
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::PermissionDenied)
    }

    #[must_use]
    pub fn help(&self) -> String {
        match self {
            _ if self.is_denied() => {
                "the agent's log belongs to root: copy it with `sudo`, or pass it by `sudo cat … | ssm-doctor log -`".into()
            }
            Self::Io { .. } | Self::NoFiles { .. } => {
                "the agent writes to /var/log/amazon/ssm on Linux, /opt/aws/ssm/logs or /var/log/amazon/ssm on macOS, and %PROGRAMDATA%\\Amazon\\SSM\\Logs on Windows".into()
            }
            Self::Matcher(_) => "please report it".into(),
        }
    }
}

/// How much is read at once.
const CHUNK: usize = 256 << 10;
/// Enough to see what a file is: a tar archive says so behind its first name.
const HEAD: usize = 512;
/// A log in gzip in tar in gzip is as deep as it gets.
const DEEPEST: u8 = 4;

/// Reads all files. `-` is standard input.
///
/// # Errors
/// If a path that was named cannot be read.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Scan>, ReadError> {
    let matcher = Matcher::new().map_err(ReadError::Matcher)?;
    let mut scans = Vec::new();
    for path in paths {
        let failed = |error| ReadError::Io { path: path.clone(), error };
        if path.as_os_str() == "-" {
            file(&matcher, "", &mut io::stdin().lock(), &mut scans).map_err(failed)?;
            continue;
        }
        let mut files = Vec::new();
        if fs::metadata(path).map_err(failed)?.is_dir() {
            folder(path, 0, &mut files).map_err(failed)?;
            files.retain(|file| is_wanted(file.strip_prefix(path).unwrap_or(file)));
            files.sort();
        } else {
            files.push(path.clone());
        }
        if files.is_empty() {
            return Err(ReadError::NoFiles { path: path.clone() });
        }
        for path in files {
            let failed = |error| ReadError::Io { path: path.clone(), error };
            let mut open = File::open(&path).map_err(failed)?;
            file(&matcher, &name(&path), &mut open, &mut scans).map_err(failed)?;
        }
    }
    Ok(scans)
}

fn name(path: &Path) -> String {
    path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The files of a folder.
fn folder(path: &Path, depth: u8, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        if !kind.is_dir() {
            files.push(path);
        } else if depth < DEEPEST {
            folder(&path, depth + 1, files)?;
        }
    }
    Ok(())
}

/// May this file of a folder or an archive be a log of the agent? Rotated logs have a date or a number after
/// their name, so every name is taken that is not of another kind of file. `audits` has records of API calls.
fn is_wanted(path: &Path) -> bool {
    const OTHERS: [&str; 9] =
        [".json", ".xml", ".template", ".md", ".conf", ".sh", ".yaml", ".pid", ".py"];
    let name = name(path);
    !name.starts_with('.')
        && !OTHERS.iter().any(|end| name.ends_with(end))
        && !path.components().any(|part| part.as_os_str() == "audits")
}

/// One file of the disk. Of a compressed file or an archive that ends before its end, what could be read counts.
fn file(
    matcher: &Matcher,
    name: &str,
    reader: &mut dyn Read,
    scans: &mut Vec<Scan>,
) -> io::Result<()> {
    let before = scans.len();
    let Err(error) = source(matcher, name, reader, 0, scans) else { return Ok(()) };
    // The kinds of errors of the crates `flate2` and `tar`.
    let is_damaged = matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Other
    );
    let read = scans.get_mut(before..).unwrap_or_default();
    if !is_damaged || !read.iter().any(Scan::is_recognized) {
        return Err(error);
    }
    read.iter_mut().for_each(Scan::cut_off);
    Ok(())
}

/// One file, or all files in an archive. After an error the scans have what was read until then.
fn source(
    matcher: &Matcher,
    name: &str,
    reader: &mut dyn Read,
    depth: u8,
    scans: &mut Vec<Scan>,
) -> io::Result<()> {
    let mut head = Vec::with_capacity(HEAD);
    reader.take(HEAD as u64).read_to_end(&mut head)?;
    let all = &mut head.as_slice().chain(reader);
    if head.starts_with(&[0x1f, 0x8b]) && depth < DEEPEST {
        let name = name.strip_suffix(".gz").unwrap_or(name);
        return source(matcher, name, &mut MultiGzDecoder::new(all), depth + 1, scans);
    }
    if head.get(257..262) == Some(b"ustar") && depth < DEEPEST {
        let mut archive = tar::Archive::new(all);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let is_file = entry.header().entry_type().is_file();
            if is_file && is_wanted(&path) {
                source(matcher, &self::name(&path), &mut entry, depth + 1, scans)?;
            }
        }
        return Ok(());
    }
    let mut scanner = Scanner::new(matcher);
    let mut decoder = Decoder::of(&head);
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = match all.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                scans.push(scanner.finish(Kind::of(name)));
                return Err(error);
            }
        };
        decoder.push(buffer.get(..length).unwrap_or_default(), &mut scanner);
    }
    scans.push(scanner.finish(Kind::of(name)));
    Ok(())
}

/// Text as UTF-8. Windows programs also write UTF-16, with a mark at the beginning.
enum Decoder {
    Utf8,
    Utf16 { big_endian: bool, odd: Option<u8> },
}

impl Decoder {
    fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => Self::Utf16 { big_endian: false, odd: None },
            [0xfe, 0xff, ..] => Self::Utf16 { big_endian: true, odd: None },
            _ => Self::Utf8,
        }
    }

    fn push(&mut self, bytes: &[u8], scanner: &mut Scanner) {
        let Self::Utf16 { big_endian, odd } = self else { return scanner.push(bytes) };
        let mut pairs = Vec::with_capacity(bytes.len() / 2 + 1);
        let mut all = odd.take().into_iter().chain(bytes.iter().copied());
        while let Some(first) = all.next() {
            let Some(second) = all.next() else {
                *odd = Some(first);
                break;
            };
            let pair = [first, second];
            pairs.push(if *big_endian {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            });
        }
        // A character of two pairs that is cut in two is no part of what is searched for.
        let text = String::from_utf16_lossy(&pairs);
        scanner.push(text.trim_start_matches('\u{feff}').as_bytes());
    }
}
