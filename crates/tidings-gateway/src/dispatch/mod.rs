//! Stages 2 and 3: what is due on a lane is leased, attempted and ended.
