//! The server's side: challenges, and whether their answers hold.

use super::digest::{Request, quote, response};
use super::nonce::{Counts, Mint, equal};
use super::{Algorithm, Credentials, CredentialsError};
use crate::message::Uri;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

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
    /// The password is right, the nonce too old, used before, or of another server's life: challenge
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
    /// Nonces tell their age from here.
    began: Instant,
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
    /// A verifier whose nonces and their key come from `rng`.
    pub fn new(config: Config, mut rng: StdRng, now: Instant) -> Self {
        Verifier {
            config,
            mint: Mint::new(&mut rng),
            counts: Counts::default(),
            rng,
            began: now,
        }
    }

    /// The values of WWW-Authenticate (or Proxy-Authenticate), one header each.
    pub fn challenge(&mut self, realm: &str, stale: bool, now: Instant) -> Vec<String> {
        let nonce = self.mint.make(self.ms(now), realm, &mut self.rng);
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
        now: Instant,
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
        now: Instant,
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

        let now_ms = self.ms(now);
        let oldest_ms = now_ms.saturating_sub(self.config.nonce_lifetime.as_millis() as u64);
        self.counts.expire(oldest_ms);
        let nonce = self.mint.read(&credentials.nonce, realm);
        let fresh = nonce.is_some_and(|nonce| {
            nonce.0 >= oldest_ms
                && nonce.0 <= now_ms
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

    fn ms(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_millis() as u64
    }
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
        now: Instant,
    }

    impl Bench {
        fn new(config: Config) -> Self {
            let now = Instant::now();
            Bench {
                verifier: Verifier::new(config, StdRng::seed_from_u64(5), now),
                now,
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
    fn a_nonce_of_our_former_life_or_of_another_realm_is_stale() {
        let mut bench = Bench::new(Config::default());
        let other_realm =
            bench.verifier.challenge("other.example", false, bench.now)[0].replace("other", "demo");
        assert_eq!(bench.verify(&answer(&other_realm, "secret", 1)), Verdict::Stale);
        let former = Verifier::new(Config::default(), StdRng::seed_from_u64(9), bench.now)
            .challenge(REALM, false, bench.now);
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
