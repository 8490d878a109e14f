//! Rounds of calls in a time that stands still until nothing else is left to do: the clock of the
//! world follows it. Calls over a real connection are in `tests/it/callbacks.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use tidings::backend::{Messages, Presented, Principal, SignIn, Submission, Submitted, Terms};
use tidings::{Account, Capabilities, ProviderSpec, Setting};
use tidings_core::{Clock, Message, Timestamp};
use tokio::time::Instant;

use super::*;
use crate::{PhoneText, Scenario, Simulator};

static SPEC: ProviderSpec = ProviderSpec::new(
    "testline",
    "Testline",
    capabilities(),
    &[
        Setting::required("line", "the number of the line"),
        Setting::secret("key", "the key of the line"),
    ],
)
.with_emit_callback(CallbackEmitter::new(emit).at_most_every(Duration::from_secs(1)));

const fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::submit_only();
    capabilities.batches = true;
    capabilities
}

/// A line for each: its kind, its id, and the word of its state.
fn emit(account: &Account, callbacks: &[Callback]) -> Vec<CallbackRequest> {
    let line = account.setting("line").unwrap();
    let lines = callbacks.iter().map(|callback| match callback {
        Callback::Report(report) => {
            let id = report.about.message.as_deref().unwrap();
            let word = report.raw.as_deref();
            format!(
                "{line} end {id} {}\n",
                word.unwrap_or(report.state.as_str())
            )
        }
        Callback::Inbound(text) => format!("{line} text {} {}\n", text.id, text.text),
        _ => panic!("neither a report nor a text"),
    });
    let body = lines.collect::<String>();
    vec![CallbackRequest::post(HeaderMap::new(), body)]
}

/// The time of the run time, which goes on by itself when nothing else is left to do.
#[derive(Debug)]
struct RunTimeClock(Instant);

impl Clock for RunTimeClock {
    fn now(&self) -> Timestamp {
        let begin: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        begin.plus(self.0.elapsed())
    }
}

/// Begins at the run time's present moment, which is when a sleep of no length ends.
fn clock() -> Arc<RunTimeClock> {
    let begin = tokio::time::sleep(Duration::ZERO).deadline();
    Arc::new(RunTimeClock(begin))
}

/// A call that was made: when, with which lines, and how it was answered.
#[derive(Clone, Debug)]
struct Made {
    at: Timestamp,
    lines: Vec<String>,
    is_acknowledged: bool,
}

/// A carrier that calls a customer who answers as he likes.
struct Line {
    world: World,
    who: Principal,
    clock: Arc<RunTimeClock>,
    made: Arc<Mutex<Vec<Made>>>,
    stopping: CancellationToken,
    running: JoinSet<()>,
}

type Answer = Box<dyn Fn(usize) -> Option<u16> + Send + Sync>;

impl Line {
    async fn start(scenario: &str, answer: Answer) -> Self {
        Self::open(scenario, answer, None, clock()).await
    }

    async fn open(
        scenario: &str,
        answer: Answer,
        state: Option<&std::path::Path>,
        clock: Arc<RunTimeClock>,
    ) -> Self {
        let mut builder = Simulator::builder(&SPEC)
            .seed(1)
            .clock(Arc::<RunTimeClock>::clone(&clock))
            .scenario(Scenario::from_toml(scenario).unwrap())
            .callback_url("http://localhost/told?fixed=1");
        if let Some(path) = state {
            builder = builder.state_file(path);
        }
        let world = builder.into_world().await.unwrap();
        let who = sign_in(&world, None).await;
        let made = Arc::new(Mutex::new(Vec::new()));
        let mut caller = Caller::new(world.clone(), "http://localhost/told?fixed=1", None).unwrap();
        let (record, answers) = (Arc::clone(&made), Arc::clone(&clock));
        caller.post = Box::new(move |request| {
            assert_eq!(request.uri(), "http://localhost/told?fixed=1");
            let lines = std::str::from_utf8(request.body()).unwrap().lines();
            let mut made = record.lock().unwrap();
            let status = answer(made.len());
            made.push(Made {
                at: answers.now(),
                lines: lines.map(str::to_owned).collect(),
                is_acknowledged: status == Some(200),
            });
            Box::pin(async move { status.map(|status| StatusCode::from_u16(status).unwrap()) })
        });
        let stopping = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(run(caller, stopping.clone()));
        Self {
            world,
            who,
            clock,
            made,
            stopping,
            running,
        }
    }

