//! `tidings segments`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::shell::Shell;

const VECTORS: &str = include_str!("../../../tidings-core/testdata/segmentation.jsonl");

/// The four fields that are promised, in the promised order and nothing else.
fn promised(vector: &Value) -> String {
    let fields = ["encoding", "units", "segments", "segment_units"];
    let fields = fields.map(|field| format!("\"{field}\":{}", vector[field]));
    format!("{{{}}}", fields.join(","))
}

#[test]
fn jsonl_equals_every_vector_byte_for_byte() {
    let ended = Shell::new().run_with_input(&["segments", "--jsonl"], VECTORS.as_bytes());
    ended.succeeded();
    let vectors: Vec<Value> = VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(vectors.len() > 4_000, "{}", vectors.len());
    assert_eq!(ended.stdout.lines().count(), vectors.len());
    for (vector, line) in vectors.iter().zip(ended.stdout.lines()) {
        assert_eq!(line, promised(vector), "{}", vector["id"]);
    }
}

#[test]
fn jsonl_reports_bad_lines_and_goes_on() {
    let shell = Shell::new();
    shell.write(
        "lines",
        "{\"text\":\"a\"}\nnot json\n\n{\"text\":1}\n{\"text\":\"\\ud800\"}\n{\"text\":\"b\"}",
    );
    let ended = shell.run(&["segments", "--jsonl", "--file", "lines"]);
    ended.exited_with(3);
    assert_eq!(ended.stdout.lines().count(), 2, "{}", ended.stdout);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    for (line, beginning) in lines
        .iter()
        .zip(["line 2:", "line 4:", "line 5:", "error: 3 of 6"])
    {
        assert!(line.starts_with(beginning), "{line}");
    }
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_program_that_waits_for_each_answer_gets_it() {
    let shell = Shell::new();
    let mut command = shell.tidings(&["segments", "--jsonl"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for text in ["a", "é", "ê"] {
        writeln!(stdin, "{}", json!({"text": text})).unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert!(answer.contains("\"units\":1"), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_person_sees_what_made_it_ucs2_and_what_would_help() {
    let text = "Bonjour Aïssatou, votre commande a été expédiée « aujourd’hui » : elle arrive ce soir à Conakry.";
    let ended = Shell::new().run(&["segments", text]);
    insta::assert_snapshot!(ended.succeeded().stdout, @r"
    encoding  ucs2
    units     96 UTF-16 units
    parts     2 (67 + 29)
    because   « (U+00AB, 1 time), » (U+00BB, 1 time), ï (U+00EF, 1 time), ’ (U+2019, 1 time)
    hint      --replace accents makes it 1 part in gsm7
    ");
    let ended = Shell::new().run(&["segments", "--replace", "accents", text]);
    insta::assert_snapshot!(ended.succeeded().stdout, @r#"
    encoding  gsm7
    units     96 septets
    parts     1 (96)
    replaced  "ï" by "i" at byte 9
    replaced  "«" by "\"" at byte 53
    replaced  "’" by "'" at byte 63
    replaced  "»" by "\"" at byte 70
    "#);
}

#[track_caller]
fn check_hint(text: &str, expected: Option<&str>) {
    let ended = Shell::new().run(&["segments", text]);
    let hint = ended
        .succeeded()
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("hint").map(str::trim));
    assert_eq!(hint, expected);
}

#[test]
fn a_symbol_that_makes_a_text_dear_is_named() {
    let text = "Bonjour, votre rendez-vous à l'hôpital est prévu demain à 9h. Merci d’être là";
    check_hint(
        &format!("{text} 😀🙏😀"),
        Some("without 😀🙏 --replace accents makes it 1 part in gsm7"),
    );
    let plain = "Bonjour, votre rendez-vous est prévu demain à 9h. Merci de votre confiance !!";
    check_hint(
        &format!("{plain} 😀"),
        Some("without 😀 it takes 1 part in gsm7"),
    );
    // Letters are what the text is about.
    check_hint(&format!("{text} 你好 😀"), None);
    check_hint("prévu demain 😀", None);
}

#[test]
fn json_holds_the_same() {
    let ended = Shell::new().run(&["segments", "--json", "5 € ça va"]);
    insta::assert_snapshot!(ended.succeeded().stdout, @r#"{"encoding":"ucs2","units":9,"segments":1,"segment_units":[9],"outside_gsm":[{"character":"ç","code_point":"U+00E7","count":1}],"replaced":[],"hint":null}"#);
}

#[test]
fn the_text_comes_from_where_it_is_said() {
    let shell = Shell::new();
    shell.write("text", "abc\n");
    assert!(
        shell
            .run(&["segments", "--file", "text"])
            .succeeded()
            .stdout
            .contains("units     3 ")
    );
    assert!(
        shell
            .run_with_input(&["segments", "-"], b"abcd\r\n")
            .succeeded()
            .stdout
            .contains("units     4 ")
    );
    assert!(
        shell
            .run_with_input(&["segments"], b"ab")
            .succeeded()
            .stdout
            .contains("units     2 ")
    );
    shell.run_with_input(&["segments"], b"\xFF").exited_with(5);
    shell
        .run(&["segments", "--file", "no-such-file"])
        .exited_with(5);
}

#[test]
fn limits_and_variants() {
    let shell = Shell::new();
    let long = "x".repeat(161);
    let refused = shell.run(&["segments", "--max-parts", "1", &long]);
    assert!(
        refused
            .exited_with(5)
            .stderr
            .contains("the text needs 2 parts, 1 are permitted")
    );
    let sixteen = shell.run(&["segments", "--sixteen-bit", &long]);
    assert!(
        sixteen.succeeded().stdout.contains("2 (152 + 9)"),
        "{}",
        sixteen.stdout
    );
    let turkish = shell.run(&["segments", "--national", "turkish", "ğüş"]);
    assert!(
        turkish.succeeded().stdout.contains("gsm7"),
        "{}",
        turkish.stdout
    );
    let strict = shell.run(&["segments", "--replace", "strict", "漢"]);
    assert!(
        strict.exited_with(5).stderr.contains("GSM"),
        "{}",
        strict.stderr
    );
    shell
        .run(&["segments", "--replace", "some", "x"])
        .exited_with(2);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let shell = Shell::new();
    let mut command = shell.tidings(&["segments", "--jsonl"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // It may be gone before everything is written.
    stdin.write_all(VECTORS.as_bytes()).ok();
    drop(stdin);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(141));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}
