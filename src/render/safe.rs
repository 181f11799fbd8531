//! Names, tags and error details come from AWS, where anybody may write them. They reach a reader only
//! through here: nothing passes that moves a cursor, hides text or turns its direction.

use std::{borrow::Cow, io};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// A space at which no line ends. Drawn as a plain one.
pub const GLUE: char = '\u{a0}';

/// Does the character do anything but show itself? It would act on a terminal, or mislead a reader.
#[must_use]
pub fn acts(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}' | '\u{34f}' | '\u{61c}' // soft hyphen, joiner, Arabic letter mark
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // fillers: letters that are not seen
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200f}' // zero width, and direction marks
            | '\u{2028}'..='\u{202e}' // line ends, and direction overrides
            | '\u{2060}'..='\u{206f}' // joiners, and direction isolates
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' // tags: a hidden copy of ASCII
        )
}

/// `text` with everything that [`acts`] spelled out, and in ASCII if the screen knows no more.
#[must_use]
pub fn shown(text: &str, unicode: bool) -> Cow<'_, str> {
    let passes = |it: char| if unicode { !acts(it) } else { matches!(it, ' '..='~' | GLUE) };
    if text.chars().all(passes) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for it in text.chars() {
        match it {
            it if passes(it) => safe.push(it),
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push_str("\\t"),
            '✓' => safe.push('+'),
            '✗' => safe.push('x'),
            '→' => safe.push_str("->"),
            '…' => safe.push_str("..."),
            '·' => safe.push('|'),
            '–' | '—' => safe.push('-'),
            '’' => safe.push('\''),
            '≥' => safe.push_str(">="),
            '≤' => safe.push_str("<="),
            it => safe.extend(it.escape_unicode()),
        }
    }
    Cow::Owned(safe)
}

/// [`shown`] in Unicode.
#[must_use]
pub fn clean(text: &str) -> String {
    shown(text, true).into_owned()
}

/// [`clean`], with line ends kept.
#[must_use]
pub fn clean_lines(text: &str) -> String {
    text.lines().map(|line| shown(line, true)).collect::<Vec<_>>().join("\n")
}

/// `value` as indented JSON and a newline. The same values as any JSON writer gives; what [`acts`] is
/// spelled `\u…`, since documents are looked at in terminals too.
///
/// # Errors
/// If a map has keys that are not strings.
pub fn json<T: Serialize>(value: &T) -> serde_json::Result<String> {
    written(value, PrettyFormatter::new())
}

/// As [`json`], on one line.
///
/// # Errors
/// If a map has keys that are not strings.
pub fn json_line<T: Serialize>(value: &T) -> serde_json::Result<String> {
    written(value, CompactFormatter)
}

fn written<T: Serialize, F: Formatter>(value: &T, formatter: F) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    let formatter = Careful(formatter);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

struct Careful<F>(F);

impl<F: Formatter> Formatter for Careful<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut rest = text;
        while let Some((at, it)) = rest.char_indices().find(|it| acts(it.1)) {
            let (before, after) = rest.split_at(at);
            to.write_all(before.as_bytes())?;
            for unit in it.encode_utf16(&mut [0; 2]) {
                write!(to, "\\u{unit:04x}")?;
            }
            rest = after.strip_prefix(it).unwrap_or_default();
        }
        to.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_array(to)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_array(to)
    }
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(to, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_array_value(to)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object(to)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object(to)
    }
    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(to, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object_value(to)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object_value(to)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub const HOSTILE: [&str; 8] = [
        "a\u{1b}[2Jb",
        "\u{1b}]8;;http://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\",
        "ding\u{7}",
        "web\u{202e}1-bew",
        "one\ntwo\rthree",
        "\u{9b}31m",
        "in\u{200b}vis\u{feff}ible\u{e0041}",
        "\u{2066}isolated\u{2069}",
    ];

    #[test]
    fn what_acts_is_spelled_out() {
        assert_eq!(shown("é ✓ …", false), "\\u{e9} + ...");
        assert_eq!(shown("é ✓ …", true), "é ✓ …");
        assert_eq!(shown("a\u{202e}b\n", true), "a\\u{202e}b\\n");
    }

    #[test]
    fn nothing_that_acts_reaches_json_and_nothing_is_lost() {
        for text in HOSTILE {
            for written in [json(&[text]).unwrap(), json_line(&[text]).unwrap()] {
                assert!(!written.replace('\n', "").contains(acts), "{written:?}");
                assert_eq!(serde_json::from_str::<Vec<String>>(&written).unwrap(), [text]);
            }
        }
    }
}
