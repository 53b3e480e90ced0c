//! Whether the machine runs on battery.

use std::fs;
use std::path::Path;

/// Where Linux tells of batteries and mains.
pub(super) const SYSFS: &str = "/sys/class/power_supply";

/// Said once when the rule is blind.
pub(super) const WHY_UNSEEN: &str =
    "this system tells of no battery (only Linux is asked, in /sys/class/power_supply)";

/// `None` without a battery that drives the machine, or where the system does not say.
pub(super) fn on_battery(root: &Path) -> Option<bool> {
    let (mut has_battery, mut discharges, mut mains) = (false, false, None);
    for supply in fs::read_dir(root).ok()?.flatten() {
        let read = |name: &str| fs::read_to_string(supply.path().join(name)).ok();
        let is = |name: &str, word: &str| read(name).is_some_and(|text| text.trim() == word);
        match read("type").as_deref().map(str::trim) {
            // The batteries of mice and headsets say that they are a device's.
            Some("Battery") if !is("scope", "Device") => {
                has_battery = true;
                discharges |= is("status", "Discharging");
            }
            Some("Mains" | "USB") => {
                let is_online = is("online", "1");
                mains = Some(mains.unwrap_or(false) || is_online);
            }
            _ => {}
        }
    }
    has_battery.then(|| mains.map_or(discharges, |mains| !mains && discharges))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(supplies: &[(&str, &[(&str, &str)])]) -> Option<bool> {
        let dir = tempfile::tempdir().unwrap();
        for (supply, files) in supplies {
            fs::create_dir(dir.path().join(supply)).unwrap();
            for (name, text) in *files {
                fs::write(dir.path().join(supply).join(name), format!("{text}\n")).unwrap();
            }
        }
        on_battery(dir.path())
    }

    #[test]
    fn a_laptop_is_on_battery_when_its_battery_discharges_and_no_mains_is_there() {
        let battery = |status| ("BAT0", [("type", "Battery"), ("status", status)]);
        let mains = |online| ("AC", [("type", "Mains"), ("online", online)]);
        for (status, online, expected) in [
            ("Discharging", "0", true),
            ("Charging", "1", false),
            ("Full", "1", false),
            ("Discharging", "1", false),
        ] {
            let ((name, files), (other, mains)) = (battery(status), mains(online));
            assert_eq!(root(&[(name, &files), (other, &mains)]), Some(expected), "{status} {online}");
        }
        let (name, files) = battery("Discharging");
        assert_eq!(root(&[(name, &files)]), Some(true), "without a word of mains the battery decides");
    }

    #[test]
    fn a_desktop_has_no_battery_and_a_mouse_is_none() {
        let mouse = [("type", "Battery"), ("scope", "Device"), ("status", "Discharging")];
        let mains = [("type", "Mains"), ("online", "1")];
        assert_eq!(root(&[("hidpp_battery_0", &mouse), ("AC", &mains)]), None);
        assert_eq!(on_battery(Path::new("/nowhere/at/all")), None);
    }
}
