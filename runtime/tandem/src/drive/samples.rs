//! Samples how domains, and the whole server, are doing: once a minute, of the minute that is over.
//!
//! What the store does not take is lost: a gap in a plot harms nobody.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use tandem_store::samples::begin;
use tandem_store::{Sample, Store};
use tandem_web::Live;

use super::registrar::Registrations;
use super::scenario::Scenarios;

const MINUTE_S: i64 = 60;

/// Where the figures come from, and where they go.
pub struct Sampler {
    /// Takes the samples.
    pub store: Store,
    /// Counts calls.
    pub live: Live,
    /// Counts devices.
    pub registrations: Registrations,
    /// Know what scenarios use.
    pub scenarios: Scenarios,
}

impl Sampler {
    /// Runs until it is aborted.
    pub async fn sample_on(self) {
        loop {
            let minute = begin(Timestamp::now(), MINUTE_S);
            tokio::time::sleep(until_after(minute)).await;
            self.sample(minute).await;
        }
    }

    async fn sample(&self, minute: Timestamp) {
        let mut samples: HashMap<String, Sample> = HashMap::new();
        for (domain, calls) in self.live.minute(minute.as_second().div_euclid(MINUTE_S)) {
            let it = samples.entry(domain).or_default();
            it.calls_active = calls.active;
            it.calls_begun = calls.begun;
            it.calls_ended = calls.ended;
            it.calls_answered = calls.answered;
        }
        for (domain, devices) in self.registrations.count_by_domain().await {
            samples.entry(domain).or_default().registrations = devices as u64;
        }
        for (domain, failures) in self.scenarios.meters.take_failures() {
            samples.entry(domain).or_default().scenario_failures = failures;
        }
        for (domain, used) in self.scenarios.take_used() {
            let it = samples.entry(domain).or_default();
            it.cpu_us = used.cpu_us;
            it.memory_peak_bytes = used.memory_peak_bytes;
        }
        let (mut of_all, mut of_domains) = (Sample::default(), Vec::new());
        for (domain, sample) in samples.into_iter().filter(|(_, sample)| !sample.is_empty()) {
            of_all.beside(&sample);
            // One that was removed meanwhile has no samples.
            if let Ok(scope) = self.store.domain_scope(&domain).await {
                of_domains.push((scope, sample));
            }
        }
        if let Err(error) = self.store.add_samples(minute, &of_all, &of_domains).await {
            tracing::warn!(%error, "how the domains are doing could not be stored for a minute");
        }
    }
}

/// How long until the minute that begins then is over.
fn until_after(minute: Timestamp) -> Duration {
    let over = minute.as_second() + MINUTE_S;
    let left_ms = over * 1_000 - Timestamp::now().as_millisecond();
    Duration::from_millis(u64::try_from(left_ms).unwrap_or_default())
}
