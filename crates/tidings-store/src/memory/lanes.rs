//! What is known of lanes, and of the whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::MessageState;

use super::MemoryStore;
use super::rows::MessageRow;
use crate::error::Result;
use crate::model::{LaneDepth, LaneId, LaneMemory, QueueDepth};
use crate::store::Lanes;

#[async_trait]
impl Lanes for MemoryStore {
    async fn lane_depths(&self) -> Result<Vec<LaneDepth>> {
        let state = &*self.lock();
        let mut depths: BTreeMap<&LaneId, LaneDepth> = BTreeMap::new();
        for row in state.messages.values() {
            let Some(lane) = &row.lane else {
                continue;
            };
            let is_in_doubt = row
                .attempts
                .iter()
                .any(|attempt| attempt.check_at.is_some());
            let depth = depths.entry(lane).or_insert_with(|| nothing(lane));
            match row.state {
                MessageState::Queued => count_waiting(depth, row),
                MessageState::Leased | MessageState::Sending => depth.in_hand += 1,
                MessageState::Unknown if is_in_doubt => depth.in_doubt += 1,
                _ => {}
            }
        }
        for (lane, turns) in &state.ready {
            if let Some(depth) = depths.get_mut(lane) {
                depth.first_stamp = turns.first().map(|(_, stamp, _)| *stamp);
            }
        }
        let depths = depths.into_values();
        let depths = depths.filter(|it| it.ready + it.waiting + it.in_hand + it.in_doubt > 0);
        Ok(depths.collect())
    }

    async fn depth(&self) -> Result<QueueDepth> {
        let state = &*self.lock();
        let mut depth = QueueDepth::default();
        for row in state.messages.values() {
            match row.state {
                MessageState::Held(_) => depth.held += 1,
                MessageState::Queued => depth.queued += 1,
                _ => {}
            }
        }
        depth.deliveries = state.n_due_deliveries();
        Ok(depth)
    }

    async fn lane_memories(&self) -> Result<Vec<LaneMemory>> {
        let state = &*self.lock();
        let memories = state.lane_memories.iter();
        let memories = memories.map(|(lane, memory)| LaneMemory {
            lane: lane.clone(),
            memory: Arc::clone(memory),
        });
        Ok(memories.collect())
    }

    async fn remember(&self, memories: Vec<LaneMemory>) -> Result<()> {
        let memories = memories.into_iter().map(|it| (it.lane, it.memory));
        self.lock().lane_memories.extend(memories);
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

fn nothing(lane: &LaneId) -> LaneDepth {
    LaneDepth {
        lane: lane.clone(),
        ready: 0,
        waiting: 0,
        in_hand: 0,
        in_doubt: 0,
        first_stamp: None,
        oldest: None,
    }
}

fn count_waiting(depth: &mut LaneDepth, row: &MessageRow) {
    if row.not_before.is_none() {
        depth.ready += 1;
    } else {
        depth.waiting += 1;
    }
    let oldest = depth.oldest.unwrap_or(row.accepted_at);
    depth.oldest = Some(oldest.min(row.accepted_at));
}
