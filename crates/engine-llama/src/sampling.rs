//! How the next token is drawn.

use engine_protocol::Failure;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use studio_protocol::LlmTask;

/// llama.cpp's own defaults, for what neither the task nor the model states.
const USUAL_TOP_K: u32 = 40;
const USUAL_TOP_P: f64 = 0.95;
const USUAL_MIN_P: f64 = 0.05;
/// Tokens of the answer that penalties look back on: a few paragraphs, cheap to keep.
const PENALTY_WINDOW: i32 = 1_024;
/// What top-p and min-p leave at least.
const MIN_KEEP: usize = 1;

/// Draws the tokens of one answer.
#[derive(Debug)]
pub struct Sampler {
    chain: LlamaSampler,
    grammar: Option<LlamaSampler>,
    /// The grammar rules only once the model has stopped thinking.
    waits: bool,
}

impl Sampler {
    /// For a task whose answer must follow `grammar`, or only what comes after the thinking where it `waits`.
    pub fn new(
        task: &LlmTask,
        model: &LlamaModel,
        grammar: Option<&str>,
        waits: bool,
    ) -> Result<Self, Failure> {
        let chain = LlamaSampler::chain(samplers(task, model)?, true);
        let grammar = match grammar {
            None => None,
            Some(text) => Some(LlamaSampler::grammar(model, text, "root").map_err(|problem| {
                Failure::bad_input(format!("jsonSchema: llama.cpp does not take its grammar: {problem}"))
            })?),
        };
        Ok(Self { chain, grammar, waits })
    }

    /// The next token after row `row` of what was computed; `None` when the grammar leaves nothing.
    pub fn next(&mut self, context: &LlamaContext<'_>, row: i32) -> Option<LlamaToken> {
        let Some(grammar) = self.grammar.as_mut().filter(|_| !self.waits) else {
            return Some(self.chain.sample(context, row));
        };
        // To ask the grammar about every token is slow, so first about the one that would be drawn without it.
        let mut all = context.token_data_array_ith(row);
        all.apply_sampler(&mut self.chain);
        let mut drawn = all.selected_token().filter(|token| {
            let mut one = LlamaTokenDataArray::new(vec![LlamaTokenData::new(*token, 1.0, 0.0)], false);
            one.apply_sampler(grammar);
            one.data.first().is_some_and(|token| token.logit().is_finite())
        });
        if drawn.is_none() {
            let mut all = context.token_data_array_ith(row);
            all.apply_sampler(grammar);
            all.data.retain(|token| token.logit().is_finite());
            if all.data.is_empty() {
                return None;
            }
            all.apply_sampler(&mut self.chain);
            drawn = all.selected_token();
        }
        let token = drawn?;
        grammar.try_accept(token).ok()?;
        self.chain.accept(token);
        Some(token)
    }

    /// The model has stopped thinking: the grammar rules from now on.
    pub fn thought(&mut self) {
        self.waits = false;
    }

    /// Whether a grammar waits for the end of the thinking.
    pub fn waits(&self) -> bool {
        self.waits && self.grammar.is_some()
    }
}

fn samplers(task: &LlmTask, model: &LlamaModel) -> Result<Vec<LlamaSampler>, Failure> {
    let temperature = within("temperature", task.temperature, 0.0, 100.0)?;
    let top_p = within("topP", task.top_p.unwrap_or(USUAL_TOP_P), 0.0, 1.0)?;
    let min_p = within("minP", task.min_p.unwrap_or(USUAL_MIN_P), 0.0, 1.0)?;
    let repeat = within("repeatPenalty", task.repeat_penalty.unwrap_or(1.0), 0.0, 100.0)?;
    let frequency = within("frequencyPenalty", task.frequency_penalty.unwrap_or(0.0), -100.0, 100.0)?;
    let presence = within("presencePenalty", task.presence_penalty.unwrap_or(0.0), -100.0, 100.0)?;
    if repeat <= 0.0 {
        return Err(Failure::bad_input("repeatPenalty: 0 is not above 0; 1 is none"));
    }
    let mut chain = Vec::new();
    let plain = (repeat - 1.0).abs() < f32::EPSILON && frequency == 0.0 && presence == 0.0;
    if !plain {
        chain.push(LlamaSampler::penalties(model.n_vocab(), PENALTY_WINDOW, repeat, frequency, presence));
    }
    if temperature <= 0.0 {
        chain.push(LlamaSampler::greedy());
        return Ok(chain);
    }
    // 0 means all tokens, for llama.cpp too.
    let top_k = i32::try_from(task.top_k.unwrap_or(USUAL_TOP_K)).unwrap_or(i32::MAX);
    chain.push(LlamaSampler::top_k(top_k));
    chain.push(LlamaSampler::top_p(top_p, MIN_KEEP));
    chain.push(LlamaSampler::min_p(min_p, MIN_KEEP));
    chain.push(LlamaSampler::temp(temperature));
    chain.push(LlamaSampler::dist(seed(task.seed)));
    Ok(chain)
}

/// llama.cpp's seeds have 32 bits, and its last one means another each time.
fn seed(wanted: Option<u64>) -> u32 {
    use std::hash::{BuildHasher, RandomState};
    let wide = wanted.unwrap_or_else(|| RandomState::new().hash_one(()));
    // Small seeds stay what they are; of large ones both halves count.
    let folded = wide as u32 ^ ((wide >> 32) as u32).wrapping_mul(0x9e37_79b9);
    folded.min(u32::MAX - 1)
}

fn within(name: &str, value: f64, least: f64, most: f64) -> Result<f32, Failure> {
    if (least..=most).contains(&value) {
        return Ok(value as f32);
    }
    Err(Failure::bad_input(format!("{name}: {value} is not within {least} to {most}")))
}
