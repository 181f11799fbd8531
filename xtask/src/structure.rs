//! How the crates and their modules use each other: layers point down, and modules form no cycle.
//!
//! The reader works on tokens, so it sees paths inside of macros too. It does not resolve names: a path
//! counts as a use of the longest part of it that is a module. `use super::*` and the use of an item
//! that a module only passes on count as a use of that module.
//!
//! A parent that declares its children uses none of them. A parent whose child uses the parent's items
//! is in a cycle if the parent uses the child's items too.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::{Trouble, at};

/// The layers, from the lowest, and the file that each begins with. A crate may depend on those above it
/// in this list.
pub(crate) const LAYERS: [(&str, &str, &str); 6] = [
    ("ssm-doctor-facts", "crates/facts", "src/lib.rs"),
    ("ssm-doctor-iam-policy", "crates/iam-policy", "src/lib.rs"),
    ("ssm-doctor-analysis", "crates/analysis", "src/lib.rs"),
    ("ssm-doctor-checks", "checks", "lib.rs"),
    ("ssm-doctor-probe", "probe", "src/lib.rs"),
    ("ssm-doctor", ".", "src/main.rs"),
];

/// What is wrong with the structure, a line each.
pub(crate) fn faults(root: &Path) -> Result<Vec<String>, Trouble> {
    let mut faults = Vec::new();
    for (at, (name, folder, main)) in LAYERS.iter().enumerate() {
        let folder = root.join(folder);
        for upper in upward(&read(&folder.join("Cargo.toml"))?, at) {
            faults.push(format!("{name} depends on {upper}, which is in a layer above"));
        }
        let cycles = cycles(&uses(&folder.join(main))?);
        let found = cycles.iter().map(|cycle| cycle.join(", "));
        faults.extend(found.map(|cycle| format!("{name}: a cycle of modules: {cycle}")));
    }
    Ok(faults)
}

/// The layers above `layer` that a manifest depends on. Tests may use what they like.
fn upward(manifest: &str, layer: usize) -> Vec<&'static str> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let name = line.split([' ', '.', '=']).next().unwrap_or_default();
        let counts = section == "[dependencies]" || section == "[build-dependencies]";
        let upper = LAYERS.iter().skip(layer + 1).map(|row| row.0).find(|upper| *upper == name);
        found.extend(upper.filter(|_| counts));
    }
    found
}

/// The modules of a crate, by their path without `crate::`, and the modules that each uses. The crate's
/// root is `crate`.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// The modules of the crate whose root is `main`.
pub(crate) fn uses(main: &Path) -> Result<Uses, Trouble> {
    let mut modules = BTreeMap::new();
    let folder = main.parent().unwrap_or(main).to_path_buf();
    let root = Module { path: Vec::new(), folder: folder.clone(), file_folder: folder };
    root.read(tokens(main)?, &mut modules)?;
    let resolve = |from: &[String], path: &[String]| -> Option<String> {
        let mut path = absolute(from, path, &modules)?;
        while !modules.contains_key(&path) {
            path.pop()?;
        }
        Some(shown(&path))
    };
    let of_module = |(from, paths): (&Vec<String>, &BTreeSet<Vec<String>>)| {
        let module = shown(from);
        let others = paths.iter().filter_map(|path| resolve(from, path));
        (module.clone(), others.filter(|other| *other != module).collect())
    };
    Ok(modules.iter().map(of_module).collect())
}

fn shown(path: &[String]) -> String {
    if path.is_empty() { "crate".into() } else { path.join("::") }
}

/// Paths that occur in each module, as written.
type Modules = BTreeMap<Vec<String>, BTreeSet<Vec<String>>>;

/// A path from the crate's root, if it is of this crate.
fn absolute(from: &[String], path: &[String], modules: &Modules) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut whole = match first.as_str() {
        "crate" => Vec::new(),
        "self" => from.to_vec(),
        "super" => from.split_last()?.1.to_vec(),
        child => {
            let path: Vec<String> = from.iter().cloned().chain([child.to_owned()]).collect();
            return modules
                .contains_key(&path)
                .then(|| path.into_iter().chain(rest.iter().cloned()).collect());
        }
    };
    for name in rest {
        if name == "super" {
            whole.pop()?;
        } else {
            whole.push(name.clone());
        }
    }
    Some(whole)
}

/// A module while its tokens are read.
struct Module {
    path: Vec<String>,
    /// Where the files of its children are.
    folder: PathBuf,
    /// Where its own file is: `#[path]` starts here.
    file_folder: PathBuf,
}

