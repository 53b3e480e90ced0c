//! A wall clock that jumps for the processes that look at it; time that only runs forward is left alone, as a system
//! does whose clock is set.

use std::fs;
use std::path::PathBuf;

use testkit::Home;

/// Where Debian and others put the library of `faketime`.
const FOLDERS: [&str; 4] =
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];

/// The clock of some processes.
#[derive(Debug)]
pub struct FakeClock {
    library: PathBuf,
    offset: PathBuf,
}

impl FakeClock {
    /// One that shows the right time; panics when `libfaketime` is not there.
    pub fn new(home: &Home, name: &str) -> Self {
        let candidates =
            FOLDERS.iter().map(|folder| PathBuf::from(folder).join("faketime/libfaketimeMT.so.1"));
        let library = candidates.into_iter().find(|path| path.is_file());
        let library = library.expect("libfaketime is not there: apt-get install faketime");
        let clock = Self { library, offset: home.join(name) };
        clock.set("+0");
        clock
    }

    /// What a process needs in its environment to look at this clock.
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &PathBuf| path.to_str().expect("a plain path").to_owned();
        vec![
            ("LD_PRELOAD".to_owned(), text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE".to_owned(), text(&self.offset)),
            ("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
            ("DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
            ("NO_FAKE_STAT".to_owned(), "1".to_owned()),
        ]
    }

    /// Jumps to `offset` from the right time: `+1d`, `-1d`.
    pub fn set(&self, offset: &str) {
        // Replaced as a whole: a reader never sees half of it.
        let new = self.offset.with_extension("new");
        fs::write(&new, format!("{offset}\n")).expect("the home can be written");
        fs::rename(&new, &self.offset).expect("a file can be replaced");
    }
}
