//! Which of the owner's programs run.

/// The listed ones that run, as they are listed.
pub(super) fn running(listed: &[String]) -> Vec<String> {
    if listed.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<String> = Vec::new();
    each(|name, whole| {
        let is_it = |listed: &&String| is_named(listed, name, whole);
        for listed in listed.iter().filter(is_it) {
            if !found.contains(listed) {
                found.push(listed.clone());
            }
        }
    });
    found.sort_unstable();
    found
}

/// Characters of a name that Linux keeps.
const KEPT: usize = 15;

/// Names are compared as people write them: capitals and `.exe` do not count.
fn is_named(listed: &str, name: &str, whole: &dyn Fn() -> Option<String>) -> bool {
    let plain = |name: &str| {
        let name = name.trim().to_lowercase();
        name.strip_suffix(".exe").map_or(name.clone(), str::to_owned)
    };
    let wanted = plain(listed);
    if wanted.is_empty() {
        return false;
    }
    if plain(name) == wanted {
        return true;
    }
    // It may have been cut off: then the command line has all of it.
    let is_cut = name.len() >= KEPT && listed.trim().to_lowercase().starts_with(&name.to_lowercase());
    is_cut && whole().is_some_and(|whole| plain(&whole) == wanted)
}

#[cfg(target_os = "linux")]
fn each(mut look: impl FnMut(&str, &dyn Fn() -> Option<String>)) {
    let Ok(processes) = std::fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        let is_process = process.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit);
        if !is_process {
            continue;
        }
        // Gone meanwhile.
        let Ok(name) = std::fs::read(process.path().join("comm")) else { continue };
        let whole = || {
            let line = std::fs::read(process.path().join("cmdline")).ok()?;
            let program = String::from_utf8_lossy(line.split(|byte| *byte == 0).next()?).into_owned();
            program.rsplit(['/', '\\']).next().map(str::to_owned)
        };
        look(String::from_utf8_lossy(&name).trim_end(), &whole);
    }
}

#[cfg(not(target_os = "linux"))]
fn each(mut look: impl FnMut(&str, &dyn Fn() -> Option<String>)) {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate};
    let Ok(mut system) = sysinfo::System::new() else { return };
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
    for process in system.processes().values() {
        look(&process.name().to_string_lossy(), &|| None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_people_write_them() {
        let none = || None;
        for (listed, name, expected) in [
            ("blender", "blender", true),
            ("Steam.exe", "steam", true),
            ("factorio", "Factorio.exe", true),
            ("blend", "blender", false),
            ("", "", false),
        ] {
            assert_eq!(is_named(listed, name, &none), expected, "{listed} {name}");
        }
        let whole = || Some("a-very-long-program-name".to_owned());
        assert!(is_named("a-very-long-program-name", "a-very-long-pro", &whole));
        assert!(!is_named("a-very-long-program-nam", "a-very-long-pro", &whole));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_is_seen_while_it_runs() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("some-game-with-a-long-name");
        std::fs::copy("/bin/sleep", &program).unwrap();
        let listed = vec!["Some-Game-With-A-Long-Name".to_owned(), "never-there".to_owned()];
        assert!(running(&listed).is_empty());
        let mut child = std::process::Command::new(&program).arg("60").spawn().unwrap();
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while running(&listed) != ["Some-Game-With-A-Long-Name"] {
            assert!(std::time::Instant::now() < end, "never seen");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(running(&listed).is_empty());
    }
}
