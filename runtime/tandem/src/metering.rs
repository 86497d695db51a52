//! Brings what the roles count to `/metrics`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tandem_gate::Gate;
use tandem_host_api::End;
use tandem_transport::{Counters, Traffic, Transport};
use tandem_web::{CallEnd, CallLabels, EndLabels, Kind, MediaLabels, Metrics, Reading};

use crate::drive::registrar::Registrations;
use crate::drive::shard::{Observed, ShardPort};

/// The one figure of the sockets' snapshot that also falls: a gauge of its own.
const OPEN: &str = "connections_open";

/// Counts the ends of calls and scenarios.
pub fn observer(metrics: &Metrics) -> Arc<dyn Fn(Observed<'_>) + Send + Sync> {
    let metrics = metrics.clone();
    Arc::new(move |observed| match observed {
        Observed::Call(record) => {
            let summary = &record.call.summary;
            let result = match summary.cause.as_str() {
                "normal" => CallEnd::Answered,
                "busy" => CallEnd::Busy,
                "cancelled" => CallEnd::Cancelled,
                "unavailable" => CallEnd::NoAnswer,
                _ if summary.answered_at.is_some() => CallEnd::Answered,
                _ => CallEnd::Failed,
            };
            metrics.calls.get_or_create(&CallLabels { result }).inc();
            for leg in &record.call.legs {
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
            };
            metrics.scenario_runs.get_or_create(&EndLabels { end }).inc();
        }
    })
}

/// Makes each scrape read the roles' own counters.
pub fn read_roles(
    metrics: &Metrics,
    shards: &[ShardPort],
    registrations: &Registrations,
    transport: &Transport,
    gate: &Arc<Gate>,
) {
    let one = |value: u64| vec![Reading::plain(value)];
    let shards = shards.to_vec();
    metrics.add_readings(
        "tandem_calls_active",
        "Calls in progress",
        Kind::Gauge,
        move || one(shards.iter().map(ShardPort::calls).sum()),
    );
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
    let counters = transport.counters().clone();
    metrics.add_readings(
        "tandem_sip_transport",
        "What the SIP sockets did",
        Kind::Counter,
        move || {
            counters
                .snapshot()
                .into_iter()
                .filter(|(what, _)| *what != OPEN)
                .map(|(what, value)| Reading::labelled("what", what, value))
                .collect()
        },
    );
    let counters = transport.counters().clone();
    metrics.add_readings(
        "tandem_sip_connections",
        "TCP connections open",
        Kind::Gauge,
        move || one(counters.connections_open.load(Ordering::Relaxed)),
    );
    read_traffic(metrics, transport);
    let gate = gate.clone();
    metrics.add_readings(
        "tandem_media_endpoints",
        "Media endpoints open",
        Kind::Gauge,
        move || one(gate.counted().endpoints),
    );
}

/// SIP by method and by class of status, each way.
fn read_traffic(metrics: &Metrics, transport: &Transport) {
    type Pick = fn(&Counters) -> &Traffic;
    let ways: [(&str, Pick); 2] = [("received", |c| &c.inbound), ("sent", |c| &c.outbound)];
    for (way, pick) in ways {
        let counters = transport.counters().clone();
        let name = format!("tandem_sip_requests_{way}");
        metrics.add_readings(&name, "SIP requests by method", Kind::Counter, move || {
            let requests = pick(&counters).requests();
            requests
                .map(|(method, value)| Reading::labelled("method", method, value))
                .collect()
        });
        let counters = transport.counters().clone();
        let name = format!("tandem_sip_responses_{way}");
        metrics.add_readings(
            &name,
            "SIP responses by class of status",
            Kind::Counter,
            move || {
                let responses = pick(&counters).responses();
                responses
                    .map(|(class, value)| Reading::labelled("class", class, value))
                    .collect()
            },
        );
    }
}
