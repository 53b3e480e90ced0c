//! A loaded model and the thread that computes with it.
//!
//! The thread owns llama.cpp's context and repeats one step: a batch of the next token of every answer and of a share
//! of every waiting prompt. Orders come over one channel, news go back over one for each job.

mod decode;
mod embedder;
mod link;
mod loading;
mod pace;
mod pictures;
mod room;
mod slot;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use engine_protocol::Failure;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use crate::files::Files;
use crate::options::Options;
use crate::sampling::Sampler;
use crate::template::Template;
use crate::text::Text;

pub use embedder::Texts;
pub use link::{Link, News, link};

/// What the thread is asked to do.
#[derive(Debug)]
pub enum Order {
    /// To continue a prompt.
    Chat(Box<Chat>),
    /// To make vectors of texts.
    Embed(Texts),
}

/// One prompt to continue.
#[derive(Debug)]
pub struct Chat {
    /// What comes before the answer.
    pub prompt: Prompt,
    /// Draws the answer's tokens.
    pub sampler: Sampler,
    /// Makes text of them.
    pub text: Text,
    /// The longest answer.
    pub max_tokens: u32,
    /// To the job.
    pub link: Link,
}

/// What comes before an answer.
#[derive(Debug)]
pub enum Prompt {
    /// Text only.
    Tokens(Vec<LlamaToken>),
    /// Text with a mark for each picture.
    Pictures {
        /// The text.
        text: String,
        /// The pictures, in the order of the marks.
        files: Vec<PathBuf>,
    },
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model, a stop text or the grammar ended it.
    Stop,
    /// It is as long as it may be.
    Length,
}

/// How an answer ended, counted in tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Why.
    pub finish: Finish,
    /// Of the prompt.
    pub prompt: u64,
    /// Of those, known from an earlier prompt.
    pub cached: u64,
    /// Of the answer.
    pub completion: u64,
}

/// A loaded model; it is freed when this is dropped.
#[derive(Debug)]
pub struct Served {
    facts: Facts,
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// What is known of a loaded model.
#[derive(Debug)]
pub(crate) struct Facts {
    model: Arc<LlamaModel>,
    options: Options,
    template: Option<Template>,
    bos: String,
    eos: String,
    picture_mark: String,
    sees: bool,
    /// Tokens that one chat may hold; 0 where there is no chat.
    context: u32,
    /// Tokens of one text to embed.
    embed_context: u32,
    memory: u64,
}

impl Served {
    /// Loads the model and starts its thread; `progress` hears of parts done and parts in all.
    pub fn start(files: Files, options: Options, progress: impl Fn(u32, u32)) -> Result<Self, Failure> {
        let (facts, orders, thread) = loading::start(files, options, progress)?;
        Ok(Self { facts, orders: Some(orders), thread: Some(thread) })
    }

    /// The model itself.
    pub fn model(&self) -> &LlamaModel {
        &self.facts.model
    }

    /// How it was loaded.
    pub fn options(&self) -> &Options {
        &self.facts.options
    }

    /// An estimate of what the model and its context take.
    pub fn memory_bytes(&self) -> u64 {
        self.facts.memory
    }

    /// Its chat template.
    pub fn template(&self) -> Result<&Template, Failure> {
        if self.facts.context == 0 {
            return Err(Failure::bad_input("this model is loaded for embeddings, not for chats"));
        }
        let missing = "the model has no chat template: state one as `chatTemplate` in its defaults";
        self.facts.template.as_ref().ok_or_else(|| Failure::bad_input(missing))
    }

    /// The text of the token that starts a text; empty where there is none.
    pub fn bos(&self) -> &str {
        &self.facts.bos
    }

    /// The text of the token that ends a text.
    pub fn eos(&self) -> &str {
        &self.facts.eos
    }

    /// What stands for a picture in a prompt.
    pub fn picture_mark(&self) -> &str {
        &self.facts.picture_mark
    }

    /// Whether it takes pictures.
    pub fn sees(&self) -> bool {
        self.facts.sees
    }

    /// The tokens of a rendered prompt; one that cannot fit is refused by number.
    pub fn tokens(&self, text: &str) -> Result<Vec<LlamaToken>, Failure> {
        let vocab = self.facts.model.vocab();
        // Many templates write the first token themselves.
        let text = if vocab.should_add_bos() { text.strip_prefix(self.bos()).unwrap_or(text) } else { text };
        let tokens = vocab.tokenize(text.as_bytes(), true, true);
        check_length(tokens.len(), self.facts.context)?;
        Ok(tokens)
    }

    /// The tokens of a text to embed.
    pub fn embed_tokens(&self, text: &str) -> Result<Vec<LlamaToken>, Failure> {
        let tokens = self.facts.model.vocab().tokenize(text.as_bytes(), true, true);
        let (count, most) = (tokens.len(), self.facts.embed_context);
        if tokens.is_empty() {
            return Err(Failure::bad_input("embed: a text is empty"));
        }
        if count > most as usize {
            let (count, most) = (thousands(count as u64), thousands(u64::from(most)));
            return Err(Failure::bad_input(format!(
                "embed: a text has {count} tokens, the context holds {most}"
            )));
        }
        Ok(tokens)
    }

    /// Hands an order to the thread.
    pub fn order(&self, order: Order) -> Result<(), Failure> {
        let gone = || Failure::internal("the serving thread has ended");
        self.orders.as_ref().ok_or_else(gone)?.send(order).map_err(|_| gone())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The thread ends when nobody can order any more.
        self.orders.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A prompt must leave room for at least one token of an answer.
fn check_length(tokens: usize, context: u32) -> Result<(), Failure> {
    if tokens == 0 {
        return Err(Failure::bad_input("messages: the prompt is empty"));
    }
    if tokens < context as usize {
        return Ok(());
    }
    let (tokens, context) = (thousands(tokens as u64), thousands(u64::from(context)));
    Err(Failure::bad_input(format!("prompt has {tokens} tokens, the context holds {context}")))
}

/// llama.cpp counts tokens in signed numbers.
fn signed(count: usize) -> i32 {
    i32::try_from(count).expect("a context holds fewer than 2^31 tokens")
}

/// 5120 as `5,120`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1_000, 5_120, 1_234_567].map(thousands),
            ["0", "999", "1,000", "5,120", "1,234,567"]
        );
    }

    #[test]
    fn a_long_prompt_is_refused_by_number() {
        let message = check_length(5_120, 4_096).unwrap_err().message;
        assert_eq!(message, "prompt has 5,120 tokens, the context holds 4,096");
        assert!(check_length(4_096, 4_096).is_err() && check_length(4_095, 4_096).is_ok());
        assert!(check_length(0, 4_096).is_err());
    }
}