impl Module {
    /// Adds this module and those below it.
    fn read(&self, tokens: TokenStream, modules: &mut Modules) -> Result<(), Trouble> {
        modules.entry(self.path.clone()).or_default();
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut attributes = Attributes::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let next = tokens.get(at + 1);
            match token {
                TokenTree::Punct(hash) if hash.as_char() == '#' => {
                    if let Some(TokenTree::Group(group)) = next {
                        attributes.read(&group.stream().to_string());
                    }
                    at += 2;
                    continue;
                }
                TokenTree::Ident(word) if *word == "mod" => {
                    if let Some(TokenTree::Ident(name)) = next {
                        let body = tokens.get(at + 2);
                        self.child(&name.to_string(), body, &attributes, modules)?;
                        attributes = Attributes::default();
                        at += 3;
                        continue;
                    }
                }
                _ => {}
            }
            if let Some((paths, end)) = path(&tokens, at) {
                if !attributes.test {
                    modules.entry(self.path.clone()).or_default().extend(paths);
                }
                at = end;
                continue;
            }
            if let TokenTree::Group(group) = token
                && !attributes.test
            {
                self.paths(group.stream(), modules);
            }
            if ends_item(token) {
                attributes = Attributes::default();
            }
            at += 1;
        }
        Ok(())
    }

    /// Adds the paths of what is no list of items.
    fn paths(&self, tokens: TokenStream, modules: &mut Modules) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let TokenTree::Group(group) = token {
                self.paths(group.stream(), modules);
            }
            at = match path(&tokens, at) {
                Some((paths, end)) => {
                    modules.entry(self.path.clone()).or_default().extend(paths);
                    end
                }
                None => at + 1,
            };
        }
    }

    /// `mod name;` or `mod name { … }`.
    fn child(
        &self,
        name: &str,
        body: Option<&TokenTree>,
        attributes: &Attributes,
        modules: &mut Modules,
    ) -> Result<(), Trouble> {
        if attributes.test {
            return Ok(());
        }
        let path: Vec<String> = self.path.iter().cloned().chain([name.to_owned()]).collect();
        if let Some(TokenTree::Group(group)) = body {
            let folder = self.folder.join(name);
            let file_folder = self.file_folder.clone();
            return Self { path, folder, file_folder }.read(group.stream(), modules);
        }
        let beside = self.folder.join(format!("{name}.rs"));
        let (file, folder) = match &attributes.path {
            Some(file) => {
                let file = self.file_folder.join(file);
                let folder = file.parent().unwrap_or(&file).to_path_buf();
                (file, folder)
            }
            None if beside.exists() => (beside, self.folder.join(name)),
            None => (self.folder.join(name).join("mod.rs"), self.folder.join(name)),
        };
        let file_folder = file.parent().unwrap_or(&file).to_path_buf();
        Self { path, folder, file_folder }.read(tokens(&file)?, modules)
    }
}

/// The attributes that matter, of the item that follows them.
#[derive(Default)]
struct Attributes {
    test: bool,
    path: Option<String>,
}

impl Attributes {
    fn read(&mut self, text: &str) {
        let text = text.replace(' ', "");
        self.test |= text == "cfg(test)" || text == "test";
        if let Some(path) = text.strip_prefix("path=\"").and_then(|rest| rest.strip_suffix('"')) {
            self.path = Some(path.into());
        }
    }
}

fn ends_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Punct(mark) => mark.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    }
}

/// The path that begins at `at`, or each path of a tree of `use`, and where it ends. None for what is
/// no path of two names.
fn path(tokens: &[TokenTree], at: usize) -> Option<(Vec<Vec<String>>, usize)> {
    let TokenTree::Ident(first) = tokens.get(at)? else { return None };
    let mut names = vec![first.to_string()];
    let mut end = at + 1;
    while is_mark(tokens.get(end), ':') && is_mark(tokens.get(end + 1), ':') {
        match tokens.get(end + 2) {
            Some(TokenTree::Ident(name)) => names.push(name.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                return Some((tree(&names, group.stream()), end + 3));
            }
            // A glob, or the parameters of a type: the names so far.
            _ => {
                end += 2;
                break;
            }
        }
        end += 3;
    }
    (end > at + 1).then(|| (vec![names], end))
}

