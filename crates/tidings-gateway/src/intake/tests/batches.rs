//! Tests of batches whose rows come in a stream.

use tidings::template::Template;
use tidings_store::BatchState;

use super::super::batch::{AddError, BatchIntake, BatchRequest, BatchRow, Closed, Opened, open};
use super::*;

fn request() -> BatchRequest {
    BatchRequest::new("tidings")
}

fn with_key(key: &str) -> BatchRequest {
    BatchRequest {
        key: Some(key.into()),
        ..request()
    }
}

async fn opened(harness: &Harness, request: BatchRequest) -> Box<BatchIntake> {
    let opened = open(&harness.gateway, &harness.customer, request).await;
    match opened.unwrap() {
        Opened::Rows(batch) => batch,
        other => panic!("{other:?}"),
    }
}

fn rows(range: std::ops::Range<u32>) -> Vec<Draft> {
    let rows = range.map(|n| Draft::new(number(n), format!("row {n}")));
    rows.collect()
}

#[tokio::test]
async fn rows_have_their_places_and_their_verdicts() {
    let harness = Harness::new().await;
    let mut batch = opened(&harness, request()).await;
    let first = batch.add(rows(0..2)).await.unwrap();
    let second = batch
        .add(vec![
            BatchRow::from(Draft::new(to("x"), "bad")),
            BatchRow::from(Rejection::new(RejectionCode::InvalidRequest, "not read")),
            BatchRow::from(Draft::new(number(4), "row 4")),
        ])
        .await
        .unwrap();
    assert_eq!((first.len(), second.len()), (2, 3));
    refused(&second[0], RejectionCode::InvalidRecipient);
    refused(&second[1], RejectionCode::InvalidRequest);
    let id = batch.id();
    assert_eq!((batch.n_rows(), batch.n_rejected()), (5, 2));
    assert_eq!(batch.close(None).await.unwrap(), Closed::Now);
    let members = harness.store().batch_members(id, &[], 0, 10).await.unwrap();
    let indices: Vec<u64> = members.iter().map(|member| member.index).collect();
    assert_eq!(indices, [0, 1, 4]);
    let stored = harness.store().batch(None, id).await.unwrap().unwrap();
    assert_eq!((stored.n_messages(), stored.n_rejected), (3, 2));
    assert_eq!(stored.state, BatchState::Running);
}

#[tokio::test]
async fn what_has_come_is_on_its_way_before_the_rest() {
    let harness = Harness::new().await;
    let mut batch = opened(&harness, request()).await;
    batch.add(rows(0..10)).await.unwrap();
    assert_eq!(harness.lease("main", 100).await.len(), 10);
    drop(batch);
}

#[tokio::test]
async fn a_template_is_filled_for_every_row() {
    let harness = Harness::new().await;
    let template = Template::new("Hi {{name}}, see you at {{time}}").unwrap();
    let mut batch = opened(
        &harness,
        BatchRequest {
            template: Some(template),
            ..request()
        },
    )
    .await;
    let row = |n: u32, fields: &[(&str, &str)]| BatchRow {
        draft: Ok(Draft::new(number(n), "")),
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        key: None,
    };
    let own_text = BatchRow::from(Draft::new(number(3), "Own text"));
    let verdicts = batch
        .add(vec![
            row(1, &[("name", "Kari"), ("time", "19:30")]),
            row(2, &[("name", ""), ("time", "20:00")]),
            own_text,
        ])
        .await
        .unwrap();
    refused(&verdicts[1], RejectionCode::InvalidText);
    let detail = &verdicts[1].as_ref().unwrap_err().detail;
    assert_eq!(detail, "the template uses name, which is missing or empty");
    let texts: Vec<String> = harness
        .all()
        .await
        .iter()
        .map(|it| it.text.to_string())
        .collect();
    assert_eq!(texts, ["Hi Kari, see you at 19:30", "Own text"]);
}

