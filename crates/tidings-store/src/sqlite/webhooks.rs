//! Customers' addresses that are told what happens.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Row, params};
use secrecy::{ExposeSecret, SecretString};
use tidings_core::Timestamp;

use super::SqliteStore;
use super::db::Db;
use super::events::{between, event, name};
use super::listing::{Cursor, limit, page_of};
use super::row::{RowExt, number, unreadable};
use super::sql::statements;
use super::write::{SPAN_BITS, Write};
use crate::error::{Result, StoreError, StoreErrorKind};
use crate::model::{
    AccountId, DeliveryEnd, DeliveryId, DeliveryOutcome, DueDelivery, EventKind, EventSeq, NodeId,
    Page, PageRequest, StoredDelivery, StoredWebhook, WebhookChange, WebhookId, WebhookSecret,
};
use crate::store::Webhooks;

/// The columns of [`read_webhook`].
macro_rules! webhook {
    ($rest:literal) => {
        concat!(
            "SELECT key, id, account, url, kinds, format, details, secrets, label, is_enabled,
                disabled_because, failing_since, expires_at, created_at FROM webhooks ",
            $rest
        )
    };
}

statements! {
    PUT_WEBHOOK = "INSERT INTO webhooks (id, account, url, kinds, format, details, secrets, label,
        is_enabled, disabled_because, failing_since, expires_at, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (id) DO UPDATE SET url = ?3, kinds = ?4, details = ?6, secrets = ?7, label = ?8,
        is_enabled = ?9, disabled_because = ?10, failing_since = ?11, expires_at = ?12";
    WEBHOOKS = webhook!("ORDER BY key");
    WEBHOOKS_OF = webhook!("WHERE account = ?1 ORDER BY key");
    WEBHOOK = webhook!("WHERE id = ?1");
    REMOVE_WEBHOOK = "DELETE FROM webhooks WHERE id = ?1";
    DUE = "SELECT key, event, n_tries, created_at, next_at FROM deliveries
        WHERE webhook = ?1 AND next_at <= ?2 ORDER BY next_at, key LIMIT ?3";
    HAND_OUT = "UPDATE deliveries SET next_at = ?2, node = ?3 WHERE key = ?1";
    FINISH = "UPDATE deliveries SET state = ?2, n_tries = n_tries + 1, node = NULL, next_at = ?3,
        last_at = ?4, last_status = ?5, last_error = ?6
        WHERE key = ?1 AND webhook = ?7 AND state = 0";
    FAILING = "UPDATE webhooks SET failing_since = ifnull(failing_since, ?2) WHERE key = ?1";
    WORKS = "UPDATE webhooks SET failing_since = NULL WHERE key = ?1 AND failing_since IS NOT NULL";
    PREVIOUS_SPAN = "SELECT span FROM spans WHERE account = ?1 AND span < ?2
        ORDER BY span DESC LIMIT 1";
    DELIVERIES = "SELECT key, event, state, n_tries, next_at, last_at, last_status, last_error,
        created_at FROM deliveries WHERE webhook = ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3";
    NEXT = "SELECT next_at FROM deliveries WHERE webhook = ?1 AND next_at IS NOT NULL
        ORDER BY next_at LIMIT 1";
    ENABLED = "SELECT key, id FROM webhooks WHERE is_enabled ORDER BY key";
}

#[async_trait]
impl Webhooks for SqliteStore {
    async fn add_webhook(&self, webhook: StoredWebhook) -> Result<()> {
        let work = move |write: &mut Write| {
            if find(&write.db, webhook.id)?.is_some() {
                return Err(StoreError::conflict("there is a webhook with this id"));
            }
            put(write, &webhook)
        };
        self.write(1, work).await
    }

