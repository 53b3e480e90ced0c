//! The engine as the harness sees it.

use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine_protocol::harness::{Engine, LoadWork, Output, Work, serve};
use engine_protocol::{Description, Device, Failure, Load, Run};
use llama_cpp_2::{LlamaBackendDeviceType, list_llama_ggml_backend_devices};
use studio_protocol::{LlmTask, Task};

use crate::answer::{Answer, embeddings};
use crate::files::Files;
use crate::logs;
use crate::options::{MAX_PARALLEL, Options};
use crate::prompt::{self, Surroundings};
use crate::reasoning;
use crate::sampling::Sampler;
use crate::serving::{Chat, Ending, Link, News, Order, Prompt, Served, Texts, link};
use crate::surroundings;
use crate::text::Text;
use crate::tools::{CallFormat, Tools, forced_grammar, schema_grammar};

/// The word of `modelSource.engine`.
pub const NAME: &str = "llama-cpp";
/// The bindings, and the package that carries llama.cpp's source, which has no versions of its own.
const BINDINGS: &str = "llama-cpp-2 0.1.160, llama.cpp of llama-cpp-sys-2 0.1.161";
/// How often a waiting job looks whether it was cancelled: far below the grace that the daemon gives.
const CANCEL_POLL: Duration = Duration::from_millis(20);
/// Progress is for people: a few times a second.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// The whole program: serves commands until the daemon is gone.
pub fn main() -> ExitCode {
    surroundings::settle();
    logs::install();
    serve(Llama { served: Mutex::new(None) })
}

struct Llama {
    served: Mutex<Option<Arc<Served>>>,
}

impl Llama {
    fn served(&self) -> MutexGuard<'_, Option<Arc<Served>>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Llama {
    fn describe(&self) -> Description {
        let devices = list_llama_ggml_backend_devices();
        let mut backends: Vec<&str> = devices.iter().map(|device| device.backend.as_str()).collect();
        backends.dedup();
        Description {
            name: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kinds: vec!["llm".to_owned()],
            models: vec!["*".to_owned()],
            devices: devices
                .iter()
                .map(|device| Device {
                    name: device.description.trim().to_owned(),
                    // Of its own only: a processor's memory is the system's.
                    memory_bytes: matches!(device.device_type, LlamaBackendDeviceType::Gpu)
                        .then_some(device.memory_total as u64),
                })
                .collect(),
            build: format!("{BINDINGS}, back ends: {}", backends.join(", ")),
            slots: MAX_PARALLEL,
            ..Description::default()
        }
    }

    fn load(&self, load: &Load, work: &LoadWork<'_>) -> Result<Option<u64>, Failure> {
        // Before the new one, so that there is room for it.
        drop(self.served().take());
        let options = Options::read(&load.source.cli_defaults.more)?;
        let files = Files::find(load)?;
        let served = Served::start(files, options, |done, all| work.loading(done, all))?;
        let memory = served.memory_bytes();
        *self.served() = Some(Arc::new(served));
        Ok(Some(memory))
    }

    fn run(&self, run: &Run, work: &Work<'_>) -> Result<Output, Failure> {
        let served = self.served().clone();
        let served = served.ok_or_else(|| Failure::model(format!("model `{}` is not loaded", run.model)))?;
        match &run.task {
            Task::Llm(task) => match &task.embed {
                Some(texts) => embed(texts, run, &served, work),
                None => chat(task, run, &served, work),
            },
            Task::Image(_) | Task::AudioStt(_) | Task::AudioTts(_) | Task::Video(_) | Task::Mesh(_) => {
                Err(Failure::bad_input(format!("this engine does llm jobs, not {}", run.task.kind())))
            }
        }
    }

    fn unload(&self, _model: &str) {
        drop(self.served().take());
    }

    fn memory_bytes(&self) -> Option<u64> {
        self.served().as_ref().map(|served| served.memory_bytes())
    }
}

