//! What the system says about this process: memory and CPU time.

/// Resident memory in bytes, from `/proc/self/status`; none where there is no such file.
pub(crate) fn resident_bytes() -> Option<u64> {
    resident_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// User and system CPU time in seconds, from `/proc/self/stat`.
pub(crate) fn cpu_seconds() -> Option<f64> {
    cpu_in(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn cpu_in(stat: &str) -> Option<f64> {
    // The program's name stands in parentheses and may hold anything, so fields count from the last one (proc(5)).
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    // USER_HZ is 100 on every architecture that Linux still has.
    Some((user + system) as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_memory_and_cpu_of_a_process_with_an_odd_name() {
        assert_eq!(resident_in("Name:\tx\nVmRSS:\t  2048 kB\n"), Some(2_097_152));
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1";
        assert_eq!(cpu_in(stat), Some(2.0));
        assert_eq!(cpu_in("nonsense"), None);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident_bytes().unwrap_or(0) > 100_000);
        assert!(cpu_seconds().is_some());
    }
}
