//! `cargo xtask bench <name>`: the registration of the benchmarks. Each is a module of its own that
//! prints its table; this file only knows their names.

mod gateway;
mod layers;
mod messenger;
mod netsapiens;
mod passinfo;
mod puzzel;
mod text;
mod throughput;

use anyhow::bail;

type Bench = fn(&[String]) -> anyhow::Result<()>;

const BENCHES: &[(&str, Bench)] = &[
    ("gateway", passinfo::gateway),
    ("layers", layers::run),
    ("messenger", messenger::run),
    ("netsapiens", netsapiens::run),
    ("passinfo", passinfo::run),
    ("puzzel", puzzel::run),
    ("text", text::run),
];

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let named = arguments.split_first().and_then(|(name, rest)| {
        let (_, bench) = BENCHES.iter().find(|(known, _)| known == name)?;
        Some((bench, rest))
    });
    let Some((bench, rest)) = named else {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        bail!("say which benchmark: {}", names.join(", "));
    };
    bench(rest)
}
