//! What the library says while it works.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use diffusion_rs_sys as sys;

use super::{Picture, text};

/// How serious a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Hears the library, on whichever of its threads speaks; it must return quickly, and a panic ends the process.
pub(crate) trait Listener: Sync {
    fn log(&self, level: Level, line: &str);
    /// A step of denoising, or a tile of the VAE.
    fn progress(&self, step: u32, steps: u32);
    /// What the first picture looks like so far, an eighth of its size.
    fn preview(&self, picture: Picture);
    fn wants_previews(&self) -> bool;
}

/// The callbacks, and so the library, are used by one caller at a time.
static CALLER: Mutex<()> = Mutex::new(());

/// Calls `work` while `listener` hears the library.
pub(super) fn listening<T>(listener: &dyn Listener, work: impl FnOnce() -> T) -> T {
    let _caller = CALLER.lock().unwrap_or_else(PoisonError::into_inner);
    let data = ptr::from_ref(&listener).cast_mut().cast::<c_void>();
    let _silence = Silence;
    // SAFETY: `listener` outlives `_silence`, which unsets the callbacks, and the library's threads have ended by then.
    unsafe {
        sys::sd_set_log_callback(Some(log), data);
        sys::sd_set_progress_callback(Some(progress), data);
        let (preview, mode): (sys::sd_preview_cb_t, _) = if listener.wants_previews() {
            (Some(preview), sys::preview_t::PREVIEW_PROJ)
        } else {
            (None, sys::preview_t::PREVIEW_NONE)
        };
        sys::sd_set_preview_callback(preview, mode, 1, true, false, data);
    }
    work()
}

/// Unsets the callbacks.
struct Silence;

impl Drop for Silence {
    fn drop(&mut self) {
        // SAFETY: the library takes null for no callback, but would then write progress itself: it gets a deaf one.
        unsafe {
            sys::sd_set_log_callback(None, ptr::null_mut());
            sys::sd_set_progress_callback(Some(ignored), ptr::null_mut());
            let none = sys::preview_t::PREVIEW_NONE;
            sys::sd_set_preview_callback(None, none, 1, true, false, ptr::null_mut());
        }
    }
}

unsafe extern "C" fn log(level: sys::sd_log_level_t, line: *const c_char, data: *mut c_void) {
    let level = match level {
        sys::sd_log_level_t::SD_LOG_DEBUG => Level::Debug,
        sys::sd_log_level_t::SD_LOG_INFO => Level::Info,
        sys::sd_log_level_t::SD_LOG_WARN => Level::Warn,
        sys::sd_log_level_t::SD_LOG_ERROR | _ => Level::Error,
    };
    // SAFETY: `data` is what `listening` set.
    unsafe { listener(data) }.log(level, text(line).trim_end());
}

unsafe extern "C" fn progress(step: c_int, steps: c_int, _time: f32, data: *mut c_void) {
    let number = |number: c_int| u32::try_from(number).unwrap_or(0);
    // SAFETY: `data` is what `listening` set.
    unsafe { listener(data) }.progress(number(step), number(steps));
}

unsafe extern "C" fn ignored(_step: c_int, _steps: c_int, _time: f32, _data: *mut c_void) {}

unsafe extern "C" fn preview(
    _step: c_int,
    count: c_int,
    frames: *mut sys::sd_image_t,
    _is_noisy: bool,
    data: *mut c_void,
) {
    if count < 1 || frames.is_null() {
        return;
    }
    // SAFETY: there is at least one picture, and it is the library's until this returns.
    let Some(picture) = (unsafe { copied(&*frames) }) else { return };
    // SAFETY: `data` is what `listening` set.
    unsafe { listener(data) }.preview(picture);
}

/// # Safety
///
/// `data` must come from [`listening`], which must not have returned.
unsafe fn listener<'a>(data: *mut c_void) -> &'a dyn Listener {
    // SAFETY: it points to the listener on the stack of `listening`.
    unsafe { *data.cast::<&dyn Listener>() }
}

/// # Safety
///
/// The picture's pointer must be null or point to as many bytes as its size says.
pub(super) unsafe fn copied(picture: &sys::sd_image_t) -> Option<Picture> {
    let (width, height, channels) = (picture.width, picture.height, picture.channel);
    let bytes = (width as usize).checked_mul(height as usize)?.checked_mul(channels as usize)?;
    if picture.data.is_null() || bytes == 0 {
        return None;
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { std::slice::from_raw_parts(picture.data, bytes) }.to_vec();
    Some(Picture { width, height, channels, bytes })
}
