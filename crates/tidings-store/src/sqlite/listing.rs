//! Pages of long lists, and messages by conditions.
//!
//! A page says where the next one begins. Messages are looked for by the narrowest index that the conditions
//! allow; the other conditions are tried on what it finds. So that no call reads for long, it looks
//! at a bounded stretch of keys and may give a page that is short, with the place to go on from.

use rusqlite::{Row, params};

use super::db::Db;
use super::messages::{all_messages, batch_key, shown};
use super::row::{number, phone_code, state_code};
use super::sql::{Sql, statements};
use super::write::{PART_BITS, SPAN_BITS};
use crate::error::{Result, StoreError};
use crate::model::{AccountId, MessageFilter, Page, PageRequest, StoredMessage};
use tidings_core::{MessageState, Timestamp};

/// The conditions that are tried on every row.
macro_rules! filtered {
    ($rest:literal) => {
        shown!(
            "(?1 IS NULL OR m.account = ?1) AND (?2 IS NULL OR c.recipient = ?2)
            AND (?3 IS NULL OR c.reference = ?3) AND (?4 IS NULL OR c.tag = ?4)
            AND (?5 IS NULL OR m.lane = ?5) AND (?6 IS NULL OR c.conversation = ?6)
            AND (?7 IS NULL OR m.accepted_at >= ?7) AND (?8 IS NULL OR m.accepted_at < ?8)
            AND (?9 IS NULL OR instr(?9, ',' || m.state || ',') > 0)
            AND (?10 IS NULL OR c.batch = ?10) AND ",
            $rest
        )
    };
}

