//! The outer side under attack: what must be refused, hidden or kept from running, with a test each.

mod blue;
mod bodies;
mod bound;
mod bytes;
mod guesses;
mod hooks;
mod names;
mod sockets;
mod table;
