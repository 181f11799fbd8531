//! `ssm-doctor runbooks`: every page is whole, every link leads somewhere, and a browser opens the site
//! without a request.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use html5gum::{DefaultEmitter, Token, Tokenizer};
use tempfile::TempDir;

use super::{browser, folder, json, links, path, run};

/// The pages of the site, by their path.
struct Site {
    folder: TempDir,
    pages: BTreeMap<PathBuf, String>,
}

fn site() -> Site {
    let folder = folder();
    let out = path(&folder, "new/site");
    let ran = run(&["runbooks", "--out", &out]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let first = PathBuf::from(ran.out.trim_end());
    assert_eq!(first, Path::new(&out).join("index.html"));
    let (mut folders, mut pages) = (vec![PathBuf::from(out)], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                pages.insert(path, text);
            }
        }
    }
    Site { folder, pages }
}

impl Site {
    fn first(&self) -> &Path {
        self.pages.keys().min_by_key(|page| page.components().count()).unwrap()
    }
}

/// The links and the ids of a page, which must be well-formed.
fn read(page: &Path, text: &str) -> (Vec<String>, BTreeSet<String>) {
    const EMPTY: [&str; 4] = ["meta", "br", "hr", "input"];
    let (mut links, mut ids, mut open) = (Vec::new(), BTreeSet::new(), Vec::new());
    let place = page.display();
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut emitter = DefaultEmitter::default();
    // Within a script, `<` begins no element.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = utf8(&tag.name);
                assert!(!["img", "iframe", "link"].contains(&name.as_str()), "{place}: {tag:?}");
                for (key, value) in &tag.attributes {
                    let (key, value) = (utf8(key), utf8(value));
                    assert!(!key.starts_with("on") && key != "src", "{place}: {tag:?}");
                    match key.as_str() {
                        "href" => links.push(value),
                        "id" => assert!(ids.insert(value.clone()), "{place} has two {value}"),
                        _ => {}
                    }
                }
                if !tag.self_closing && !EMPTY.contains(&name.as_str()) {
                    open.push(name);
                }
            }
            Token::EndTag(tag) => assert_eq!(open.pop(), Some(utf8(&tag.name)), "{place}"),
            Token::Error(error) => panic!("{place}: {error:?}"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{place}: {open:?}");
    (links, ids)
}

#[test]
fn every_link_of_the_site_leads_somewhere() {
    let site = site();
    let checks = json(&run(&["checks", "--format", "json"]).out);
    let checks = checks.as_array().unwrap();
    assert_eq!(site.pages.len(), checks.len() + 1);
    let read: BTreeMap<_, _> =
        site.pages.iter().map(|(page, text)| (page.clone(), read(page, text))).collect();
    let (mut dead, mut linked) = (Vec::new(), BTreeSet::new());
    for (page, (links, ids)) in &read {
        for link in links {
            let alive = if link.starts_with("https://") {
                links::in_repository(link).unwrap_or(true)
            } else if let Some(id) = link.strip_prefix('#') {
                ids.contains(id)
            } else {
                let (file, id) = link.split_once('#').unwrap_or((link, ""));
                let to = fs::canonicalize(page.parent().unwrap().join(file)).ok();
                let to = to.and_then(|to| read.get_key_value(&to));
                linked.extend(to.map(|to| to.0.clone()));
                to.is_some_and(|(_, (_, ids))| id.is_empty() || ids.contains(id))
            };
            if !alive {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(dead, [""; 0]);
    assert_eq!(linked.len(), site.pages.len(), "every page is linked");
    for check in checks {
        let name = check["name"].as_str().unwrap();
        let page = &site.pages[&site.first().with_file_name(name).join("index.html")];
        assert!(page.contains("<h2 id=\"confirm\">Confirm</h2>"), "{name}");
    }
}

#[test]
fn a_site_is_written_again_over_itself_and_not_over_a_file() {
    let folder = folder();
    let out = path(&folder, "site");
    assert_eq!(run(&["runbooks", "--out", &out]), run(&["runbooks", "--out", &out]));
    let file = path(&folder, "file");
    fs::write(&file, "kept").unwrap();
    let ran = run(&["runbooks", "--out", &file]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("cannot write `") && ran.err.contains("\nhelp: "), "{}", ran.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}

/// What a person does at the keyboard, in the page itself. It leaves what it saw in the title.
const AT_THE_KEYBOARD: &str = r"<script>
const key = (name) => document.activeElement.dispatchEvent(
  new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
const type = (text) => {
  document.activeElement.value = text;
  document.activeElement.dispatchEvent(new Event('input'));
};
const found = () => [...document.querySelectorAll('#results a')].map((a) => a.getAttribute('href'));
const seen = {};
key('/');
seen.focused = document.activeElement.id;
type('An error occurred (TargetNotConnected) when calling the\n StartSession operation: i-0 is not connected.');
seen.error = document.querySelector('#results strong').textContent;
type('endpoint accepts https');
seen.check = found()[0];
seen.hidden = document.getElementById('all').hidden;
seen.status = document.getElementById('status').textContent;
key('ArrowDown');
seen.first = document.activeElement.getAttribute('href');
key('ArrowUp');
seen.back = document.activeElement.id;
type('<img src=x onerror=alert(1)> no such words');
seen.none = found().length;
key('Escape');
seen.cleared = document.activeElement.value === '' && !document.getElementById('all').hidden;
seen.requests = performance.getEntriesByType('resource').map((entry) => entry.name);
seen.background = getComputedStyle(document.body).backgroundColor;
document.title = JSON.stringify(seen);
</script></body>";

#[test]
fn a_browser_opens_the_site_and_its_search_works_by_keyboard() {
    let Some(browser) = browser::find() else { return };
    let site = site();
    let first = site.first().with_file_name("tested.html");
    let text = fs::read_to_string(site.first()).unwrap();
    fs::write(&first, text.replace("</body>", AT_THE_KEYBOARD)).unwrap();
    let page = site.first().with_file_name("network/endpoint-accepts-https/index.html");
    let profile = site.folder.path().join("profile");
    let mut backgrounds = BTreeSet::new();
    // Blink's numbers: 0 is dark, 1 is light.
    for scheme in ["0", "1"] {
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        let shown = browser::show(browser, &first, &profile, &[&scheme]);
        assert!(!shown.log.contains("CONSOLE"), "{}", shown.log);
        let title = shown.dom.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        let seen = json(&title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
        let rows = [
            ("focused", json!("search")),
            ("error", json!("The call went to another Region or account than the node's")),
            ("check", json!("network/endpoint-accepts-https/index.html")),
            ("hidden", json!(true)),
            ("first", json!("network/endpoint-accepts-https/index.html")),
            ("back", json!("search")),
            ("none", json!(0)),
            ("cleared", json!(true)),
            ("requests", json!([])),
        ];
        for (what, expected) in rows {
            assert_eq!(seen[what], expected, "{what}: {seen}");
        }
        assert!(seen["status"].as_str().unwrap().ends_with(" results"), "{seen}");
        backgrounds.insert(seen["background"].to_string());
        let shown = browser::show(browser, &page, &profile, &[&scheme]);
        assert!(!shown.log.contains("CONSOLE"), "{}", shown.log);
        assert!(shown.dom.contains("<h2 id=\"fix\">Fix</h2>"), "{}", shown.dom);
    }
    assert_eq!(backgrounds.len(), 2, "light and dark differ: {backgrounds:?}");
}
