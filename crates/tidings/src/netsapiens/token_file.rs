//! Tokens in a file: what the setting `token_file` asks for. Made by the builder, called by
//! `sign_in.rs`; it asks no server for anything.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::map::PROVIDER;
use super::token::{Token, TokenStore};
use crate::error::{Error, ErrorKind, Result};

/// Keeps one account's token in a file that only its owner can read.
///
/// The file is written whole beside its place and then moved there, so that a program that dies in
/// the middle leaves the one before. A file that others can read, or that holds something else, is
/// not used: the client signs in anew and writes it again. Each account needs a file of its own; one
/// that holds another account's token is written over.
#[derive(Clone, Debug)]
pub struct FileTokenStore {
    file: PathBuf,
}

impl FileTokenStore {
    /// Keeps the token in this file, which need not exist; its folder must.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into() }
    }
}

#[async_trait]
impl TokenStore for FileTokenStore {
    async fn load(&self) -> Result<Option<Token>> {
        let file = self.file.clone();
        let json = off_the_runtime("load_token", move || read(&file)).await?;
        json.map(|json| Token::from_json(json.expose_secret()))
            .transpose()
    }

    async fn save(&self, token: &Token) -> Result<()> {
        let file = self.file.clone();
        let json = token.to_json();
        off_the_runtime("save_token", move || write(&file, &json)).await
    }
}

async fn off_the_runtime<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let failed = |cause: io::Error| {
        let what = match operation {
            "load_token" => "the token file cannot be used",
            _ => "the token file cannot be written",
        };
        Error::not_sent(ErrorKind::Config, what)
            .during(PROVIDER, operation)
            .with_source(cause)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(failed),
        Err(broken_off) => Err(failed(io::Error::other(broken_off))),
    }
}

/// `None` where there is no file.
fn read(file: &Path) -> io::Result<Option<SecretString>> {
    match fs::metadata(file) {
        Ok(metadata) => check_mode(&metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    fs::read_to_string(file).map(|json| Some(json.into()))
}

/// Whoever can read the file can act as the user, and whoever can write it can make us act for
/// another one.
#[cfg(unix)]
fn check_mode(metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let for_others = metadata.permissions().mode() & 0o077;
    if for_others == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "others than its owner can read it",
    ))
}

#[cfg(not(unix))]
fn check_mode(_: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn write(file: &Path, json: &SecretString) -> io::Result<()> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut new_name = name.to_os_string();
    // Another program may be writing its own.
    new_name.push(format!(".{:016x}", fastrand::u64(..)));
    let new = file.with_file_name(new_name);
    let written = write_new(&new, json).and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        // It may not be there; and that it cannot be removed changes nothing.
        drop(fs::remove_file(&new));
    }
    written
}

fn write_new(file: &Path, json: &SecretString) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file)?;
    opened.write_all(json.expose_secret().as_bytes())?;
    opened.sync_all()
}
