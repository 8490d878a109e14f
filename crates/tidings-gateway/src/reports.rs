//! Stage 4: what providers say of messages.
