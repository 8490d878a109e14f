//! The HTTP API: every route on one screen.
