//! `tidings messages SESSION`: the messages of a conversation at a provider, and the files that came with
//! them.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use tidings::Timestamp;
use tidings::conversations::{ConversationMessage, Conversations, StoredMedia};

use crate::args::MessagesArgs;
use crate::commands::sessions::conversations_of;
use crate::commands::{Context, pages};
use crate::media::extension_of;
use crate::output::{Column, Ending, bad_input, counted, explain, shown};

/// One message, in JSON.
#[derive(Serialize)]
struct MessageLine<'m> {
    id: &'m str,
    session: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    kind: &'m str,
    direction: &'static str,
    from: &'m str,
    to: &'m [String],
    text: &'m str,
    /// The provider's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaLine<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
}

/// The file of a message. Its address at the provider is a secret and is not shown.
#[derive(Serialize)]
struct MediaLine<'m> {
    #[serde(rename = "type")]
    mime_type: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// Where it was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'m Path>,
    /// Why it was not fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'m str>,
}

/// A message, and what became of its file.
struct Told {
    message: ConversationMessage,
    file: Option<Result<PathBuf, String>>,
}

pub(super) async fn run(context: &Context, args: &MessagesArgs) -> anyhow::Result<()> {
    let connected = context.connect(&args.account)?;
    let conversations = conversations_of(&*connected.provider)?;
    if let Some(folder) = &args.fetch {
        std::fs::create_dir_all(folder).map_err(|error| not_made(folder, error))?;
    }
    let mut all = Vec::new();
    let mut n_missed = 0;
    let session = args.session.as_deref().unwrap_or_default();
    let get = async |page| conversations.messages(session, page).await;
    pages::read(
        args.limit,
        |message| &message.id,
        get,
        async |rows: Vec<ConversationMessage>| {
            for message in rows {
                let file = match (&args.fetch, &message.media) {
                    (Some(folder), Some(media)) => {
                        Some(fetch(conversations, folder, &message.id, media).await?)
                    }
                    _ => None,
                };
                n_missed += usize::from(matches!(file, Some(Err(_))));
                let told = Told { message, file };
                if context.output.is_json() {
                    context.output.json_line(&line(&told))?;
                } else {
                    all.push(told);
                }
            }
            Ok(())
        },
    )
    .await?;
    if !context.output.is_json() {
        show(context, &all)?;
    }
    match n_missed {
        0 => Ok(()),
        missed => {
            let what = format!("could not be fetched: {}", counted(missed, "file"));
            Err(Ending::Partly(what).into())
        }
    }
}

/// A file that is there already, or lies on the way, is the wrong name for a folder.
fn not_made(folder: &Path, error: io::Error) -> anyhow::Error {
    let what = format!("cannot make the folder {}", folder.display());
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            bad_input(format!("{what}: a file is in its place"))
        }
        _ => anyhow::Error::from(error).context(what),
    }
}

/// Fetches a file and writes it. That the provider does not give it is this message's trouble; that
/// the disk does not take it is the command's.
async fn fetch(
    conversations: &dyn Conversations,
    folder: &Path,
    id: &str,
    media: &StoredMedia,
) -> anyhow::Result<Result<PathBuf, String>> {
    let fetched = match conversations.fetch(media).await {
        Ok(fetched) => fetched,
        Err(error) => return Ok(Err(explain(&error.into()))),
    };
    let mime_type = fetched.mime_type();
    let path = folder.join(file_name(id, extension_of(mime_type)));
    let written = tokio::fs::write(&path, fetched.content()).await;
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Ok(path))
}

/// The provider makes the ids: nothing of them may lead out of the folder.
fn file_name(id: &str, extension: &str) -> String {
    let harmless = |character: char| {
        if character.is_ascii_alphanumeric() || character == '-' || character == '_' {
            character
        } else {
            '_'
        }
    };
    let name: String = id.chars().map(harmless).take(100).collect();
    format!("{name}.{extension}")
}

fn line(told: &Told) -> MessageLine<'_> {
    let message = &told.message;
    let media = message.media.as_ref().map(|media| MediaLine {
        mime_type: &media.mime_type,
        bytes: media.bytes,
        file: told.file.as_ref().and_then(|file| file.as_deref().ok()),
        error: told
            .file
            .as_ref()
            .and_then(|file| file.as_ref().err())
            .map(String::as_str),
    });
    MessageLine {
        id: &message.id,
        session: &message.conversation,
        at: message.at,
        kind: &message.kind,
        direction: message.direction.as_str(),
        from: &message.from,
        to: &message.to,
        text: &message.text,
        status: message.status.as_deref(),
        media,
        deleted_at: message.deleted_at,
    }
}

fn show(context: &Context, all: &[Told]) -> anyhow::Result<()> {
    if all.is_empty() {
        context
            .output
            .remark("there are no messages in this session");
        return Ok(());
    }
    let columns = [
        "message",
        "at",
        "direction",
        "from",
        "to",
        "kind",
        "status",
        "text",
    ];
    let rows = all.iter().map(row);
    context
        .output
        .table(&columns.map(Column::Text), rows.collect())
}

fn row(told: &Told) -> Vec<String> {
    let message = &told.message;
    let file = match (&message.media, &told.file) {
        (None, _) => String::new(),
        (Some(media), None) => format!(" ({})", media.mime_type),
        (Some(_), Some(Ok(path))) => format!(" ({})", path.display()),
        (Some(media), Some(Err(why))) => format!(" ({}: {why})", media.mime_type),
    };
    vec![
        shown(&message.id),
        message.at.map(|at| at.to_string()).unwrap_or_default(),
        message.direction.as_str().to_owned(),
        shown(&message.from),
        shown(&message.to.join(", ")),
        shown(&message.kind),
        shown(message.status.as_deref().unwrap_or_default()),
        format!("{}{file}", shown(&message.text)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leads_out_of_the_folder() {
        assert_eq!(file_name("m-65f0a1b2c3d4e", "png"), "m-65f0a1b2c3d4e.png");
        assert_eq!(file_name("../../etc/passwd", "txt"), "______etc_passwd.txt");
        assert_eq!(file_name("", "bin"), ".bin");
        assert_eq!(file_name(&"x".repeat(500), "png").len(), 104);
    }
}
