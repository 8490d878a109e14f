//! The server half, shared by all providers: who is calling, how large a body may be.
//!
//! Called by each provider's `server.rs`, which adds the vendor's own shapes.
