//! The registration: every provider that is compiled in.
//!
//! This file and the providers' own folders are the only places that know a provider by name;
//! everything else iterates over [`ALL`].

use crate::provider::ProviderSpec;

/// Every provider that is compiled in, by id.
pub static ALL: &[&ProviderSpec] = &[
    #[cfg(feature = "netsapiens")]
    &crate::netsapiens::SPEC,
    #[cfg(feature = "passinfo")]
    &crate::passinfo::SPEC,
    #[cfg(feature = "puzzel")]
    &crate::puzzel::SPEC,
];

/// The provider with this id.
pub fn by_id(id: &str) -> Option<&'static ProviderSpec> {
    ALL.iter().copied().find(|spec| spec.id == id)
}