    async fn webhooks(&self, account: Option<&AccountId>) -> Result<Vec<StoredWebhook>> {
        let account = account.cloned();
        let read = move |db: &Db| {
            let rows = match &account {
                None => db.all(WEBHOOKS, [], |row| Ok(read_webhook(db, row)))?,
                Some(account) => {
                    let account = db.key_of(account.as_str())?.unwrap_or(-1);
                    db.all(WEBHOOKS_OF, [account], |row| Ok(read_webhook(db, row)))?
                }
            };
            let webhooks = rows.into_iter();
            webhooks
                .map(|row| row.map(|(_, webhook)| webhook))
                .collect()
        };
        self.read(read).await
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<StoredWebhook>> {
        let read = move |db: &Db| Ok(find(db, id)?.map(|(_, webhook)| webhook));
        self.read(read).await
    }

    async fn change_webhook(&self, id: WebhookId, change: WebhookChange) -> Result<StoredWebhook> {
        let work = move |write: &mut Write| {
            let (_, mut webhook) = existing(&write.db, id)?;
            apply(&mut webhook, &change);
            put(write, &webhook)?;
            Ok(webhook)
        };
        self.write(1, work).await
    }

    /// Its deliveries go with it.
    async fn remove_webhook(&self, id: WebhookId) -> Result<bool> {
        let work = move |write: &mut Write| {
            write.forget_listeners();
            Ok(write.db.execute(REMOVE_WEBHOOK, [id.0.into_bytes()])? > 0)
        };
        self.write(1, work).await
    }

    async fn lease_deliveries(
        &self,
        node: &NodeId,
        until: Timestamp,
        limit: usize,
        per_webhook: usize,
        busy: &[WebhookId],
        now: Timestamp,
    ) -> Result<Vec<DueDelivery>> {
        let (node, busy) = (node.clone(), busy.to_vec());
        let work = move |write: &mut Write| {
            let due = due(&write.db, limit, per_webhook, &busy, now)?;
            if due.is_empty() {
                return Ok(Vec::new());
            }
            let node = write.db.intern(node.as_str())?;
            let mut leased = Vec::with_capacity(due.len());
            for row in due {
                let parameters = [row.key, until.as_millis(), node];
                write.db.execute(HAND_OUT, parameters)?;
                // An event is never removed before its deliveries.
                let Some(event) = event(&write.db, row.event)? else {
                    continue;
                };
                leased.push(DueDelivery {
                    id: delivery_id(row.key, row.created_at),
                    webhook: row.webhook,
                    event,
                    n_tries: row.n_tries,
                    created_at: row.created_at,
                });
            }
            Ok(leased)
        };
        self.write(limit.min(100), work).await
    }

    async fn finish_deliveries(&self, ends: Vec<DeliveryEnd>, now: Timestamp) -> Result<()> {
        let rows = ends.len();
        let work = move |write: &mut Write| {
            let mut each = ends.iter();
            each.try_for_each(|end| finish(write, end, now))
        };
        self.write(rows.min(100), work).await
    }

    async fn replay(&self, id: WebhookId, since: Timestamp, now: Timestamp) -> Result<u64> {
        let work = move |write: &mut Write| replay(write, id, since, now);
        self.write(1_000, work).await
    }

    async fn deliveries(&self, id: WebhookId, page: PageRequest) -> Result<Page<StoredDelivery>> {
        let read = move |db: &Db| {
            let before = Cursor::read(&page)?.map_or(i64::MAX, |it| it.0);
            let most = limit(page.limit);
            let Some((webhook, _)) = find(db, id)? else {
                return Ok(Page::default());
            };
            let parameters = [webhook, before, number(most) + 1];
            let rows = db.all(DELIVERIES, parameters, |row| Ok(read_delivery(db, row)))?;
            let rows: Vec<_> = rows.into_iter().collect::<Result<_>>()?;
            let page = page_of(rows, most, |(key, _)| Cursor(*key, 0));
            Ok(Page {
                items: page.items.into_iter().map(|(_, it)| it).collect(),
                next: page.next,
            })
        };
        self.read(read).await
    }

    async fn next_delivery(&self) -> Result<Option<Timestamp>> {
        let read = move |db: &Db| {
            let mut next: Option<Timestamp> = None;
            for (webhook, _) in enabled(db)? {
                let due = db.one(NEXT, [webhook], |row| row.time(0))?;
                next = next.into_iter().chain(due).min();
            }
            Ok(next)
        };
        self.read(read).await
    }

    async fn rotate_secret(
        &self,
        id: WebhookId,
        secret: SecretString,
        overlap: Timestamp,
        now: Timestamp,
    ) -> Result<StoredWebhook> {
        let work = move |write: &mut Write| {
            let (_, mut webhook) = existing(&write.db, id)?;
            for before in &mut webhook.secrets {
                before.until.get_or_insert(overlap);
            }
            let is_over = |it: &WebhookSecret| it.until.is_some_and(|until| until <= now);
            webhook.secrets.retain(|it| !is_over(it));
            let newest = WebhookSecret {
                secret: secret.clone(),
                until: None,
            };
            webhook.secrets.insert(0, newest);
            put(write, &webhook)?;
            Ok(webhook)
        };
        self.write(1, work).await
    }

    async fn is_listening(&self, account: Option<&AccountId>, kind: EventKind) -> Result<bool> {
        let webhooks = self.webhooks(account).await?;
        let mut its = webhooks.iter().filter(|it| it.account.as_ref() == account);
        Ok(its.any(|it| it.is_enabled && (it.kinds.is_empty() || it.kinds.contains(&kind))))
    }
}

/// A delivery whose time has come.
struct Due {
    key: i64,
    webhook: WebhookId,
    event: i64,
    n_tries: u16,
    created_at: Timestamp,
    next_at: Timestamp,
}

fn due(
    db: &Db,
    limit: usize,
    per_webhook: usize,
    busy: &[WebhookId],
    now: Timestamp,
) -> Result<Vec<Due>> {
    let mut due: Vec<Due> = Vec::new();
    for (key, webhook) in enabled(db)? {
        if busy.contains(&webhook) {
            continue;
        }
        let parameters = [key, now.as_millis(), number(per_webhook.min(limit))];
        due.extend(db.all(DUE, parameters, |row| {
            Ok(Due {
                key: row.get(0)?,
                webhook,
                event: row.get(1)?,
                n_tries: row.get(2)?,
                created_at: row.time(3)?,
                next_at: row.time(4)?,
            })
        })?);
    }
    due.sort_unstable_by_key(|row| (row.next_at, row.key));
    due.truncate(limit);
    Ok(due)
}

fn finish(write: &Write, end: &DeliveryEnd, now: Timestamp) -> Result<()> {
    let Some((webhook, _)) = find(&write.db, end.webhook)? else {
        return Ok(());
    };
    let (state, next) = match end.outcome {
        DeliveryOutcome::Later(at) => (0, Some(at)),
        DeliveryOutcome::Done => (1, None),
        DeliveryOutcome::Dead => (2, None),
    };
    let parameters = params![
        delivery_key(end.id),
        state,
        next.map(Timestamp::as_millis),
        now.as_millis(),
        end.status,
        end.error,
        webhook,
    ];
    if write.db.execute(FINISH, parameters)? > 0 {
        match end.outcome {
            DeliveryOutcome::Done => write.db.execute(WORKS, [webhook])?,
            _ => write.db.execute(FAILING, [webhook, now.as_millis()])?,
        };
    }
    Ok(())
}

/// Goes back through the stretches in which the webhook's account has events. A clock that was set back
/// by less than a day hides nothing: the search goes on until a stretch is that much older.
fn replay(write: &mut Write, id: WebhookId, since: Timestamp, now: Timestamp) -> Result<u64> {
    let (key, webhook) = existing(&write.db, id)?;
    let account = match &webhook.account {
        Some(account) => write.db.key_of(account.as_str())?.unwrap_or(-1),
        None => 0,
    };
    let oldest = since.minus(std::time::Duration::from_hours(24));
    let mut found: Vec<EventSeq> = Vec::new();
    let mut before = i64::MAX;
    loop {
        let span: Option<i64> = write
            .db
            .one(PREVIOUS_SPAN, [account, before], |row| row.get(0))?;
        let Some(span) = span else { break };
        let (start, end) = (span << SPAN_BITS, ((span + 1) << SPAN_BITS) - 1);
        let events = between(&write.db, start - 1, end, Some(account), usize::MAX)?;
        let latest = events.iter().map(|event| event.at).max();
        let told = events.into_iter().filter(|event| {
            let is_its = webhook.kinds.is_empty() || webhook.kinds.contains(&event.kind);
            event.at >= since && is_its
        });
        found.extend(told.map(|event| event.seq));
        if latest.is_some_and(|latest| latest < oldest) {
            break;
        }
        before = span;
    }
    found.sort_unstable();
    for seq in &found {
        write.deliver(key, seq.0, now)?;
    }
    Ok(found.len() as u64)
}

fn apply(webhook: &mut StoredWebhook, change: &WebhookChange) {
    if let Some(url) = &change.url {
        webhook.url = Arc::clone(url);
    }
    if let Some(kinds) = &change.kinds {
        webhook.kinds.clone_from(kinds);
    }
    if let Some(secrets) = &change.secrets {
        webhook.secrets.clone_from(secrets);
    }
    if let Some(expires_at) = change.expires_at {
        webhook.expires_at = expires_at;
    }
    if change.label.is_some() {
        webhook.label.clone_from(&change.label);
    }
    if change.details.is_some() {
        webhook.details.clone_from(&change.details);
    }
    if let Some(is_enabled) = change.is_enabled {
        webhook.is_enabled = is_enabled;
        if is_enabled {
            webhook.disabled_because = None;
            webhook.failing_since = None;
        }
    }
    if change.disabled_because.is_some() {
        webhook
            .disabled_because
            .clone_from(&change.disabled_because);
    }
}

/// Adds a webhook or replaces it.
fn put(write: &mut Write, webhook: &StoredWebhook) -> Result<()> {
    write.forget_listeners();
    let account = webhook.account.as_ref();
    let account = account.map_or(Ok(0), |it| write.db.intern(it.as_str()))?;
    let kinds: Vec<&str> = webhook.kinds.iter().map(|kind| kind.as_str()).collect();
    let parameters = params![
        webhook.id.0.into_bytes(),
        account,
        webhook.url,
        kinds.join(" "),
        webhook.format,
        webhook.details,
        write_secrets(&webhook.secrets)?,
        webhook.label,
        webhook.is_enabled,
        webhook.disabled_because,
        webhook.failing_since.map(Timestamp::as_millis),
        webhook.expires_at.map(Timestamp::as_millis),
        webhook.created_at.as_millis(),
    ];
    write.db.execute(PUT_WEBHOOK, parameters)?;
    Ok(())
}

/// They are signed with, so they are kept in clear.
fn write_secrets(secrets: &[WebhookSecret]) -> Result<String> {
    let secrets: Vec<(&str, Option<i64>)> = secrets
        .iter()
        .map(|it| {
            (
                it.secret.expose_secret(),
                it.until.map(Timestamp::as_millis),
            )
        })
        .collect();
    serde_json::to_string(&secrets).map_err(|_| {
        StoreError::new(
            StoreErrorKind::Corrupt,
            "the secrets of a webhook cannot be written",
        )
    })
}

fn read_secrets(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<WebhookSecret>> {
    let text: String = row.get(column)?;
    let secrets: Vec<(String, Option<i64>)> =
        serde_json::from_str(&text).map_err(|_| unreadable(column))?;
    let secrets = secrets.into_iter().map(|(secret, until)| WebhookSecret {
        secret: secret.into(),
        until: until.and_then(Timestamp::from_millis),
    });
    Ok(secrets.collect())
}

/// The webhooks that are called. There are as many as people have set up.
fn enabled(db: &Db) -> Result<Vec<(i64, WebhookId)>> {
    db.all(ENABLED, [], |row| {
        Ok((row.get(0)?, row.id(1).map(WebhookId)?))
    })
}

fn find(db: &Db, id: WebhookId) -> Result<Option<(i64, StoredWebhook)>> {
    let found = db.one(WEBHOOK, [id.0.into_bytes()], |row| {
        Ok(read_webhook(db, row))
    })?;
    found.transpose()
}

fn existing(db: &Db, id: WebhookId) -> Result<(i64, StoredWebhook)> {
    find(db, id)?.ok_or_else(|| StoreError::not_found("webhook"))
}

/// A webhook with its key.
fn read_webhook(db: &Db, row: &Row<'_>) -> Result<(i64, StoredWebhook)> {
    let kinds: String = row.get(4)?;
    let kinds = kinds.split_ascii_whitespace().map(str::parse);
    let kinds: std::result::Result<Vec<EventKind>, _> = kinds.collect();
    let webhook = StoredWebhook {
        id: WebhookId(row.id(1)?),
        account: name(db, row.get(2)?)?.map(|name| AccountId::from(&*name)),
        url: row.get(3)?,
        kinds: kinds.map_err(|_| unreadable(4))?,
        format: row.get(5)?,
        details: row.text_opt(6)?,
        secrets: read_secrets(row, 7)?,
        label: row.text_opt(8)?,
        is_enabled: row.get(9)?,
        disabled_because: row.text_opt(10)?,
        failing_since: row.time_opt(11)?,
        expires_at: row.time_opt(12)?,
        created_at: row.time(13)?,
    };
    Ok((row.get(0)?, webhook))
}

/// A delivery with its key.
fn read_delivery(db: &Db, row: &Row<'_>) -> Result<(i64, StoredDelivery)> {
    let key: i64 = row.get(0)?;
    let state = match row.get::<_, i64>(2)? {
        0 => "due",
        1 => "done",
        _ => "dead",
    };
    let event = event(db, row.get(1)?)?;
    let delivery = StoredDelivery {
        id: delivery_id(key, row.time(8)?),
        event: event.ok_or_else(|| StoreError::not_found("event"))?,
        state: state.into(),
        n_tries: row.get(3)?,
        next_at: row.time_opt(4)?,
        last_at: row.time_opt(5)?,
        last_status: row.get(6)?,
        last_error: row.text_opt(7)?,
    };
    Ok((key, delivery))
}

/// The name of a delivery: a UUID of version 7 whose second half is the key.
fn delivery_id(key: i64, created_at: Timestamp) -> DeliveryId {
    let milliseconds = u64::try_from(created_at.as_millis()).unwrap_or_default();
    let mut unique = [0; 10];
    unique[2..].copy_from_slice(&key.to_be_bytes());
    let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &unique);
    DeliveryId(id.into_uuid())
}

/// The key in the name of a delivery, beside the two bits of the variant.
fn delivery_key(id: DeliveryId) -> i64 {
    let (_, low) = id.0.as_u64_pair();
    (low & 0x3fff_ffff_ffff_ffff).cast_signed()
}
