//! Who calls, and what he may do: accounts, keys and tokens.
