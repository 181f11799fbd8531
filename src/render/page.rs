//! Text for people, wrapped to a screen.
//!
//! What is meant to be copied is never broken: words, commands and JSON in backticks or braces, and
//! URLs. A line of them may be wider than the screen.

use std::{borrow::Cow, fmt::Write as _};

use anstyle::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use textwrap::{
    core::{Fragment, display_width},
    wrap_algorithms::wrap_first_fit,
};

use super::safe::{GLUE, shown};

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

    #[must_use]
    pub fn has_colour(&self) -> bool {
        self.screen.colour
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
            let text = glued(&self.shown(text));
            for word in textwrap::WordSeparator::AsciiSpace.find_words(&text) {
                let space = !word.whitespace.is_empty();
                let piece = Piece { style, text: word.word.to_owned(), space };
                match words.last_mut() {
                    Some(word) if open => word.0.push(piece),
                    _ => words.push(Glued(vec![piece])),
                }
                open = !space;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a width in columns")]
        let lines = wrap_first_fit(&words, &[room as f64]);
        lines.into_iter().map(|line| line.iter().flat_map(|it| it.0.clone()).collect()).collect()
    }
}

/// `text` with every space glued that stands within backticks, or within the braces of JSON: they hold
/// what is copied.
fn glued(text: &str) -> String {
    let (mut quoted, mut depth) = (false, 0_u32);
    let balanced = text.matches('`').count().is_multiple_of(2);
    let letters = text.chars().map(|letter| {
        match letter {
            '`' if balanced => quoted = !quoted,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ' ' if quoted || depth > 0 => return GLUE,
            _ => {}
        }
        letter
    });
    letters.collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::safe::{acts, tests::HOSTILE};

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
                &[(PLAIN, long), (PLAIN, " and 日本語の名前 more, or `run -v this`")],
            );
            page.paragraph(
                2,
                &[(PLAIN, "see https://example.com/a/very/long/address/of/a/page/here")],
            );
            let text = page.finish();
            assert!(text.contains("https://example.com/a/very/long/address/of/a/page/here"));
            assert!(text.contains(long) && text.contains("`run -v this`"), "{text}");
            let copied = |line: &&str| ["://", long, "`"].iter().any(|it| line.contains(it));
            let wide = text.lines().find(|it| !copied(it) && display_width(it) > width);
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
