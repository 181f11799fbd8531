//! Where the configuration declares a resource. A plan does not say, so the files are searched.

use std::{
    fs,
    path::{Component, MAIN_SEPARATOR, Path, PathBuf},
};

use super::{
    document::{Configuration, Module},
    reference::segments,
};

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLine {
    /// Relative to where the doctor runs, with `/`.
    pub file: String,
    /// From 1.
    pub line: usize,
}

/// The folder of a configuration, and the modules that it calls.
pub struct Source<'p> {
    root: &'p Module,
    folder: PathBuf,
}

impl<'p> Source<'p> {
    #[must_use]
    pub fn new(configuration: &'p Configuration, folder: &Path) -> Self {
        Self { root: &configuration.root_module, folder: folder.to_owned() }
    }

    /// The line that declares a resource; of one in a module from elsewhere, the line that calls the module. None if
    /// no file has it.
    #[must_use]
    pub fn declares(&self, address: &str) -> Option<FileLine> {
        let mut parts = segments(address).into_iter().map(|part| part.name);
        let (mut module, mut folder) = (self.root, self.folder.clone());
        loop {
            let (kind, name) = (parts.next()?, parts.next()?);
            if kind != "module" {
                return find(&folder, &["resource", &kind, &name]);
            }
            let call = module.calls.get(&name)?;
            if !call.source.starts_with('.') {
                return find(&folder, &["module", &name]);
            }
            folder.push(&call.source);
            module = &call.module;
        }
    }
}

/// The first line of a folder's files that opens a block with these words.
fn find(folder: &Path, words: &[&str]) -> Option<FileLine> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(plain(folder)).ok()?.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "tf" || ending == "tofu"));
    files.sort();
    files.iter().find_map(|file| {
        let text = fs::read_to_string(file).ok()?;
        let at = text.lines().position(|line| opens(line, words))?;
        let file = plain(file).display().to_string().replace(MAIN_SEPARATOR, "/");
        Some(FileLine { file, line: at + 1 })
    })
}

/// `resource "aws_instance" "web" {`
fn opens(line: &str, words: &[&str]) -> bool {
    let mut found = line.split(|letter: char| letter.is_whitespace() || "\"{".contains(letter));
    words.iter().all(|word| found.by_ref().find(|part| !part.is_empty()) == Some(word))
}

/// `a/./b/../c` as `a/c`, and the folder itself as `.`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    if plain.as_os_str().is_empty() { ".".into() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_opens_with_its_words() {
        let words = ["resource", "aws_instance", "web"];
        for line in ["resource \"aws_instance\" \"web\" {", "resource aws_instance web{"] {
            assert!(opens(line, &words), "{line}");
        }
        for line in
            ["# resource \"aws_instance\" \"web\"", "resource \"aws_instance\" \"web2\" {", ""]
        {
            assert!(!opens(line, &words), "{line}");
        }
    }

    #[test]
    fn paths_are_plain() {
        let rows =
            [("./a/../modules/b", "modules/b"), ("../x", "../x"), (".", "."), ("a/./b", "a/b")];
        for (path, expected) in rows {
            assert_eq!(plain(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
