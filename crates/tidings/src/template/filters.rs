//! The engine with the filters and tests that templates may use, and no others.
//!
//! Called by `mod.rs` once per template. What can make a long text of short ones is written anew
//! with a limit; the rest is the engine's own.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, filters, tests};

use super::MAX_FIELD_BYTES;

/// All filters, as `environment` adds them.
pub(super) const FILTERS: [&str; 20] = [
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "lower",
    "replace",
    "reverse",
    "round",
    "split",
    "string",
    "title",
    "trim",
    "upper",
];

/// All tests, as `environment` adds them.
pub(super) const TESTS: [&str; 12] = [
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "in",
    "ne",
    "none",
    "odd",
    "startingwith",
    "undefined",
];

/// An engine that holds nothing but these.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.add_filter("abs", filters::abs);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("count", filters::length);
    environment.add_filter("d", filters::default);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("float", filters::float);
    environment.add_filter("int", filters::int);
    environment.add_filter("join", join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("replace", replace);
    environment.add_filter("reverse", filters::reverse);
    environment.add_filter("round", filters::round);
    environment.add_filter("split", filters::split);
    environment.add_filter("string", filters::string);
    environment.add_filter("title", filters::title);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("divisibleby", tests::is_divisibleby);
    environment.add_test("endingwith", tests::is_endingwith);
    environment.add_test("eq", tests::is_eq);
    environment.add_test("equalto", tests::is_eq);
    environment.add_test("even", tests::is_even);
    environment.add_test("in", tests::is_in);
    environment.add_test("ne", tests::is_ne);
    environment.add_test("none", tests::is_none);
    environment.add_test("odd", tests::is_odd);
    environment.add_test("startingwith", tests::is_startingwith);
    environment.add_test("undefined", tests::is_undefined);
    environment
}

fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let n_places = text.matches(from).count();
    bounded(text.len() + n_places * to.len())?;
    Ok(text.replace(from, to))
}

fn join(values: Vec<Value>, between: Option<&str>) -> Result<String, Error> {
    let between = between.unwrap_or_default();
    let mut joined = String::new();
    for (position, value) in values.into_iter().enumerate() {
        if position > 0 {
            joined.push_str(between);
        }
        joined.push_str(&value.to_string());
        bounded(joined.len())?;
    }
    Ok(joined)
}

fn bounded(n_bytes: usize) -> Result<(), Error> {
    if n_bytes > MAX_FIELD_BYTES {
        return Err(Error::new(ErrorKind::WriteFailure, "too long"));
    }
    Ok(())
}
