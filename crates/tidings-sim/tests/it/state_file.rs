//! A world in a state file: what was answered for is there after a kill, a torn last line is not.

use std::path::{Path, PathBuf};

use tidings::backend::{AccountDesk, Contacts, Messages, NewContact, SignIn, Submission};
use tidings::{ClientRef, SenderId};
use tidings_sim::{SimError, World};

use super::harness::{TestClock, account, builder, message, number, owner, presented};

async fn open(path: &Path) -> Result<World, SimError> {
    builder("credit = 100")
        .clock(TestClock::new())
        .state_file(path)
        .into_world()
        .await
}

/// What a program that was killed at this moment would find.
fn as_killed(path: &Path, name: &str) -> PathBuf {
    let copy = path.with_file_name(name);
    std::fs::copy(path, &copy).unwrap();
    copy
}

#[tokio::test]
async fn everything_that_was_answered_for_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let world = open(&path).await.unwrap();
    let who = owner(&world).await;
    let one = message("+224622000001", "hello \u{1f600}\nthere")
        .from(SenderId::parse("Acme").unwrap())
        .reference(ClientRef::new("r-1").unwrap());
    let single = world.accept(&who, Submission::one(one)).await.unwrap();
    let single = single.verdicts[0].clone().unwrap().id;
    let many = vec![message("+224622000002", "a"), message("+224622000003", "b")];
    let refusal = tidings::backend::Refusal::invalid("contact", "is too short");
    let batch = Submission::batch(many, vec![("12".to_owned(), refusal)]);
    let batch = world.accept(&who, batch).await.unwrap().batch.unwrap();
    let contact = NewContact::new("A", "B", number("+224622000004"));
    let contact = world.add_contact(&who, contact).await.unwrap().id.unwrap();
    let group = world.create_group(&who, "staff").await.unwrap().id;
    world.add_to_group(&who, &contact, &group).await.unwrap();
    world
        .link_users(&who, &contact, &["5".to_owned()])
        .await
        .unwrap();
    world.renew_key(&who).await.unwrap();

    let again = open(&as_killed(&path, "killed.jsonl")).await.unwrap();
    assert_eq!(again.messages(), world.messages());
    assert_eq!(again.credit(), world.credit());
    assert_eq!(again.stats().arrival, world.stats().arrival);
    let who = again.sign_in(&presented(&world)).await.unwrap();
    assert!(again.message(&who, &single).await.is_ok());
    let view = again.batch(&who, &batch).await.unwrap();
    assert_eq!(view, world.batch(&who, &batch).await.unwrap());
    assert_eq!((view.failed, view.pending), (1, 2));
    assert_eq!(
        again.contacts(&who, 1, 10).await.unwrap(),
        world.contacts(&who, 1, 10).await.unwrap()
    );
    assert_eq!(
        again.groups(&who).await.unwrap(),
        world.groups(&who).await.unwrap()
    );
    let accepted = again
        .accept_for_group(&who, &group, "hi", None)
        .await
        .unwrap();
    assert_eq!(accepted.n_taken(), 1);
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off_wherever_it_was_torn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    {
        let world = open(&path).await.unwrap();
        let who = owner(&world).await;
        for text in ["first", "second"] {
            let one = Submission::one(message("+224622000001", text));
            world.accept(&who, one).await.unwrap();
        }
    }
    let whole = std::fs::read(&path).unwrap();
    let last_line = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    for torn_at in last_line..whole.len() {
        std::fs::write(&path, &whole[..torn_at]).unwrap();
        let world = open(&path).await.unwrap();
        let texts: Vec<_> = world
            .messages()
            .iter()
            .map(|sms| sms.text.to_string())
            .collect();
        assert_eq!(texts, ["first"], "torn at {torn_at}");
        // What comes after is written after the last whole line.
        let who = owner(&world).await;
        let third = Submission::one(message("+224622000001", "third"));
        world.accept(&who, third).await.unwrap();
        drop(world);
        assert_eq!(
            open(&path).await.unwrap().messages().len(),
            2,
            "torn at {torn_at}"
        );
    }
}

