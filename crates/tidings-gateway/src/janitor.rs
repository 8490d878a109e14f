//! Repairs what time or a crash left behind.
