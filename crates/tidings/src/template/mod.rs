//! Texts with fields: `Hi {{first_name}}`, filled in for each recipient.
//!
//! Called by programs that send one text to many people, the command line among them. A field that
//! a row leaves out or empty is a fault of that row, found before anything is sent, so that nobody
//! is greeted by nothing. It knows no file format and sends nothing.
//!
//! ```
//! use tidings::template::{Row, Template};
//!
//! let template = Template::new("Hi {{first_name}}, your table is free at {{time}}")?;
//! assert_eq!(template.fields(), ["first_name", "time"]);
//!
//! let prepared = template.prepare([
//!     Row::new("+47 406 12 345", [("first_name", "Kari"), ("time", "19:30")]),
//!     Row::new("+47 406 12 346", [("first_name", ""), ("time", "20:00")]),
//! ]);
//! assert_eq!(&*prepared.messages[0].message.text, "Hi Kari, your table is free at 19:30");
//! assert_eq!(
//!     prepared.faults[0].to_string(),
//!     "row 2: the template uses first_name, which is missing or empty"
//! );
//! # Ok::<(), tidings::template::TemplateError>(())
//! ```
//!
//! # What a template may hold
//!
//! The engine is [minijinja](https://docs.rs/minijinja). Fields (`{{ name }}`), filters
//! (`{{ name | upper }}`), defaults (`{{ name | default("you") }}`), conditions
//! (`{% if town is defined %}`) and slices (`{{ name[:1] }}`) work; nothing is escaped. A field
//! whose name is no identifier is `{{ row["first name"] }}`.
//!
//! Filters are `abs`, `capitalize`, `default` (`d`), `first`, `float`, `int`, `join`, `last`,
//! `length` (`count`), `lower`, `replace`, `reverse`, `round`, `split`, `string`, `title`, `trim`
//! and `upper`.
//!
//! Templates may come from people whom the program does not trust, so whatever could take long or
//! grow without end is left out: loops, assignments, macros, multiplication, and the templates,
//! fields and texts over the `MAX_` limits of this module.

mod filters;
mod reading;
mod rows;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use self::reading::{Mentions, ROW};
pub use self::rows::{BadRow, Prepared, Ready, Row, RowFault};

/// How long a template may be, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 64 * 1024;
/// How long a field may be that a template uses, in bytes: no text of a message is longer than
/// 39 015 characters.
pub const MAX_FIELD_BYTES: usize = 16 * 1024;
/// How long a finished text may be, in bytes.
pub const MAX_TEXT_BYTES: usize = 128 * 1024;

const NAME: &str = "template";
/// Steps of the engine for one text; one field takes two or three.
const MAX_STEPS: u64 = 2_000;

/// A text with fields, read and checked once, rendered any number of times and from any thread.
#[derive(Clone)]
pub struct Template {
    environment: Environment<'static>,
    mentions: Mentions,
}

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// It cannot be read: the engine's sentence.
    Syntax {
        /// What the engine found and where.
        what: String,
    },
    /// It holds something that templates may not hold here, such as a loop.
    NotAllowed {
        /// What it is.
        what: String,
    },
    /// It is longer than [`MAX_TEMPLATE_BYTES`].
    TooLong,
    /// It uses fields that no row has.
    MissingFields {
        /// Those that it uses and that are not there, sorted.
        missing: Vec<String>,
        /// Those that are there.
        present: Vec<String>,
    },
}