fn chat(task: &LlmTask, run: &Run, served: &Served, work: &Work<'_>) -> Result<Output, Failure> {
    let template = served.template()?;
    let tools = Tools::read(task.tools.as_deref(), task.tool_choice.as_ref())?;
    let options = served.options();
    let around = Surroundings {
        template,
        kwargs: &options.template_kwargs,
        bos: served.bos(),
        eos: served.eos(),
        picture: served.picture_mark(),
    };
    if !task.images.is_empty() && !served.sees() {
        return Err(Failure::bad_input("images: this model has no file with the role `text-encoder-vision`"));
    }
    let text = prompt::render(task, tools.as_ref(), &around)?;
    let format = tools.as_ref().map(|_| CallFormat::of_template(template.source(true)));
    let thinks = options.split_reasoning && reasoning::opens(&text);
    let grammar = match (&tools, format, &task.json_schema) {
        (Some(tools), Some(format), schema) => match (forced_grammar(tools, format)?, schema) {
            (Some(grammar), _) => Some(grammar),
            (None, None) => None,
            (None, Some(_)) => {
                let problem = "jsonSchema: an answer that may call tools instead cannot be held to a schema";
                return Err(Failure::bad_input(problem));
            }
        },
        (_, _, Some(schema)) => Some(schema_grammar(schema)?),
        (_, _, None) => None,
    };
    let prompt = if task.images.is_empty() {
        Prompt::Tokens(served.tokens(&text)?)
    } else {
        let files = task.images.iter().map(|url| run.input(url).map(ToOwned::to_owned));
        Prompt::Pictures { text: text.clone(), files: files.collect::<Result<_, _>>()? }
    };
    let sampler = Sampler::new(task, served.model(), grammar.as_deref(), thinks)?;
    let (link, news) = link();
    let chat = Chat {
        prompt,
        sampler,
        text: Text::new(task.stop.as_deref().unwrap_or_default()),
        max_tokens: task.max_tokens,
        link: link.clone(),
    };
    served.order(Order::Chat(Box::new(chat)))?;
    let mut answer = Answer::new(&text, options.split_reasoning, format);
    let ending = follow(&link, &news, work, task.max_tokens, |piece| {
        let shown = answer.push(piece);
        if !shown.is_empty() {
            work.delta(shown.text, Some(shown.reasoning).filter(|text| !text.is_empty()));
        }
    })?;
    let Outcome::Ended(ending) = ending else {
        return Err(Failure::internal("a chat was answered with vectors"));
    };
    let (rest, whole) = answer.finish(&run.model, &ending);
    if !rest.is_empty() {
        work.delta(rest.text, Some(rest.reasoning).filter(|text| !text.is_empty()));
    }
    Output::json(&whole)
}

fn embed(texts: &[String], run: &Run, served: &Served, work: &Work<'_>) -> Result<Output, Failure> {
    let tokens: Vec<_> = texts.iter().map(|text| served.embed_tokens(text)).collect::<Result<_, _>>()?;
    let count = tokens.iter().map(|tokens| tokens.len() as u64).sum();
    let (link, news) = link();
    served.order(Order::Embed(Texts::new(tokens, link.clone())))?;
    match follow(&link, &news, work, 0, |_| ())? {
        Outcome::Vectors(vectors) => Output::json(&embeddings(&run.model, &vectors, count)),
        Outcome::Ended(_) => Err(Failure::internal("texts were answered with a chat")),
    }
}

enum Outcome {
    Ended(Ending),
    Vectors(Vec<Vec<f32>>),
}

/// Passes on what the serving thread reports, until the job ends or is cancelled.
fn follow(
    link: &Link,
    news: &Receiver<News>,
    work: &Work<'_>,
    max_tokens: u32,
    mut piece: impl FnMut(&str),
) -> Result<Outcome, Failure> {
    let _gone = link.give_up_on_drop();
    let mut last_progress = Instant::now();
    loop {
        work.check()?;
        match news.recv_timeout(CANCEL_POLL) {
            Ok(News::Alive) => work.heartbeat(),
            Ok(News::Piece { text, tokens }) => {
                if !text.is_empty() {
                    piece(&text);
                }
                if last_progress.elapsed() >= PROGRESS_INTERVAL {
                    last_progress = Instant::now();
                    work.progress(tokens, max_tokens, None);
                }
            }
            Ok(News::Ended(ending)) => return Ok(Outcome::Ended(ending)),
            Ok(News::Vectors(vectors)) => return Ok(Outcome::Vectors(vectors)),
            Ok(News::Failed(failure)) => return Err(failure),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::internal("the serving thread has ended"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_that_are_built() {
        let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
        for name in ["llama-cpp-2", "llama-cpp-sys-2"] {
            let (_, entry) = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
            let version = entry.split('"').next().unwrap();
            assert!(
                BINDINGS.contains(&format!("{name} {version}")),
                "{name} is {version}, not as in `{BINDINGS}`"
            );
        }
    }
}