#[tokio::test]
async fn a_row_with_a_key_is_taken_once_whatever_batch_it_comes_in() {
    let harness = Harness::new().await;
    let row = |n: u32, key: &str| BatchRow {
        key: Some(key.into()),
        ..Draft::new(number(n), "Hi").into()
    };
    let mut first = opened(&harness, request()).await;
    let taken = first.add(vec![row(1, "a"), row(2, "b")]).await.unwrap();
    first.close(None).await.unwrap();
    let mut second = opened(&harness, request()).await;
    let rows = vec![row(3, "c"), row(2, "b"), row(4, "a"), row(5, "no blanks")];
    let verdicts = second.add(rows).await.unwrap();
    let id = |verdict: &Verdict| verdict.as_ref().unwrap().id;
    assert!(!verdicts[0].as_ref().unwrap().is_repeated);
    assert!(verdicts[1].as_ref().unwrap().is_repeated);
    assert_eq!(id(&verdicts[1]), id(&taken[1]));
    refused(&verdicts[2], RejectionCode::KeyReused);
    refused(&verdicts[3], RejectionCode::InvalidRequest);
    assert_eq!(harness.all().await.len(), 3);
}

#[tokio::test]
async fn defaults_are_carried_over_and_names_of_one_message_are_not() {
    let mut defaults = draft("");
    defaults.from = Some("Acme".parse().unwrap());
    defaults.reference = Some("r-1".parse().unwrap());
    let row = defaults.with(number(7), "Hello");
    assert_eq!((row.from, row.reference), (defaults.from, None));
    assert_eq!(&*row.text, "Hello");
}

#[tokio::test]
async fn a_row_that_says_the_same_to_the_same_number_is_sent_once() {
    let harness = Harness::new().await;
    let mut batch = opened(&harness, request()).await;
    let spaced = Draft::new(to("+47 406 00 000"), "row 0");
    let mut other_sender = Draft::new(number(0), "row 0");
    other_sender.from = Some("Acme".parse().unwrap());
    let mut all = rows(0..3);
    all.extend([spaced, other_sender, Draft::new(number(0), "row 1")]);
    let verdicts = batch.add(all).await.unwrap();
    refused(&verdicts[3], RejectionCode::DuplicateRow);
    let detail = &verdicts[3].as_ref().unwrap_err().detail;
    assert_eq!(detail, "the row says the same to the same number as row 0");
    good(&verdicts[4]);
    good(&verdicts[5]);
    // Also in a later piece of the stream.
    let verdicts = batch.add(rows(2..4)).await.unwrap();
    refused(&verdicts[0], RejectionCode::DuplicateRow);
    good(&verdicts[1]);
    assert_eq!(batch.n_rejected(), 2);

    let mut all_of_them = opened(
        &harness,
        BatchRequest {
            allows_duplicates: true,
            ..request()
        },
    )
    .await;
    let verdicts = all_of_them
        .add([rows(0..2), rows(0..2)].concat())
        .await
        .unwrap();
    assert!(verdicts.iter().all(Result::is_ok));
}

