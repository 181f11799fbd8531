//! Where a document goes: standard output, or a file that is written atomically.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {}", file.display(), said(error))]
pub struct OutputError {
    file: PathBuf,
    error: io::Error,
}

/// What went wrong, without the name of the temporary file, which the reader does not know.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "its folder does not exist".into(),
        kind => kind.to_string(),
    }
}

impl OutputError {
    #[must_use]
    pub fn help(&self) -> String {
        match self.error.kind() {
            io::ErrorKind::NotFound => "make its folder first".into(),
            io::ErrorKind::StorageFull => "nothing was left behind; make room and run again".into(),
            _ => "choose a file in a folder that you may write to".into(),
        }
    }
}

/// Makes a folder, with those above it, unless it is there.
///
/// # Errors
/// If it cannot be made.
pub fn folder(path: &Path) -> Result<(), OutputError> {
    fs::create_dir_all(path).map_err(|error| OutputError { file: path.into(), error })
}

/// A file to be: opened before the work, so that a wrong name costs nothing, and in place only when
/// it is complete. Dropped early, it leaves no trace.
pub struct Pending {
    file: PathBuf,
    /// None for what cannot be replaced: a device, a pipe.
    temporary: Option<NamedTempFile>,
}

/// Who may read a file.
#[derive(Clone, Copy)]
pub enum Readers {
    Owner,
    /// Whoever the umask lets.
    Usual,
}

impl Pending {
    /// # Errors
    /// If no file can be made there.
    pub fn open(path: &Path, readers: Readers) -> Result<Self, OutputError> {
        let failed = |error| OutputError { file: path.into(), error };
        // What a link points at is replaced, not the link.
        let file = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        if let Ok(found) = fs::metadata(&file) {
            if found.is_dir() {
                return Err(failed(io::ErrorKind::IsADirectory.into()));
            }
            if !found.is_file() {
                return Ok(Self { file, temporary: None });
            }
        }
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".ssm-doctor-");
        #[cfg(unix)]
        if matches!(readers, Readers::Usual) {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(Permissions::from_mode(0o666));
        }
        let temporary = builder.tempfile_in(folder).map_err(failed)?;
        Ok(Self { file, temporary: Some(temporary) })
    }

    /// # Errors
    /// If it cannot be written; then the file that was there before is unchanged.
    pub fn write(self, text: &str) -> Result<(), OutputError> {
        let Self { file, temporary } = self;
        let written = match temporary {
            None => OpenOptions::new()
                .write(true)
                .open(&file)
                .and_then(|mut it| it.write_all(text.as_bytes())),
            Some(mut temporary) => temporary
                .write_all(text.as_bytes())
                .and_then(|()| temporary.as_file().sync_all())
                .and_then(|()| temporary.persist(&file).map(drop).map_err(|it| it.error)),
        };
        written.map_err(|error| OutputError { file, error })
    }
}

/// Where a document goes, opened before the work begins.
pub struct Outputs<F> {
    /// Each with its format.
    pub files: Vec<(F, Pending)>,
    /// The format on standard output; none if a file has it.
    pub printed: Option<F>,
}

impl<F: Copy + PartialEq> Outputs<F> {
    /// `of_file` says which format a file's name asks for. Other files, and standard output, have the format
    /// `asked`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn open(
        files: &[PathBuf],
        asked: F,
        of_file: fn(&Path) -> Option<F>,
    ) -> Result<Self, OutputError> {
        let files = files
            .iter()
            .map(|file| Ok((of_file(file).unwrap_or(asked), Pending::open(file, Readers::Usual)?)))
            .collect::<Result<Vec<_>, OutputError>>()?;
        let printed = Some(asked).filter(|asked| files.iter().all(|(format, _)| format != asked));
        Ok(Self { files, printed })
    }
}

/// To standard output. A reader that has seen enough, such as `head`, is no error.
///
/// # Errors
/// If it cannot be written.
pub fn print(text: &str) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    is_taken(out.write_all(text.as_bytes()).and_then(|()| out.flush())).map(drop)
}

/// Was it written to standard output? False if its reader has seen enough.
///
/// # Errors
/// If it could not be written.
pub fn is_taken(written: io::Result<()>) -> Result<bool, OutputError> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(OutputError { file: "standard output".into(), error }),
    }
}