/// The paths of `prefix::{…}`.
fn tree(prefix: &[String], tokens: TokenStream) -> Vec<Vec<String>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut paths = Vec::new();
    for branch in tokens.split(|token| is_mark(Some(token), ',')) {
        let below = match (path(branch, 0), branch.first()) {
            (Some((below, _)), _) => below,
            (None, Some(TokenTree::Ident(name))) => vec![vec![name.to_string()]],
            // A glob.
            (None, Some(_)) => vec![Vec::new()],
            (None, None) => continue,
        };
        for mut below in below {
            below.retain(|name| name != "self");
            paths.push(prefix.iter().cloned().chain(below).collect());
        }
    }
    paths
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == mark)
}

/// The cycles of modules: sets in which each module uses each other, directly or through others.
pub(crate) fn cycles(uses: &Uses) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        uses.keys().map(|from| (from, reachable(uses, from))).collect();
    let mut cycles = BTreeSet::new();
    for (from, beyond) in &reached {
        let both_ways = |to: &&&String| reached.get(**to).is_some_and(|back| back.contains(*from));
        let cycle: Vec<String> = beyond.iter().filter(both_ways).map(|to| (*to).clone()).collect();
        if cycle.len() > 1 {
            cycles.insert(cycle);
        }
    }
    cycles.into_iter().collect()
}

fn reachable<'a>(uses: &'a Uses, from: &String) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&String> = uses.get(from).into_iter().flatten().collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(uses.get(next).into_iter().flatten());
        }
    }
    found
}

fn read(file: &Path) -> Result<String, Trouble> {
    fs::read_to_string(file).map_err(at(file))
}

fn tokens(file: &Path) -> Result<TokenStream, Trouble> {
    let parsed = read(file)?.parse();
    parsed.map_err(|error| Trouble(format!("error: {}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate's modules as rows of module, `>`, and what it uses.
    fn rows(files: &[(&str, &str)]) -> (Vec<String>, Vec<Vec<String>>) {
        let names: String = files.iter().map(|file| file.0.len().to_string()).collect();
        let folder = std::env::temp_dir().join(format!("xtask-{}-{names}", std::process::id()));
        for (name, text) in files {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let uses = uses(&folder.join("lib.rs")).unwrap();
        fs::remove_dir_all(folder).unwrap();
        let shown =
            uses.iter().flat_map(|(from, to)| to.iter().map(move |to| format!("{from} > {to}")));
        (shown.collect(), cycles(&uses))
    }

    #[test]
    fn paths_are_uses_of_modules() {
        let (uses, cycles) = rows(&[
            (
                "lib.rs",
                "mod a; mod b; #[path = \"far/away.rs\"] mod c; mod d { use super::a; fn f() { super::b::g() } } \
                 #[cfg(test)] mod tests; #[cfg(test)] use a::Never; fn f() { let x = \"crate::d::x\"; } // crate::d::x",
            ),
            ("a.rs", "pub mod inner; use crate::{b::{self, X}, c::Y as Z}; fn f() { inner::g() }"),
            ("a/inner.rs", "use super::*; use std::fmt;"),
            (
                "b.rs",
                "fn f() { matches!(x, crate::c::Y { .. }) } #[cfg(test)] mod tests { use crate::d::Q; }",
            ),
            ("far/away.rs", "mod near; pub struct Y;"),
            ("far/near.rs", "fn f(x: Vec<crate::a::inner::T>) {}"),
        ]);
        let expected = [
            "a > a::inner",
            "a > b",
            "a > c",
            "a::inner > a",
            "b > c",
            "c::near > a::inner",
            "d > a",
            "d > b",
        ];
        assert_eq!(uses, expected);
        assert_eq!(cycles, [["a", "a::inner"]]);
    }

    #[test]
    fn a_longer_cycle_is_one_list_and_declaring_children_is_none() {
        let (_, cycles) = rows(&[
            ("lib.rs", "pub mod one; pub mod two; pub mod three; pub mod four;"),
            ("one.rs", "use crate::two::T;"),
            ("two.rs", "use crate::three::T;"),
            ("three.rs", "use super::one::T;"),
            ("four.rs", "use crate::one::T;"),
        ]);
        assert_eq!(cycles, [["one", "three", "two"]]);
    }

    #[test]
    fn a_dependency_on_a_layer_above_is_found_but_for_tests() {
        let manifest = "[dependencies]\nssm-doctor-facts.workspace = true\nssm-doctor-checks = { workspace = true }\n\
                        [dev-dependencies]\nssm-doctor.workspace = true\n";
        assert_eq!(upward(manifest, 2), ["ssm-doctor-checks"]);
        assert!(upward(manifest, 3).is_empty());
    }

    #[test]
    fn layers_point_down_and_modules_form_no_cycle() {
        let faults = faults(&crate::root()).unwrap();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
