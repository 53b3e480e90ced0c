//! The dialects of OpenAI and Anthropic: requests become tasks, results become answers; no input or output of its own.

pub mod openai;
