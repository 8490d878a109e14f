//! What the tests of the vendor's two Python clients share: a carrier, the run of a client, and what an
//! answer to a call that sends has to hold.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tidings::http::HttpClient;
use tidings::puzzel;
use tidings_tests::{Packages, Python, Recorded, SimulatedByCommand};

/// Taken, as the vendor's present client has its codes.
pub(crate) const TAKEN: i64 = 1;
/// Rejected, in the same list.
pub(crate) const REJECTED: i64 = 2;

/// `tidings sim puzzel`, with a scenario that is kept in a file of this name.
pub(crate) fn simulate(name: &str, scenario: &str) -> SimulatedByCommand {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("puzzel-{name}.toml"));
    fs::write(&file, scenario).unwrap();
    SimulatedByCommand::start(puzzel::SPEC.id, &file)
}

pub(crate) fn base_url(carrier: &SimulatedByCommand) -> &str {
    carrier.access()["base_url"].as_str().unwrap()
}

/// Checks that a vendor's client wrote what the golden exchanges hold, in this order: method, target,
/// the headers that are named there, and every byte of the body.
#[track_caller]
pub(crate) fn check_bytes(calls: &[Recorded], exchanges: &[&str]) {
    assert_eq!(calls.len(), exchanges.len());
    for (call, name) in calls.iter().zip(exchanges) {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tidings/src/puzzel/testdata/exchanges"
        );
        let text = fs::read_to_string(Path::new(folder).join(name)).unwrap();
        let golden: Value = serde_json::from_str(&text).unwrap();
        let request = &golden["request"];
        let line = ["method", "target"].map(|part| request[part].as_str().unwrap());
        assert_eq!(call.call, line.join(" "), "{name}");
        for (header, value) in request["headers"].as_object().unwrap() {
            assert_eq!(call.header(header), value.as_str(), "{name}: {header}");
        }
        let is_signed = request["headers"]["authorization"].is_string();
        assert_eq!(call.header("authorization").is_some(), is_signed, "{name}");
        // As it stands in the file, where the request comes first: reading it as JSON would lose its
        // spaces and escapes.
        let body = request.get("body").and_then(|_| {
            let (_, rest) = text.split_once("\"body\": ")?;
            rest.lines().next()
        });
        assert_eq!(call.body, body.unwrap_or_default(), "{name}");
    }
}

/// Runs the script of a vendor's client in this mode; gives what it wrote.
pub(crate) fn drive(
    packages: Packages<'_>,
    script: &str,
    [mode, base_url]: [&str; 2],
    credentials: &Value,
) -> Value {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let python = Python::with_packages(folder, packages);
    python.run(Path::new(script), &[mode, base_url], credentials)
}

/// What every step of a script gave back.
pub(crate) struct Run {
    pub(crate) steps: Value,
    pub(crate) names: Names,
}

impl Run {
    /// The messages of a step and what became of them: code, reference and recipient of each.
    #[track_caller]
    pub(crate) fn check_sent(&self, step: &str, expected: &[(i64, Option<&str>, &str)]) {
        self.names.check(self.statuses(step), expected);
    }

    /// All messages of a step went to one number without references, and were taken.
    #[track_caller]
    pub(crate) fn check_taken(&self, step: &str, recipient: &str, n_messages: usize) {
        self.check_sent(step, &vec![(TAKEN, None, recipient); n_messages]);
    }

    /// What both clients can send.
    #[track_caller]
    pub(crate) fn check_common_sends(&self) {
        self.check_taken("minimal", "+4741000001", 1);
        self.check_sent(
            "free_with_settings",
            &[(TAKEN, Some("full-1"), "+4741000002")],
        );
        self.check_sent("premium", &[(TAKEN, Some("premium-1"), "+4741000003")]);
        self.check_taken("originators", "+4741000004", 3);
        self.check_taken("parameters", "+4741000005", 1);
        self.check_sent(
            "several",
            &[
                (TAKEN, Some("several-1"), "+4741000011"),
                (REJECTED, Some("several-2"), "+4741000012"),
                (REJECTED, Some("several-3"), "+12"),
                (TAKEN, Some("several-4"), "+4741000014"),
            ],
        );
    }

    /// Nothing of a session is taken.
    #[track_caller]
    pub(crate) fn check_no_sessions(&self) {
        for step in ["session_opened", "session_continued"] {
            self.check_sent(step, &[(REJECTED, None, "+4741000008")]);
        }
    }

    /// A session is opened and continued.
    #[track_caller]
    pub(crate) fn check_sessions(&self) {
        let session = |step: &str| {
            let status = &self.statuses(step)[0];
            assert_eq!(status[self.names.code], TAKEN, "{status}");
            status[self.names.session].as_str().unwrap().to_owned()
        };
        assert_ne!(session("session_opened"), "");
        assert_eq!(session("session_opened"), session("session_continued"));
    }

    #[track_caller]
    fn statuses(&self, step: &str) -> &Value {
        (self.names.statuses)(&self.steps[step])
    }
}

/// Where the statuses of messages stand in what a generation of clients shows, and their names.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    /// Finds the list in what a call gave back, after checking that it succeeded.
    pub(crate) statuses: fn(&Value) -> &Value,
    pub(crate) code: &'static str,
    pub(crate) text: &'static str,
    pub(crate) reference: &'static str,
    pub(crate) recipient: &'static str,
    pub(crate) id: &'static str,
    pub(crate) session: &'static str,
    pub(crate) index: &'static str,
}

impl Names {
    /// Checks that the statuses are these, in this order: code, reference and recipient.
    #[track_caller]
    fn check(self, statuses: &Value, expected: &[(i64, Option<&str>, &str)]) {
        let list = statuses
            .as_array()
            .unwrap_or_else(|| panic!("{statuses}"))
            .iter();
        let seen = list.clone().map(|status| {
            let reference = status[self.reference].as_str();
            let recipient = status[self.recipient].as_str().unwrap();
            (status[self.code].as_i64().unwrap(), reference, recipient)
        });
        assert_eq!(seen.collect::<Vec<_>>(), expected, "{statuses}");
        for (status, index) in list.zip(1..) {
            assert_eq!(status.as_object().unwrap().len(), 7, "{status}");
            assert_eq!(status[self.index], index, "{status}");
            let is_taken = status[self.code] == TAKEN;
            let says = status[self.text].as_str().unwrap();
            assert_eq!(says == "Message enqueued for sending", is_taken, "{status}");
            let id = status[self.id].as_str();
            assert_eq!(id.is_some_and(|id| !id.is_empty()), is_taken, "{status}");
            assert_eq!(status[self.session], Value::Null, "{status}");
        }
    }
}

/// What reached phones, in the order of arrival: to whom, from whom, and the text.
pub(crate) async fn phones(base_url: &str) -> Vec<(String, String, String)> {
    let request = Request::get(format!("{base_url}/_sim/messages"));
    let request = request.body(Bytes::new()).unwrap();
    let http = HttpClient::builder().build().unwrap();
    let answer = http.send(request).await.unwrap();
    let lines = str::from_utf8(&answer.body).unwrap().lines();
    let arrived = lines.map(|line| {
        let message: Value = serde_json::from_str(line).unwrap();
        let part = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        (part("to"), part("from"), part("text"))
    });
    arrived.collect()
}

/// Expected arrivals, written as literals.
pub(crate) fn owned(arrivals: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let owned = arrivals
        .iter()
        .map(|(to, from, text)| ((*to).to_owned(), (*from).to_owned(), (*text).to_owned()));
    owned.collect()
}
