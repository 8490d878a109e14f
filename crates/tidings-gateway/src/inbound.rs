//! Texts from phones.