#[tokio::test]
async fn a_last_line_of_zeros_is_cut_off_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    drop(open(&path).await.unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let length = bytes.len();
    bytes.extend_from_slice(&[0; 64]);
    std::fs::write(&path, bytes).unwrap();
    drop(open(&path).await.unwrap());
    assert_eq!(std::fs::read(&path).unwrap().len(), length);
}

#[track_caller]
fn check_corrupt(error: &SimError, expected: usize) {
    match error {
        SimError::StateCorrupt { line, .. } => assert_eq!(*line, expected),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_file_that_makes_no_sense_is_refused_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    drop(open(&path).await.unwrap());
    let good = std::fs::read_to_string(&path).unwrap();
    let (begin, account) = good.split_once('\n').unwrap();
    for (text, line) in [
        (format!("{begin}\nnonsense\n{account}"), 2),
        (account.to_owned(), 1),
        (format!("{begin}\n{begin}\n{account}"), 2),
        (
            format!("{good}{{\"change\":\"credit\",\"account\":9,\"credit\":1}}\n"),
            3,
        ),
    ] {
        std::fs::write(&path, &text).unwrap();
        check_corrupt(&open(&path).await.unwrap_err(), line);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            text,
            "it is left as it was"
        );
    }
    std::fs::write(&path, good.replace("testline", "otherline")).unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(matches!(error, SimError::StateOfAnother { .. }), "{error}");
}

#[tokio::test]
async fn a_file_serves_one_simulator_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let first = open(&path).await.unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(matches!(error, SimError::StateInUse { .. }), "{error}");
    drop(first);
    open(&path).await.unwrap();
    let nowhere = folder.path().join("missing").join("state.jsonl");
    let error = open(&nowhere).await.unwrap_err();
    assert!(matches!(error, SimError::StateFile { .. }), "{error}");
}

#[tokio::test]
async fn given_credentials_hold_until_the_key_is_renewed_or_others_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let open = async |key: &str| {
        let builder = builder("").state_file(&path).account(account("7", key));
        builder.into_world().await.unwrap()
    };
    let key = |world: &World| {
        use secrecy::ExposeSecret;
        world.credentials()[1].1.expose_secret().to_owned()
    };
    let world = open("first").await;
    assert_eq!(key(&world), "first");
    world.renew_key(&owner(&world).await).await.unwrap();
    let renewed = key(&world);
    drop(world);
    let world = open("first").await;
    assert_eq!(key(&world), renewed);
    drop(world);
    assert_eq!(key(&open("second").await), "second");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    drop(open(&path).await.unwrap());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Many calls at once are written together, and each is on disk when it is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_once_are_all_on_disk_when_they_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let world = open(&path).await.unwrap();
    let who = owner(&world).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (world, who) = (world.clone(), who.clone());
        calls.spawn(async move {
            let one = Submission::one(message("+224622000001", "hello"));
            world.accept(&who, one).await.unwrap();
        });
    }
    calls.join_all().await;
    let again = open(&as_killed(&path, "killed.jsonl")).await.unwrap();
    assert_eq!(again.messages().len(), 50);
}

#[tokio::test]
async fn a_file_of_an_earlier_form_is_refused_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let earlier = "{\"change\":\"begin\",\"version\":1,\"provider\":\"testline\",\"ids\":\
        {\"messages\":1,\"batches\":1,\"contacts\":1,\"groups\":1}}\n\
        {\"change\":\"account\",\"credentials\":{\"line\":\"1\",\"key\":\"k\"},\"credit\":5}\n";
    std::fs::write(&path, earlier).unwrap();
    let error = open(&path).await.unwrap_err();
    let SimError::StateOfAnother { found, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(found, "testline (form 1)");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), earlier);
}
