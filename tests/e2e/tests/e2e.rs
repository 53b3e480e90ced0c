//! Stories told with the real programs, over real sockets, disks and signals.

mod chaos;
mod clock;
mod config;
mod database;
mod dialects;
mod disk;
mod engines;
mod hostile;
mod identity;
mod joining;
mod journey;
mod logs;
mod network;
mod observed;
mod owner;
mod patience;
mod real;
mod signals;
mod spool;
mod tls;
mod uploads;
