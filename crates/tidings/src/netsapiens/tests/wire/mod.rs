//! Tests of the documents: what is read in how many forms, and which member is named when one is
//! wrong.

mod faults;
mod lenient;
mod secrecy;
mod sending;
mod times;