    /// Sends so many texts and returns their ids.
    async fn send(&self, n: usize) -> Vec<String> {
        send_as(&self.world, &self.who, n).await
    }

    /// Waits in the run time's time.
    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn made(&self) -> Vec<Made> {
        self.made.lock().unwrap().clone()
    }

    /// Ends the task, as a program that stops does, and returns what was called.
    async fn stop(mut self) -> Vec<Made> {
        self.stopping.cancel();
        while self.running.join_next().await.is_some() {}
        self.made()
    }
}

async fn sign_in(world: &World, line: Option<&str>) -> Principal {
    use secrecy::ExposeSecret as _;
    let mut presented = Presented::new();
    for (setting, value) in world.credentials() {
        let value = match line {
            Some(line) if setting == "line" => line.to_owned(),
            Some(_) | None => value.expose_secret().to_owned(),
        };
        presented = presented.with(setting, value);
    }
    world.sign_in(&presented).await.unwrap()
}

async fn send_as(world: &World, who: &Principal, n: usize) -> Vec<String> {
    let text: Arc<str> = "hello".into();
    let messages = (0..n).map(|index| {
        let to = format!("+224622{index:06}").parse().unwrap();
        Message::new(to, Arc::clone(&text))
    });
    let submission = Submission::batch(messages, Vec::new());
    let accepted = world.accept(who, submission).await.unwrap();
    let verdicts = accepted.verdicts.into_iter();
    verdicts.map(|verdict| verdict.unwrap().id).collect()
}

fn always(status: u16) -> Answer {
    Box::new(move |_| Some(status))
}

const AT_ONCE: &str = "[delays]\nsent_ms = 0\ndelivered_ms = 0\n";

/// How often each id was told of in calls that were acknowledged.
fn acknowledged(made: &[Made]) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for line in made
        .iter()
        .filter(|made| made.is_acknowledged)
        .flat_map(|made| &made.lines)
    {
        let id = line.split(' ').nth(2).unwrap();
        *times.entry(id.to_owned()).or_default() += 1;
    }
    times
}

