//! Which slot a chat gets, and what is forgotten when the context is full.

use std::cmp::Reverse;

use engine_protocol::Failure;

use super::decode::Server;
use super::slot::Job;
use super::{News, signed, thousands};

/// A shorter common beginning is computed anew sooner than it is copied.
const LEAST_COPY: usize = 16;
/// Tokens of an answer that must fit beside the others before its prompt is begun.
const HEADROOM: u32 = 32;

impl Server<'_> {
    /// Gives waiting chats a slot, in their order, as long as there is one and room in the context.
    pub fn admit(&mut self) {
        while let Some(job) = self.waiting.front() {
            let headroom = job.chat.max_tokens.saturating_sub(job.made).min(HEADROOM) as usize;
            let busy = self.slots.iter().filter(|slot| slot.job.is_some());
            let (count, held) = busy.fold((0, 0), |(count, held), slot| {
                let wanted = slot.job.as_ref().map_or(0, |job| job.prompt.len());
                (count + 1, held + wanted.max(slot.position as usize))
            });
            let fits = held + job.prompt.len() + headroom <= self.cells;
            if count == self.slots.len() || (count > 0 && !fits) {
                return;
            }
            let Some(job) = self.waiting.pop_front() else { return };
            self.place(job);
        }
    }

    fn place(&mut self, mut job: Job) {
        // One token at least must be computed, or there is nothing to draw from.
        let most = job.prompt.len().saturating_sub(1);
        let common = |at: usize| self.slots[at].common(&job.prompt).min(most);
        let usable = |at: &usize| {
            let slot = &self.slots[*at];
            self.forgets_partly || (slot.job.is_none() && common(*at) == slot.held.len())
        };
        let best =
            (0..self.slots.len()).filter(usable).max_by_key(|&at| (common(at), self.slots[at].job.is_none()));
        let kept = best.map_or(0, common);
        let continues = best.filter(|&at| {
            // A slot whose chat only begins alike is worth more as it is.
            let slot = &self.slots[at];
            slot.job.is_none() && kept > 0 && kept * 2 >= slot.held.len()
        });
        let free = (0..self.slots.len()).filter(|&at| self.slots[at].job.is_none());
        let oldest = free.min_by_key(|&at| (!self.slots[at].held.is_empty(), self.slots[at].used));
        let Some(target) = continues.or(oldest) else {
            self.waiting.push_front(job);
            return;
        };
        let kept = match best {
            Some(source) if source == target => self.cut(target, kept),
            Some(source) if kept >= LEAST_COPY && self.forgets_partly => self.copy(source, target, kept),
            _ => self.cut(target, 0),
        };
        if job.made == 0 {
            job.cached = kept as u64;
        }
        let slot = &mut self.slots[target];
        slot.held.truncate(kept);
        slot.position = signed(kept);
        self.uses += 1;
        slot.used = self.uses;
        slot.job = Some(job);
    }

    /// Forgets what is beyond `kept` tokens; says how many are left.
    pub fn cut(&mut self, at: usize, kept: usize) -> usize {
        let slot = &mut self.slots[at];
        let from = (kept > 0).then_some(kept as u32);
        // Some models can only forget everything.
        let partly = self.context.kv_cache_seq_rm(slot.sequence, from, None).is_ok();
        if !partly {
            let _ = self.context.kv_cache_seq_rm(slot.sequence, None, None);
        }
        let kept = if partly { kept } else { 0 };
        slot.held.truncate(kept);
        slot.position = signed(kept);
        kept
    }

    /// Shares the first `kept` tokens of another slot: the cells exist once for both.
    fn copy(&mut self, source: usize, target: usize, kept: usize) -> usize {
        self.cut(target, 0);
        let (from, to) = (self.slots[source].sequence, self.slots[target].sequence);
        if self.context.kv_cache_seq_cp(from, to, Some(0), Some(kept as u32)).is_err() {
            return 0;
        }
        let tokens = self.slots[source].held[..kept].to_vec();
        self.slots[target].held = tokens;
        kept
    }

    /// Frees cells: first of what is only remembered, then of the chat that came last. It waits and goes on later.
    pub fn make_room(&mut self) {
        let remembered = |slot: &&mut super::slot::Slot| slot.job.is_none() && !slot.held.is_empty();
        let oldest = self.slots.iter_mut().filter(remembered).min_by_key(|slot| slot.used);
        if let Some(sequence) = oldest.map(|slot| slot.sequence) {
            self.cut(sequence as usize, 0);
            return;
        }
        let mut busy: Vec<usize> = (0..self.slots.len()).filter(|&at| self.slots[at].job.is_some()).collect();
        busy.sort_by_key(|&at| Reverse(self.slots[at].used));
        let alone = busy.len() < 2;
        let pictures = |at: usize| self.slots[at].position as usize != self.slots[at].held.len();
        let Some(&youngest) = busy.iter().find(|&&at| !pictures(at)).or_else(|| busy.first()) else { return };
        let fails = alone || pictures(youngest);
        let Some(mut job) = self.slots[youngest].job.take() else { return };
        let held = std::mem::take(&mut self.slots[youngest].held);
        self.cut(youngest, 0);
        if fails {
            let cells = thousands(self.cells as u64);
            let message = format!("the context of {cells} tokens is full: make `contextSize` larger");
            job.chat.link.say(News::Failed(Failure::memory(message)));
            return;
        }
        // A prompt that was not computed to its end is still whole.
        if held.len() >= job.prompt.len() {
            job.prompt = held;
            job.prompt.extend(job.next.take());
        }
        self.waiting.push_front(job);
    }
}
