//! The text of a campaign, with `{{column}}` for what differs between recipients.
//!
//! Called by `prepare.rs`. The engine is minijinja: filters such as `{{ name | upper }}`,
//! `{{ name | default("client") }}` and conditions work, nothing is escaped, and a field that a row
//! leaves empty counts as undefined, so that nobody is greeted by nothing.

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

use super::CampaignError;

const NAME: &str = "template";
/// All columns under their own names, for those that are no identifiers: `{{ row["first name"] }}`.
const ROW: &str = "row";

/// A template that fits the columns of a file.
#[derive(Debug)]
pub(crate) struct Template<'t> {
    environment: Environment<'t>,
    /// The columns that the text uses.
    needed: Vec<String>,
}

/// Why no text came of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RenderFault {
    /// Columns that the template uses are empty.
    Empty { columns: Vec<String> },
    /// The template itself failed: the engine's sentence.
    Failed { what: String },
}

impl<'t> Template<'t> {
    /// Reads a template and checks that every field is a column.
    pub(crate) fn new(source: &'t str, columns: &[String]) -> Result<Self, CampaignError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment
            .add_template(NAME, source)
            .map_err(|error| CampaignError::Template {
                what: error.to_string(),
            })?;
        let template = environment
            .get_template(NAME)
            .expect("it was added a moment ago");
        let globals: Vec<String> = environment
            .globals()
            .map(|(name, _)| name.to_owned())
            .collect();
        let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        names.retain(|name| name != ROW && !globals.contains(name));
        names.sort_unstable();
        let missing: Vec<String> = names
            .iter()
            .filter(|name| !columns.contains(name))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Err(CampaignError::MissingColumns {
                missing,
                present: columns.to_vec(),
            });
        }
        Ok(Self {
            environment,
            needed: names,
        })
    }

    /// The text for one row.
    pub(crate) fn render(
        &self,
        columns: &[String],
        fields: &[String],
    ) -> Result<String, RenderFault> {
        let pairs = columns
            .iter()
            .map(String::as_str)
            .zip(fields.iter().map(String::as_str));
        let filled: Vec<(&str, &str)> = pairs.filter(|(_, field)| !field.is_empty()).collect();
        self.render_filled(&filled)
            .map_err(|error| self.fault(&error, &filled))
    }

    fn render_filled(&self, filled: &[(&str, &str)]) -> Result<String, minijinja::Error> {
        let pairs = || {
            filled
                .iter()
                .map(|(name, field)| (*name, Value::from(*field)))
        };
        let row = Value::from_pairs(pairs());
        let context = Value::from_pairs(pairs().chain([(ROW, row)]));
        self.environment
            .get_template(NAME)
            .expect("it was added in new()")
            .render(context)
    }

    /// Names the empty columns that spoil the text; those with a default in the template do not.
    fn fault(&self, error: &minijinja::Error, filled: &[(&str, &str)]) -> RenderFault {
        let is_filled = |column: &str| filled.iter().any(|(name, _)| *name == column);
        let empty: Vec<&str> = self
            .needed
            .iter()
            .map(String::as_str)
            .filter(|name| !is_filled(name))
            .collect();
        let spoils = |column: &str| {
            let others = empty
                .iter()
                .filter(|other| **other != column)
                .map(|other| (*other, "x"));
            let filled: Vec<(&str, &str)> = filled.iter().copied().chain(others).collect();
            self.render_filled(&filled).is_err()
        };
        let columns: Vec<String> = empty
            .iter()
            .filter(|column| spoils(column))
            .map(|column| (*column).to_owned())
            .collect();
        if error.kind() == ErrorKind::UndefinedError && !columns.is_empty() {
            RenderFault::Empty { columns }
        } else {
            RenderFault::Failed {
                what: error.kind().to_string(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<String> {
        ["to", "first_name", "prénom", "city name", "nickname"]
            .map(str::to_owned)
            .to_vec()
    }

    #[track_caller]
    fn check(source: &str, expected: &Result<&str, RenderFault>) {
        let fields = ["1", "Aïssatou & fils", "", "Boké", ""].map(str::to_owned);
        let columns = columns();
        let template = Template::new(source, &columns).unwrap();
        assert_eq!(
            template.render(&columns, &fields).as_deref(),
            expected.as_ref().copied()
        );
    }

    #[test]
    fn fields_are_filled_in() {
        check(
            "Bonjour {{first_name}} 🎉",
            &Ok("Bonjour Aïssatou & fils 🎉"),
        );
        check("{{ first_name | upper }}!", &Ok("AÏSSATOU & FILS!"));
        check("{{ row[\"city name\"] }}\n", &Ok("Boké"));
        check("{{ prénom | default('client') }}", &Ok("client"));
        check("{% if prénom is defined %}x{% endif %}-", &Ok("-"));
        check("no field", &Ok("no field"));
    }

    #[test]
    fn an_empty_field_is_a_fault_of_the_row() {
        let empty = RenderFault::Empty {
            columns: vec!["prénom".to_owned()],
        };
        check("Bonjour {{prénom}}", &Err(empty));
        let town = RenderFault::Empty {
            columns: vec!["prénom".to_owned()],
        };
        check("{{ prénom }} {{ nickname | default('x') }}", &Err(town));
        let failed = RenderFault::Failed {
            what: "undefined value".to_owned(),
        };
        check("{{ row.nothing }}", &Err(failed));
    }

    #[test]
    fn missing_columns_are_named_beside_the_present_ones() {
        let error = Template::new("{{name}} {{town}} {{first_name}}", &columns()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the template uses name, town, which the file does not have; its columns are to, first_name, prénom, city name, nickname"
        );
    }

    #[test]
    fn a_template_that_cannot_be_read_is_refused() {
        let error = Template::new("Bonjour {{first_name", &columns()).unwrap_err();
        assert!(matches!(error, CampaignError::Template { .. }), "{error}");
    }
}
