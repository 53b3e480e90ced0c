//! Whatever servers do, only the right bytes are ever used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};

use crate::fixtures::{Shop, bytes, pinned, source};
use crate::server::{Framing, Reply, Request, Server};

const RUNS: u64 = 300;
/// Runs side by side.
const ABREAST: u64 = 50;

/// How one request goes wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Cut(usize),
    Stall(usize),
    Hangup,
    Busy(u16),
    IgnoreRange(usize),
    WrongRange,
    OtherBytes,
    Changed,
    TooLong(u64),
    TooShort(u64),
    Chunked,
    ChunkedCut(usize),
    Unframed(usize),
    Garbage,
    NoRest,
    Refused(u16),
    Circle,
    Inside,
    Elsewhere,
    Unasked,
    Coded,
    Flipped,
    ManyVersions,
}

impl Fault {
    /// Whether an honest answer afterwards makes it good, without starting over.
    fn passes(self) -> bool {
        matches!(self, Self::Cut(_) | Self::Hangup | Self::Busy(_) | Self::Elsewhere)
    }

    fn draw(random: &mut StdRng, len: usize) -> Self {
        let at = random.random_range(0..=len);
        match random.random_range(0..26) {
            0..=3 => Self::Cut(at),
            4 => Self::Hangup,
            5 => Self::Busy([500, 503, 429][random.random_range(0..3)]),
            6 => Self::IgnoreRange(at),
            7 => Self::WrongRange,
            8 => Self::OtherBytes,
            9 => Self::Changed,
            10 => Self::TooLong(random.random_range(1..100_000)),
            11 => Self::TooShort(random.random_range(1..=len as u64)),
            12 => Self::Chunked,
            13 => Self::ChunkedCut(at),
            14 => Self::Unframed(at),
            15 => Self::Garbage,
            16 => Self::NoRest,
            17 => Self::Refused([401, 403, 404, 410, 418][random.random_range(0..5)]),
            18 => Self::Circle,
            19 => Self::Inside,
            20 => Self::Elsewhere,
            21 => Self::Unasked,
            22 => Self::Coded,
            23 => Self::Flipped,
            24 => Self::ManyVersions,
            // Costs the whole patience.
            _ if random.random_range(0..10) == 0 => Self::Stall(at),
            _ => Self::Cut(at),
        }
    }

    fn reply(self, request: &Request, body: &[u8], other: &[u8]) -> Reply {
        let honest = || Reply::file(request, body, Some("\"v1\""));
        match self {
            Self::Cut(at) => honest().cut(at),
            Self::Stall(at) => Reply { stall: true, ..honest().cut(at) },
            Self::Hangup => honest().cut(0),
            Self::Busy(status) => Reply::new(status, "busy").with("retry-after", "0"),
            Self::IgnoreRange(at) => Reply::new(200, body).cut(at),
            Self::WrongRange => {
                let from = request.from().unwrap_or(0) + 1;
                let range = format!("bytes {from}-{}/{}", body.len(), body.len() + 1);
                Reply::new(206, body).with("content-range", &range)
            }
            Self::OtherBytes => Reply::file(request, other, Some("\"v1\"")),
            Self::Changed => Reply::file(request, other, Some("\"v2\"")),
            Self::TooLong(more) => {
                let reply = honest();
                let length = reply.body.len() as u64 + more;
                reply.framed(Framing::Length(length))
            }
            Self::TooShort(less) => {
                let reply = honest();
                let length = (reply.body.len() as u64).saturating_sub(less);
                reply.framed(Framing::Length(length))
            }
            Self::Chunked => honest().framed(Framing::Chunked),
            Self::ChunkedCut(at) => honest().framed(Framing::Chunked).cut(at),
            Self::Unframed(at) => honest().framed(Framing::Nothing).cut(at),
            Self::Garbage => Reply { garbage: bytes(1, 1000), ..honest() },
            Self::NoRest => Reply::new(416, "").with("content-range", "bytes */7"),
            Self::Refused(status) => Reply::new(status, "no"),
            Self::Circle => Reply::redirect(&request.path),
            Self::Inside => Reply::redirect("https://10.0.0.1/x"),
            Self::Elsewhere => Reply::redirect(&format!("/honest{}", request.path)),
            Self::Unasked => Reply::new(206, &body[body.len() / 2..]),
            Self::Coded => honest().with("content-encoding", "gzip"),
            Self::Flipped => {
                let mut wrong = body.to_vec();
                wrong[body.len() / 2] ^= 1;
                Reply::file(request, &wrong, Some("\"v1\""))
            }
            Self::ManyVersions => {
                let version = format!("\"{}\"", request.number);
                Reply::file(request, body, Some(&version)).cut(body.len() / 2)
            }
        }
    }
}

