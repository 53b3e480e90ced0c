//! Texts for C.

use std::ffi::{CString, c_char};
use std::ptr;

use engine_protocol::Failure;

use crate::model::Files;

/// Keeps texts alive for as long as a configuration points at them.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<CString>);

impl Texts {
    pub(super) fn keep(&mut self, text: &str) -> Result<*const c_char, Failure> {
        let text = CString::new(text).map_err(|_| Failure::bad_input("a text holds a zero byte"))?;
        let pointer = text.as_ptr();
        self.0.push(text);
        Ok(pointer)
    }

    /// The files of a role; null when the model has none.
    pub(super) fn files(&mut self, files: &Files, role: &str) -> Result<*const c_char, Failure> {
        files.joined(role)?.map_or(Ok(ptr::null()), |paths| self.keep(&paths))
    }
}
