//! SQL as constants, so that a test can read the plan of every statement that can run.
//!
//! Used by every file of this folder: [`Db`](super::db::Db) runs nothing but a [`Sql`], and only
//! [`statements!`] makes one. It runs nothing itself.

/// A statement that the module can run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sql(pub(super) &'static str);

/// Declares statements, and for the tests a list of all of the file's.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$doc])* pub(in crate::sqlite) const $name: $crate::sqlite::sql::Sql = $crate::sqlite::sql::Sql($text);)+

        /// Every statement of this file, by name.
        #[cfg(test)]
        pub(in crate::sqlite) const STATEMENTS: &[(&str, $crate::sqlite::sql::Sql)] =
            &[$((stringify!($name), $name)),+];
    };
}
pub(super) use statements;
