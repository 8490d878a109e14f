//! What is known of lanes, and of the whole. The counts are kept by the transactions that change them.

use async_trait::async_trait;
use tidings_core::Timestamp;

use super::SqliteStore;
use super::db::Db;
use super::events::earlier_of;
use super::row::RowExt;
use super::sql::statements;
use super::write::Write;
use crate::error::Result;
use crate::model::{LaneDepth, LaneId, LaneMemory, QueueDepth, Stamp};
use crate::store::Lanes;

statements! {
    DEPTHS = "SELECT l.key, n.name, n_ready, n_waiting, n_in_hand, n_in_doubt
        FROM lanes l CROSS JOIN names n ON n.key = l.key
        WHERE n_ready + n_waiting + n_in_hand + n_in_doubt > 0 ORDER BY n.name";
    FIRST_STAMP = "SELECT stamp FROM messages WHERE place = 1 AND lane = ?1
        ORDER BY priority DESC, stamp LIMIT 1";
    OLDEST_READY = "SELECT min(accepted_at) FROM (SELECT accepted_at FROM messages
        WHERE place = 1 AND lane = ?1 AND priority = ?2 ORDER BY stamp LIMIT 1000)";
    OLDEST_WAITING = "SELECT min(accepted_at) FROM (SELECT accepted_at FROM messages
        WHERE place = 2 AND lane = ?1 ORDER BY due LIMIT 1000)";
    DEPTH = "SELECT ifnull(sum(n_held), 0), ifnull(sum(n_ready + n_waiting), 0) FROM lanes";
    WEBHOOK_KEYS = "SELECT key FROM webhooks";
    DUE_DELIVERIES = "SELECT count(*) FROM deliveries WHERE webhook = ?1 AND next_at IS NOT NULL";
    MEMORIES = "SELECT n.name, l.memory FROM lanes l CROSS JOIN names n ON n.key = l.key
        WHERE l.memory IS NOT NULL ORDER BY n.name";
    REMEMBER = "INSERT INTO lanes (key, memory) VALUES (?1, ?2)
        ON CONFLICT (key) DO UPDATE SET memory = ?2";
    CAN_WRITE = "INSERT INTO lanes (key) VALUES (0) ON CONFLICT (key) DO UPDATE SET n_ready = n_ready";
}

#[async_trait]
impl Lanes for SqliteStore {
    /// The oldest message is looked for among the first 1,000 of each priority and of those that wait
    /// for a time. Within one flow the stamps rise with the age, so it is the oldest of all unless more
    /// than 1,000 flows share the lane.
    async fn lane_depths(&self) -> Result<Vec<LaneDepth>> {
        self.read(|db| {
            let mut depths = db.all(DEPTHS, [], |row| {
                let name: String = row.get(1)?;
                let depth = LaneDepth {
                    lane: LaneId::from(name),
                    ready: row.count(2)?,
                    waiting: row.count(3)?,
                    in_hand: row.count(4)?,
                    in_doubt: row.count(5)?,
                    first_stamp: None,
                    oldest: None,
                };
                Ok((row.get::<_, i64>(0)?, depth))
            })?;
            for (lane, depth) in &mut depths {
                let stamp = db.one(FIRST_STAMP, [*lane], |row| row.get(0))?;
                depth.first_stamp = stamp.map(Stamp);
                depth.oldest = oldest(db, *lane)?;
            }
            Ok(depths.into_iter().map(|(_, depth)| depth).collect())
        })
        .await
    }

    async fn depth(&self) -> Result<QueueDepth> {
        self.read(|db| {
            let depth = db.one(DEPTH, [], |row| Ok((row.count(0)?, row.count(1)?)))?;
            let (held, queued) = depth.unwrap_or_default();
            let mut deliveries = 0;
            for webhook in db.all(WEBHOOK_KEYS, [], |row| row.get::<_, i64>(0))? {
                let due = db.one(DUE_DELIVERIES, [webhook], |row| row.count(0))?;
                deliveries += due.unwrap_or(0);
            }
            Ok(QueueDepth {
                held,
                queued,
                deliveries,
            })
        })
        .await
    }

    async fn lane_memories(&self) -> Result<Vec<LaneMemory>> {
        self.read(|db| {
            db.all(MEMORIES, [], |row| {
                let lane: String = row.get(0)?;
                Ok(LaneMemory {
                    lane: LaneId::from(lane),
                    memory: row.get(1)?,
                })
            })
        })
        .await
    }

    async fn remember(&self, memories: Vec<LaneMemory>) -> Result<()> {
        let work = move |write: &mut Write| {
            for memory in &memories {
                let lane = write.db.intern(memory.lane.as_str())?;
                let parameters = rusqlite::params![lane, memory.memory];
                write.db.execute(REMEMBER, parameters)?;
            }
            Ok(())
        };
        self.write(1, work).await
    }

    async fn check(&self) -> Result<()> {
        let work = |write: &mut Write| write.db.execute(CAN_WRITE, []).map(|_| ());
        self.write(1, work).await
    }
}

fn oldest(db: &Db, lane: i64) -> Result<Option<Timestamp>> {
    let mut oldest = db.one(OLDEST_WAITING, [lane], |row| row.time_opt(0))?;
    for priority in [0, 1, 2] {
        let ready = db.one(OLDEST_READY, [lane, priority], |row| row.time_opt(0))?;
        oldest = Some(earlier_of(oldest.flatten(), ready.flatten()));
    }
    Ok(oldest.flatten())
}
