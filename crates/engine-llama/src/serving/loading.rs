//! Brings a model into memory, in the thread that will serve it.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use engine_protocol::Failure;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::mtmd::{MtmdContext, MtmdContextParams, mtmd_default_marker};
use llama_cpp_2::token::LlamaToken;

use super::decode::Server;
use super::embedder::Embedder;
use super::pace::Pace;
use super::slot::Slot;
use super::{Facts, Order};
use crate::files::{Files, name};
use crate::logs;
use crate::options::Options;
use crate::template::Template;
use crate::tools::CallFormat;

/// Parts of a load that are told apart.
const STEPS: u32 = 100;
/// A text to embed is computed in one piece; larger pieces take memory by the square.
const MAX_EMBED: u32 = 2_048;
/// Bits of a key or value in each type of cache, block scales included; 16 where it is not listed.
const KV_BITS: [(&str, u64); 6] =
    [("F32", 32), ("Q8_0", 9), ("Q5_1", 6), ("Q5_0", 6), ("Q4_1", 5), ("Q4_0", 5)];

/// llama.cpp's global state, made once.
pub fn backend() -> Result<&'static LlamaBackend, Failure> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let made = BACKEND.get_or_init(|| LlamaBackend::init().map_err(|problem| problem.to_string()));
    made.as_ref().map_err(|problem| Failure::internal(format!("llama.cpp does not start: {problem}")))
}

enum Report {
    Part(f32),
    Ready(Box<Facts>),
    Failed(Failure),
}

type Started = (Facts, Sender<Order>, JoinHandle<()>);

/// Starts the thread and waits until the model is there.
pub fn start(files: Files, options: Options, progress: impl Fn(u32, u32)) -> Result<Started, Failure> {
    let (orders, receiver) = mpsc::channel();
    let (reports, reported) = mpsc::channel();
    let thread = thread::spawn(move || {
        let _bomb = AbortOnPanic;
        if let Err(failure) = load_and_serve(&files, &options, &reports, &receiver) {
            let _ = reports.send(Report::Failed(failure));
        }
    });
    let mut last = None;
    for report in reported {
        match report {
            Report::Part(part) => {
                let step = (part.clamp(0.0, 1.0) * STEPS as f32) as u32;
                if last.replace(step) != Some(step) {
                    progress(step, STEPS);
                }
            }
            Report::Ready(facts) => return Ok((*facts, orders, thread)),
            Report::Failed(failure) => {
                let _ = thread.join();
                return Err(failure);
            }
        }
    }
    Err(Failure::internal("the loading thread has ended"))
}

fn load_and_serve(
    files: &Files,
    options: &Options,
    reports: &Sender<Report>,
    orders: &Receiver<Order>,
) -> Result<(), Failure> {
    let backend = backend()?;
    logs::take_errors();
    let model = Arc::new(load(backend, files, options, reports)?);
    let embeds_only = options.embedding.unwrap_or(files.header.pools);
    let trained = model.n_ctx_train().max(1);
    let context = context(backend, &model, options, embeds_only)?;
    let cells = context.n_ctx();
    let pictures = files.projector.as_deref().map(|path| projector(path, &model, options)).transpose()?;
    let limit = if embeds_only { 0 } else { cells.min(trained) };
    let embed_context = options.context.min(trained).min(MAX_EMBED);
    let facts = facts(&model, options, limit, embed_context, pictures.is_some())?;
    let pooling = options.pooling.unwrap_or(if files.header.pools {
        LlamaPoolingType::Unspecified
    } else {
        LlamaPoolingType::Mean
    });
    let server = Server {
        model: &model,
        batch_size: context.n_batch().min(options.batch) as usize,
        context,
        pictures,
        embedder: Embedder::new(embed_context, options.threads, pooling),
        marks: marks(&model),
        batch: LlamaBatch::new(options.batch as usize, 1),
        slots: (0..options.parallel.cast_signed()).map(Slot::new).collect(),
        waiting: VecDeque::new(),
        texts: VecDeque::new(),
        pace: Pace::default(),
        uses: 0,
        cells: cells as usize,
        limit,
        forgets_partly: !model.is_recurrent() && !model.is_hybrid(),
    };
    let _ = reports.send(Report::Ready(Box::new(facts)));
    server.serve(orders);
    Ok(())
}

fn load(
    backend: &LlamaBackend,
    files: &Files,
    options: &Options,
    reports: &Sender<Report>,
) -> Result<LlamaModel, Failure> {
    let reports = reports.clone();
    let params = LlamaModelParams::default()
        .with_n_gpu_layers(options.gpu_layers)
        .with_use_mmap(options.mmap)
        .with_progress_callback(move |part| reports.send(Report::Part(part)).is_ok());
    LlamaModel::load_from_file(backend, &files.model, &params)
        .map_err(|problem| explained(&format!("`{}` cannot be loaded: {problem}", name(&files.model))))
}