#[tokio::test]
async fn an_ended_request_is_compared_and_answered_as_before() {
    let harness = Harness::new().await;
    let mut batch = opened(&harness, with_key("key-1")).await;
    batch.add(rows(0..3)).await.unwrap();
    let answer = Some(r#"{"accepted":3}"#.into());
    assert_eq!(batch.close(answer.clone()).await.unwrap(), Closed::Now);

    let mut again = opened(&harness, with_key("key-1")).await;
    assert!(again.is_repeated());
    // However the stream is cut.
    assert!(again.add(rows(0..1)).await.unwrap().is_empty());
    again.add(rows(1..3)).await.unwrap();
    let ended = again.close(Some("ignored".into())).await.unwrap();
    assert_eq!(ended, Closed::Before { answer });

    for different in [rows(0..2), rows(0..4), rows(1..4)] {
        let mut other = opened(&harness, with_key("key-1")).await;
        other.add(different).await.unwrap();
        assert_eq!(other.close(None).await.unwrap(), Closed::OtherRequest);
    }
    assert_eq!(harness.all().await.len(), 3);
}

#[tokio::test]
async fn a_request_that_broke_off_is_gone_on_with() {
    let harness = Harness::new().await;
    let mut batch = opened(&harness, with_key("key-1")).await;
    let first = batch.add(rows(0..3)).await.unwrap();
    let id = batch.id();
    drop(batch);
    let mut again = opened(&harness, with_key("key-1")).await;
    assert_eq!((again.id(), again.is_repeated()), (id, false));
    let verdicts = again.add(rows(0..5)).await.unwrap();
    for (before, now) in first.iter().zip(&verdicts) {
        assert_eq!(good(before).id, good(now).id);
        assert!(good(now).is_repeated);
    }
    assert!(!good(&verdicts[3]).is_repeated);
    again.close(None).await.unwrap();
    assert_eq!(harness.all().await.len(), 5);
}

#[tokio::test]
async fn a_request_is_worked_on_once_at_a_time() {
    let harness = Harness::new().await;
    let batch = opened(&harness, with_key("key-1")).await;
    let second = open(&harness.gateway, &harness.customer, with_key("key-1")).await;
    assert!(matches!(second.unwrap(), Opened::InWork));
    // Another key, and another account's, are other requests.
    opened(&harness, with_key("key-2")).await;
    drop(batch);
    opened(&harness, with_key("key-1")).await;
}

/// What a batch that broke off after `begun` rows says of a request under the same key with other rows: the
/// first row that is another one, or how it ends.
#[tokio::test]
async fn a_request_that_comes_again_has_the_same_rows() {
    async fn said(begun: Vec<Draft>, again: Vec<Draft>) -> (Result<Closed, String>, usize) {
        let harness = Harness::new().await;
        let mut batch = opened(&harness, with_key("k")).await;
        batch.add(begun).await.unwrap();
        batch.give_up().await.unwrap();
        let mut batch = opened(&harness, with_key("k")).await;
        let ended = match batch.add(again).await {
            Ok(_) => Ok(batch.close(None).await.unwrap()),
            Err(AddError::OtherRow { index }) => Err(format!("row {index}")),
            Err(AddError::Store(error)) => Err(error.to_string()),
        };
        (ended, harness.all().await.len())
    }
    #[track_caller]
    fn check(said: &(Result<Closed, String>, usize), ended: Result<Closed, &str>, n_there: usize) {
        assert_eq!(*said, (ended.map_err(str::to_owned), n_there));
    }
    let changed = |at: usize| {
        let mut rows = rows(0..6);
        rows[at].text = "another text".into();
        rows
    };
    let all = || rows(0..6);
    check(&said(rows(0..4), all()).await, Ok(Closed::Now), 6);
    check(&said(all(), all()).await, Ok(Closed::Now), 6);
    // A row that was not there yet may be another one: nobody was told of it.
    check(&said(rows(0..4), changed(4)).await, Ok(Closed::Now), 6);
    check(&said(rows(0..4), changed(3)).await, Err("row 3"), 4);
    // Rows in front move all others.
    let in_front = [rows(10..12), rows(0..6)].concat();
    check(&said(rows(0..4), in_front).await, Err("row 0"), 4);
    // A row that was refused has left no trace and may be mended.
    let mended = |to_first: &str| {
        let mut rows = rows(0..4);
        rows[1].to = to(to_first);
        rows
    };
    let good = mended("+4740600077");
    check(&said(mended("x"), good).await, Ok(Closed::Now), 4);
    check(
        &said(mended("+4740600077"), mended("x")).await,
        Err("row 1"),
        4,
    );
    let fewer = said(rows(0..4), rows(0..3)).await;
    check(&fewer, Ok(Closed::OtherRequest), 4);
}

/// Each of these is said before the rows.
#[tokio::test]
async fn a_request_that_comes_again_begins_as_it_did() {
    let harness = Harness::new().await;
    let begin = BatchRequest {
        reference: Some("autumn".into()),
        of_all_rows: "Hi {{name}}".into(),
        ..with_key("k")
    };
    let mut batch = opened(&harness, begin.clone()).await;
    batch.add(rows(0..2)).await.unwrap();
    let id = batch.id();
    drop(batch);
    let others = [
        BatchRequest {
            reference: Some("winter".into()),
            ..begin.clone()
        },
        BatchRequest {
            of_all_rows: "Bye {{name}}".into(),
            ..begin.clone()
        },
        BatchRequest {
            allows_duplicates: true,
            ..begin.clone()
        },
    ];
    for other in others {
        let opened = open(&harness.gateway, &harness.customer, other).await;
        assert!(matches!(opened.unwrap(), Opened::OtherRequest));
    }
    assert_eq!(opened(&harness, begin).await.id(), id);
}

/// Its window may be over since, its route gone: it was taken, and stays so.
#[tokio::test]
async fn a_row_that_was_taken_stays_so_when_it_comes_again() {
    let harness = Harness::new().await;
    let in_time = || {
        let mut row = draft("soon over");
        let (from, until) = ("2026-11-22T11:00:00Z", "2026-11-22T12:00:00Z");
        let [from, until] = [from, until].map(|it| it.parse().unwrap());
        row.timing.window = Some(tidings_core::SendWindow::between(from, until).unwrap());
        vec![row]
    };
    let mut batch = opened(&harness, with_key("k")).await;
    let id = good(&batch.add(in_time()).await.unwrap()[0]).id;
    drop(batch);
    harness.clock.set(at("2026-11-22T13:00:00Z"));
    let mut batch = opened(&harness, with_key("k")).await;
    let verdicts = batch.add(in_time()).await.unwrap();
    assert!(good(&verdicts[0]).is_repeated);
    assert_eq!((good(&verdicts[0]).id, batch.n_rejected()), (id, 0));
}

#[tokio::test]
async fn refused_rows_are_counted_while_the_others_come() {
    let harness = Harness::new().await;
    let mut batch = opened(&harness, with_key("k")).await;
    let id = batch.id();
    let live = || harness.gateway.batches().n_refused(id);
    assert_eq!(live(), None);
    let bad = vec![Draft::new(to("x"), "a"), Draft::new(to("y"), "b")];
    batch.add(bad).await.unwrap();
    assert_eq!(live(), Some(2));
    batch.give_up().await.unwrap();
    assert_eq!(live(), None);
    let stored = harness.store().batch(None, id).await.unwrap().unwrap();
    assert_eq!(
        (stored.state, stored.n_rejected),
        (BatchState::Receiving, 2)
    );
}

#[tokio::test]
async fn the_key_of_a_message_is_none_for_a_batch() {
    let harness = Harness::new().await;
    let mut single = draft("a");
    single.once = Some(super::super::once::of_request("key-1", [0; 32], at(NOON)).unwrap());
    good(&harness.accept_one(single).await);
    let batch = open(&harness.gateway, &harness.customer, with_key("key-1")).await;
    assert!(matches!(batch.unwrap(), Opened::OtherRequest));
}

#[tokio::test]
async fn requests_add_to_a_batch_of_the_same_name() {
    let harness = Harness::new().await;
    let joining = || BatchRequest {
        reference: Some("campaign".into()),
        joins: true,
        ..request()
    };
    let mut first = opened(&harness, joining()).await;
    first.add(rows(0..3)).await.unwrap();
    let mut second = opened(&harness, joining()).await;
    assert_eq!(first.id(), second.id());
    let verdicts = second.add(rows(3..6)).await.unwrap();
    assert!(verdicts.iter().all(|verdict| !good(verdict).is_repeated));
    first.add(rows(6..8)).await.unwrap();
    // Also when the clock was set back, by another process that knows nothing of these.
    harness.clock.set(at(NOON));
    let members = harness.store().batch_members(first.id(), &[], 0, 100).await;
    assert_eq!(members.unwrap().len(), 8);
}

#[tokio::test]
async fn a_batch_has_so_many_rows() {
    let text = format!("{TWO_LANES}[limits]\nmax_batch_rows = 3\n");
    let harness = Harness::with(&text, AccountSettings::default()).await;
    let mut batch = opened(&harness, request()).await;
    let verdicts = batch.add(rows(0..5)).await.unwrap();
    assert!(verdicts[..3].iter().all(Result::is_ok));
    refused(&verdicts[3], RejectionCode::TooManyRows);
    refused(&verdicts[4], RejectionCode::TooManyRows);
}

#[tokio::test]
async fn pieces_are_of_a_thousand_rows_and_single_messages_come_between() {
    let harness = Harness::new().await;
    let mut batch = opened(&harness, request()).await;
    let taking = batch.add(rows(0..2_500));
    let single = async { harness.accept_one(draft("single")).await };
    let (taken, single) = futures_util::future::join(taking, single).await;
    assert_eq!(taken.unwrap().iter().filter(|it| it.is_ok()).count(), 2_500);
    let id = good(&single).id;
    // A piece is one transaction: the single message stands behind the first.
    let all = harness
        .store()
        .messages(MessageFilter::default())
        .await
        .unwrap();
    let mut page = all;
    let mut behind = 0;
    while !page.items.iter().any(|it| it.id == id) {
        behind += page.items.len();
        let mut filter = MessageFilter::default();
        filter.page.after = page.next;
        page = harness.store().messages(filter).await.unwrap();
    }
    assert!(behind >= 1_000, "{behind}");
}

/// No call of a vendor's API ends a batch that calls under one name add to.
#[tokio::test]
async fn a_named_batch_comes_to_its_end_when_nothing_is_added_for_a_day() {
    let harness = Harness::new().await;
    let named = || BatchRequest {
        reference: Some("b-1".into()),
        joins: true,
        ..request()
    };
    let state = async |id| {
        crate::janitor::close_idle_batches(&harness.gateway)
            .await
            .unwrap();
        let stored = harness.store().batch(None, id).await.unwrap().unwrap();
        stored.state
    };
    let mut batch = opened(&harness, named()).await;
    batch.add(rows(0..1)).await.unwrap();
    let id = batch.id();
    harness.clock.set(at("2026-11-23T10:00:00Z"));
    assert_eq!(state(id).await, BatchState::Receiving);
    let mut batch = opened(&harness, named()).await;
    assert_eq!(batch.id(), id);
    batch.add(rows(1..2)).await.unwrap();
    harness.clock.set(at("2026-11-24T09:59:59Z"));
    assert_eq!(state(id).await, BatchState::Receiving);
    harness.clock.set(at("2026-11-24T10:00:01Z"));
    assert_eq!(state(id).await, BatchState::Running);
    let next = opened(&harness, named()).await;
    assert_ne!(next.id(), id, "what comes now is another batch");
}

#[tokio::test]
async fn a_stream_that_broke_off_is_closed_and_goes_on_when_it_is_sent_again() {
    let settings = "[limits]\nbatch_idle = \"1h\"\n";
    let harness = Harness::with(settings, AccountSettings::default()).await;
    let mut batch = opened(&harness, with_key("k")).await;
    batch.add(rows(0..2)).await.unwrap();
    let id = batch.id();
    drop(batch);
    harness.clock.set(at("2026-11-22T13:00:00Z"));
    crate::janitor::close_idle_batches(&harness.gateway)
        .await
        .unwrap();
    let shown = async || harness.store().batch(None, id).await.unwrap().unwrap();
    assert_eq!(shown().await.state, BatchState::Running);
    let mut batch = opened(&harness, with_key("k")).await;
    assert!(batch.id() == id && !batch.is_repeated());
    batch.add(rows(0..3)).await.unwrap();
    assert_eq!(batch.close(None).await.unwrap(), Closed::Now);
    assert_eq!(shown().await.n_messages(), 3);
}
