//! The server's side: challenges, and whether their answers hold.

use super::digest::{Request, quote, response};
use super::nonce::{Counts, Mint, NonceId, NonceRecord, VerifierKey, equal};
use super::{Algorithm, Credentials, CredentialsError};
use crate::message::Uri;
use crate::moment::Moment;
use rand::rngs::StdRng;
use std::time::Duration;

/// What a verifier is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What is offered, in this order. RFC 8760 wants the strongest first; phones such as baresip 1.0
    /// take the first challenge only, or fail on an algorithm they do not know, so MD5 comes first
    /// by default and a phone that knows better may choose.
    pub algorithms: Vec<Algorithm>,
    /// How long a nonce is good for; default 5 minutes.
    pub nonce_lifetime: Duration,
    /// Nonces in use that are remembered at most; beyond, the oldest must be challenged anew.
    pub nonces_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            algorithms: vec![Algorithm::Md5, Algorithm::Sha256],
            nonce_lifetime: Duration::from_mins(5),
            nonces_max: 100_000,
        }
    }
}

/// What credentials are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They hold.
    Ok {
        /// The user's name as the credentials write it.
        user: String,
    },
    /// The password is right, the nonce too old, used before, or made with another key: challenge
    /// with `stale`, so that the phone answers by itself.
    Stale,
    /// They do not hold.
    Wrong(Wrong),
}

/// Why credentials do not hold. For the log; the peer is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The header cannot be read.
    #[error("{0}")]
    Syntax(#[from] CredentialsError),
    /// For another realm: try the request's next Authorization, or challenge.
    #[error("the credentials are for another realm")]
    Realm,
    /// Made for another request.
    #[error("the credentials' URI is not the request's")]
    Uri,
    /// Not among those offered.
    #[error("the algorithm was not offered")]
    Algorithm,
    /// Other than `auth`, or without a count.
    #[error("qop is not auth, or nc or cnonce is missing")]
    Qop,
    /// The look-up knows no such user.
    #[error("no such user")]
    User,
    /// The password is wrong.
    #[error("wrong password")]
    Response,
}

/// Challenges and verifies for any number of realms.
pub struct Verifier {
    config: Config,
    mint: Mint,
    counts: Counts,
    rng: StdRng,
}

impl std::fmt::Debug for Verifier {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier of nonces made with `key`: with the key of a former life it takes the nonces of that on, once their
    /// counts are restored. The chance in new ones comes from `rng`.
    pub fn new(config: Config, key: VerifierKey, rng: StdRng) -> Self {
        Verifier {
            config,
            mint: Mint::new(key),
            counts: Counts::default(),
            rng,
        }
    }

    /// Appends to `nonces` those whose count changed or that were let go since the last call, each once.
    pub fn drain_touched(&mut self, nonces: &mut Vec<NonceId>) {
        self.counts.drain_touched(nonces);
    }

    /// What to write down of a nonce; `None`: it is let go.
    pub fn record(&self, nonce: NonceId) -> Option<NonceRecord> {
        self.counts.record(nonce)
    }

    /// Takes the count of a nonce of a former life back: what was used then is a replay still. One that is too old by
    /// `now` is told as touched instead.
    pub fn restore(&mut self, record: NonceRecord, now: Moment) {
        if record.nonce().at_ms < self.oldest_ms(now) {
            self.counts.drop_record(record.nonce());
        } else {
            self.counts.restore(record, self.config.nonces_max);
        }
    }

    /// The values of WWW-Authenticate (or Proxy-Authenticate), one header each.
    pub fn challenge(&mut self, realm: &str, stale: bool, now: Moment) -> Vec<String> {
        let nonce = self.mint.make(ms(now), realm, &mut self.rng);
        let stale = if stale { ", stale=true" } else { "" };
        let realm = quote(realm);
        let challenge = |algorithm: &Algorithm| {
            let algorithm = algorithm.as_str();
            format!("Digest realm={realm}, nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}")
        };
        self.config.algorithms.iter().map(challenge).collect()
    }