fn context<'m>(
    backend: &LlamaBackend,
    model: &'m LlamaModel,
    options: &Options,
    embeds_only: bool,
) -> Result<LlamaContext<'m>, Failure> {
    // An embedding model's context for chats is never used: the smallest will do.
    let size = if embeds_only { options.batch } else { options.context };
    let threads = options.threads.cast_signed();
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(size))
        .with_n_batch(options.batch)
        .with_n_ubatch(options.batch)
        .with_n_seq_max(options.parallel)
        .with_kv_unified(true)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_type_k(options.kv_type)
        .with_type_v(options.kv_type)
        .with_flash_attention_policy(options.flash_attention)
        .with_no_perf(true);
    let made = model.new_context(backend, params);
    made.map_err(|problem| explained(&format!("no context of {size} tokens can be made: {problem}")))
}

fn projector(path: &Path, model: &LlamaModel, options: &Options) -> Result<MtmdContext, Failure> {
    let file = path.to_str().ok_or_else(|| Failure::model("the projector's path is not text"))?;
    let params = MtmdContextParams {
        use_gpu: options.gpu_layers > 0,
        print_timings: false,
        n_threads: options.threads.cast_signed(),
        ..MtmdContextParams::default()
    };
    let context = MtmdContext::init_from_file(file, model, &params)
        .map_err(|problem| explained(&format!("`{}` cannot be loaded: {problem}", name(path))))?;
    if context.support_vision() {
        return Ok(context);
    }
    Err(Failure::model(format!("`{}` is no vision projector", name(path))))
}

/// With what llama.cpp wrote to its log, which is where it says why.
fn explained(what: &str) -> Failure {
    let why = logs::take_errors();
    let low = ["failed to allocate", "out of memory", "unable to allocate", "insufficient memory"];
    let memory = low.iter().any(|words| why.contains(words));
    let message = if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") };
    if memory { Failure::memory(message) } else { Failure::model(message) }
}

fn facts(
    model: &Arc<LlamaModel>,
    options: &Options,
    context: u32,
    embed_context: u32,
    sees: bool,
) -> Result<Facts, Failure> {
    let vocab = model.vocab();
    let text = |token: LlamaToken| {
        let known = (0..vocab.n_tokens()).contains(&token.0);
        let text = known.then(|| vocab.text(token)).flatten();
        text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
    };
    Ok(Facts {
        template: template(model, options)?,
        bos: text(vocab.bos()),
        eos: text(vocab.eos()),
        picture_mark: mtmd_default_marker().to_owned(),
        sees,
        context,
        embed_context,
        memory: model.size() + kv_bytes(model, options, context),
        model: model.clone(),
        options: options.clone(),
    })
}

fn template(model: &LlamaModel, options: &Options) -> Result<Option<Template>, Failure> {
    if let Some(source) = &options.chat_template {
        return Template::compile(source, None).map(Some);
    }
    let own = |name: Option<&str>| model.chat_template(name).ok().and_then(|source| source.to_string().ok());
    let Some(source) = own(None) else { return Ok(None) };
    Template::compile(&source, own(Some("tool_use")).as_deref()).map(Some)
}

/// Keys and values of all layers; an estimate, because models differ in details.
fn kv_bytes(model: &LlamaModel, options: &Options, context: u32) -> u64 {
    let heads = u64::from(model.n_head().max(1));
    let width = u64::from(model.n_head_kv()) * (model.n_embd().max(0) as u64 / heads);
    let kind = format!("{:?}", options.kv_type);
    let bits = KV_BITS.iter().find(|(known, _)| *known == kind).map_or(16, |(_, bits)| *bits);
    2 * width * u64::from(model.n_layer()) * u64::from(context) * bits / 8
}

/// Tokens that announce a call or thinking, where the vocabulary has them.
fn marks(model: &LlamaModel) -> Vec<LlamaToken> {
    let vocab = model.vocab();
    let words = CallFormat::MARKS.iter().chain(&["<think>", "</think>"]);
    let tokens = words.map(|word| vocab.tokenize(word.as_bytes(), false, true));
    tokens.filter_map(|tokens| <[LlamaToken; 1]>::try_from(tokens).ok()).map(|[token]| token).collect()
}

/// A panic here would leave jobs waiting for ever: the process ends, its last words are on stderr.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}