statements! {
    BY_KEY = filtered!("c.key >= ?11 AND c.key < ?12 ORDER BY c.key DESC LIMIT ?13");
    BY_RECIPIENT = filtered!("c.key >> 13 = ?11 AND c.recipient = ?2 AND c.key < ?12
        ORDER BY c.key DESC LIMIT ?13");
    BY_REFERENCE = filtered!("c.key >> 13 = ?11 AND c.reference = ?3 AND c.reference IS NOT NULL
        AND c.key < ?12 ORDER BY c.key DESC LIMIT ?13");
    BY_BATCH = filtered!("c.batch = ?10 AND c.batch_index >= ?11 AND c.batch_index < ?12
        ORDER BY c.batch_index DESC LIMIT ?13");
    BY_CONVERSATION = filtered!("c.account = ?1 AND c.conversation = ?6 AND c.key >= ?11
        AND c.key < ?12 ORDER BY c.key DESC LIMIT ?13");
    FIRST_KEY = "SELECT min(key) FROM contents";
    LAST_KEY = "SELECT max(key) FROM contents";
    LAST_SPAN = "SELECT span FROM spans WHERE account = ?1 AND span <= ?2 ORDER BY span DESC LIMIT 1";
}

/// A place in a list, by which the next page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor(pub(super) i64, pub(super) i64);

impl Cursor {
    /// The place that a request begins after.
    pub(super) fn read(page: &PageRequest) -> Result<Option<Self>> {
        let Some(text) = &page.after else {
            return Ok(None);
        };
        let numbers = text.split_once('.');
        let cursor = numbers.and_then(|(a, b)| Some(Self(a.parse().ok()?, b.parse().ok()?)));
        let cursor = cursor.ok_or_else(|| StoreError::not_found("place in the list"));
        cursor.map(Some)
    }

    pub(super) fn write(self) -> Box<str> {
        format!("{}.{}", self.0, self.1).into()
    }
}

/// What a limit means.
pub(super) fn limit(asked_for: usize) -> usize {
    if asked_for == 0 { 100 } else { asked_for }
}

/// A page of rows, of which one more was read than there is room for.
pub(super) fn page_of<T>(mut rows: Vec<T>, most: usize, place: impl Fn(&T) -> Cursor) -> Page<T> {
    let has_more = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().filter(|_| has_more);
    Page {
        next: next.map(|last| place(last).write()),
        items: rows,
    }
}

/// A page of what an account has, or of what there is, the latest first. `statements`: for all, and for one
/// account; both take the key before which the page lies and how many rows are read, the second the
/// account too. `read` gives a row with its key.
pub(super) fn latest_of<T>(
    db: &Db,
    [of_all, of_one]: [Sql; 2],
    account: Option<&AccountId>,
    page: &PageRequest,
    read: impl Fn(&Db, &Row<'_>) -> Result<(i64, T)>,
) -> Result<Page<T>> {
    let before = Cursor::read(page)?.map_or(i64::MAX, |it| it.0);
    let most = limit(page.limit);
    let n_rows = number(most) + 1;
    let rows = match account {
        None => db.all(of_all, [before, n_rows], |row| Ok(read(db, row)))?,
        Some(account) => match db.key_of(account.as_str())? {
            Some(account) => db.all(of_one, [before, n_rows, account], |row| Ok(read(db, row)))?,
            None => Vec::new(),
        },
    };
    let rows: Vec<_> = rows.into_iter().collect::<Result<_>>()?;
    Ok(without_keys(page_of(rows, most, |(key, _)| {
        Cursor(*key, 0)
    })))
}

/// The page as it is given out.
pub(super) fn without_keys<T>(page: Page<(i64, T)>) -> Page<T> {
    Page {
        items: page.items.into_iter().map(|(_, item)| item).collect(),
        next: page.next,
    }
}

/// So many stretches of 4,096 keys are looked at for one page: a million.
const MOST_SPANS: usize = 256;

/// Conditions as the statements take them.
struct Conditions {
    account: Option<i64>,
    to: Option<i64>,
    reference: Option<Box<str>>,
    tag: Option<Box<str>>,
    lane: Option<i64>,
    conversation: Option<String>,
    from: Option<i64>,
    until: Option<i64>,
    states: Option<String>,
    batch: Option<i64>,
}

/// Messages by conditions, the latest first.
pub(super) fn messages(db: &Db, filter: &MessageFilter) -> Result<Page<StoredMessage>> {
    let most = limit(filter.page.limit);
    let before = Cursor::read(&filter.page)?.map_or(i64::MAX, |it| it.0);
    let Some(conditions) = conditions(db, filter)? else {
        return Ok(Page::default());
    };
    let mut found: Vec<(i64, StoredMessage)> = Vec::new();
    let mut stopped_at = None;
    if conditions.batch.is_some() {
        let rows = select(db, BY_BATCH, &conditions, [0, before], most + 1)?;
        // Rows of a batch are in the order of their places in it.
        found = rows
            .into_iter()
            .map(|(key, message)| {
                let index = message.batch.map(|place| super::row::unsigned(place.index));
                (index.unwrap_or(key), message)
            })
            .collect();
    } else if conditions.conversation.is_some() && conditions.account.is_some() {
        found = select(db, BY_CONVERSATION, &conditions, [0, before], most + 1)?;
    } else if conditions.to.is_some() || conditions.reference.is_some() {
        let sql = if conditions.to.is_some() {
            BY_RECIPIENT
        } else {
            BY_REFERENCE
        };
        let (first, last) = ends(db)?;
        for part in (first >> PART_BITS..=last.min(before) >> PART_BITS).rev() {
            let left = most + 1 - found.len();
            if left == 0 {
                break;
            }
            found.extend(select(db, sql, &conditions, [part, before], left)?);
        }
    } else {
        stopped_at = by_key(db, &conditions, before, most + 1, &mut found)?;
    }
    let page = page_of(found, most, |(key, _)| Cursor(*key, 0));
    let next = page.next.or(stopped_at.map(|key| Cursor(key, 0).write()));
    Ok(Page {
        items: page.items.into_iter().map(|(_, message)| message).collect(),
        next,
    })
}

/// Goes through the keys backwards, of an account only where it has any. Gives the place where it stopped
/// before the end.
fn by_key(
    db: &Db,
    conditions: &Conditions,
    mut before: i64,
    most: usize,
    found: &mut Vec<(i64, StoredMessage)>,
) -> Result<Option<i64>> {
    let (first, last) = ends(db)?;
    before = before.min(last + 1);
    for _ in 0..MOST_SPANS {
        if before <= first || found.len() >= most {
            return Ok(None);
        }
        let mut span = (before - 1) >> SPAN_BITS;
        if let Some(account) = conditions.account {
            match db.one(LAST_SPAN, [account, span], |row| row.get(0))? {
                Some(latest) => span = latest,
                None => return Ok(None),
            }
        }
        let start = span << SPAN_BITS;
        let end = before.min((span + 1) << SPAN_BITS);
        let left = most - found.len();
        found.extend(select(db, BY_KEY, conditions, [start, end], left)?);
        before = start;
    }
    Ok((found.len() < most && before > first).then_some(before))
}

fn select(
    db: &Db,
    sql: Sql,
    conditions: &Conditions,
    range: [i64; 2],
    most: usize,
) -> Result<Vec<(i64, StoredMessage)>> {
    let parameters = params![
        conditions.account,
        conditions.to,
        conditions.reference,
        conditions.tag,
        conditions.lane,
        conditions.conversation,
        conditions.from,
        conditions.until,
        conditions.states,
        conditions.batch,
        range[0],
        range[1],
        number(most),
    ];
    all_messages(db, sql, parameters)
}

/// The first and the last key of a message.
fn ends(db: &Db) -> Result<(i64, i64)> {
    let end = |sql| -> Result<i64> {
        let key: Option<Option<i64>> = db.one(sql, [], |row| row.get(0))?;
        Ok(key.flatten().unwrap_or(0))
    };
    Ok((end(FIRST_KEY)?, end(LAST_KEY)?))
}

/// `None` where something is named that no message can have.
fn conditions(db: &Db, filter: &MessageFilter) -> Result<Option<Conditions>> {
    let mut account = None;
    if let Some(name) = &filter.account {
        account = db.key_of(name.as_str())?;
        if account.is_none() {
            return Ok(None);
        }
    }
    let mut lane = None;
    if let Some(name) = &filter.lane {
        lane = db.key_of(name.as_str())?;
        if lane.is_none() {
            return Ok(None);
        }
    }
    let mut batch = None;
    if let Some(id) = filter.batch {
        batch = batch_key(db, id).ok();
        if batch.is_none() {
            return Ok(None);
        }
    }
    let is_wanted = |state: &&MessageState| {
        let mut wanted = filter.states.iter();
        wanted.any(|wanted| wanted.as_str() == state.as_str())
    };
    let states = MessageState::ALL.iter().filter(is_wanted);
    let codes = states.map(|state| format!("{},", state_code(*state)));
    Ok(Some(Conditions {
        account,
        to: filter.to.as_ref().map(phone_code),
        reference: filter.reference.clone(),
        tag: filter.tag.clone(),
        lane,
        conversation: filter
            .conversation
            .as_ref()
            .map(|id| id.as_str().to_owned()),
        from: filter.from.map(Timestamp::as_millis),
        until: filter.until.map(Timestamp::as_millis),
        states: (!filter.states.is_empty()).then(|| format!(",{}", codes.collect::<String>())),
        batch,
    }))
}
