//! Whether a model may be brought into memory now, and who has to leave for it.

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// What a model asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// Bytes that it will take.
    pub(super) need: u64,
    /// Bytes that nobody uses, less what models on their way will take.
    pub(super) free: u64,
    /// Bytes of them that stay free.
    pub(super) reserve: u64,
    /// Models in memory at a time, whatever their size: each is a process.
    pub(super) max_lanes: usize,
}

/// What a lane is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Jobs run or wait there, or its model is on its way.
    Busy,
    /// Nothing to do.
    Idle,
    /// It was asked to end.
    Leaving,
}

/// Another model in memory.
#[derive(Debug, Clone)]
pub(super) struct Other<K> {
    pub(super) key: K,
    /// Bytes that come back when it leaves; of another kind of memory: 0.
    pub(super) holds: u64,
    pub(super) usage: Use,
    /// The owner wants it kept.
    pub(super) resident: bool,
    /// It must not be in memory together with the new one.
    pub(super) excluded: bool,
    /// When it was last used, as a count.
    pub(super) used: u64,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Decision<K> {
    /// Load it.
    Admit,
    /// End these idle ones, then ask again.
    Evict(Vec<K>),
    /// Ask again when something has changed.
    Wait,
    /// It does not fit whatever the others do, in words.
    Refuse(String),
}

/// Decides; idle models leave before anything is refused, those that the owner wants kept do not.
pub(super) fn decide<K: Clone>(wish: Wish, others: &[Other<K>]) -> Decision<K> {
    let excluded: Vec<_> = others.iter().filter(|other| other.excluded).collect();
    if !excluded.is_empty() {
        return make_leave(&excluded);
    }
    let usable = wish.free.saturating_sub(wish.reserve);
    if wish.need <= usable && others.len() < wish.max_lanes {
        return Decision::Admit;
    }
    if others.iter().any(|other| other.usage == Use::Leaving) {
        return Decision::Wait;
    }
    let mut idle: Vec<_> =
        others.iter().filter(|other| other.usage == Use::Idle && !other.resident).collect();
    idle.sort_by_key(|other| other.used);
    let mut room = usable;
    let mut leaving = Vec::new();
    for other in idle {
        let fits = wish.need <= room && others.len() - leaving.len() < wish.max_lanes;
        // Who holds nothing helps with the number only.
        if fits || (other.holds == 0 && others.len() < wish.max_lanes) {
            continue;
        }
        room += other.holds;
        leaving.push(other.key.clone());
    }
    if wish.need <= room && others.len() - leaving.len() < wish.max_lanes {
        return Decision::Evict(leaving);
    }
    let busy = others.iter().filter(|other| other.usage == Use::Busy && !other.resident);
    let later: u64 = room + busy.clone().map(|other| other.holds).sum::<u64>();
    if wish.need <= later && busy.count() > 0 {
        return Decision::Wait;
    }
    Decision::Refuse(refusal(wish, others))
}

fn make_leave<K: Clone>(excluded: &[&Other<K>]) -> Decision<K> {
    let idle: Vec<K> =
        excluded.iter().filter(|other| other.usage == Use::Idle).map(|other| other.key.clone()).collect();
    if idle.is_empty() { Decision::Wait } else { Decision::Evict(idle) }
}

fn refusal<K>(wish: Wish, others: &[Other<K>]) -> String {
    let kept: u64 = others.iter().filter(|other| other.resident).map(|other| other.holds).sum();
    let amounts =
        format!("needs {:.1} GiB, {:.1} free, {:.1} kept", gib(wish.need), gib(wish.free), gib(wish.reserve));
    let residents = (kept > 0).then(|| format!("resident models hold {:.1} GiB", gib(kept)));
    let crowd = (others.len() >= wish.max_lanes)
        .then(|| format!("{} models are in memory, the most that may be", others.len()));
    [Some(amounts), residents, crowd].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1 << 30;

    fn other(key: u32, holds: u64, usage: Use) -> Other<u32> {
        Other { key, holds: holds * GB, usage, resident: false, excluded: false, used: u64::from(key) }
    }

    fn wish(need: u64, free: u64) -> Wish {
        Wish { need: need * GB, free: free * GB, reserve: GB, max_lanes: 8 }
    }

    #[test]
    fn what_fits_is_admitted_and_the_reserve_is_left_alone() {
        assert_eq!(decide::<u32>(wish(4, 5), &[]), Decision::Admit);
        let refused = decide::<u32>(
            Wish { need: 8 * GB + GB / 10, free: 5 * GB + GB / 5, reserve: GB, max_lanes: 8 },
            &[],
        );
        assert_eq!(refused, Decision::Refuse("needs 8.1 GiB, 5.2 free, 1.0 kept".to_owned()));
    }

    #[test]
    fn idle_models_leave_the_longest_unused_first_and_no_more_than_needed() {
        let others = [other(3, 2, Use::Idle), other(1, 2, Use::Idle), other(2, 4, Use::Idle)];
        assert_eq!(decide(wish(2, 1), &others), Decision::Evict(vec![1]));
        assert_eq!(decide(wish(6, 1), &others), Decision::Evict(vec![1, 2]));
        assert!(matches!(decide(wish(60, 1), &others), Decision::Refuse(_)));
    }

    #[test]
    fn busy_and_leaving_models_are_waited_for() {
        assert_eq!(decide(wish(4, 2), &[other(1, 4, Use::Busy)]), Decision::Wait);
        assert_eq!(decide(wish(4, 2), &[other(1, 4, Use::Leaving), other(2, 9, Use::Idle)]), Decision::Wait);
        assert!(matches!(decide(wish(9, 2), &[other(1, 4, Use::Busy)]), Decision::Refuse(_)));
    }

    #[test]
    fn a_resident_model_stays_and_is_named() {
        let resident = Other { resident: true, ..other(1, 6, Use::Idle) };
        let Decision::Refuse(words) = decide(wish(4, 2), &[resident]) else { panic!("it was to stay") };
        assert!(words.contains("resident models hold 6.0 GiB"), "{words}");
    }

    #[test]
    fn models_of_one_group_are_never_together() {
        let excluded = |usage| Other { excluded: true, resident: true, ..other(1, 0, usage) };
        assert_eq!(decide(wish(1, 90), &[excluded(Use::Idle)]), Decision::Evict(vec![1]));
        assert_eq!(decide(wish(1, 90), &[excluded(Use::Busy)]), Decision::Wait);
    }

    #[test]
    fn the_number_of_processes_is_bounded() {
        let idle: Vec<_> = (0..8).map(|key| other(key, 0, Use::Idle)).collect();
        assert_eq!(decide(wish(0, 90), &idle), Decision::Evict(vec![0]));
        let busy: Vec<_> = (0..8).map(|key| other(key, 0, Use::Busy)).collect();
        assert_eq!(decide(wish(0, 90), &busy), Decision::Wait);
    }
}
