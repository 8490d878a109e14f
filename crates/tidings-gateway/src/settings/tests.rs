//! Tests of the settings of an account.
