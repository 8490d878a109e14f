//! What a scenario may say, and what is said about one that is wrong.
