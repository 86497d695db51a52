//! What scenarios count, by domain and name: a bounded number of names for each domain.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Most names of one domain, of all kinds.
pub const NAMES_MOST: usize = 100;

/// What tells a figure of a scenario from others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    domain: String,
    name: String,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Distribution,
}

/// Why a figure is not taken, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MetricRefused(String);

/// Buckets for whatever scenarios measure: seconds of a wait as well as amounts.
#[derive(Debug, Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new([
            0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0,
            10_000.0,
        ])
    }
}

/// All of them; a clone is the same figures.
#[derive(Debug, Clone)]
pub struct ScenarioMetrics {
    counters: Family<Labels, Counter>,
    gauges: Family<Labels, Gauge<f64, AtomicU64>>,
    distributions: Family<Labels, Histogram, Buckets>,
    names: Arc<Mutex<HashMap<String, HashMap<String, Kind>>>>,
}

impl ScenarioMetrics {
    pub(crate) fn new() -> Self {
        Self {
            counters: Family::default(),
            gauges: Family::default(),
            distributions: Family::new_with_constructor(Buckets),
            names: Arc::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let of = "by the domain's scenarios";
        registry.register(
            "tandem_scenario_count",
            format!("Counted {of}"),
            self.counters.clone(),
        );
        registry.register("tandem_scenario_gauge", format!("Set {of}"), self.gauges.clone());
        registry.register(
            "tandem_scenario_observation",
            format!("Observed {of}"),
            self.distributions.clone(),
        );
    }

    /// Adds to `tandem_scenario_count_total`.
    pub fn count(&self, domain: &str, name: &str, by: u64) -> Result<(), MetricRefused> {
        let labels = self.labels(domain, name, Kind::Counter)?;
        self.counters.get_or_create(&labels).inc_by(by);
        Ok(())
    }

    /// Sets `tandem_scenario_gauge`.
    pub fn set(&self, domain: &str, name: &str, value: f64) -> Result<(), MetricRefused> {
        let labels = self.labels(domain, name, Kind::Gauge)?;
        self.gauges.get_or_create(&labels).set(value);
        Ok(())
    }

    /// Adds to the distribution `tandem_scenario_observation`.
    pub fn observe(&self, domain: &str, name: &str, value: f64) -> Result<(), MetricRefused> {
        let labels = self.labels(domain, name, Kind::Distribution)?;
        self.distributions.get_or_create(&labels).observe(value);
        Ok(())
    }

    /// Takes a name in, within the bound.
    fn labels(&self, domain: &str, name: &str, kind: Kind) -> Result<Labels, MetricRefused> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let own = names.entry(domain.to_owned()).or_default();
        match own.get(name) {
            Some(known) if *known == kind => (),
            Some(known) => {
                let known = format!("{known:?}").to_lowercase();
                return Err(MetricRefused(format!("{name} is a {known} already")));
            }
            None if own.len() >= NAMES_MOST => {
                return Err(MetricRefused(format!(
                    "the domain has {NAMES_MOST} metrics already"
                )));
            }
            None => {
                own.insert(name.to_owned(), kind);
            }
        }
        Ok(Labels {
            domain: domain.to_owned(),
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Metrics;

    #[test]
    fn figures_are_shown_by_domain_and_name_within_a_bound() {
        let metrics = Metrics::new("1");
        let of = &metrics.scenarios;
        of.count("a.example", "orders", 2).unwrap();
        of.count("a.example", "orders", 1).unwrap();
        of.count("b.example", "orders", 5).unwrap();
        of.set("a.example", "queue", -1.5).unwrap();
        of.observe("a.example", "wait_s", 3.0).unwrap();
        let refused = of.set("a.example", "orders", 1.0).unwrap_err();
        assert_eq!(refused.to_string(), "orders is a counter already");
        let page = metrics.render().unwrap();
        for line in [
            "tandem_scenario_count_total{domain=\"a.example\",name=\"orders\"} 3",
            "tandem_scenario_count_total{domain=\"b.example\",name=\"orders\"} 5",
            "tandem_scenario_gauge{domain=\"a.example\",name=\"queue\"} -1.5",
            "tandem_scenario_observation_sum{domain=\"a.example\",name=\"wait_s\"} 3.0",
            "tandem_scenario_observation_bucket{le=\"5.0\",domain=\"a.example\",name=\"wait_s\"} 1",
        ] {
            assert!(page.lines().any(|l| l == line), "no line {line} in\n{page}");
        }
        for number in 3..100 {
            of.count("a.example", &format!("n{number}"), 1).unwrap();
        }
        assert!(of.count("a.example", "one_more", 1).is_err());
        of.count("a.example", "orders", 1).unwrap();
        of.count("b.example", "one_more", 1).unwrap();
    }
}
