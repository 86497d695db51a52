//! Brings what the roles count to `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tandem_bus::sip::Counted;
use tandem_host_api::End;
use tandem_web::{CallEnd, CallLabels, EndLabels, Kind, MediaLabels, Metrics, Reading};

use crate::drive::registrar::Registrations;
use crate::drive::shard::{Observed, ShardCounters, ShardPort};
use crate::drive::usage::Meters;
use crate::process::gates::Gates;

/// The one figure of the sockets' snapshot that also falls: a gauge of its own.
const OPEN: &str = "connections_open";

/// Counts the ends of calls and scenarios.
pub fn observer(metrics: &Metrics) -> Arc<dyn Fn(Observed<'_>) + Send + Sync> {
    let metrics = metrics.clone();
    Arc::new(move |observed| match observed {
        Observed::Call(ended) => {
            let summary = &ended.record.summary;
            let result = match summary.cause.as_str() {
                "normal" => CallEnd::Answered,
                "busy" => CallEnd::Busy,
                "cancelled" => CallEnd::Cancelled,
                "unavailable" => CallEnd::NoAnswer,
                _ if summary.answered_at.is_some() => CallEnd::Answered,
                _ => CallEnd::Failed,
            };
            metrics.calls.get_or_create(&CallLabels { result }).inc();
            for leg in &ended.record.legs {
                for (what, packets) in [
                    ("sent", leg.rtp_sent),
                    ("received", leg.rtp_received),
                    ("lost", leg.rtp_lost),
                ] {
                    metrics
                        .media_packets
                        .get_or_create(&MediaLabels { what })
                        .inc_by(packets);
                }
            }
        }
        Observed::Scenario(end) => {
            let end = match end {
                End::Returned => "returned",
                End::Failed(_) => "failed",
                End::Trapped { .. } => "trapped",
                End::OverBudget(_) => "over_budget",
                End::CallOver => "call_over",
                End::Refused(_) => "refused",
                End::Diverged(_) => "diverged",
            };
            metrics.scenario_runs.get_or_create(&EndLabels { end }).inc();
        }
    })
}

/// Makes each scrape read the roles' own counters; what the gates count is as they told last.
pub fn read_roles(metrics: &Metrics, shards: &[ShardPort], registrations: &Registrations, gates: &Gates) {
    let one = |value: u64| vec![Reading::plain(value)];
    type Pick = fn(&ShardCounters) -> &AtomicU64;
    let figures: [(&str, &str, Kind, Pick); 3] = [
        ("tandem_calls_active", "Calls in progress", Kind::Gauge, |c| {
            &c.calls
        }),
        (
            "tandem_journal_bytes",
            "Written to the logs of calls",
            Kind::Counter,
            |c| &c.log_written,
        ),
        (
            "tandem_journal_size_bytes",
            "Logs of calls on the disk",
            Kind::Gauge,
            |c| &c.log_bytes,
        ),
    ];
    for (name, help, kind, pick) in figures {
        let shards = shards.to_vec();
        metrics.add_readings(name, help, kind, move || {
            let figures = shards.iter().map(|shard| pick(&shard.counters));
            one(figures.map(|figure| figure.load(Ordering::Relaxed)).sum())
        });
    }
    let counters = registrations.counters.clone();
    metrics.add_readings("tandem_registrations", "Bindings held", Kind::Gauge, move || {
        one(counters.bindings.load(Ordering::Relaxed))
    });
    let counters = registrations.counters.clone();
    metrics.add_readings(
        "tandem_sip_registrations_refused",
        "Wrong digests",
        Kind::Counter,
        move || one(counters.refused.load(Ordering::Relaxed)),
    );
    read_sip(metrics, gates);
    let gates = gates.clone();
    metrics.add_readings(
        "tandem_media_endpoints",
        "Media endpoints open",
        Kind::Gauge,
        move || one(gates.media_endpoints()),
    );
}

/// What scenarios used, of all domains together.
pub fn read_usage(metrics: &Metrics, meters: &Meters) {
    let totals = meters.clone();
    metrics.add_readings(
        "tandem_scenario_cpu_microseconds",
        "Time in which scenarios that ended had computed",
        Kind::Counter,
        move || vec![Reading::plain(totals.total("cpu-us"))],
    );
    let totals = meters.clone();
    metrics.add_readings(
        "tandem_scenario_host_calls",
        "Host calls of scenarios that ended, by interface",
        Kind::Counter,
        move || labelled("interface", &totals.totals("host-calls."), |_| true),
    );
    let totals = meters.clone();
    metrics.add_readings(
        "tandem_scenario_limits_met",
        "Scenarios that a limit ended, or kept from beginning",
        Kind::Counter,
        move || labelled("limit", &totals.totals("limits-met."), |_| true),
    );
}

/// What the SIP sockets did: by event, by method and by class of status, each way.
fn read_sip(metrics: &Metrics, gates: &Gates) {
    let sip = gates.clone();
    metrics.add_readings(
        "tandem_sip_transport",
        "What the SIP sockets did",
        Kind::Counter,
        move || labelled("what", &sip.counted().counters, |what| what != OPEN),
    );
    let sip = gates.clone();
    metrics.add_readings(
        "tandem_sip_connections",
        "TCP connections open",
        Kind::Gauge,
        move || {
            let counted = sip.counted();
            let open = counted.counters.iter().find(|(what, _)| what == OPEN);
            vec![Reading::plain(open.map_or(0, |(_, value)| *value))]
        },
    );
    type Pick = fn(&Counted) -> &Vec<(String, u64)>;
    let traffic: [(&str, &str, &'static str, Pick); 4] = [
        (
            "tandem_sip_requests_received",
            "SIP requests by method",
            "method",
            |c| &c.requests_in,
        ),
        (
            "tandem_sip_requests_sent",
            "SIP requests by method",
            "method",
            |c| &c.requests_out,
        ),
        (
            "tandem_sip_responses_received",
            "SIP responses by class of status",
            "class",
            |c| &c.responses_in,
        ),
        (
            "tandem_sip_responses_sent",
            "SIP responses by class of status",
            "class",
            |c| &c.responses_out,
        ),
    ];
    for (name, help, label, pick) in traffic {
        let sip = gates.clone();
        metrics.add_readings(name, help, Kind::Counter, move || {
            labelled(label, pick(&sip.counted()), |_| true)
        });
    }
}

fn labelled(label: &'static str, figures: &[(String, u64)], wanted: impl Fn(&str) -> bool) -> Vec<Reading> {
    let figures = figures.iter().filter(|(name, _)| wanted(name));
    figures
        .map(|(name, value)| Reading::labelled(label, name.clone(), *value))
        .collect()
}