/// What one address does.
#[derive(Debug, Clone)]
struct Plan {
    faults: Vec<Fault>,
    /// After the faults it is honest; otherwise the last fault goes on.
    recovers: bool,
}

struct Script {
    body: Vec<u8>,
    other: Vec<u8>,
    plans: Vec<Plan>,
}

type Scripts = Arc<Mutex<HashMap<u64, Arc<Script>>>>;

fn answer(scripts: &Scripts, request: &Request) -> Reply {
    let (honest, path) = match request.path.strip_prefix("/honest") {
        Some(path) => (true, path),
        None => (false, request.path.as_str()),
    };
    let mut parts = path.trim_start_matches('/').split('/').map(|part| part.parse::<u64>().unwrap());
    let (run, address) = (parts.next().unwrap(), parts.next().unwrap() as usize);
    let script = scripts.lock().unwrap()[&run].clone();
    let fault = script.plans.get(address).filter(|_| !honest).and_then(|plan| {
        plan.faults.get(request.number).or(plan.faults.last().filter(|_| !plan.recovers)).copied()
    });
    match fault {
        Some(fault) => fault.reply(request, &script.body, &script.other),
        None => Reply::file(request, &script.body, Some("\"v1\"")),
    }
}

fn plan(random: &mut StdRng, len: usize) -> Plan {
    let faults: Vec<Fault> = (0..random.random_range(0..=3)).map(|_| Fault::draw(random, len)).collect();
    // Silence for ever would be most of the test's time.
    let recovers = matches!(faults.last(), Some(Fault::Stall(_))) || random.random_range(0..4) > 0;
    Plan { faults, recovers }
}

#[tokio::test]
async fn only_the_right_bytes_are_ever_used() {
    let scripts: Scripts = Arc::default();
    let shared = scripts.clone();
    let server = Server::start(move |request| answer(&shared, request)).await;
    let mut complete = 0;
    for first in (0..RUNS).step_by(ABREAST as usize) {
        let runs = (first..first + ABREAST).map(|seed| run(seed, &scripts, &server));
        complete += join_all(runs).await.into_iter().filter(|done| *done).count();
    }
    // Both ends are reached, or the test would prove little.
    assert!((RUNS as usize / 3..RUNS as usize).contains(&complete), "{complete} of {RUNS} complete");
}

/// One model from hostile addresses, then the same one with an honest address behind them.
async fn run(seed: u64, scripts: &Scripts, server: &Server) -> bool {
    let mut random = StdRng::seed_from_u64(seed);
    let len = random.random_range(1..200_000);
    let plans: Vec<Plan> = (0..random.random_range(1..=3)).map(|_| plan(&mut random, len)).collect();
    let body = bytes(seed, len);
    let other = bytes(!seed, random.random_range(1..200_000));
    let url = |address: usize| server.url(&format!("{seed}/{address}"));
    let mut file = pinned("m.bin", url(plans.len() - 1), &body);
    file.mirrors = (0..plans.len() - 1).map(url).collect();
    let script = Script { body: body.clone(), other, plans: plans.clone() };
    scripts.lock().unwrap().insert(seed, Arc::new(script));

    let shop = Shop::new();
    let told = Mutex::new(Vec::new());
    let ended = shop
        .store
        .ensure("m", &source(vec![file.clone()]), |progress| told.lock().unwrap().push(progress))
        .await;
    let story = format!("seed {seed}, {len} bytes, {plans:?}, {ended:?}");
    if ended.is_ok() {
        assert!(shop.read("m/m.bin") == body, "wrong bytes: {story}");
        assert!(!shop.has("m/m.bin.part") && !shop.has("m/m.bin.part.json"), "leftovers: {story}");
    } else {
        assert!(!shop.has("m/m.bin"), "a file after an error: {story}");
        assert!(shop.store.present().is_empty(), "{story}");
    }
    let last = plans.last().unwrap();
    let must_work = last.recovers && last.faults.iter().all(|fault| fault.passes());
    assert!(ended.is_ok() || !must_work, "an address that recovers is enough: {story}");
    let told = told.into_inner().unwrap();
    assert!(told.iter().all(|progress| progress.bytes <= progress.total), "{story}");
    let steady = plans.iter().all(|plan| plan.faults.iter().all(|fault| fault.passes()));
    assert!(
        !steady || told.is_sorted_by_key(|progress| progress.bytes),
        "progress went back: {story}, {told:?}"
    );

    // What the hostile ones left behind does no harm.
    file.mirrors.push(url(plans.len()));
    let again = shop.store.ensure("m", &source(vec![file]), crate::fixtures::silent).await;
    assert!(again.is_ok(), "an honest address is enough: {story}, {again:?}");
    assert!(shop.read("m/m.bin") == body, "wrong bytes in the second round: {story}");
    ended.is_ok()
}
