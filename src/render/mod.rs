//! From a report to text: a file per format.
//!
//! Names, tags and error details come from AWS, where anybody may write them. They reach a terminal
//! only through [`Page`] or [`json`], which let nothing through that moves a cursor, hides text or
//! turns its direction.

pub mod json_v1;
pub mod table;

use std::{borrow::Cow, fmt::Write as _, io};

use anstyle::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::Serialize;
use textwrap::{
    core::{Fragment, Word, break_words, display_width},
    wrap_algorithms::wrap_first_fit,
};

/// What the reader's screen can show.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// In columns.
    pub width: usize,
    pub colour: bool,
    pub unicode: bool,
}

/// Wider than this, lines of prose are hard to follow.
const WIDEST: usize = 120;
/// Narrower than this, tables of several columns are.
const TABULAR: usize = 100;

/// Less room than this beside a label, and text goes below it.
const BESIDE: usize = 34;

/// Text for people, wrapped to a screen.
pub struct Page {
    text: String,
    screen: Screen,
}

/// A piece of text in one style.
pub type Span<'a> = (Style, &'a str);

/// A space at which no line ends. Drawn as a plain one.
pub const GLUE: char = '\u{a0}';

pub const PLAIN: Style = Style::new();

impl Page {
    #[must_use]
    pub fn new(screen: Screen) -> Self {
        Self { text: String::new(), screen }
    }

    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line that is copied as a whole, and therefore never broken.
    pub fn line(&mut self, indent: usize, spans: &[Span]) {
        self.text.extend(std::iter::repeat_n(' ', indent));
        for &(style, text) in spans {
            let text = self.shown(text).into_owned();
            self.styled(style, &text);
        }
        self.text.push('\n');
    }

    /// Running text, wrapped with every line indented alike.
    pub fn paragraph(&mut self, indent: usize, spans: &[Span]) {
        self.hanging(indent, (PLAIN, ""), 0, spans);
    }

    /// Running text beside a label, `column` columns wide.
    pub fn hanging(&mut self, indent: usize, label: Span, column: usize, spans: &[Span]) {
        let mut label = (label.0, self.shown(label.1).into_owned());
        let mut column = column;
        if self.text_column(indent, column) < indent + column {
            if !label.1.is_empty() {
                self.line(indent, &[(label.0, label.1.as_str())]);
            }
            label.1.clear();
            column = 2;
        }
        let fill = column.saturating_sub(display_width(&label.1));
        let room = self.width().saturating_sub(indent + column).max(10);
        for (at, words) in self.wrapped(spans, room).into_iter().enumerate() {
            self.text.extend(std::iter::repeat_n(' ', indent));
            if at == 0 {
                self.styled(label.0, &label.1);
                self.text.extend(std::iter::repeat_n(' ', fill));
            } else {
                self.text.extend(std::iter::repeat_n(' ', column));
            }
            let mut runs: Vec<(Style, String)> = Vec::new();
            let mut gap = "";
            for Piece { style, text, space } in words {
                match runs.last_mut() {
                    Some(run) if run.0 == style => run.1.extend([gap, &text]),
                    // A style ends before the space that follows it.
                    _ => runs.extend([(PLAIN, gap.to_owned()), (style, text)]),
                }
                gap = if space { " " } else { "" };
            }
            for (style, text) in runs {
                self.styled(style, &text);
            }
            self.text.push('\n');
        }
    }

    /// Where text beside a label begins: below the label, if there is no room beside it.
    #[must_use]
    pub fn text_column(&self, indent: usize, column: usize) -> usize {
        indent + if self.width() < indent + column + BESIDE { column.min(2) } else { column }
    }

