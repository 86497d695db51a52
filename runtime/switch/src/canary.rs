//! A version that is tried for a share of an entry point's calls: which calls get it, and whether it stays.
//!
//! Both are pure. The choice needs the Call-ID alone, so that it is the same however often it is made; what was chosen is
//! in the call's log, so a call stays on its version. The judgement needs counts of calls that are over.

use std::sync::Arc;

use tandem_directory::{Canary, Counts, EntryPoint, Resolved, TrialCounts};
use twox_hash::XxHash3_64;

/// The entry point as the call of this Call-ID starts it: with the active version, or with the one that is tried.
///
/// A greater share keeps the calls that a smaller one had. The hash is another than that of
/// [`shard_of`](crate::shard_of), so the share holds on each shard.
pub fn chosen<'a>(resolved: &'a Resolved, call_id: &str) -> &'a Arc<EntryPoint> {
    match &resolved.canary {
        Some(canary) if percentile(call_id) < canary.share_percent => &canary.entry,
        _ => &resolved.entry,
    }
}

/// In which hundredth of all calls this one is, 0 to 99.
fn percentile(call_id: &str) -> u8 {
    let hash = u128::from(XxHash3_64::oneshot(call_id.as_bytes()));
    ((hash * 100) >> 64) as u8
}

/// What becomes of a version that is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is tried on.
    Keep,
    /// It fails too often: why, with the figures.
    RollBack(String),
    /// It has shown that it works: why, with the figures.
    Promote(String),
}

/// Judges a canary by the calls that are over. Fewer than [`Canary::fewest`] of its own say nothing. An active version
/// that had no calls yet counts as one that never fails.
pub fn judge(canary: &Canary, counts: &TrialCounts) -> Verdict {
    let TrialCounts {
        canary: tried,
        active,
        canary_calls,
    } = *counts;
    if tried.calls == 0 || tried.calls < canary.fewest {
        return Verdict::Keep;
    }
    let figures = format!("{} failed, {} of the active version", rate(tried), rate(active));
    if is_worse(tried, active, canary.margin) {
        return Verdict::RollBack(format!(
            "{figures}: worse by more than {} percentage points",
            canary.margin
        ));
    }
    if canary.promote_after > 0 && canary_calls >= canary.promote_after {
        return Verdict::Promote(format!("{canary_calls} calls, of the latest {figures}"));
    }
    Verdict::Keep
}

/// Whether `tried` fails more often than `active` by more than so many percentage points. In whole numbers, so that the
/// margin itself is allowed.
fn is_worse(tried: Counts, active: Counts, margin: u8) -> bool {
    let [tried_calls, tried_failures] = [tried.calls, tried.failures].map(i64::from);
    let [active_calls, active_failures] = [active.calls.max(1), active.failures].map(i64::from);
    let difference = tried_failures * active_calls - active_failures * tried_calls;
    100 * difference > i64::from(margin) * tried_calls * active_calls
}

