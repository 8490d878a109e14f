//! Tests of the forms in which documents travel.

mod reading;