#[track_caller]
fn check_pace(made: &[Made]) {
    for pair in made.windows(2) {
        let [earlier, later] = pair else { continue };
        let pause = later.at.since(earlier.at);
        assert!(pause >= Duration::from_secs(1), "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ends_are_told_once_in_calls_a_second_apart() {
    let scenario = format!("rate_per_s = 100\n{AT_ONCE}");
    let line = Line::start(&scenario, always(200)).await;
    let ids = line.send(1_000).await;
    line.pass(30).await;
    let stats = line.world.stats();
    let made = line.stop().await;
    check_pace(&made);
    assert!((10..=12).contains(&made.len()), "{} calls", made.len());
    let times = acknowledged(&made);
    assert_eq!(times.len(), ids.len());
    assert!(times.values().all(|times| *times == 1));
    assert!(ids.iter().all(|id| times.contains_key(id)));
    let counted = (stats.callbacks_sent, stats.callbacks_failed, stats.told);
    assert_eq!(counted, (made.len().try_into().unwrap(), 0, 1_000));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_acknowledged_is_told_again_later_and_later() {
    let answers = [Some(500), None, Some(204), Some(302)];
    let answer = move |call: usize| answers.get(call).copied().unwrap_or(Some(200));
    let line = Line::start(AT_ONCE, Box::new(answer)).await;
    line.send(2).await;
    line.pass(60).await;
    let stats = line.world.stats();
    let made = line.stop().await;
    let first = &made[0].lines;
    assert_eq!((made.len(), first.len()), (5, 2));
    assert!(made.iter().all(|made| made.lines == *first));
    let pauses = made.windows(2).map(|two| two[1].at.since(two[0].at));
    let pauses: Vec<_> = pauses.map(|pause| pause.as_secs()).collect();
    assert!(
        pauses
            .iter()
            .zip([1, 2, 4, 8])
            .all(|(pause, least)| { (least..=least + 1).contains(pause) }),
        "{pauses:?}"
    );
    assert_eq!((stats.callbacks_sent, stats.callbacks_failed), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn what_fails_does_not_keep_back_what_comes_after_it() {
    let line = Line::start(
        AT_ONCE,
        Box::new(|call| Some(if call == 0 { 500 } else { 200 })),
    )
    .await;
    let first = line.send(1).await.remove(0);
    while line.made().is_empty() {
        line.pass(1).await;
    }
    let second = line.send(1).await.remove(0);
    line.pass(10).await;
    let times = acknowledged(&line.stop().await);
    assert_eq!(times, BTreeMap::from([(first, 1), (second, 1)]));
}

#[tokio::test(start_paused = true)]
async fn after_many_attempts_nobody_is_told() {
    let line = Line::start(AT_ONCE, always(503)).await;
    line.send(1).await;
    line.pass(4 * 60 * 60).await;
    let stats = line.world.stats();
    let made = line.stop().await;
    assert_eq!(made.len(), usize::try_from(MAX_ATTEMPTS).unwrap());
    assert_eq!(stats.callbacks_failed, u64::from(MAX_ATTEMPTS));
    let time = made.last().unwrap().at.since(made[0].at);
    let minutes = time.as_secs() / 60;
    assert!((43..=45).contains(&minutes), "{minutes} minutes");
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_no_report_gets_none_and_neither_does_who_stopped() {
    use tidings::backend::Batches;
    let scenario = format!("rate_per_s = 1\n{AT_ONCE}");
    let line = Line::start(&scenario, always(200)).await;
    let message = || Message::new("+224622000001".parse().unwrap(), "hello");
    let mut terms = Terms::default();
    terms.without_report = true;
    let messages = [
        Submitted::from(message()),
        Submitted::new(message(), terms),
        Submitted::from(message()),
    ];
    let submission = Submission::batch(messages, Vec::new()).batch_reference(Some("b".to_owned()));
    let accepted = line.world.accept(&line.who, submission).await.unwrap();
    line.pass(1).await;
    let stopped = line.world.stop_batch(&line.who, "b").await.unwrap();
    assert_eq!(stopped.stopped.len(), 1);
    line.pass(60).await;
    let times = acknowledged(&line.stop().await);
    let first = accepted.verdicts[0].clone().unwrap().id;
    assert_eq!(times, BTreeMap::from([(first, 1)]));
}

#[tokio::test(start_paused = true)]
async fn reports_come_twice_in_any_order_and_late_where_the_scenario_says() {
    let scenario = format!("{AT_ONCE}[reports]\nduplicate = true\nshuffle = true\nlate_ms = 5000");
    let line = Line::start(&scenario, always(200)).await;
    let begin = line.clock.now();
    let ids = line.send(50).await;
    line.pass(60).await;
    let made = line.stop().await;
    assert!(made[0].at.since(begin) >= Duration::from_secs(5));
    let told: Vec<_> = made
        .iter()
        .flat_map(|made| &made.lines)
        .map(|line| line.split(' ').nth(2).unwrap())
        .collect();
    assert_eq!(told.len(), 100);
    let times = acknowledged(&made);
    assert!(times.len() == 50 && times.values().all(|times| *times == 2));
    assert_ne!(told[..50], ids, "in another order");
}

#[tokio::test(start_paused = true)]
async fn a_report_may_hold_a_word_of_no_list() {
    let scenario = format!(
        "{AT_ONCE}[[fault]]\nname = \"odd\"\ncall = \"report\"\nevery = 2\n\
         unknown_status = {{ word = \"777\" }}"
    );
    let line = Line::start(&scenario, always(200)).await;
    line.send(4).await;
    line.pass(3).await;
    let stats = line.world.stats();
    let made = line.stop().await;
    let words = made[0]
        .lines
        .iter()
        .map(|line| line.split(' ').nth(3).unwrap());
    let words: Vec<_> = words.collect();
    assert_eq!(words, ["delivered", "777", "delivered", "777"]);
    assert_eq!(stats.faults["odd"], 2);
}

#[tokio::test(start_paused = true)]
async fn texts_from_phones_are_told_and_scripted_ones_come_in_time() {
    let scenario = "[[inbound]]\nafter_ms = 20000\nfrom = \"+224622000002\"\ntext = \"later\"";
    let line = Line::start(scenario, always(200)).await;
    let text = PhoneText::new("+224622000001".parse().unwrap(), "STOP");
    let received = line.world.receive(text).await.unwrap();
    line.pass(10).await;
    let made = line.made();
    assert_eq!(made.len(), 1);
    let expected = format!("text {} STOP", received.id);
    assert!(made[0].lines[0].ends_with(&expected), "{:?}", made[0].lines);
    line.pass(15).await;
    let made = line.stop().await;
    assert_eq!(made.len(), 2);
    assert!(made[1].lines[0].ends_with("later"));
}

#[tokio::test(start_paused = true)]
async fn each_account_is_called_for_itself_also_when_it_comes_later() {
    let line = Line::start(AT_ONCE, always(200)).await;
    let scenario = format!("{AT_ONCE}[[account]]\nsettings = {{ line = \"77\" }}");
    let scenario = Scenario::from_toml(&scenario).unwrap();
    line.world.set_scenario(scenario).unwrap();
    let other = sign_in(&line.world, Some("77")).await;
    let first = line.send(1).await.remove(0);
    let second = send_as(&line.world, &other, 1).await.remove(0);
    line.pass(5).await;
    let made = line.stop().await;
    let lines: BTreeSet<_> = made.iter().flat_map(|made| made.lines.clone()).collect();
    assert_eq!((made.len(), lines.len()), (2, 2));
    let of_second = format!("77 end {second} delivered");
    assert!(lines.contains(&of_second), "{lines:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.contains(&first) && !line.starts_with("77 "))
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_not_acknowledged_is_told_after_a_restart_and_the_rest_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let clock = clock();
    let open = |answer, path: std::path::PathBuf| {
        let clock = Arc::clone(&clock);
        async move { Line::open(AT_ONCE, answer, Some(&path), clock).await }
    };
    // The first call is acknowledged, no later one is.
    let answer = |call| Some(if call == 0 { 200 } else { 500 });
    let line = open(Box::new(answer), path.clone()).await;
    let told = line.send(3).await;
    while line.world.stats().told < 3 {
        line.pass(1).await;
    }
    let untold = line.send(2).await;
    let text = PhoneText::new("+224622000001".parse().unwrap(), "STOP");
    let text = line.world.receive(text).await.unwrap().id;
    line.pass(10).await;
    let copy = folder.path().join("killed.jsonl");
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(acknowledged(&line.stop().await).len(), told.len());

    let again = open(always(200), copy).await;
    while again.world.stats().told < 3 {
        again.pass(1).await;
    }
    again.pass(100).await;
    let times = acknowledged(&again.stop().await);
    let expected = untold.into_iter().chain([text]);
    assert_eq!(times, expected.map(|id| (id, 1)).collect());
}

#[tokio::test(start_paused = true)]
async fn whatever_the_customer_answers_each_end_is_acknowledged_at_least_once() {
    for seed in 0..8 {
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        let answer = move |_| {
            let answers = [Some(200), Some(200), Some(200), Some(503), None];
            *random.lock().unwrap().choice(&answers).unwrap()
        };
        let scenario = format!("rate_per_s = 7\n{AT_ONCE}");
        let line = Line::start(&scenario, Box::new(answer)).await;
        let mut ids = Vec::new();
        for _ in 0..10 {
            ids.extend(line.send(10).await);
            line.pass(3).await;
        }
        line.pass(4_000).await;
        let told = line.world.stats().told;
        let made = line.stop().await;
        check_pace(&made);
        let times = acknowledged(&made);
        assert!(ids.iter().all(|id| times.contains_key(id)), "seed {seed}");
        assert_eq!((told, times.len()), (100, 100), "seed {seed}");
    }
}

#[track_caller]
fn check_address(url: &str, query: Option<&str>, expected: &str) {
    let call = CallbackRequest::post(HeaderMap::new(), "").query(query.map(str::to_owned));
    let request = addressed(&url.parse().unwrap(), call).unwrap();
    assert_eq!(request.uri(), expected);
}

#[test]
fn the_query_of_a_call_follows_that_of_the_address() {
    check_address("http://a/b", None, "http://a/b");
    check_address("http://a", Some("x=1"), "http://a/?x=1");
    check_address("http://a/b?key=2", None, "http://a/b?key=2");
    check_address("http://a/b?key=2", Some("x=1"), "http://a/b?key=2&x=1");
}

#[tokio::test]
async fn an_address_that_cannot_be_called_is_refused() {
    let world = Simulator::builder(&SPEC).into_world().await.unwrap();
    for wrong in ["", "localhost:80", "ftp://localhost/", "/told", "http://"] {
        let refused = Caller::new(world.clone(), wrong, None).err();
        assert!(
            matches!(refused, Some(SimError::Callback { .. })),
            "{wrong}"
        );
    }
}
