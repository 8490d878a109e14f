//! The form of a configuration file: which tables and keys there are, and on which line. What the values
//! mean is read by `sections.rs`, `lanes.rs`, `routes.rs` and `vendors.rs`.
//!
//! Called by [`Config`](super::Config) and by commands that need one lane of the same file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use tidings::{Error, ErrorKind};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::environment::Environment;
use super::keys::{self, LANES, ROUTES, SECTIONS};
use super::lanes::LaneTable;
use super::origin::Origin;
use super::routes::Route;
use super::vendors::{VENDORS, VendorTable};

/// A file whose form has been checked: it has known tables with known keys, and nothing twice.
#[derive(Debug, Default)]
pub struct ConfigFile {
    name: String,
    folder: PathBuf,
    lanes: Vec<LaneTable>,
    pub(super) routes: Vec<Route>,
    pub(super) vendors: Vec<VendorTable>,
    sections: BTreeMap<&'static str, Section>,
}

/// One table that there may be one of.
#[derive(Debug)]
struct Section {
    line: usize,
    entries: Vec<Entry>,
}

/// One key with its value.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Written,
}

/// What may stand behind a key.
pub(super) enum Written {
    One(String),
    Many(Vec<String>),
    Table(Vec<Entry>),
    /// Nothing that any key takes.
    Mixed,
}

/// Shows where something is written, not what: some of it is secret.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in line {}", self.key, self.line)
    }
}

impl ConfigFile {
    /// The file that is named on the command line or by `TIDINGS_CONFIG`, else `tidings.toml` in the
    /// present folder or in the user's configuration folder, else none.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn find(
        named: Option<PathBuf>,
        environment: &Environment,
    ) -> tidings::Result<Option<Self>> {
        Self::place(named, environment).map_or(Ok(None), |path| Self::read(&path).map(Some))
    }

    /// Where the configuration is, as [`find`](Self::find) looks for it.
    pub fn place(named: Option<PathBuf>, environment: &Environment) -> Option<PathBuf> {
        let named = named.or_else(|| environment.value("TIDINGS_CONFIG").map(PathBuf::from));
        if named.is_some() {
            return named;
        }
        let home = || Some(Path::new(environment.value("HOME")?).join(".config"));
        let folder = environment.value("XDG_CONFIG_HOME").map(PathBuf::from);
        let usual = [
            Some(PathBuf::from("tidings.toml")),
            folder
                .or_else(home)
                .map(|folder| folder.join("tidings/tidings.toml")),
        ];
        usual.into_iter().flatten().find(|path| path.is_file())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it cannot be read or has a key that is not known, naming the line.
    pub fn read(path: &Path) -> tidings::Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            config_error(format!("cannot read the configuration {}", path.display()))
                .with_source(error)
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file that is, or could be, at `path`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, text: &str) -> tidings::Result<Self> {
        let reader = Reader {
            name: path.display().to_string(),
            text,
        };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        reader.read(folder)
    }

    /// What it is called in messages to people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where paths in it start from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its `[[lanes]]`, in their order.
    pub fn lanes(&self) -> &[LaneTable] {
        &self.lanes
    }

    /// What stands behind a key.
    pub(super) fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        let section = self.sections.get(section)?;
        section.entries.iter().find(|entry| entry.key == key)
    }

    /// The line on which a table begins, if it has anything of it.
    pub(super) fn section_line(&self, section: &str) -> Option<usize> {
        self.sections.get(section).map(|section| section.line)
    }

    /// Something is wrong on a line.
    pub(super) fn wrong(&self, line: usize, what: impl fmt::Display) -> Error {
        config_error(format!("{}: line {line}: {what}", self.name))
    }
}

/// Something is wrong with the configuration.
pub(super) fn config_error(what: impl Into<String>) -> Error {
    Error::not_sent(ErrorKind::Config, what.into())
}

struct Reader<'t> {
    name: String,
    text: &'t str,
}

impl<'t> Reader<'t> {
    fn read(self, folder: PathBuf) -> tidings::Result<ConfigFile> {
        // The parser's own sentence quotes the line, which may hold a secret.
        let whole = DeTable::parse(self.text).map_err(|error| self.not_toml(&error))?;
        let mut tables = whole.into_inner();
        let lanes = self.lanes(tables.remove(LANES))?;
        let routes = self.routes(tables.remove(ROUTES))?;
        let vendors = self.vendors(tables.remove(VENDORS))?;
        let mut sections = BTreeMap::new();
        for (key, value) in tables {
            let line = self.line_of(&key.span());
            let known = SECTIONS.iter().copied();
            let section = known.filter(|known| !known.contains('.'));
            let mut sections_known = section.clone();
            let Some(section) = sections_known.find(|known| *known == &**key.get_ref()) else {
                let known: Vec<&str> = section.chain([VENDORS, LANES, ROUTES]).collect();
                let known = known.join(", ");
                let key = key.get_ref();
                return Err(self.wrong(
                    line,
                    format_args!("the key {key} is not known; expected one of: {known}"),
                ));
            };
            let DeValue::Table(table) = value.into_inner() else {
                return Err(self.wrong(line, format_args!("{section} must be a table")));
            };
            self.section(section, line, table, &mut sections)?;
        }
        Ok(ConfigFile {
            name: self.name,
            folder,
            lanes,
            routes,
            vendors,
            sections,
        })
    }

