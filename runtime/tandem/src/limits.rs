//! What a domain's scenarios may use: what is set for the domain, and for the rest what the server gives to each.

use std::time::Duration;

use tandem_host_api::{DomainLimits, Limits};
use tandem_store::{DomainLimits as Own, KvCap, Limit, VoicemailCap};

use crate::config::Config;

/// Bytes of one domain's key-value pairs.
const KV_BYTES: u64 = 64 << 20;
/// One domain's key-value pairs.
const KV_KEYS: u64 = 100_000;
/// One domain's mails per minute.
pub const MAILS_PER_MINUTE: u64 = 30;
/// Messages of one voicemail box.
const VOICEMAIL_MESSAGES: u64 = 100;
/// Bytes of one domain's voicemail: some nine hours.
const VOICEMAIL_BYTES: u64 = 512 << 20;

/// What all calls of a domain may use together where nothing is set.
pub fn domain_default(config: &Config) -> DomainLimits {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    DomainLimits {
        instances: config.limits.calls_per_domain,
        // A quarter of the machine: what one domain's scenarios compute without end, its neighbours do not miss.
        cpu_ms_per_s: u32::try_from(cores).unwrap_or(1_000).min(1_000) * 250,
        ..DomainLimits::default()
    }
}

/// What one call may use where nothing is set.
pub fn call_default(config: &Config) -> Limits {
    Limits {
        cpu: config.scenario.cpu,
        memory_bytes: config.scenario.memory.0,
        ..Limits::default()
    }
}

/// What all calls of a domain may use together.
pub fn of_domain(server: DomainLimits, own: &Own) -> DomainLimits {
    let host_calls_per_s = small(own, Limit::HostCallsPerSecond);
    DomainLimits {
        instances: small(own, Limit::Instances).unwrap_or(server.instances),
        host_calls_per_s: host_calls_per_s.unwrap_or(server.host_calls_per_s),
        // Two seconds' worth, as the server's own.
        host_calls_burst: host_calls_per_s.map_or(server.host_calls_burst, |per_s| per_s.saturating_mul(2)),
        cpu_ms_per_s: small(own, Limit::CpuMsPerSecond).unwrap_or(server.cpu_ms_per_s),
    }
}

/// What one call of a domain may use.
pub fn of_call(server: &Limits, own: &Own) -> Limits {
    let ms = |limit| own.get(limit).map(Duration::from_millis);
    let host_calls_per_s = small(own, Limit::CallHostCallsPerSecond);
    Limits {
        cpu: ms(Limit::CallCpuMs).unwrap_or(server.cpu),
        wall: ms(Limit::CallWallMs).unwrap_or(server.wall),
        // Each place for a scenario has as much memory as the server gives to one, and no more.
        memory_bytes: own
            .get(Limit::CallMemoryBytes)
            .map_or(server.memory_bytes, |own| own.min(server.memory_bytes)),
        host_calls_per_s: host_calls_per_s.unwrap_or(server.host_calls_per_s),
        host_calls_burst: host_calls_per_s.map_or(server.host_calls_burst, |per_s| per_s.saturating_mul(20)),
        ..server.clone()
    }
}

/// What one call of a scenario with limits of its own may use: never more than the domain's other calls.
pub fn of_module(of_domain: &Limits, own: &Own) -> Limits {
    let own = of_call(of_domain, own);
    Limits {
        cpu: own.cpu.min(of_domain.cpu),
        wall: own.wall.min(of_domain.wall),
        memory_bytes: own.memory_bytes.min(of_domain.memory_bytes),
        host_calls_per_s: own.host_calls_per_s.min(of_domain.host_calls_per_s),
        host_calls_burst: own.host_calls_burst.min(of_domain.host_calls_burst),
        ..of_domain.clone()
    }
}

/// What a domain's key-value pairs may take.
pub fn of_pairs(own: &Own) -> KvCap {
    KvCap {
        bytes: own.get(Limit::KvBytes).unwrap_or(KV_BYTES),
        keys: own.get(Limit::KvKeys).unwrap_or(KV_KEYS),
    }
}

/// What the key-value pairs of one scenario may take; none: as much as its domain's.
pub fn of_pairs_of_module(own: &Own) -> Option<KvCap> {
    let (bytes, keys) = (own.get(Limit::KvBytes), own.get(Limit::KvKeys));
    (bytes.is_some() || keys.is_some()).then(|| KvCap {
        bytes: bytes.unwrap_or(u64::MAX),
        keys: keys.unwrap_or(u64::MAX),
    })
}

/// What a domain's voicemail may take.
pub fn of_voicemail(own: &Own) -> VoicemailCap {
    VoicemailCap {
        messages: own.get(Limit::VoicemailMessages).unwrap_or(VOICEMAIL_MESSAGES),
        bytes: own.get(Limit::VoicemailBytes).unwrap_or(VOICEMAIL_BYTES),
    }
}

/// The limit that is in force for a domain.
pub fn in_force(config: &Config, own: &Own, limit: Limit) -> u64 {
    let domain = of_domain(domain_default(config), own);
    let call = of_call(&call_default(config), own);
    let pairs = of_pairs(own);
    let voicemail = of_voicemail(own);
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    match limit {
        Limit::KvBytes => pairs.bytes,
        Limit::KvKeys => pairs.keys,
        Limit::Instances => domain.instances.into(),
        Limit::CpuMsPerSecond => domain.cpu_ms_per_s.into(),
        Limit::HostCallsPerSecond => domain.host_calls_per_s.into(),
        Limit::CallCpuMs => ms(call.cpu),
        Limit::CallMemoryBytes => call.memory_bytes,
        Limit::CallHostCallsPerSecond => call.host_calls_per_s.into(),
        Limit::CallWallMs => ms(call.wall),
        Limit::MailsPerMinute => own.get(limit).unwrap_or(MAILS_PER_MINUTE),
        Limit::VoicemailMessages => voicemail.messages,
        Limit::VoicemailBytes => voicemail.bytes,
    }
}

/// Within the bounds of each such limit it is that small.
fn small(own: &Own, limit: Limit) -> Option<u32> {
    own.get(limit)
        .map(|value| u32::try_from(value).unwrap_or(u32::MAX))
}
