//! What a scenario may say, and what is said about one that is wrong.

use std::time::Duration;

use super::*;

#[track_caller]
fn read(text: &str) -> Scenario {
    Scenario::from_toml(text).unwrap()
}

#[track_caller]
fn check_fault(text: &str, expected: &Action) {
    let scenario = read(&format!("[[fault]]\n{text}"));
    assert_eq!(scenario.faults.first().unwrap().action, *expected, "{text}");
}

#[test]
fn an_empty_scenario_is_a_good_day() {
    let scenario = read("");
    assert_eq!(scenario.credit, None);
    assert_eq!(scenario.delays, Delays::default());
    assert_eq!((scenario.n_failing(), scenario.n_faults()), (0, 0));
}

#[test]
fn every_action_is_read() {
    let drop = |when, reset| Action::Drop { when, reset };
    let refuse = |status: u16, code: Option<&str>, body: Option<&str>| Action::Refuse {
        status: http::StatusCode::from_u16(status).unwrap(),
        code: code.map(str::to_owned),
        body: body.map(str::to_owned),
    };
    let html = http::HeaderValue::from_static("text/html");
    let text = http::HeaderValue::from_static("text/plain");
    check_fault("refuse = { status = 503 }", &refuse(503, None, None));
    check_fault(
        "refuse = { status = 400, code = \"E1\", body = \"no\" }",
        &refuse(400, Some("E1"), Some("no")),
    );
    check_fault(
        "rate_limit = {}",
        &Action::RateLimit {
            retry_after_s: None,
        },
    );
    check_fault(
        "rate_limit = { retry_after_s = 2 }",
        &Action::RateLimit {
            retry_after_s: Some(2),
        },
    );
    check_fault(
        "drop = { when = \"before\" }",
        &drop(DropWhen::Before, false),
    );
    check_fault(
        "drop = { when = \"after\", reset = true }",
        &drop(DropWhen::After, true),
    );
    check_fault(
        "drop = { when = \"mid_answer\" }",
        &drop(DropWhen::MidAnswer, false),
    );
    check_fault(
        "late = { ms = 20 }",
        &Action::Late(Duration::from_millis(20)),
    );
    let slow = |bytes, milliseconds| Action::Slow {
        bytes,
        pause: Duration::from_millis(milliseconds),
    };
    check_fault("slow = { bytes_per_s = 20 }", &slow(1, 50));
    check_fault("slow = { bytes_per_s = 10000 }", &slow(100, 10));
    check_fault("slow = { chunk_ms = 7 }", &slow(1, 7));
    check_fault("broken_json = true", &Action::BrokenJson);
    check_fault("wrong_content_type = {}", &Action::WrongContentType(html));
    check_fault(
        "wrong_content_type = { content_type = \"text/plain\" }",
        &Action::WrongContentType(text),
    );
    check_fault("empty_body = true", &Action::EmptyBody);
    check_fault(
        "failure_in_200 = { message = \"m\" }",
        &Action::FailureIn200 {
            body: r#"{"message":"m","status":"error","success":false}"#.to_owned(),
        },
    );
    check_fault(
        "failure_in_200 = { body = \"<fault/>\" }",
        &Action::FailureIn200 {
            body: "<fault/>".to_owned(),
        },
    );
    check_fault(
        "unknown_status = { word = \"parked\" }",
        &Action::UnknownStatus {
            word: "parked".to_owned(),
        },
    );
    check_fault("no_credit = true", &Action::NoCredit);
}

#[track_caller]
fn check_call(text: &str, expected: &CallMatcher) {
    let scenario = read(&format!("[[fault]]\n{text}"));
    assert_eq!(scenario.faults.first().unwrap().call, *expected, "{text}");
}

#[test]
fn a_call_is_an_operation_or_a_piece_of_the_path() {
    for operation in Operation::ALL {
        let action = match operation {
            Operation::Report => "unknown_status = { word = \"w\" }",
            _ => "empty_body = true",
        };
        check_call(
            &format!("{action}\ncall = \"{}\"", operation.as_str()),
            &CallMatcher::Operation(operation),
        );
    }
    check_call("empty_body = true", &CallMatcher::Any);
    check_call(
        "empty_body = true\ncall = \"/v1/x\"",
        &CallMatcher::Path("/v1/x".to_owned()),
    );
    check_call(
        "no_credit = true",
        &CallMatcher::Operation(Operation::Submit),
    );
    check_call(
        "unknown_status = { word = \"w\" }",
        &CallMatcher::Operation(Operation::MessageStatus),
    );
    check_call(
        "no_credit = true\ncall = \"balance\"",
        &CallMatcher::Operation(Operation::Balance),
    );
}

