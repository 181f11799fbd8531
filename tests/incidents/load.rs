//! The files of `fixtures/incidents/`, for every test that reads them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use serde_json::Value;
use ssm_doctor_fixtures::{self as fixtures, Scenario};

/// `fixtures/incidents/`. Tests of both packages include this file, and only one of the packages has
/// its manifest at the root of the repository.
pub fn folder() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = package.ancestors().map(|above| above.join("fixtures/incidents"));
    folders.find(|folder| folder.is_dir()).unwrap()
}

/// The name of every incident, in order.
pub fn incidents() -> BTreeSet<String> {
    let mut names = names(&folder());
    names.retain(|name| name != "grounds" && folder().join(name).is_dir());
    names
}

/// Of the files in a folder, in order.
pub fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

pub fn read<T: DeserializeOwned>(file: &Path) -> T {
    let text = fs::read_to_string(file).unwrap_or_else(|it| panic!("{}: {it}", file.display()));
    parse(&text, file)
}

pub fn parse<T: DeserializeOwned>(text: &str, file: &Path) -> T {
    serde_json::from_str(text).unwrap_or_else(|it| panic!("{}: {it}", file.display()))
}

/// A file's world, laid over its ground: another file's, and at last a built-in one. After it come the
/// names of all its grounds, the nearest first: `grounds/<name>`, an incident's, a built-in world's.
pub fn scenario(name: &str, file: &Path) -> (Scenario, Vec<String>) {
    let (mut ground, mut patches, mut grounds) = (file.to_owned(), Vec::new(), Vec::new());
    loop {
        let mut patch: Value = read(&ground);
        let below = patch.as_object_mut().and_then(|it| it.remove("ground"));
        let below = below.as_ref().and_then(Value::as_str);
        let below = below.unwrap_or_else(|| panic!("{}: no ground", ground.display())).to_owned();
        patches.insert(0, patch);
        let grown = folder().join("grounds").join(&below).with_extension("json");
        let told = folder().join(&below).join("facts.json");
        if grown.exists() {
            grounds.push(format!("grounds/{below}"));
            ground = grown;
        } else if told.exists() {
            grounds.push(below);
            ground = told;
        } else {
            let world = fixtures::patched(name.into(), &below, &patches).unwrap();
            grounds.push(below);
            return (world, grounds);
        }
    }
}
