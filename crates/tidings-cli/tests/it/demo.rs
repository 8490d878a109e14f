//! `tidings demo`, as a person and as a script see it.

use crate::shell::Shell;

#[test]
fn a_script_gets_every_row_and_a_summary() {
    let lines = Shell::new()
        .run(&["demo", "--once", "--json"])
        .succeeded()
        .json();
    let first = &lines[0];
    assert_eq!(first["type"], "carrier");
    assert!(
        first["base_url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:"),
        "{first}"
    );
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of("message"), of("bad_row"), of("summary")), (986, 14, 1));
    let summary = lines.last().unwrap();
    insta::assert_snapshot!(summary.to_string(), @r#"{"bad_rows":14,"encodings":{"gsm7":625,"ucs2":361},"messages":986,"parts":1387,"rows":1000,"states":{"delivered":974,"undelivered":12},"type":"summary"}"#);
    let lines_of_file = include_str!("../../../../examples/campaign.csv")
        .lines()
        .count();
    assert_eq!(lines_of_file, 1_001);
}

#[test]
fn without_a_terminal_it_prints_plain_lines() {
    let ended = Shell::new().run(&["demo"]);
    insta::assert_snapshot!(ended.succeeded().stdout, @r#"
     state        messages  parts
     delivered         974   1369
     undelivered        12     18
     total             986   1387

     encoding  messages  parts
     gsm7           625    625
     ucs2           361    762
     total          986   1387

     line  not sent because                                                 what to do
       18  the phone number is too short or too long for its country        correct the number
       59  the account serves +224 only                                     send it through another account
      115  the phone number holds letters                                   write the number in digits; in a spreadsheet, format the column as text
      180  the template uses first_name, which is empty                     fill the field, or give the template a default: {{ column | default("..") }}
      246  there is no phone number                                         add the number
      303  the phone number is too short or too long for its country        correct the number
      379  the phone number holds letters                                   write the number in digits; in a spreadsheet, format the column as text
      454  the phone number does not exist in its country's numbering plan  correct the number
      520  the phone number's country code does not exist                   correct the number
      608  the template uses town, which is empty                           fill the field, or give the template a default: {{ column | default("..") }}
      692  the phone number holds letters                                   write the number in digits; in a spreadsheet, format the column as text
      772  line 771 has the same number and text                            remove the row or line 771, or give --allow-duplicates
      847  the account serves +224 only                                     send it through another account
      923  the row has 4 fields, the file has 6 columns                     put fields that hold the delimiter or a line end into quotation marks
    "#);
    assert!(
        ended.stderr.contains("986/986 messages handed over"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains('\u{1b}') && !ended.stdout.contains('\u{1b}'));
}