/// `3 of 20 calls (15.0 %)`
fn rate(counts: Counts) -> String {
    let Counts { calls, failures } = counts;
    let percent = 100.0 * f64::from(failures) / f64::from(calls.max(1));
    format!("{failures} of {calls} calls ({percent:.1} %)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::shard_of;

    fn resolved(share_percent: u8) -> Resolved {
        let entry_point = |hash: &str| EntryPoint {
            number: "100".into(),
            title: String::new(),
            module: "menu".into(),
            hash: hash.into(),
            config: "{}".into(),
            fallback_cause: "unavailable".into(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        Resolved {
            canary: Some(tandem_directory::ResolvedCanary {
                share_percent,
                entry: Arc::new(entry_point("new")),
            }),
            ..Resolved::from(entry_point("old"))
        }
    }

    fn is_tried(resolved: &Resolved, call_id: &str) -> bool {
        chosen(resolved, call_id).hash == "new"
    }

    /// Call-IDs as phones make them: counting ones as well as random ones.
    fn call_ids() -> impl Iterator<Item = String> {
        (0..100_000_u64).map(|n| match n % 3 {
            0 => format!("{n}-4711@127.0.0.1"),
            1 => format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            _ => format!("call-{n}@phone-{}.example.org", n % 7),
        })
    }

    /// Within four standard deviations, which chance leaves once in 16,000 times.
    #[test]
    fn shares_hold_on_each_shard() {
        for shards in [1_u64, 2, 3, 8] {
            for share in [1_u8, 10, 50, 99] {
                let resolved = resolved(share);
                let mut counts = vec![(0_u32, 0_u32); shards as usize];
                for call_id in call_ids() {
                    let (calls, tried) = &mut counts[shard_of(&call_id, shards) as usize];
                    *calls += 1;
                    *tried += u32::from(is_tried(&resolved, &call_id));
                }
                for (calls, tried) in counts {
                    let (n, p) = (f64::from(calls), f64::from(share) / 100.0);
                    assert!(
                        n > 100_000.0 / shards as f64 / 2.0,
                        "{calls} calls on a shard of {shards}"
                    );
                    let off = (f64::from(tried) - n * p).abs() / (n * p * (1.0 - p)).sqrt();
                    assert!(
                        off < 4.0,
                        "{tried} of {calls} at {share} %, {shards} shards: {off:.1} deviations"
                    );
                }
            }
        }
    }

    #[test]
    fn a_call_id_always_gets_the_same_version_and_keeps_it_when_the_share_grows() {
        let shares: Vec<_> = (1..=99).map(resolved).collect();
        for call_id in call_ids().take(300) {
            let tried: Vec<_> = shares.iter().map(|share| is_tried(share, &call_id)).collect();
            let again: Vec<_> = shares.iter().map(|share| is_tried(share, &call_id)).collect();
            assert_eq!(tried, again);
            assert!(tried.is_sorted(), "{call_id}: {tried:?}");
        }
    }

    /// The choice of an earlier release, were it made again.
    #[test]
    fn the_choice_is_the_same_in_every_release() {
        let known = ["1-4711@127.0.0.1", "a84b4c76e66710", ""].map(percentile);
        assert_eq!(known, [57, 8, 17]);
    }

    #[test]
    fn without_a_canary_every_call_gets_the_active_version() {
        let only = Resolved {
            canary: None,
            ..resolved(99)
        };
        assert!(call_ids().take(1_000).all(|call_id| !is_tried(&only, &call_id)));
    }

    #[test]
    fn a_canary_is_judged_by_how_much_more_often_it_fails() {
        let (keep, back, promote) = ("keep", "back", "promote");
        // Calls and failures of the canary, of the active version; margin; promote after, of so many calls; verdict.
        let cases = [
            ([0, 0], [0, 0], 5, (0, 0), keep),
            ([19, 19], [100, 0], 5, (0, 0), keep),   // too few to say
            ([20, 1], [100, 0], 5, (0, 0), keep),    // just the margin
            ([20, 2], [100, 0], 5, (0, 0), back),    // 10 points
            ([20, 2], [100, 5], 5, (0, 0), keep),    // 10 % beside 5 %
            ([100, 31], [100, 25], 5, (0, 0), back), // 6 points
            ([100, 30], [100, 25], 5, (0, 0), keep),
            ([100, 0], [100, 50], 5, (0, 0), keep), // better
            ([20, 1], [0, 0], 4, (0, 0), back),     // nothing to compare with: never fails
            ([20, 0], [0, 0], 0, (0, 0), keep),
            ([20, 1], [100, 4], 0, (0, 0), back),    // no margin
            ([20, 20], [100, 0], 100, (0, 0), keep), // margin of everything
            ([100, 0], [100, 0], 5, (200, 199), keep),
            ([100, 0], [100, 0], 5, (200, 200), promote),
            ([100, 6], [100, 0], 5, (200, 200), back), // not within the margin
            ([100, 0], [100, 0], 5, (0, 200), keep),   // never by itself
            ([10_000, 10_000], [10_000, 9_900], 0, (0, 0), back),
        ];
        for (tried, active, margin, (promote_after, canary_calls), expected) in cases {
            let canary = Canary {
                hash: "new".into(),
                share_percent: 10,
                window: 100,
                margin,
                fewest: 20,
                promote_after,
                began_at: jiff::Timestamp::UNIX_EPOCH,
            };
            let counts = |[calls, failures]: [u32; 2]| Counts { calls, failures };
            let counts = TrialCounts {
                canary: counts(tried),
                active: counts(active),
                canary_calls,
            };
            let verdict = match judge(&canary, &counts) {
                Verdict::Keep => keep,
                Verdict::RollBack(_) => back,
                Verdict::Promote(_) => promote,
            };
            assert_eq!(verdict, expected, "{counts:?}");
        }
    }

    #[test]
    fn a_verdict_tells_the_figures() {
        let canary = Canary {
            hash: "new".into(),
            share_percent: 10,
            window: 100,
            margin: 5,
            fewest: 20,
            promote_after: 20,
            began_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let counts = |failures| TrialCounts {
            canary: Counts { calls: 40, failures },
            active: Counts {
                calls: 100,
                failures: 1,
            },
            canary_calls: 20,
        };
        let back = "8 of 40 calls (20.0 %) failed, 1 of 100 calls (1.0 %) of the active version: worse by more than 5 \
                    percentage points";
        assert_eq!(judge(&canary, &counts(8)), Verdict::RollBack(back.into()));
        let promote = "20 calls, of the latest 0 of 40 calls (0.0 %) failed, 1 of 100 calls (1.0 %) of the active version";
        assert_eq!(judge(&canary, &counts(0)), Verdict::Promote(promote.into()));
    }
}
