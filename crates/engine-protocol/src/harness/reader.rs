//! The way in: reads commands, answers what needs no work, and queues the rest.

use std::io::{self, BufReader};
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use super::workers::{Bench, Order};
use super::{Engine, orphan};
use crate::{
    Command, DecodeError, Description, Event, Failed, Failure, Hello, MAX_SLOTS, PROTOCOLS, Ready,
    decode_command, read_frame,
};

/// Serves standard input to its end.
pub(super) fn serve<E: Engine>(bench: &Arc<Bench<E>>, description: &Description) -> ExitCode {
    let (queue, orders) = mpsc::channel();
    let orders = Arc::new(Mutex::new(orders));
    let threads: Vec<_> = (0..description.slots.clamp(1, MAX_SLOTS))
        .map(|_| {
            let (bench, orders) = (bench.clone(), orders.clone());
            thread::spawn(move || bench.work(&orders))
        })
        .collect();
    let mut input = Input { bench, description, queue: Some(queue), greeted: false };
    let end = input.read_all();
    if bench.is_busy() {
        orphan::end_at_once();
    }
    drop(input.queue.take());
    for thread in threads {
        let _ = thread.join();
    }
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = bench.wire.say(&Event::Failed(Failed::engine(Failure::internal(&problem))));
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

struct Input<'a, E> {
    bench: &'a Bench<E>,
    description: &'a Description,
    queue: Option<Sender<Order>>,
    greeted: bool,
}

enum Next {
    GoOn,
    End,
}

impl<E: Engine> Input<'_, E> {
    fn read_all(&mut self) -> Result<(), String> {
        let mut stdin = BufReader::new(io::stdin());
        loop {
            let Some(json) = read_frame(&mut stdin).map_err(|e| e.to_string())? else { return Ok(()) };
            match decode_command(&json) {
                Ok(command) => match self.obey(command)? {
                    Next::GoOn => {}
                    Next::End => return Ok(()),
                },
                Err(problem) => self.refuse(problem)?,
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<Next, String> {
        if !self.greeted && !matches!(command, Command::Hello(_) | Command::Shutdown) {
            return Err("a command before `hello`".to_owned());
        }
        match command {
            Command::Hello(hello) => self.greet(&hello)?,
            Command::Load(load) => self.queue(Order::Load(load)),
            Command::Run(run) => self.queue(Order::Run(run)),
            Command::Cancel(cancel) => self.bench.cancel(&cancel.job_id),
            Command::Unload(unload) => self.queue(Order::Unload(unload)),
            Command::Stats => self.say(&Event::Stats(self.bench.stats())),
            Command::Shutdown => return Ok(Next::End),
        }
        Ok(Next::GoOn)
    }

    fn greet(&mut self, hello: &Hello) -> Result<(), String> {
        let protocol = PROTOCOLS.iter().copied().filter(|version| hello.protocols.contains(version)).max();
        let Some(protocol) = protocol else {
            return Err(format!("speaks the engine protocols {PROTOCOLS:?}, not {:?}", hello.protocols));
        };
        self.greeted = true;
        self.say(&Event::Ready(Box::new(Ready { protocol, engine: self.description.clone() })));
        Ok(())
    }

    fn queue(&self, order: Order) {
        self.bench.announce(&order);
        if let Some(queue) = &self.queue {
            let _ = queue.send(order);
        }
    }

    /// What cannot be read fails its job where it names one, and is skipped where it is only new.
    fn refuse(&self, problem: DecodeError) -> Result<(), String> {
        match problem {
            DecodeError::UnknownType(tag) => {
                eprintln!("warning: skipped a command of the unknown type `{tag}`");
            }
            DecodeError::Malformed { job_id: Some(ref job_id), .. } => {
                self.say(&self.bench.failed(job_id, Failure::bad_input(problem.to_string())));
            }
            DecodeError::Malformed { job_id: None, .. } | DecodeError::NotAMessage(_) => {
                return Err(problem.to_string());
            }
        }
        Ok(())
    }

    fn say(&self, event: &Event) {
        let _ = self.bench.wire.say(event);
    }
}