    fn vendors(&self, written: Option<Spanned<DeValue<'t>>>) -> tidings::Result<Vec<VendorTable>> {
        let Some(written) = written else {
            return Ok(Vec::new());
        };
        let line = self.line_of(&written.span());
        let DeValue::Table(table) = written.into_inner() else {
            return Err(self.wrong(line, format_args!("{VENDORS} must be a table")));
        };
        let all = VendorTable::all_of(&self.name, self.entries(table));
        all.map_err(|(line, what)| self.wrong(line, what))
    }

    fn not_toml(&self, error: &toml::de::Error) -> Error {
        let line = error.span().map_or(0, |span| self.line_of(&span));
        self.wrong(line, error.message())
    }

    /// Keys of a table, and of the table in it that has a name of its own.
    fn section(
        &self,
        section: &'static str,
        line: usize,
        table: DeTable<'t>,
        sections: &mut BTreeMap<&'static str, Section>,
    ) -> tidings::Result<()> {
        let mut entries = Vec::new();
        for entry in self.entries(table) {
            let inner = format!("{section}.{}", entry.key);
            let inner = SECTIONS.iter().copied().find(|known| *known == inner);
            match (inner, entry.value) {
                (Some(inner), Written::Table(of_inner)) => {
                    for of_inner in &of_inner {
                        self.check_known(inner, of_inner)?;
                    }
                    let of_inner = Section {
                        line: entry.line,
                        entries: of_inner,
                    };
                    sections.insert(inner, of_inner);
                }
                (Some(inner), _) => {
                    return Err(self.wrong(entry.line, format_args!("{inner} must be a table")));
                }
                (None, value) => {
                    let entry = Entry { value, ..entry };
                    self.check_known(section, &entry)?;
                    entries.push(entry);
                }
            }
        }
        sections.insert(section, Section { line, entries });
        Ok(())
    }

    fn check_known(&self, section: &str, entry: &Entry) -> tidings::Result<()> {
        if keys::key_of(section, &entry.key).is_some() {
            return Ok(());
        }
        let known: Vec<&str> = keys::names_of(section).collect();
        let what = format!(
            "the key {} is not known in [{section}]; expected one of: {}",
            entry.key,
            known.join(", ")
        );
        Err(self.wrong(entry.line, what))
    }

    fn lanes(&self, written: Option<Spanned<DeValue<'t>>>) -> tidings::Result<Vec<LaneTable>> {
        let mut lanes: Vec<LaneTable> = Vec::new();
        for (index, (line, table)) in self.tables(LANES, written)?.into_iter().enumerate() {
            let entries = self.entries(table);
            let origin = Origin::new(&self.name, line, &entries);
            let lane = LaneTable::of(origin, index + 1, entries)
                .map_err(|(line, what)| self.wrong(line, what))?;
            if lanes.iter().any(|earlier| earlier.id == lane.id) {
                let line = lane
                    .origin
                    .as_ref()
                    .map_or(line, |origin| origin.line_of("id"));
                return Err(self.wrong(line, format_args!("two lanes have the id {}", lane.id)));
            }
            lanes.push(lane);
        }
        Ok(lanes)
    }

    fn routes(&self, written: Option<Spanned<DeValue<'t>>>) -> tidings::Result<Vec<Route>> {
        let tables = self.tables(ROUTES, written)?.into_iter().enumerate();
        let route = |(index, (line, table)): (usize, (usize, DeTable<'t>))| {
            let route = Route::of(line, index + 1, table, |span| self.line_of(span));
            route.map_err(|(line, what)| self.wrong(line, what))
        };
        tables.map(route).collect()
    }

    /// Tables that there may be several of, with the lines on which they begin.
    fn tables(
        &self,
        key: &str,
        written: Option<Spanned<DeValue<'t>>>,
    ) -> tidings::Result<Vec<(usize, DeTable<'t>)>> {
        let Some(written) = written else {
            return Ok(Vec::new());
        };
        let line = self.line_of(&written.span());
        let wrong = || self.wrong(line, format_args!("{key} must be written as [[{key}]]"));
        let DeValue::Array(array) = written.into_inner() else {
            return Err(wrong());
        };
        let tables = array.into_iter().map(|table| {
            let line = self.line_of(&table.span());
            match table.into_inner() {
                DeValue::Table(table) => Ok((line, table)),
                _ => Err(wrong()),
            }
        });
        tables.collect()
    }

    fn entries(&self, table: DeTable<'t>) -> Vec<Entry> {
        let entries = table.into_iter().map(|(key, value)| Entry {
            line: self.line_of(&key.span()),
            key: key.into_inner().into_owned(),
            value: self.written(value.into_inner()),
        });
        let mut entries: Vec<Entry> = entries.collect();
        // What is wrong is told from the top.
        entries.sort_by_key(|entry| entry.line);
        entries
    }

    fn written(&self, value: DeValue<'t>) -> Written {
        match value {
            DeValue::Table(table) => Written::Table(self.entries(table)),
            DeValue::Array(array) => list(&array).map_or(Written::Mixed, Written::Many),
            one => scalar(&one).map_or(Written::Mixed, Written::One),
        }
    }

    fn wrong(&self, line: usize, what: impl fmt::Display) -> Error {
        config_error(format!("{}: line {line}: {what}", self.name))
    }

    fn line_of(&self, span: &std::ops::Range<usize>) -> usize {
        let before = self.text.bytes().take(span.start);
        1 + before.filter(|byte| *byte == b'\n').count()
    }
}

fn list(array: &DeArray<'_>) -> Option<Vec<String>> {
    array.iter().map(|value| scalar(value.get_ref())).collect()
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => {
            let value = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
            Some(value.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(moment) => Some(moment.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
