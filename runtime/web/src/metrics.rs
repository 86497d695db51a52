//! The process's metrics, in the text form that Prometheus scrapes.
//!
//! Families with fields here are written by the roles as things happen. Figures that a role counts itself are read
//! at each scrape: see [`Metrics::add_readings`].

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder, text,
};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::process;
use crate::scenario_metrics::ScenarioMetrics;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallEnd {
    /// It was answered, and hung up by a party or by the scenario.
    Answered,
    /// The called party was busy.
    Busy,
    /// The caller gave up before an answer.
    Cancelled,
    /// Nobody answered, or nobody could be reached.
    NoAnswer,
    /// It was refused or failed for another reason.
    Failed,
}

impl EncodeLabelValue for CallEnd {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let text = match self {
            Self::Answered => "answered",
            Self::Busy => "busy",
            Self::Cancelled => "cancelled",
            Self::NoAnswer => "no_answer",
            Self::Failed => "failed",
        };
        EncodeLabelValue::encode(&text, encoder)
    }
}

/// A call that ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabels {
    /// How.
    pub result: CallEnd,
}

/// A scenario run that ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EndLabels {
    /// `returned`, `failed`, `trapped` …: a fixed set, so that the series have an end.
    pub end: &'static str,
}

/// How a figure behaves over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its name gets `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One figure of a family read at scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What tells it from others of its family.
    pub labels: Vec<(&'static str, Cow<'static, str>)>,
    /// The figure.
    pub value: u64,
}

impl Reading {
    /// The only figure of its family.
    pub fn plain(value: u64) -> Self {
        Self {
            labels: Vec::new(),
            value,
        }
    }

    /// One of several, told apart by one label.
    pub fn labelled(label: &'static str, is: impl Into<Cow<'static, str>>, value: u64) -> Self {
        Self {
            labels: vec![(label, is.into())],
            value,
        }
    }
}

struct Readings {
    name: String,
    help: String,
    kind: Kind,
    read: Box<dyn Fn() -> Vec<Reading> + Send + Sync>,
}

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readings")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Counter => ConstCounter::new(0_u64).metric_type(),
            Kind::Gauge => ConstGauge::new(0_i64).metric_type(),
        };
        let mut metric = encoder.encode_descriptor(&self.name, &self.help, None, kind)?;
        let readings = (self.read)();
        if let [Reading { labels, value }] = readings.as_slice()
            && labels.is_empty()
        {
            return match self.kind {
                Kind::Counter => ConstCounter::new(*value).encode(metric),
                Kind::Gauge => ConstGauge::new(*value as i64).encode(metric),
            };
        }
        for Reading { labels, value } in readings {
            match self.kind {
                Kind::Counter => ConstCounter::new(value).encode(metric.encode_family(&labels)?)?,
                Kind::Gauge => ConstGauge::new(value as i64).encode(metric.encode_family(&labels)?)?,
            }
        }
        Ok(())
    }
}

/// Memory, CPU and up-time of the process, read at scrape.
#[derive(Debug)]
struct Process {
    started: Instant,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(bytes) = process::resident_bytes() {
            let gauge = ConstGauge::new(bytes as i64);
            let help = "Resident memory in bytes";
            gauge.encode(encoder.encode_descriptor(
                "process_resident_memory_bytes",
                help,
                None,
                gauge.metric_type(),
            )?)?;
        }
        if let Some(seconds) = process::cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let help = "User and system CPU time in seconds";
            counter.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        let uptime = ConstGauge::new(self.started.elapsed().as_secs_f64());
        let help = "Time since the start in seconds";
        uptime.encode(encoder.encode_descriptor("tandem_uptime_seconds", help, None, uptime.metric_type())?)
    }
}

/// Every family, and the registry that renders them; a clone is the same metrics.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    /// `tandem_calls_total` by result.
    pub calls: Family<CallLabels, Counter>,
    /// `tandem_scenario_runs_total` by end.
    pub scenario_runs: Family<EndLabels, Counter>,
    /// `tandem_media_packets_total` by what became of them: RTP packets of endpoints that were closed.
    pub media_packets: Family<MediaLabels, Counter>,
    /// What scenarios count.
    pub scenarios: ScenarioMetrics,
}

/// RTP packets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct MediaLabels {
    /// `sent`, `received`, `lost` or `dropped`.
    pub what: &'static str,
}

impl Metrics {
    /// Makes every family, each at zero; `version` is this program's.
    pub fn new(version: &'static str) -> Self {
        let metrics = Self {
            registry: Arc::new(Mutex::new(Registry::default())),
            calls: Family::default(),
            scenario_runs: Family::default(),
            media_packets: Family::default(),
            scenarios: ScenarioMetrics::new(),
        };
        metrics.with(|r| {
            r.register(
                "tandem_build",
                "This build",
                Info::new(vec![("version", version)]),
            );
            r.register("tandem_calls", "Calls that ended", metrics.calls.clone());
            r.register(
                "tandem_scenario_runs",
                "Scenario runs that ended",
                metrics.scenario_runs.clone(),
            );
            r.register(
                "tandem_media_packets",
                "RTP packets",
                metrics.media_packets.clone(),
            );
            metrics.scenarios.register(r);
            r.register_collector(Box::new(Process {
                started: Instant::now(),
            }));
        });
        metrics
    }

    /// Adds a family whose figures `read` gives at each scrape. `read` must be quick and must not wait: a scrape
    /// holds the registry. `name` without `_total`.
    pub fn add_readings(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        read: impl Fn() -> Vec<Reading> + Send + Sync + 'static,
    ) {
        let readings = Readings {
            name: name.to_owned(),
            help: help.to_owned(),
            kind,
            read: Box::new(read),
        };
        self.with(|r| r.register_collector(Box::new(readings)));
    }

    /// All families in OpenMetrics text.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut page = String::with_capacity(4096);
        self.with(|r| text::encode(&mut page, r))?;
        Ok(page)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Registry) -> T) -> T {
        f(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_render_with_their_labels() {
        let metrics = Metrics::new("1.2.3");
        metrics
            .calls
            .get_or_create(&CallLabels {
                result: CallEnd::Answered,
            })
            .inc_by(2);
        metrics.add_readings("tandem_sip_datagrams", "Datagrams", Kind::Counter, || {
            vec![
                Reading::labelled("transport", "udp", 7),
                Reading::labelled("transport", "tcp", 0),
            ]
        });
        metrics.add_readings("tandem_registrations", "Bindings held", Kind::Gauge, || {
            vec![Reading::plain(3)]
        });
        let page = metrics.render().unwrap();
        for line in [
            "tandem_build_info{version=\"1.2.3\"} 1",
            "tandem_registrations 3",
            "tandem_calls_total{result=\"answered\"} 2",
            "tandem_sip_datagrams_total{transport=\"udp\"} 7",
            "# EOF",
        ] {
            assert!(page.lines().any(|l| l == line), "no line {line} in\n{page}");
        }
        assert!(page.contains("process_resident_memory_bytes "));
        assert!(page.contains("process_cpu_seconds_total "));
    }
}
