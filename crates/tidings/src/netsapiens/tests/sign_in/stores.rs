//! Tokens that are kept between runs.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use tidings_core::Clock as _;

use super::{Server, TestClock, ask};
use crate::error::{Error, ErrorKind, Result};
use crate::netsapiens::{Client, FileTokenStore, Token, TokenStore};
use crate::tests::log::CapturedLog;

/// Keeps the last token in memory, and fails when it is told to.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    json: Option<SecretString>,
    saved: usize,
    loaded: usize,
    fails: bool,
    panics: bool,
}

fn failed() -> Error {
    Error::not_sent(ErrorKind::Config, "s3cret is in what the store says")
}

#[async_trait]
impl TokenStore for Memory {
    async fn load(&self) -> Result<Option<Token>> {
        let mut kept = self.0.lock().unwrap();
        kept.loaded += 1;
        if kept.fails {
            return Err(failed());
        }
        let json = kept.json.as_ref();
        json.map(|json| Token::from_json(json.expose_secret()))
            .transpose()
    }

    async fn save(&self, token: &Token) -> Result<()> {
        let (fails, panics) = {
            let kept = self.0.lock().unwrap();
            (kept.fails, kept.panics)
        };
        assert!(!panics, "the store breaks");
        if fails {
            return Err(failed());
        }
        let mut kept = self.0.lock().unwrap();
        kept.saved += 1;
        kept.json = Some(token.to_json());
        Ok(())
    }
}

fn stored(server: &Server, clock: &Arc<TestClock>, store: &Memory) -> Client {
    let builder = server.builder(clock).token_store(store.clone());
    builder.build().unwrap()
}

#[tokio::test]
async fn the_next_run_goes_on_with_the_token_of_the_last() {
    let (server, clock, store) = (Server::start().await, TestClock::new(), Memory::default());
    ask(&stored(&server, &clock, &store)).await.unwrap();
    assert_eq!(server.counts(), (1, 0, 1));

    let client = stored(&server, &clock, &store);
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 0, 2));
    let token = client.token().unwrap();
    assert_eq!(token.display_name, "Ann Doe");
    assert_eq!(token.expires_at, clock.now().plus(token.expires_in));

    clock.advance(3_600);
    ask(&stored(&server, &clock, &store)).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 3), "renewed with what was stored");
    let kept = store.0.lock().unwrap();
    assert_eq!((kept.loaded, kept.saved), (3, 2));
}

#[tokio::test]
async fn a_stored_token_that_the_server_has_forgotten_is_renewed() {
    let (server, clock, store) = (Server::start().await, TestClock::new(), Memory::default());
    ask(&stored(&server, &clock, &store)).await.unwrap();
    server.expire();
    ask(&stored(&server, &clock, &store)).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 3));
}

#[tokio::test]
async fn a_token_of_somebody_else_is_not_used() {
    let (server, clock, store) = (Server::start().await, TestClock::new(), Memory::default());
    ask(&stored(&server, &clock, &store)).await.unwrap();
    let others = [
        server
            .builder(&clock)
            .password("acme.app", "secret", "201@example.test", "secret"),
        server
            .builder(&clock)
            .password("other.app", "secret", "200@example.test", "secret"),
    ];
    for (number, other) in (2..).zip(others) {
        // Each finds the token of the one before it.
        let client = other.token_store(store.clone()).build().unwrap();
        ask(&client).await.unwrap();
        assert_eq!(server.counts().0, number);
    }
    let elsewhere = Server::start().await;
    ask(&stored(&elsewhere, &clock, &store)).await.unwrap();
    assert_eq!(elsewhere.counts(), (1, 0, 1));
}

#[tokio::test]
async fn a_store_that_fails_fails_no_call_and_is_logged_without_its_words() {
    let log = CapturedLog::start();
    let (server, clock, store) = (Server::start().await, TestClock::new(), Memory::default());
    store.0.lock().unwrap().fails = true;
    let client = stored(&server, &clock, &store);
    ask(&client).await.unwrap();
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 0, 2));
    let expected = ["token cannot be loaded", "token cannot be stored"];
    log.check(&expected, &["s3cret", "access-1", "refresh-1"]);
}

#[tokio::test]
async fn a_store_that_panics_breaks_one_sign_in() {
    let (server, clock, store) = (Server::start().await, TestClock::new(), Memory::default());
    store.0.lock().unwrap().panics = true;
    let client = stored(&server, &clock, &store);
    let error = ask(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.to_string(), "the sign-in was broken off");
    store.0.lock().unwrap().panics = false;
    ask(&client).await.unwrap();
}

#[tokio::test]
async fn a_file_keeps_the_token_for_its_owner_alone() {
    let (server, clock) = (Server::start().await, TestClock::new());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    let client = |file: &Path| {
        let store = FileTokenStore::new(file);
        server.builder(&clock).token_store(store).build().unwrap()
    };
    ask(&client(&file)).await.unwrap();
    check_private(&file);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it");

    ask(&client(&file)).await.unwrap();
    assert_eq!(server.counts(), (1, 0, 2));
    clock.advance(3_600);
    ask(&client(&file)).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 3));
    ask(&client(&file)).await.unwrap();
    assert_eq!(server.counts(), (1, 1, 4), "the new one is there");
    check_private(&file);

    for broken in ["", "{}", "no json", "[1]"] {
        std::fs::write(&file, broken).unwrap();
        let (before, ..) = server.counts();
        ask(&client(&file)).await.unwrap();
        assert_eq!(server.counts().0, before + 1, "{broken}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_can_read_is_not_used_and_made_private() {
    use std::os::unix::fs::PermissionsExt as _;

    let (server, clock) = (Server::start().await, TestClock::new());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    let client = || {
        let store = FileTokenStore::new(&file);
        server.builder(&clock).token_store(store).build().unwrap()
    };
    ask(&client()).await.unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let (before, ..) = server.counts();
        ask(&client()).await.unwrap();
        assert_eq!(server.counts().0, before + 1, "{mode:o}");
        check_private(&file);
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_fails_no_call() {
    let (server, clock) = (Server::start().await, TestClock::new());
    let folder = tempfile::tempdir().unwrap();
    for file in ["missing/token.json", "..", ""] {
        let store = FileTokenStore::new(folder.path().join(file));
        let client = server.builder(&clock).token_store(store).build().unwrap();
        ask(&client).await.unwrap();
    }
    assert_eq!(server.counts(), (3, 0, 3));
}

#[track_caller]
fn check_private(file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(file.is_file());
}
