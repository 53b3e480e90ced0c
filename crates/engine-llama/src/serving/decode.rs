//! The step that is repeated: one batch for everybody.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use engine_protocol::Failure;
use llama_cpp_2::DecodeError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::mtmd::MtmdContext;
use llama_cpp_2::token::LlamaToken;

use super::embedder::{Embedder, Texts};
use super::pace::Pace;
use super::slot::{Job, Slot};
use super::{Finish, News, Order, Prompt, signed};

/// Everything that the serving thread owns.
pub struct Server<'m> {
    pub model: &'m LlamaModel,
    pub context: LlamaContext<'m>,
    pub pictures: Option<MtmdContext>,
    pub embedder: Embedder<'m>,
    /// Tokens that must be printed though they are control tokens.
    pub marks: Vec<LlamaToken>,
    pub batch: LlamaBatch<'static>,
    /// The most that one batch takes.
    pub batch_size: usize,
    pub slots: Vec<Slot>,
    pub waiting: VecDeque<Job>,
    pub texts: VecDeque<Texts>,
    pub pace: Pace,
    pub uses: u64,
    /// Tokens that the context holds.
    pub cells: usize,
    /// Tokens that one chat may hold.
    pub limit: u32,
    /// Whether a slot can forget its last tokens and keep the others.
    pub forgets_partly: bool,
}

/// What one slot has in a batch.
struct Part {
    slot: usize,
    tokens: Vec<LlamaToken>,
    /// The row to draw from, where there is one.
    row: Option<i32>,
}

