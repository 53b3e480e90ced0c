//! A place for one chat in the context, and what it remembers of the last one.

use std::time::{Duration, Instant};

use llama_cpp_2::token::LlamaToken;

use super::{Chat, Ending, Finish, News};

/// How often a job hears that work goes on: well within the protocol's five seconds.
const ALIVE_INTERVAL: Duration = Duration::from_secs(1);

/// One sequence of the context.
#[derive(Debug)]
pub struct Slot {
    /// Its number in llama.cpp.
    pub sequence: i32,
    /// The tokens whose keys and values are in the context.
    pub held: Vec<LlamaToken>,
    /// Where the next token goes; larger than `held` once there were pictures.
    pub position: i32,
    /// Grows with each use: the smallest was unused the longest.
    pub used: u64,
    /// What it works on.
    pub job: Option<Job>,
}

impl Slot {
    pub fn new(sequence: i32) -> Self {
        Self { sequence, held: Vec::new(), position: 0, used: 0, job: None }
    }

    /// Whether it holds a prefix of `prompt`, and how long it is.
    pub fn common(&self, prompt: &[LlamaToken]) -> usize {
        self.held.iter().zip(prompt).take_while(|(held, wanted)| held == wanted).count()
    }
}

/// One chat on its way.
#[derive(Debug)]
pub struct Job {
    /// What was asked.
    pub chat: Box<Chat>,
    /// What must be in the context before the next token is drawn; grows when the chat had to make room for others.
    pub prompt: Vec<LlamaToken>,
    /// Tokens of what was asked, pictures included.
    pub prompt_tokens: u64,
    /// Of those, known from an earlier prompt.
    pub cached: u64,
    /// Drawn, but not yet computed.
    pub next: Option<LlamaToken>,
    /// Drawn so far.
    pub made: u32,
    /// All of the answer's text while a grammar waits for the end of the thinking.
    pub thinking: String,
    heard: Instant,
}

impl Job {
    pub fn new(chat: Box<Chat>, prompt: Vec<LlamaToken>) -> Self {
        let prompt_tokens = prompt.len() as u64;
        Self {
            chat,
            prompt,
            prompt_tokens,
            cached: 0,
            next: None,
            made: 0,
            thinking: String::new(),
            heard: Instant::now(),
        }
    }

    /// A sign of life, if the last one is long ago.
    pub fn alive(&mut self) {
        if self.heard.elapsed() >= ALIVE_INTERVAL {
            self.heard = Instant::now();
            self.chat.link.say(News::Alive);
        }
    }

    /// A piece of the answer.
    pub fn piece(&mut self, text: String) {
        self.heard = Instant::now();
        if self.chat.sampler.waits() {
            self.thinking.push_str(&text);
            if crate::reasoning::closes(&self.thinking) {
                self.chat.sampler.thought();
            }
        }
        self.chat.link.say(News::Piece { text, tokens: self.made });
    }

    /// The end of the answer.
    pub fn end(mut self, finish: Finish) {
        let rest = self.chat.text.finish();
        // The end of an answer may complete a stop text.
        let finish = if self.chat.text.is_stopped() { Finish::Stop } else { finish };
        if !rest.is_empty() {
            self.chat.link.say(News::Piece { text: rest, tokens: self.made });
        }
        self.chat.link.say(News::Ended(Ending {
            finish,
            prompt: self.prompt_tokens,
            cached: self.cached,
            completion: u64::from(self.made),
        }));
    }
}