    /// Whether `header`, the value of Authorization (or Proxy-Authorization), holds for a request of
    /// `method` to `uri` in `realm`. `lookup` gives the HA1 of a user for an algorithm.
    ///
    /// The same header verified twice is [`Verdict::Stale`] the second time: hand each request in once.
    pub fn verify(
        &mut self,
        method: &str,
        uri: &str,
        header: &[u8],
        realm: &str,
        lookup: impl FnOnce(&str, Algorithm) -> Option<String>,
        now: Moment,
    ) -> Verdict {
        match self.judge(method, uri, header, realm, lookup, now) {
            Ok(verdict) => verdict,
            Err(wrong) => Verdict::Wrong(wrong),
        }
    }

    fn judge(
        &mut self,
        method: &str,
        uri: &str,
        header: &[u8],
        realm: &str,
        lookup: impl FnOnce(&str, Algorithm) -> Option<String>,
        now: Moment,
    ) -> Result<Verdict, Wrong> {
        let credentials = Credentials::parse(header)?;
        if credentials.realm != realm {
            return Err(Wrong::Realm);
        }
        let algorithm = match &credentials.algorithm {
            None => Algorithm::Md5,
            Some(name) => Algorithm::from_name(name).ok_or(Wrong::Algorithm)?,
        };
        if !self.config.algorithms.contains(&algorithm) {
            return Err(Wrong::Algorithm);
        }
        if !credentials
            .qop
            .as_deref()
            .is_some_and(|qop| qop.eq_ignore_ascii_case("auth"))
        {
            return Err(Wrong::Qop);
        }
        let (Some(nc), Some(cnonce)) = (credentials.nc.as_deref(), credentials.cnonce.as_deref()) else {
            return Err(Wrong::Qop);
        };
        // from_str_radix alone would take a sign.
        let is_hex = !nc.is_empty() && nc.bytes().all(|c| c.is_ascii_hexdigit());
        let count = u32::from_str_radix(nc, 16)
            .ok()
            .filter(|_| is_hex)
            .ok_or(Wrong::Qop)?;
        if !is_for(&credentials.uri, uri) {
            return Err(Wrong::Uri);
        }

        let known = lookup(&credentials.username, algorithm);
        // An unknown user costs as much time as a wrong password.
        let ha1 = known.as_deref().unwrap_or("00000000000000000000000000000000");
        let hashed = Request {
            nonce: &credentials.nonce,
            counted: Some((nc, cnonce)),
            method,
            uri: &credentials.uri,
        };
        let right = response(algorithm, &ha1.to_ascii_lowercase(), &hashed);
        let holds = equal(
            right.as_bytes(),
            credentials.response.to_ascii_lowercase().as_bytes(),
        );
        if known.is_none() {
            return Err(Wrong::User);
        }
        if !holds {
            return Err(Wrong::Response);
        }

        let oldest_ms = self.oldest_ms(now);
        self.counts.expire(oldest_ms);
        let nonce = self.mint.read(&credentials.nonce, realm);
        let fresh = nonce.is_some_and(|nonce| {
            nonce.at_ms >= oldest_ms
                && nonce.at_ms <= ms(now)
                && self.counts.count(nonce, count, self.config.nonces_max)
        });
        Ok(if fresh {
            Verdict::Ok {
                user: credentials.username.into_owned(),
            }
        } else {
            Verdict::Stale
        })
    }

    /// Nonces made before are too old.
    fn oldest_ms(&self, now: Moment) -> u64 {
        ms(now - self.config.nonce_lifetime)
    }
}

/// As nonces tell time.
fn ms(at: Moment) -> u64 {
    at.unix_micros() / 1_000
}

