//! `tidings sim --tls`, and accounts that trust its certificate.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use serde_json::Value;

use crate::shell::{Carrier, Shell, signal, spec, variable};

fn start(shell: &Shell, arguments: &[&str]) -> (Child, Value) {
    let mut command = shell.tidings(&[&["sim", spec().id, "--tls"], arguments].concat());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let access = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
    (child, access)
}

fn text<'v>(access: &'v Value, key: &str) -> &'v str {
    access[key].as_str().unwrap()
}

fn stop(mut child: Child) {
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// An account as it was printed, but for what is left out.
fn beside(access: &Value, without: &str) -> Shell {
    let mut shell = Shell::new();
    shell.set("TIDINGS_PROVIDER", spec().id);
    for (name, value) in access.as_object().unwrap() {
        if name != "provider" && name != without {
            shell.set(&variable(name), value.as_str().unwrap());
        }
    }
    shell
}

#[test]
fn who_trusts_the_printed_file_is_served_and_others_are_not() {
    let (child, access) = start(&Shell::new(), &["--json"]);
    assert!(text(&access, "base_url").starts_with("https://127.0.0.1:"));
    let ca_file = text(&access, "ca_file").to_owned();
    let send = ["send", "--from", "T", "--to", "+224622000001", "Bonjour"];
    beside(&access, "").run(&send).succeeded();
    let refused = beside(&access, "ca_file").run(&send);
    let told = &refused.exited_with(19).stderr;
    assert!(told.contains("ca_file"), "{told}");

    let shell = Shell::new();
    let mut curl = shell.command("curl");
    let url = format!("{}/_sim/messages", text(&access, "base_url"));
    let curl = curl.args(["-sS", "--cacert", &ca_file, &url]);
    let heard = curl.output().unwrap();
    assert!(heard.status.success(), "{heard:?}");
    let heard = String::from_utf8(heard.stdout).unwrap();
    assert!(heard.contains("+224622000001"), "{heard}");

    let python = "import ssl, sys, urllib.request as u\n\
                  c = ssl.create_default_context(cafile=sys.argv[2])\n\
                  c.verify_flags |= ssl.VERIFY_X509_STRICT\n\
                  print(u.urlopen(sys.argv[1], context=c).status)";
    let mut command = shell.command("python3");
    let answered = command.args(["-c", python, &url, &ca_file]).output();
    let answered = answered.unwrap();
    assert_eq!(answered.stdout, b"200\n", "{answered:?}");
    stop(child);
    assert!(!std::path::Path::new(&ca_file).exists());
}

#[test]
fn a_file_that_is_kept_is_good_after_a_restart_and_in_a_configuration() {
    let shell = Shell::new();
    let arguments = ["--json", "--state", "state", "--ca-file", "ca.pem"];
    let (child, access) = start(&shell, &arguments);
    let file = shell.path("ca.pem");
    assert_eq!(text(&access, "ca_file"), file.to_str().unwrap());
    let kept = std::fs::read(&file).unwrap();
    stop(child);
    let (child, access) = start(&shell, &arguments);
    assert_eq!(std::fs::read(&file).unwrap(), kept);

    // In the configuration the path starts from where that is.
    std::fs::create_dir(shell.path("etc")).unwrap();
    let mut lane = format!(
        "[[lanes]]\nid = \"a\"\nprovider = \"{}\"\nca_file = \"../ca.pem\"\n",
        spec().id
    );
    for (name, value) in access.as_object().unwrap() {
        if !["provider", "ca_file"].contains(&name.as_str()) {
            lane = format!("{lane}{name} = {value}\n");
        }
    }
    shell.write("etc/tidings.toml", lane);
    let balance = ["balance", "--config", "etc/tidings.toml"];
    shell.run(&balance).succeeded();
    std::fs::remove_file(&file).unwrap();
    let told = shell.run(&balance);
    let told = &told.exited_with(23).stderr;
    assert!(
        told.contains("ca_file") && told.contains("cannot be read"),
        "{told}"
    );
    stop(child);
}

#[test]
fn a_file_of_somebody_else_is_refused_and_left_alone() {
    let shell = Shell::new();
    shell.write("ca.pem", "somebody's");
    let refused = shell.run(&["sim", spec().id, "--tls", "--ca-file", "ca.pem"]);
    let told = &refused.exited_with(5).stderr;
    assert!(told.contains("ca.pem is there already"), "{told}");
    assert_eq!(std::fs::read(shell.path("ca.pem")).unwrap(), b"somebody's");
    shell.write("photo.png", b"\x89PNG\xff");
    let refused = shell.run(&["sim", spec().id, "--tls", "--ca-file", "photo.png"]);
    let told = &refused.exited_with(5).stderr;
    assert!(told.contains("photo.png"), "{told}");
    let lonely = ["sim", spec().id, "--ca-file", "ca.pem"];
    shell.run(&lonely).exited_with(2);
}

/// Pastes what is printed for the next terminal into one.
#[track_caller]
fn check_pasted(spec: &tidings::ProviderSpec, arguments: &[&str]) {
    let shell = Shell::new();
    let mut command = shell.tidings(&[&["sim", spec.id], arguments].concat());
    let mut child = command.spawn().unwrap();
    let mut script = String::from("set -e\n");
    let stdout = child.stdout.as_mut().unwrap();
    for line in BufReader::new(stdout).lines() {
        let line = line.unwrap();
        if let Some(pasted) = line.strip_prefix("  ") {
            script = format!("{script}{pasted}\n");
        }
        if line.contains("curl ") {
            break;
        }
    }
    let pasted = shell.command("bash").args(["-c", &script]).output();
    let pasted = pasted.unwrap();
    stop(child);
    assert!(pasted.status.success(), "{script}{pasted:?}");
    let shown = String::from_utf8(pasted.stdout).unwrap();
    let sent = if shown.contains("Hello") {
        "Hello"
    } else {
        "Bonjour"
    };
    assert!(shown.contains(&format!("\"text\":\"{sent}\"")), "{shown}");
}

#[test]
fn what_is_printed_for_the_next_terminal_works_there() {
    for spec in tidings::providers::ALL {
        check_pasted(spec, &[]);
        check_pasted(spec, &["--tls"]);
    }
}

#[test]
fn a_simulator_with_tls_names_its_file_in_its_account() {
    let carrier = Carrier::built(spec(), "", tidings_sim::SimulatorBuilder::tls);
    let simulator = carrier.simulator();
    let file = simulator.ca_file().unwrap();
    assert_eq!(
        simulator.account().setting(tidings::provider::CA_FILE),
        file.to_str()
    );
    Shell::beside(&carrier).run(&["balance"]).succeeded();
}