#[test]
fn accounts_phones_reports_and_texts_are_read() {
    let scenario = read(
        "rate_per_s = 4\nrefuse_duplicates = true\nallows_premium = false\nmax_price = 700\n\
         sender = \"1960\"\nrecipient_quota = { messages = 3, within_s = 60, excess = \"refused\" }\n\
         [[account]]\nsettings = { line = 2000, name = \"x\" }\ncredit = 7\n\
         recipient_quota = { messages = 1 }\n\
         [[phone]]\nprefix = \"+47\"\nage = 15\nbars_premium = true\n\
         [reports]\nduplicate = true\nlate_ms = 20\n\
         [[inbound]]\nafter_ms = 5\nfrom = \"+4790000001\"\ntext = \"STOP\"",
    );
    let quota = |messages, seconds, excess| {
        Some(rules::RecipientQuota {
            messages,
            within: Duration::from_secs(seconds),
            excess,
        })
    };
    let rules = Rules {
        rate_per_s: Some(4.0),
        refuses_duplicates: true,
        recipient_quota: quota(3, 60, rules::Excess::Refused),
        allows_premium: false,
        max_price: Some(700),
        sender: Some("1960".parse().unwrap()),
        user: rules::UserRules::default(),
    };
    assert_eq!(rules.interval_us(), 250_000);
    assert_eq!(scenario.rules, rules);
    let settings = [("line", "2000"), ("name", "x")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let further = FurtherAccount {
        settings: settings.into(),
        credit: Some(7),
        rules: Rules {
            recipient_quota: quota(1, 3_600, rules::Excess::Held),
            ..Rules::default()
        },
    };
    assert_eq!(scenario.further_accounts, [further]);
    let phone = scenario.phone(&"+4790000001".parse().unwrap()).unwrap();
    assert_eq!((phone.age, phone.bars_premium), (Some(15), true));
    assert!(scenario.phone(&"+4690000001".parse().unwrap()).is_none());
    let reports = Reports {
        duplicate: true,
        shuffle: false,
        late: Duration::from_millis(20),
    };
    assert_eq!(scenario.reports, reports);
    let text = scenario.inbound.first().unwrap();
    assert_eq!(
        (text.after, &*text.text),
        (Duration::from_millis(5), "STOP")
    );
    assert_eq!(Rules::default().interval_us(), 0);
}

#[test]
fn a_wrong_rule_is_told_by_its_key_and_what_is_allowed() {
    for rate in ["0", "-1", "1e-7", "2000000", "inf", "nan"] {
        let text = format!("rate_per_s = {rate}");
        check_error(&text, Some("rate_per_s"), &["0.000001 to 1000000"]);
    }
    check_error("sender = \"\"", Some("sender"), &["11 characters"]);
    check_error("max_price = -1", Some("max_price"), &["u32"]);
    let quota = "recipient_quota = { messages = 0 }";
    check_error(quota, Some("recipient_quota.messages"), &["at least 1"]);
    let quota = "recipient_quota = { messages = 1, excess = \"dropped\" }";
    check_error(quota, Some("recipient_quota.excess"), &["held", "refused"]);
    let account = "[[account]]\nsettings = {}";
    check_error(account, Some("account[0].settings"), &["differs"]);
    let account = "[[account]]\nsettings = { line = 1 }\nrate_per_s = 0";
    check_error(account, Some("account[0].rate_per_s"), &["a second"]);
    check_error("[[account]]", Some("account[0]"), &["settings"]);
    let phone = "[[phone]]\nto = \"+4790000001\"";
    check_error(phone, Some("phone[0]"), &["age", "bars_premium"]);
    let phone = "[[phone]]\nage = 15";
    check_error(phone, Some("phone[0]"), &["to", "prefix"]);
    let inbound = "[[inbound]]\nfrom = \"12\"\ntext = \"x\"";
    check_error(inbound, Some("inbound[0].from"), &["country code"]);
    check_error(
        "[reports]\ntwice = true",
        Some("reports.twice"),
        &["duplicate"],
    );
    let fault = "[[fault]]\ncall = \"report\"\nempty_body = true";
    check_error(fault, Some("fault[0]"), &["unknown_status"]);
    let fault = "[[fault]]\nfailure_in_200 = { message = \"a\", body = \"b\" }";
    check_error(fault, Some("fault[0].failure_in_200"), &["at most one"]);
}

#[track_caller]
fn check_failure(scenario: &Scenario, to: &str, expected: Option<(Reason, FailsAt)>) {
    let failure = scenario.failure_of(&to.parse().unwrap());
    assert_eq!(
        failure.map(|failure| (failure.reason, failure.at)),
        expected,
        "{to}"
    );
}

#[test]
fn the_first_rule_that_fits_a_number_decides() {
    let scenario = read(
        "[[fail]]\nto = \"+224622000001\"\nreason = \"opted_out\"\nat = \"accept\"\n\
         [[fail]]\nprefix = \"+224622\"\nat = \"delivered\"\n\
         [[fail]]\nprefix = \"+2246\"\n",
    );
    let unspecified = Reason::Unspecified;
    check_failure(
        &scenario,
        "+224622000001",
        Some((Reason::OptedOut, FailsAt::Accept)),
    );
    check_failure(
        &scenario,
        "+224622000002",
        Some((unspecified, FailsAt::Delivered)),
    );
    check_failure(
        &scenario,
        "+224621000002",
        Some((unspecified, FailsAt::Sent)),
    );
    check_failure(&scenario, "+4790000001", None);
}

#[track_caller]
fn check_error(text: &str, key: Option<&str>, told: &[&str]) {
    let error = Scenario::from_toml(text).unwrap_err();
    assert_eq!(error.key(), key, "{error}");
    let shown = error.to_string();
    for word in told {
        assert!(shown.contains(word), "{word:?} is not in {shown:?}");
    }
    assert!(!shown.contains('\n'), "{shown:?} is more than a line");
}

#[test]
fn a_wrong_scenario_is_told_by_its_key_and_what_is_allowed() {
    let fault = |text: &str| format!("[[fault]]\nempty_body = true\n[[fault]]\n{text}");
    check_error("credit = ", None, &["line 1"]);
    check_error("credit = 1\n\n[delays", None, &["line 3"]);
    check_error("kredit = 5", Some("kredit"), &["credit", "delays", "fault"]);
    check_error("credit = \"much\"", Some("credit"), &["u32"]);
    check_error("credit = -1", Some("credit"), &["u32"]);
    check_error(
        "[delays]\nsent = 1",
        Some("delays.sent"),
        &["sent_ms", "delivered_ms"],
    );
    check_error(
        "[delays]\nsent_ms = 10\ndelivered_ms = 5",
        Some("delays.delivered_ms"),
        &["at least"],
    );
    check_error(
        "[[fail]]\nreason = \"expired\"",
        Some("fail[0]"),
        &["to", "prefix"],
    );
    check_error(
        "[[fail]]\nto = \"12\"",
        Some("fail[0].to"),
        &["+ and country code"],
    );
    check_error("[[fail]]\nprefix = \"224\"", Some("fail[0].prefix"), &["+"]);
    check_error(
        "[[fail]]\nprefix = \"+2\"\nreason = \"bad\"",
        Some("fail[0].reason"),
        &["opted_out"],
    );
    check_error(
        "[[fail]]\nprefix = \"+2\"\nat = \"never\"",
        Some("fail[0].at"),
        &["accept", "sent", "delivered"],
    );
    check_error(
        &fault(""),
        Some("fault[1]"),
        &["exactly one", "refuse", "no_credit"],
    );
    check_error(
        &fault("empty_body = true\nbroken_json = true"),
        Some("fault[1]"),
        &["exactly one"],
    );
    check_error(
        &fault("empty_body = false"),
        Some("fault[1].empty_body"),
        &["true"],
    );
    check_error(
        &fault("explode = true"),
        Some("fault[1].explode"),
        &["refuse", "rate_limit", "unknown_status"],
    );
    check_error(&fault("refuse = {}"), Some("fault[1].refuse"), &["status"]);
    check_error(
        &fault("refuse = { status = 99 }"),
        Some("fault[1].refuse.status"),
        &["200 to 599"],
    );
    check_error(
        &fault("drop = { when = \"later\" }"),
        Some("fault[1].drop.when"),
        &["before", "after", "mid_answer"],
    );
    check_error(&fault("late = { s = 1 }"), Some("fault[1].late.s"), &["ms"]);
    check_error(
        &fault("slow = {}"),
        Some("fault[1].slow"),
        &["bytes_per_s", "chunk_ms"],
    );
    check_error(
        &fault("slow = { chunk_ms = 0 }"),
        Some("fault[1].slow"),
        &["at least 1"],
    );
    check_error(
        &fault("wrong_content_type = { content_type = \"a\\nb\" }"),
        Some("fault[1].wrong_content_type.content_type"),
        &["media type"],
    );
    check_error(
        &fault("empty_body = true\nevery = 0"),
        Some("fault[1].every"),
        &["at least 1"],
    );
    check_error(
        &fault("empty_body = true\nfirst = 0"),
        Some("fault[1].first"),
        &["at least 1"],
    );
    check_error(
        &fault("empty_body = true\nprobability = 1.5"),
        Some("fault[1].probability"),
        &["0.0 to 1.0"],
    );
    check_error(
        &fault("empty_body = true\nto = \"+22\""),
        Some("fault[1].to"),
        &["+ and country code"],
    );
    check_error(
        &fault("empty_body = true\ncall = \"\""),
        Some("fault[1].call"),
        &["submit", "balance"],
    );
}

#[test]
fn users_numbers_keys_tokens_and_limits_are_read() {
    use tidings::backend::Rights;

    let scenario = read(
        "rights = \"system\"\ndisplay_name = \"Ann Doe\"\npasscode = \"123456\"\n\
         [[account]]\nsettings = { username = \"201@a.test\" }\nrights = \"user\"\n\
         [[number]]\nnumber = \"+15550101234\"\nowner = \"201\"\nmedia = false\n\
         [[api_key]]\nkey = \"secret\"\nrights = \"reseller\"\ndomain = \"a.test\"\n\
         [tokens]\nlifetime_s = 60\nrefresh = \"fails\"\n\
         [limits]\ncalls_per_s = 10\nblock_for_s = 7",
    );
    let user = rules::UserRules {
        rights: Rights::System,
        display_name: Some("Ann Doe".to_owned()),
        passcode: Some("123456".to_owned()),
    };
    assert_eq!(scenario.rules.user, user);
    assert_eq!(scenario.further_accounts[0].rules.user.rights, Rights::User);
    let number = NumberRule {
        number: "+15550101234".parse().unwrap(),
        owner: "201".to_owned(),
        application: "user".to_owned(),
        media: false,
    };
    assert_eq!(scenario.numbers, [number]);
    let [key] = scenario.api_keys.as_slice() else {
        panic!("{:?}", scenario.api_keys);
    };
    assert_eq!((&*key.key, key.rights), ("secret", Rights::Reseller));
    assert_eq!(key.domain.as_deref(), Some("a.test"));
    assert!(!format!("{key:?}").contains("secret"));
    let tokens = TokenRules {
        lifetime: Duration::from_mins(1),
        refresh_lifetime: Duration::from_hours(24),
        refresh_fails: true,
        sign_in_fails: false,
    };
    assert_eq!(scenario.tokens, tokens);
    let limit = CallLimit {
        calls_per_s: 10,
        block_for: Duration::from_secs(7),
    };
    assert_eq!(scenario.call_limit, Some(limit));
    assert_eq!(read("").tokens, TokenRules::default());
}

#[test]
fn what_users_cannot_have_is_refused_with_its_key() {
    check_error("passcode = \"12345\"", Some("passcode"), &["6 digits"]);
    check_error(
        "[[account]]\nsettings = { line = 1 }\npasscode = \"abcdef\"",
        Some("account[0].passcode"),
        &["6 digits"],
    );
    check_error(
        "[[number]]\nnumber = \"12\"\nowner = \"200\"",
        Some("number[0].number"),
        &["a phone number with + and country code"],
    );
    check_error(
        "[[number]]\nnumber = \"+15550101234\"\nowner = \"\"",
        Some("number[0].owner"),
        &["a user, or user@domain"],
    );
    check_error(
        "[[api_key]]\nkey = \"\"",
        Some("api_key[0].key"),
        &["at least one character"],
    );
    check_error(
        "[tokens]\nlifetime_s = 0",
        Some("tokens.lifetime_s"),
        &["at least 1 second"],
    );
    check_error(
        "[limits]\ncalls_per_s = 0",
        Some("limits.calls_per_s"),
        &["at least 1"],
    );
}