    /// Rows under a header: a table where there is room, else a paragraph for each row.
    pub fn rows(&mut self, header: &[&str], rows: &[Vec<String>]) {
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|it| self.shown(it).into_owned()).collect())
            .collect();
        if self.width() < TABULAR {
            for row in &rows {
                let mut cells = row.iter();
                if let Some(name) = cells.next() {
                    self.line(0, &[(BOLD, name)]);
                }
                for cell in cells.filter(|it| !it.is_empty()) {
                    self.paragraph(2, &[(PLAIN, cell)]);
                }
            }
            return;
        }
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(self.screen.width).unwrap_or(u16::MAX))
            .set_header(header.to_vec())
            .add_rows(&rows);
        for (at, column) in table.column_iter_mut().enumerate() {
            // Names and actions are words to copy: wrap between them, not within.
            let words = rows.iter().filter_map(|it| it.get(at)).flat_map(|it| it.split(' '));
            let longest = words.map(display_width).max().unwrap_or_default().min(TABULAR / 2);
            let longest = u16::try_from(longest).unwrap_or_default() + column.padding_width();
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(longest)));
        }
        for (at, line) in table.lines().enumerate() {
            let style = if at == 0 { BOLD } else { PLAIN };
            let line = line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned();
            self.styled(style, &line);
            self.text.push('\n');
        }
    }

    fn width(&self) -> usize {
        self.screen.width.clamp(24, WIDEST)
    }

    /// `text` as this screen may see it.
    pub fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        shown(text, self.screen.unicode)
    }

    fn styled(&mut self, style: Style, text: &str) {
        let text = text.replace(GLUE, " ");
        if self.screen.colour && style != PLAIN && !text.is_empty() {
            // A `String` takes everything.
            let _ = write!(self.text, "{style}{text}{style:#}");
        } else {
            self.text.push_str(&text);
        }
    }

    fn wrapped(&self, spans: &[Span], room: usize) -> Vec<Vec<Piece>> {
        let mut words: Vec<Glued> = Vec::new();
        let mut open = false;
        for &(style, text) in spans {
            let text = self.shown(text);
            for word in textwrap::WordSeparator::AsciiSpace.find_words(&text) {
                // A URL that is broken is a URL that cannot be clicked.
                let parts: Vec<Word> =
                    if word.word.contains("://") { vec![word] } else { break_words([word], room) };
                let last = parts.len().saturating_sub(1);
                for (at, part) in parts.into_iter().enumerate() {
                    let space = !part.whitespace.is_empty();
                    let piece = Piece { style, text: part.word.to_owned(), space };
                    match words.last_mut() {
                        Some(word) if open => word.0.push(piece),
                        _ => words.push(Glued(vec![piece])),
                    }
                    open = at == last && !space;
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a width in columns")]
        let lines = wrap_first_fit(&words, &[room as f64]);
        lines.into_iter().map(|line| line.iter().flat_map(|it| it.0.clone()).collect()).collect()
    }
}

pub const BOLD: Style = Style::new().bold();

/// A word, or the part of one that fits a line.
#[derive(Clone, Debug)]
struct Piece {
    style: Style,
    text: String,
    /// Is it followed by a space?
    space: bool,
}

/// Pieces of several styles that stand together as one word.
#[derive(Debug)]
struct Glued(Vec<Piece>);

#[expect(clippy::cast_precision_loss, reason = "widths in columns")]
impl Fragment for Glued {
    fn width(&self) -> f64 {
        self.0.iter().map(|it| display_width(&it.text)).sum::<usize>() as f64
    }
    fn whitespace_width(&self) -> f64 {
        f64::from(u8::from(self.0.last().is_some_and(|it| it.space)))
    }
    fn penalty_width(&self) -> f64 {
        0.0
    }
}

/// Does `it` do anything to a terminal or a reader but stand there and be seen?
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

/// `value` as indented JSON and a newline. The same values as any JSON writer gives; what [`acts`] is
/// spelled `\u…`, since documents are looked at in terminals too.
///
/// # Errors
/// If a map has keys that are not strings.
pub fn json<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    let formatter = Careful(serde_json::ser::PrettyFormatter::new());
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

struct Careful(serde_json::ser::PrettyFormatter<'static>);

impl serde_json::ser::Formatter for Careful {
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
mod tests {
    use super::*;

    const HOSTILE: [&str; 8] = [
        "a\u{1b}[2Jb",
        "\u{1b}]8;;http://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\",
        "ding\u{7}",
        "web\u{202e}1-bew",
        "one\ntwo\rthree",
        "\u{9b}31m",
        "in\u{200b}vis\u{feff}ible\u{e0041}",
        "\u{2066}isolated\u{2069}",
    ];

    fn screen(unicode: bool) -> Screen {
        Screen { width: 30, colour: false, unicode }
    }

    #[test]
    fn nothing_that_acts_reaches_a_page() {
        for unicode in [true, false] {
            for text in HOSTILE {
                let mut page = Page::new(screen(unicode));
                page.line(1, &[(BOLD, text)]);
                page.paragraph(1, &[(BOLD, text), (PLAIN, text)]);
                page.hanging(1, (BOLD, text), 4, &[(PLAIN, text)]);
                page.rows(&["a", "b"], &[vec![text.into(), text.into()]]);
                page.screen.width = 200;
                page.rows(&["a", "b"], &[vec![text.into(), text.into()]]);
                let text = page.finish();
                assert!(!text.replace('\n', "").contains(acts), "{text:?}");
                assert!(unicode || text.is_ascii(), "{text:?}");
            }
        }
        assert_eq!(shown("é ✓ …", false), "\\u{e9} + ...");
        assert_eq!(shown("é ✓ …", true), "é ✓ …");
        assert_eq!(shown("a\u{202e}b\n", true), "a\\u{202e}b\\n");
    }

    #[test]
    fn nothing_that_acts_reaches_json_and_nothing_is_lost() {
        for text in HOSTILE {
            let written = json(&[text]).unwrap();
            assert!(!written.replace('\n', "").contains(acts), "{written:?}");
            assert_eq!(serde_json::from_str::<Vec<String>>(&written).unwrap(), [text]);
        }
    }

    #[test]
    fn lines_fit_but_links_and_commands_stay_whole() {
        for width in [24, 40, 80] {
            let mut page = Page::new(Screen { width, ..screen(true) });
            let long = "arn:aws:iam::111122223333:role/with/a/path/that/is/longer/than/the/screen";
            page.hanging(
                2,
                (BOLD, "cause"),
                8,
                &[(PLAIN, long), (PLAIN, " and 日本語の名前 more")],
            );
            page.paragraph(
                2,
                &[(PLAIN, "see https://example.com/a/very/long/address/of/a/page/here")],
            );
            let text = page.finish();
            assert!(text.contains("https://example.com/a/very/long/address/of/a/page/here"));
            let wide = text.lines().find(|it| !it.contains("://") && display_width(it) > width);
            assert_eq!(wide, None);
        }
    }

    #[test]
    fn styles_are_whole_words_and_only_where_there_is_colour() {
        let draw = |colour| {
            let mut page = Page::new(Screen { colour, ..screen(true) });
            page.paragraph(0, &[(BOLD, "a b"), (PLAIN, ": c")]);
            page.finish()
        };
        assert_eq!(draw(false), "a b: c\n");
        assert_eq!(anstream::adapter::strip_str(&draw(true)).to_string(), "a b: c\n");
        assert_ne!(draw(true), draw(false));
    }
}
