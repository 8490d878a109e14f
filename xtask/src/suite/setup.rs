//! What the tests need beside the Rust toolchain. On Debian as root it is installed; elsewhere the
//! one command that would install it is printed. Only what is really missing is touched.

use std::path::Path;

use anyhow::bail;

use crate::process;
use crate::suite::counts::Counts;

/// Something that must be there, how to see it, and what brings it.
struct Need {
    what: &'static str,
    is_there: fn() -> bool,
    debian_packages: &'static [&'static str],
    /// Without it nothing can be built; the others are needed by single tests, which say so.
    is_vital: bool,
}

const NEEDS: &[Need] = &[
    Need {
        what: "a C compiler",
        is_there: || process::succeeds("cc", &["--version"]),
        debian_packages: &["gcc"],
        is_vital: true,
    },
    Need {
        what: "the C library's headers",
        // The compiler is asked, because the folder of the headers differs between systems.
        is_there: || {
            process::succeeds(
                "cc",
                &["-E", "-include", "stdlib.h", "-x", "c", "/dev/null"],
            )
        },
        debian_packages: &["libc6-dev"],
        is_vital: true,
    },
    Need {
        what: "Python with virtual environments (the vendors' own clients run in one)",
        // Debian cuts `ensurepip` out of python3; without it `python3 -m venv` fails.
        is_there: || process::succeeds("python3", &["-c", "import venv, ensurepip"]),
        debian_packages: &["python3", "python3-venv", "python3-pip"],
        is_vital: false,
    },
    Need {
        what: "the system's root certificates",
        is_there: || {
            [
                "/etc/ssl/certs/ca-certificates.crt",
                "/etc/ssl/cert.pem",
                "/etc/pki/tls/cert.pem",
            ]
            .iter()
            .any(|file| Path::new(file).exists())
        },
        debian_packages: &["ca-certificates"],
        is_vital: false,
    },
];

pub(crate) fn run() -> anyhow::Result<Counts> {
    let missing_components = missing_components();
    if !missing_components.is_empty() {
        let mut arguments = vec!["component", "add"];
        arguments.extend(missing_components);
        process::run(&mut process::command("rustup", &arguments))?;
    }
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        println!("everything is there");
        return Ok(Counts::one_passed());
    }
    for need in &missing {
        println!("missing: {}", need.what);
    }
    let packages = missing
        .iter()
        .flat_map(|need| need.debian_packages)
        .copied();
    // Whether that mattered is decided by what is still missing, not by how apt-get ended.
    if let Err(error) = install(&packages.collect::<Vec<_>>()) {
        println!("{error:#}");
    }
    let still_missing = missing
        .iter()
        .find(|need| need.is_vital && !(need.is_there)());
    match still_missing {
        Some(need) => bail!("still missing: {}", need.what),
        None => Ok(Counts::one_passed()),
    }
}

/// rustup installs what `rust-toolchain.toml` names; a toolchain without rustup may lack them.
fn missing_components() -> Vec<&'static str> {
    [("fmt", "rustfmt"), ("clippy", "clippy")]
        .into_iter()
        .filter(|(subcommand, _)| !process::succeeds("cargo", &[subcommand, "--version"]))
        .map(|(_, component)| component)
        .collect()
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    let may_install = Path::new("/etc/debian_version").exists()
        && process::succeeds("apt-get", &["--version"])
        && is_root();
    if !may_install {
        println!("{}", advice(packages));
        return Ok(());
    }
    let quiet = |arguments: &[&str]| {
        process::run(
            process::command("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    // Old lists only mean older versions; the installation decides.
    if let Err(error) = quiet(&["update", "--quiet=2"]) {
        println!("{error:#}");
    }
    let mut arguments = vec!["install", "--yes", "--quiet=2", "--no-install-recommends"];
    arguments.extend(packages);
    quiet(&arguments)
}

/// The one command for a person to type.
pub(crate) fn advice(packages: &[&str]) -> String {
    format!(
        "on Debian this installs it: sudo apt-get install {}",
        packages.join(" ")
    )
}

fn is_root() -> bool {
    process::ask(&mut process::command("id", &["-u"])).is_ok_and(|output| output.text.trim() == "0")
}
