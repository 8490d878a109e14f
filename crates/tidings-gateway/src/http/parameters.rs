//! What may stand behind the question mark of each call: [`Parameters`]. Anything else is refused, so that a
//! wrong name does not pass unnoticed.
//!
//! Made of the `OpenAPI` description of the calls, asked by `auth.rs` before a handler runs and by the one
//! handler that looks at its key itself. It reads no value.

use std::collections::HashMap;

use axum::extract::Query;
use http::{Method, Uri};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

use super::error::{Code, Problem, Result};
use super::words;

/// The names of parameters by method and path.
#[derive(Debug, Default)]
pub(crate) struct Parameters(HashMap<(Method, String), Vec<String>>);

impl Parameters {
    /// Those of these calls.
    pub(crate) fn of<'d>(documents: impl IntoIterator<Item = &'d OpenApi>) -> Self {
        let mut all = HashMap::new();
        let items = documents.into_iter().flat_map(|it| &it.paths.paths);
        for (path, item) in items {
            let operations = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            for (method, operation) in operations {
                if let Some(operation) = operation {
                    all.insert((method, path.clone()), names(operation));
                }
            }
        }
        Self(all)
    }

    /// Refuses a parameter that the call does not have. `path` is that of the description.
    pub(crate) fn check(&self, method: &Method, path: &str, uri: &Uri) -> Result<()> {
        if uri.query().is_none_or(str::is_empty) {
            return Ok(());
        }
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        // What no document describes reads its query itself.
        let Some(known) = self.0.get(&(method.clone(), path.to_owned())) else {
            return Ok(());
        };
        let given = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(given) =
            given.map_err(|_| Problem::new(Code::InvalidQuery, "the query cannot be read"))?;
        let unknown = given.iter().find(|(name, _)| !known.contains(name));
        let Some((name, _)) = unknown else {
            return Ok(());
        };
        let name = if words::is_name(name) {
            name
        } else {
            "of this name"
        };
        let knows = if known.is_empty() {
            "it has none".to_owned()
        } else {
            format!("it has {}", known.join(", "))
        };
        let detail = format!("the call has no parameter {name}; {knows}");
        Err(Problem::new(Code::InvalidQuery, detail))
    }
}

fn names(operation: &Operation) -> Vec<String> {
    let parameters = operation.parameters.iter().flatten();
    let names = parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
            Some(parameter.name.clone())
        }
        // None of our calls keeps its parameters elsewhere.
        RefOr::T(_) | RefOr::Ref(_) => None,
    });
    names.collect()
}
