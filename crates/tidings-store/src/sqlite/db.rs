//! A connection with its prepared statements, and the names that repeat.
//!
//! Used by readers and, through [`Write`](super::write::Write), by the writer. It knows no area.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::sql::{Sql, statements};
use crate::error::{Result, StoreError, StoreErrorKind};

statements! {
    NAME_KEY = "SELECT key FROM names WHERE name = ?1";
    NAME = "SELECT name FROM names WHERE key = ?1";
    ADD_NAME = "INSERT INTO names (name) VALUES (?1)";
}

/// A connection.
#[derive(Debug)]
pub(super) struct Db {
    pub(super) connection: Connection,
    names: RefCell<Names>,
}

/// Names are only ever added, so what is known of them stays true.
#[derive(Debug, Default)]
struct Names {
    keys: HashMap<Arc<str>, i64>,
    names: HashMap<i64, Arc<str>>,
}

impl Db {
    /// Takes over a connection.
    pub(super) fn new(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(512);
        Self {
            connection,
            names: RefCell::default(),
        }
    }

    /// Runs a statement that gives no rows. How many rows it changed.
    pub(super) fn execute(&self, sql: Sql, params: impl Params) -> Result<usize> {
        Ok(self.connection.prepare_cached(sql.0)?.execute(params)?)
    }

    /// The first row.
    pub(super) fn one<T>(
        &self,
        sql: Sql,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql.0)?;
        Ok(statement.query_row(params, read).optional()?)
    }

    /// All rows.
    pub(super) fn all<T>(
        &self,
        sql: Sql,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql.0)?;
        let rows = statement.query_map(params, read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The key of a name, if it has one.
    pub(super) fn key_of(&self, name: &str) -> Result<Option<i64>> {
        if let Some(key) = self.names.borrow().keys.get(name) {
            return Ok(Some(*key));
        }
        let key = self.one(NAME_KEY, [name], |row| row.get(0))?;
        if let Some(key) = key {
            self.know(key, name);
        }
        Ok(key)
    }

    /// The key of a name, which gets one if it has none. Only for the writer.
    pub(super) fn intern(&self, name: &str) -> Result<i64> {
        if let Some(key) = self.key_of(name)? {
            return Ok(key);
        }
        self.execute(ADD_NAME, [name])?;
        let key = self.connection.last_insert_rowid();
        self.know(key, name);
        Ok(key)
    }

    /// The name with a key.
    pub(super) fn name_of(&self, key: i64) -> Result<Arc<str>> {
        if let Some(name) = self.names.borrow().names.get(&key) {
            return Ok(Arc::clone(name));
        }
        let name: Option<Arc<str>> = self.one(NAME, [key], |row| row.get(0))?;
        let name = name.ok_or_else(|| {
            StoreError::new(StoreErrorKind::Corrupt, "a row names a name that is gone")
        })?;
        self.know(key, &name);
        Ok(name)
    }

    /// Forgets names: a transaction that may have added some was rolled back.
    pub(super) fn forget_names(&self) {
        *self.names.borrow_mut() = Names::default();
    }

    fn know(&self, key: i64, name: &str) {
        let mut names = self.names.borrow_mut();
        let name: Arc<str> = name.into();
        names.keys.insert(Arc::clone(&name), key);
        names.names.insert(key, name);
    }
}
