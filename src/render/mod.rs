//! From a report to text: a file per format, its module, and a line in the list below.
//!
//! Every format is a function of the same [`Report`]. What comes from AWS passes through [`safe`].

pub mod github;
pub mod html;
pub mod json_v1;
pub mod junit;
pub mod markdown;
mod page;
pub mod safe;
pub mod sarif;
pub mod short;
pub mod table;

use std::path::Path;

use crate::report::Report;

pub use page::{BOLD, PLAIN, Page, Screen, Span};
pub use safe::{json, json_line};

/// How much a report is to show, and where.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub screen: Screen,
    /// All checks and all evidence, not only what needs attention.
    pub verbose: bool,
}

/// A defect of ours: the report's values do not fit the format.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written as {format}: {what}")]
pub struct RenderError {
    pub format: &'static str,
    pub what: String,
}

/// What a format's function returns: the text, or an error where the format's library has one.
pub trait Rendered {
    fn text(self, format: &'static str) -> Result<String, RenderError>;
}

impl Rendered for String {
    fn text(self, _: &'static str) -> Result<String, RenderError> {
        Ok(self)
    }
}

impl<E: std::fmt::Display> Rendered for Result<String, E> {
    fn text(self, format: &'static str) -> Result<String, RenderError> {
        self.map_err(|error| RenderError { format, what: error.to_string() })
    }
}

/// The formats: what `--help` says, the name, the module, and the endings of its files' names.
macro_rules! formats {
    ($($(#[$says:meta])* $name:ident: $module:ident $endings:expr;)*) => {
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Format {
            $($(#[$says])* $name,)*
        }

        impl Format {
            /// One report, or several in one text.
            ///
            /// # Errors
            /// If a report does not fit the format, which is a defect.
            pub fn render(self, reports: &[Report], view: View) -> Result<String, RenderError> {
                match self {
                    $(Self::$name => $module::render(reports, view).text(stringify!($module)),)*
                }
            }

            /// The format that a file's name asks for.
            #[must_use]
            pub fn of_file(file: &Path) -> Option<Self> {
                let name = file.file_name()?.to_str()?.to_ascii_lowercase();
                let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
                let formats = [$((Self::$name, $endings.as_slice())),*];
                formats.into_iter().find(|it| ends(it.1)).map(|it| it.0)
            }
        }
    };
}

formats! {
    /// Text for a terminal
    #[default]
    Table: table [""; 0];
    /// One message for a chat
    Short: short [""; 0];
    // Before JSON, whose ending is a part of its own.
    /// SARIF 2.1.0, for code scanning
    Sarif: sarif [".sarif", ".sarif.json"];
    /// The report as data; a file in schemas/ describes it
    Json: json_v1 [".json"];
    /// For tickets, pull requests and job summaries
    Markdown: markdown [".md", ".markdown"];
    /// Annotations of a GitHub workflow
    Github: github [""; 0];
    /// JUnit XML, for test reports
    Junit: junit [".xml"];
    /// One file for a browser
    Html: html [".html", ".htm"];
}
