//! The vendor's code lists as data: what each code is called, what it means, and what it is for us.
//!
//! Used by both halves and by whoever shows codes to people.