/// Why no text came of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenderFault {
    /// Fields without which there is no text are missing or empty.
    MissingFields {
        /// Their names, in the order of [`Template::fields`].
        fields: Vec<String>,
    },
    /// A field is longer than [`MAX_FIELD_BYTES`], or the text than [`MAX_TEXT_BYTES`].
    TooLong,
    /// The template failed with these fields, as when it rounds what is no number.
    Failed {
        /// The engine's words, which hold nothing of the fields.
        what: String,
    },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`] when it cannot be read, or holds what it may not.
    ///
    /// ```
    /// use tidings::template::{Template, TemplateError};
    ///
    /// let unfinished = Template::new("Hi {{first_name").unwrap_err();
    /// assert!(matches!(unfinished, TemplateError::Syntax { .. }));
    /// let endless = Template::new("{% for n in [1, 2] %}Hi{% endfor %}").unwrap_err();
    /// assert!(matches!(endless, TemplateError::NotAllowed { .. }));
    /// ```
    pub fn new(source: &str) -> Result<Self, TemplateError> {
        if source.len() > MAX_TEMPLATE_BYTES {
            return Err(TemplateError::TooLong);
        }
        let mut environment = filters::environment();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(MAX_STEPS));
        // Before the engine sees it: it would refuse with words about things that nobody may use.
        let mentions = reading::read(source)?;
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| TemplateError::Syntax {
                what: error.to_string(),
            })?;
        let template = Self {
            environment,
            mentions,
        };
        template.check_names()?;
        Ok(template)
    }

    /// The fields that the text uses, sorted, each once.
    pub fn fields(&self) -> &[String] {
        &self.mentions.fields
    }

    /// Checks that every field is among those that rows have, such as the columns of a file. What
    /// a row leaves empty is found when it is rendered.
    ///
    /// # Errors
    /// [`TemplateError::MissingFields`] names what is missing and what is there.
    ///
    /// ```
    /// use tidings::template::Template;
    ///
    /// let template = Template::new("Hi {{name}}")?;
    /// let error = template.check(["to", "first_name"]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the template uses name, which the rows do not have; they have to, first_name"
    /// );
    /// # Ok::<(), tidings::template::TemplateError>(())
    /// ```
    pub fn check<I>(&self, columns: I) -> Result<(), TemplateError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let present: Vec<String> = columns
            .into_iter()
            .map(|column| column.as_ref().to_owned())
            .collect();
        let missing: Vec<String> = self
            .fields()
            .iter()
            .filter(|field| !present.contains(field))
            .cloned()
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(TemplateError::MissingFields { missing, present })
        }
    }

    /// The text for one row, from pairs of a field's name and what it holds: an array, a vector or
    /// a map. Of two pairs with one name the last counts.
    ///
    /// # Errors
    /// [`RenderFault`] when fields are missing or empty that have no default in the template.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use tidings::template::Template;
    ///
    /// let template = Template::new("Hi {{ name | default('you') }}!")?;
    /// let fields = BTreeMap::from([("name", "Kari"), ("unused", "-")]);
    /// assert_eq!(template.render(&fields).unwrap(), "Hi Kari!");
    /// assert_eq!(template.render([("name", "")]).unwrap(), "Hi you!");
    /// # Ok::<(), tidings::template::TemplateError>(())
    /// ```
    pub fn render<I, N, F>(&self, fields: I) -> Result<String, RenderFault>
    where
        I: IntoIterator<Item = (N, F)>,
        N: AsRef<str>,
        F: AsRef<str>,
    {
        let mut filled: Vec<(String, Value)> = Vec::new();
        for (name, field) in fields {
            let (name, field) = (name.as_ref(), field.as_ref());
            if field.is_empty() || !self.mentions.reads(name) {
                continue;
            }
            if field.len() > MAX_FIELD_BYTES {
                return Err(RenderFault::TooLong);
            }
            filled.push((name.to_owned(), Value::from(field)));
        }
        self.render_filled(&filled)
            .map_err(|error| self.fault(&error, &filled))
    }

    fn render_filled(&self, filled: &[(String, Value)]) -> Result<String, minijinja::Error> {
        let pairs = || {
            filled
                .iter()
                .map(|(name, field)| (name.as_str(), field.clone()))
        };
        let row = self
            .mentions
            .whole_row
            .then(|| (ROW, Value::from_pairs(pairs())));
        let mut text = Bounded::default();
        self.environment
            .get_template(NAME)
            .expect("it was added in new()")
            .render_captured_to(Value::from_pairs(pairs().chain(row)), &mut text)?;
        Ok(String::from_utf8(text.0).expect("the engine writes whole strings"))
    }

    /// Names the missing fields that spoil the text; those with a default in the template do not.
    fn fault(&self, error: &minijinja::Error, filled: &[(String, Value)]) -> RenderFault {
        match error.kind() {
            ErrorKind::WriteFailure | ErrorKind::OutOfFuel => return RenderFault::TooLong,
            ErrorKind::UndefinedError => {}
            kind => {
                return RenderFault::Failed {
                    what: kind.to_string(),
                };
            }
        }
        let missing: Vec<&String> = self
            .fields()
            .iter()
            .filter(|field| !filled.iter().any(|(name, _)| name == *field))
            .collect();
        let spoils = |field: &String| {
            let others = missing
                .iter()
                .filter(|other| **other != field)
                .map(|other| ((*other).clone(), Value::from("x")));
            let filled: Vec<(String, Value)> = filled.iter().cloned().chain(others).collect();
            self.render_filled(&filled).is_err()
        };
        let fields: Vec<String> = missing
            .iter()
            .filter(|field| spoils(field))
            .map(|field| (*field).clone())
            .collect();
        if fields.is_empty() {
            RenderFault::Failed {
                what: ErrorKind::UndefinedError.to_string(),
            }
        } else {
            RenderFault::MissingFields { fields }
        }
    }

    /// A filter or a test that does not exist is a mistake of the template, not of every row.
    fn check_names(&self) -> Result<(), TemplateError> {
        let unknown = |name: &str, what: &str| TemplateError::NotAllowed {
            what: format!("{what} {name}"),
        };
        for name in &self.mentions.filters {
            if !filters::FILTERS.contains(&name.as_str()) {
                return Err(unknown(name, "the filter"));
            }
        }
        for name in &self.mentions.tests {
            if !filters::TESTS.contains(&name.as_str()) {
                return Err(unknown(name, "the test"));
            }
        }
        Ok(())
    }
}

/// Shows which fields it has, and nothing of the text.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("fields", &self.fields())
            .finish_non_exhaustive()
    }
}

/// Takes a text up to the limit and no byte more.
#[derive(Default)]
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_TEXT_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { what } => write!(f, "the template cannot be read: {what}"),
            Self::NotAllowed { what } => write!(f, "a template cannot use {what}"),
            Self::TooLong => write!(f, "the template is longer than {MAX_TEMPLATE_BYTES} bytes"),
            Self::MissingFields { missing, present } => write!(
                f,
                "the template uses {}, which the rows do not have; they have {}",
                missing.join(", "),
                present.join(", ")
            ),
        }
    }
}

impl std::error::Error for TemplateError {}

impl fmt::Display for RenderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingFields { fields } => {
                let (fields, verb) = (fields.join(" and "), verb(fields.len()));
                write!(
                    f,
                    "the template uses {fields}, which {verb} missing or empty"
                )
            }
            Self::TooLong => f.write_str("a field or the text is too long for a message"),
            Self::Failed { what } => write!(f, "the template failed: {what}"),
        }
    }
}

impl std::error::Error for RenderFault {}

fn verb(n_fields: usize) -> &'static str {
    if n_fields == 1 { "is" } else { "are" }
}