/// Whether credentials for `uri` may serve a request to `request_uri`. Phones leave out a port, add a
/// parameter or write the host in capitals; user and host must be the same.
fn is_for(uri: &str, request_uri: &str) -> bool {
    if uri == request_uri {
        return true;
    }
    match (Uri::parse(uri.as_bytes()), Uri::parse(request_uri.as_bytes())) {
        (Ok(a), Ok(b)) => a.is_sip() && b.is_sip() && a.user() == b.user() && a.host.equivalent(&b.host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Respond, ha1, respond};
    use super::*;
    use rand::SeedableRng;

    const REALM: &str = "demo.example";
    const URI: &str = "sip:demo.example";

    struct Bench {
        verifier: Verifier,
        now: Moment,
    }

    fn verifier(config: Config, seed: u64) -> Verifier {
        let mut rng = StdRng::seed_from_u64(seed);
        let key = VerifierKey::new(&mut rng);
        Verifier::new(config, key, rng)
    }

    impl Bench {
        fn new(config: Config) -> Self {
            Bench {
                verifier: verifier(config, 5),
                now: Moment::from_unix_micros(1_700_000_000_000_000),
            }
        }

        fn challenge(&mut self, algorithm: Algorithm) -> String {
            let challenges = self.verifier.challenge(REALM, false, self.now);
            let name = format!("algorithm={},", algorithm.as_str());
            challenges
                .into_iter()
                .find(|challenge| challenge.contains(&name))
                .unwrap()
        }

        fn verify(&mut self, header: &str) -> Verdict {
            self.verify_for("REGISTER", URI, header)
        }

        fn verify_for(&mut self, method: &str, uri: &str, header: &str) -> Verdict {
            let lookup =
                |user: &str, algorithm| (user == "301").then(|| ha1(algorithm, "301", REALM, "secret"));
            self.verifier
                .verify(method, uri, header.as_bytes(), REALM, lookup, self.now)
        }
    }

    fn answer(challenge: &str, password: &str, nc: u32) -> String {
        let with = Respond {
            user: "301",
            password,
            method: "REGISTER",
            uri: URI,
            cnonce: "c0ffee",
            nc,
        };
        respond(challenge.as_bytes(), with).unwrap()
    }

    fn ok() -> Verdict {
        Verdict::Ok {
            user: "301".to_owned(),
        }
    }

    #[test]
    fn right_answers_hold_for_both_algorithms() {
        let mut bench = Bench::new(Config::default());
        for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
            let challenge = bench.challenge(algorithm);
            assert_eq!(
                bench.verify(&answer(&challenge, "secret", 1)),
                ok(),
                "{algorithm:?}"
            );
        }
    }

    #[test]
    fn md5_is_offered_first_unless_told_otherwise() {
        let mut bench = Bench::new(Config::default());
        let challenges = bench.verifier.challenge(REALM, false, bench.now);
        assert!(challenges[0].contains("algorithm=MD5") && challenges[1].contains("algorithm=SHA-256"));
        let algorithms = vec![Algorithm::Sha256];
        let mut strict = Bench::new(Config {
            algorithms,
            ..Config::default()
        });
        assert_eq!(strict.verifier.challenge(REALM, false, strict.now).len(), 1);
        // An MD5 answer to a SHA-256 server is refused however right it is.
        let challenge = strict.challenge(Algorithm::Sha256).replace("SHA-256", "MD5");
        assert_eq!(
            strict.verify(&answer(&challenge, "secret", 1)),
            Verdict::Wrong(Wrong::Algorithm)
        );
    }

    #[test]
    fn a_replay_is_stale_and_higher_counts_hold() {
        let mut bench = Bench::new(Config::default());
        let challenge = bench.challenge(Algorithm::Md5);
        let first = answer(&challenge, "secret", 1);
        assert_eq!(bench.verify(&first), ok());
        assert_eq!(bench.verify(&first), Verdict::Stale);
        assert_eq!(bench.verify(&answer(&challenge, "secret", 3)), ok());
        assert_eq!(bench.verify(&answer(&challenge, "secret", 2)), Verdict::Stale);
        assert_eq!(bench.verify(&answer(&challenge, "secret", 4)), ok());
    }

    #[test]
    fn an_old_nonce_is_stale_but_a_wrong_password_is_wrong_whatever_its_age() {
        let mut bench = Bench::new(Config::default());
        let challenge = bench.challenge(Algorithm::Md5);
        bench.now += Duration::from_secs(301);
        assert_eq!(bench.verify(&answer(&challenge, "secret", 1)), Verdict::Stale);
        assert_eq!(
            bench.verify(&answer(&challenge, "guess", 1)),
            Verdict::Wrong(Wrong::Response)
        );
        assert!(bench.verifier.challenge(REALM, true, bench.now)[0].ends_with(", stale=true"));
    }

    #[test]
    fn a_nonce_of_another_key_or_of_another_realm_is_stale() {
        let mut bench = Bench::new(Config::default());
        let other_realm =
            bench.verifier.challenge("other.example", false, bench.now)[0].replace("other", "demo");
        assert_eq!(bench.verify(&answer(&other_realm, "secret", 1)), Verdict::Stale);
        let former = verifier(Config::default(), 9).challenge(REALM, false, bench.now);
        assert_eq!(bench.verify(&answer(&former[0], "secret", 1)), Verdict::Stale);
        let forged = "Digest realm=\"demo.example\", nonce=\"zz\", qop=\"auth\"";
        assert_eq!(bench.verify(&answer(forged, "secret", 1)), Verdict::Stale);
    }

    #[test]
    fn a_full_table_forgets_the_oldest_without_opening_a_replay() {
        let mut bench = Bench::new(Config {
            nonces_max: 3,
            ..Config::default()
        });
        let mut firsts = Vec::new();
        for _ in 0..5 {
            bench.now += Duration::from_millis(1);
            let challenge = bench.challenge(Algorithm::Md5);
            let first = answer(&challenge, "secret", 1);
            assert_eq!(bench.verify(&first), ok());
            firsts.push(first);
        }
        assert_eq!(bench.verifier.counts.len(), 3);
        for first in &firsts {
            assert_eq!(bench.verify(first), Verdict::Stale);
        }
        bench.now += Duration::from_mins(10);
        let challenge = bench.challenge(Algorithm::Md5);
        assert_eq!(bench.verify(&answer(&challenge, "secret", 1)), ok());
        assert_eq!(bench.verifier.counts.len(), 1);
    }

    /// What a journal holds of a verifier.
    #[derive(Default)]
    struct Kept(std::collections::BTreeMap<NonceId, Vec<u8>>);

    impl Kept {
        fn write(&mut self, verifier: &mut Verifier) {
            let mut nonces = Vec::new();
            verifier.drain_touched(&mut nonces);
            for nonce in nonces {
                match verifier.record(nonce) {
                    Some(record) => self.0.insert(nonce, postcard::to_stdvec(&record).unwrap()),
                    None => self.0.remove(&nonce),
                };
            }
        }

        /// The same key, another process.
        fn restart(&mut self, bench: &mut Bench) {
            self.write(&mut bench.verifier);
            let key = postcard::to_stdvec(&bench.verifier.mint.key).unwrap();
            let config = bench.verifier.config.clone();
            let key = postcard::from_bytes(&key).unwrap();
            bench.verifier = Verifier::new(config, key, StdRng::seed_from_u64(77));
            for bytes in self.0.values() {
                bench
                    .verifier
                    .restore(postcard::from_bytes(bytes).unwrap(), bench.now);
            }
        }
    }

    #[test]
    fn after_a_restart_nonces_hold_and_replays_do_not() {
        let mut bench = Bench::new(Config::default());
        let mut kept = Kept::default();
        let challenge = bench.challenge(Algorithm::Md5);
        let first = answer(&challenge, "secret", 1);
        assert_eq!(bench.verify(&first), ok());
        let unused = bench.challenge(Algorithm::Md5);
        kept.restart(&mut bench);
        assert_eq!(bench.verify(&first), Verdict::Stale);
        assert_eq!(bench.verify(&answer(&challenge, "secret", 2)), ok());
        assert_eq!(bench.verify(&answer(&unused, "secret", 1)), ok());
        // Age goes on through the restart.
        bench.now += Duration::from_secs(301);
        kept.restart(&mut bench);
        assert_eq!(bench.verify(&answer(&challenge, "secret", 3)), Verdict::Stale);
        kept.write(&mut bench.verifier);
        assert!(kept.0.is_empty() && bench.verifier.counts.len() == 0);
    }

    #[test]
    fn a_full_table_opens_no_replay_by_a_restart() {
        let config = Config {
            nonces_max: 3,
            ..Config::default()
        };
        let mut bench = Bench::new(config);
        let mut kept = Kept::default();
        let mut firsts = Vec::new();
        for _ in 0..5 {
            bench.now += Duration::from_millis(1);
            let challenge = bench.challenge(Algorithm::Md5);
            let first = answer(&challenge, "secret", 1);
            assert_eq!(bench.verify(&first), ok());
            kept.write(&mut bench.verifier);
            firsts.push(first);
        }
        assert_eq!(kept.0.len(), 3);
        kept.restart(&mut bench);
        for first in &firsts {
            assert_eq!(bench.verify(first), Verdict::Stale);
        }
        // With less room than before, the oldest go.
        bench.verifier.config.nonces_max = 2;
        kept.restart(&mut bench);
        kept.write(&mut bench.verifier);
        assert_eq!((bench.verifier.counts.len(), kept.0.len()), (2, 2));
        for first in &firsts {
            assert_eq!(bench.verify(first), Verdict::Stale);
        }
    }

    /// Where nobody asks what changed, the list of it does not grow.
    #[test]
    fn what_nobody_asks_for_is_not_kept() {
        let mut bench = Bench::new(Config::default());
        for _ in 0..1_000 {
            bench.now += Duration::from_secs(1);
            let challenge = bench.challenge(Algorithm::Md5);
            assert_eq!(bench.verify(&answer(&challenge, "secret", 1)), ok());
        }
        let mut nonces = Vec::new();
        bench.verifier.drain_touched(&mut nonces);
        assert_eq!(nonces.len(), 301);
    }

    #[test]
    fn the_key_is_never_shown() {
        let key = VerifierKey::new(&mut StdRng::seed_from_u64(1));
        assert_eq!(format!("{key:?}"), "VerifierKey(..)");
        let shown = format!("{:?}", verifier(Config::default(), 1));
        assert!(!shown.contains("key"), "{shown}");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut bench = Bench::new(Config::default());
        let challenge = bench.challenge(Algorithm::Md5);
        let right = answer(&challenge, "secret", 1);
        for (header, wrong) in [
            (right.replace("301", "399"), Wrong::User),
            (right.replace("realm=\"demo", "realm=\"Demo"), Wrong::Realm),
            (right.replace("qop=auth", "qop=auth-int"), Wrong::Qop),
            (right.replace("nc=00000001", "nc=+0000001"), Wrong::Qop),
            (right.replace(", cnonce=\"c0ffee\"", ""), Wrong::Qop),
            (
                right.replace("algorithm=MD5", "algorithm=MD5-sess"),
                Wrong::Algorithm,
            ),
            (right.replace("uri=\"sip:demo", "uri=\"sip:other"), Wrong::Uri),
            ("Basic MzAx".to_owned(), Wrong::Syntax(CredentialsError::Scheme)),
        ] {
            assert_eq!(bench.verify(&header), Verdict::Wrong(wrong), "{header}");
        }
        assert_eq!(
            bench.verify_for("INVITE", URI, &right),
            Verdict::Wrong(Wrong::Response)
        );
        assert_eq!(bench.verify(&right), ok());
    }

    #[test]
    fn a_uri_may_differ_in_what_phones_leave_out() {
        for (uri, request_uri, same) in [
            ("sip:demo.example", "sip:DEMO.example:5060;transport=tcp", true),
            ("sip:301@demo.example", "sip:301@demo.example;user=phone", true),
            ("sip:301@demo.example", "sip:302@demo.example", false),
            ("sip:demo.example", "sip:301@demo.example", false),
            ("*", "sip:demo.example", false),
        ] {
            assert_eq!(is_for(uri, request_uri), same, "{uri} {request_uri}");
        }
    }
}
