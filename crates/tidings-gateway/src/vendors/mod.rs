//! The backends behind the vendors' APIs, on top of intake and the store.