impl Server<'_> {
    /// Serves until nobody can order any more.
    pub fn serve(mut self, orders: &Receiver<Order>) {
        while self.receive(orders) {
            self.forget_gone();
            self.admit();
            self.embed_some();
            self.step();
        }
    }

    /// Takes what was ordered, and waits for it where there is nothing to do; false at the end.
    fn receive(&mut self, orders: &Receiver<Order>) -> bool {
        let idle = self.waiting.is_empty()
            && self.texts.is_empty()
            && self.slots.iter().all(|slot| slot.job.is_none());
        if idle {
            let Ok(order) = orders.recv() else { return false };
            self.take(order);
        }
        loop {
            match orders.try_recv() {
                Ok(order) => self.take(order),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Embed(texts) => self.texts.push_back(texts),
            Order::Chat(chat) => match &chat.prompt {
                Prompt::Tokens(tokens) => {
                    let tokens = tokens.clone();
                    self.waiting.push_back(Job::new(chat, tokens));
                }
                Prompt::Pictures { .. } => self.waiting.push_back(Job::new(chat, Vec::new())),
            },
        }
    }

    /// Cancelled jobs leave between two steps.
    fn forget_gone(&mut self) {
        self.waiting.retain(|job| !job.chat.link.is_gone());
        self.texts.retain(|texts| !texts.link.is_gone());
        for at in 0..self.slots.len() {
            if self.slots[at].job.as_ref().is_some_and(|job| job.chat.link.is_gone()) {
                self.leave(at);
            }
        }
    }

    /// The slot is free again; what it holds may serve the next prompt.
    pub fn leave(&mut self, at: usize) -> Option<Job> {
        let slot = &mut self.slots[at];
        let job = slot.job.take();
        if slot.position as usize != slot.held.len() {
            // There were pictures, which tokens do not tell apart.
            self.cut(at, 0);
        }
        job
    }

    fn embed_some(&mut self) {
        let Some(texts) = self.texts.front_mut() else { return };
        match self.embedder.some(self.model, texts) {
            Ok(false) => {}
            Ok(true) => {
                if let Some(texts) = self.texts.pop_front() {
                    texts.link.say(News::Vectors(texts.vectors));
                }
            }
            Err(failure) => {
                if let Some(texts) = self.texts.pop_front() {
                    texts.link.say(News::Failed(failure));
                }
            }
        }
    }

    fn step(&mut self) {
        if self.begin_pictures() {
            return;
        }
        let parts = self.fill();
        if parts.is_empty() {
            return;
        }
        let prompts =
            self.batch.n_tokens() as usize - parts.iter().filter(|part| part.tokens.len() == 1).count();
        let started = Instant::now();
        match self.context.decode(&mut self.batch) {
            Ok(()) => {
                self.pace.measured(prompts, started.elapsed());
                self.computed(&parts);
            }
            Err(DecodeError::NoKvCacheSlot) => self.make_room(),
            Err(problem) => self.fail_all(&parts, &problem),
        }
        let busy = self.slots.iter_mut().filter_map(|slot| slot.job.as_mut());
        busy.chain(&mut self.waiting).for_each(Job::alive);
    }

    /// Puts into the batch one token of each answer, and shares of the prompts.
    fn fill(&mut self) -> Vec<Part> {
        self.batch.clear();
        let mut parts = Vec::new();
        for at in 0..self.slots.len() {
            if let Some(token) = self.slots[at].job.as_ref().and_then(|job| job.next) {
                parts.extend(self.add(at, vec![token], true));
            }
        }
        let waits = !parts.is_empty();
        let mut room = self.pace.budget(waits, self.batch_size.saturating_sub(parts.len()));
        let mut prompts: Vec<(usize, usize)> = (0..self.slots.len())
            .filter_map(|at| {
                let job = self.slots[at].job.as_ref().filter(|job| job.next.is_none())?;
                Some((at, job.prompt.len() - self.slots[at].held.len()))
            })
            .collect();
        // The shortest first: what it leaves of its share goes to the longer ones.
        prompts.sort_by_key(|&(_, left)| left);
        let mut sharers = prompts.len();
        for (at, left) in prompts {
            let share = left.min(room.div_ceil(sharers));
            sharers -= 1;
            room -= share;
            if share == 0 {
                continue;
            }
            let slot = &self.slots[at];
            let start = slot.held.len();
            let tokens = slot.job.as_ref().map(|job| job.prompt[start..start + share].to_vec());
            parts.extend(self.add(at, tokens.unwrap_or_default(), share == left));
        }
        parts
    }

    fn add(&mut self, at: usize, tokens: Vec<LlamaToken>, draws: bool) -> Option<Part> {
        let slot = &self.slots[at];
        for (offset, token) in tokens.iter().enumerate() {
            let last = draws && offset + 1 == tokens.len();
            let position = slot.position + signed(offset);
            self.batch.add(*token, position, &[slot.sequence], last).ok()?;
        }
        let row = draws.then(|| self.batch.n_tokens() - 1);
        Some(Part { slot: at, tokens, row })
    }

    fn computed(&mut self, parts: &[Part]) {
        for part in parts {
            let slot = &mut self.slots[part.slot];
            slot.position += signed(part.tokens.len());
            // Behind pictures the tokens say nothing about what is held.
            if slot.position as usize == slot.held.len() + part.tokens.len() {
                slot.held.extend_from_slice(&part.tokens);
            }
            if let Some(job) = &mut slot.job {
                job.next = None;
            }
        }
        for part in parts {
            if let Some(row) = part.row {
                self.draw(part.slot, row);
            }
        }
    }

    /// Draws the next token of a slot's answer.
    pub fn draw(&mut self, at: usize, row: i32) {
        let vocab = self.model.vocab();
        let Some(job) = &mut self.slots[at].job else { return };
        let token = job.chat.sampler.next(&self.context, row).filter(|token| !vocab.is_eog(*token));
        let Some(token) = token else {
            self.end(at, Finish::Stop);
            return;
        };
        let slot = &mut self.slots[at];
        let full = slot.position as u32 >= self.limit;
        let Some(job) = &mut slot.job else { return };
        job.made += 1;
        let mut bytes = Vec::with_capacity(16);
        vocab.token_to_piece_into(token, &mut bytes, self.marks.contains(&token), None);
        let text = job.chat.text.push(&bytes);
        job.piece(text);
        if job.chat.text.is_stopped() {
            self.end(at, Finish::Stop);
        } else if job.made >= job.chat.max_tokens || full {
            self.end(at, Finish::Length);
        } else {
            job.next = Some(token);
        }
    }

    fn end(&mut self, at: usize, finish: Finish) {
        if let Some(job) = self.leave(at) {
            job.end(finish);
        }
    }

    fn fail_all(&mut self, parts: &[Part], problem: &DecodeError) {
        let why = crate::logs::take_errors();
        for part in parts {
            // What the context holds of it is not known any more.
            let job = self.leave(part.slot);
            self.cut(part.slot, 0);
            if let Some(job) = job {
                let failure = Failure::internal(format!("llama.cpp could not compute: {problem}; {why}"));
                job.chat.link.say(News::Failed(failure));
            }
        }
    }
}
