//! What the directory and the store know: users, numbers, key-value pairs, records.

use std::collections::BTreeMap;

use tandem_directory::records::CallRecord;
use tandem_directory::{Credentials, EntryPoint, Resolved};
use tandem_host_api::op::{KvError, KvValue, Op};
use tandem_sip::auth::{self, Algorithm};
use tandem_switch::Admitted;

/// The only domain.
pub const DOMAIN: &str = "a.example";

/// A store in memory. It outlives every process.
#[derive(Debug, Default)]
pub struct Directory {
    /// Entry points by number.
    pub entries: BTreeMap<String, Resolved>,
    /// Pairs, as far as they are numbers.
    pub pairs: BTreeMap<String, i64>,
    /// What increments came to, by the identity of their request.
    once: BTreeMap<(String, u64), i64>,
    /// Records by call, with how many legs had been told of them.
    pub records: BTreeMap<String, CallRecord>,
}

/// A user's password.
pub fn password(user: &str) -> String {
    format!("pw-{user}")
}

impl Directory {
    /// Adds a number that starts a scenario.
    pub fn add_number(&mut self, number: &str, module: &str, hash: &str, config: String) {
        let entry = EntryPoint {
            number: number.into(),
            title: String::new(),
            module: module.into(),
            hash: hash.into(),
            config,
            fallback_cause: "unavailable".into(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        self.entries.insert(number.into(), Resolved::from(entry));
    }

    /// Everything about an INVITE or a REGISTER.
    pub fn admit(&self, host: &str, user: &str, dialled: &str) -> Option<Box<Admitted>> {
        if host != DOMAIN {
            return None;
        }
        let password = password(user);
        let credentials = self.exists(user).then(|| Credentials {
            ha1_md5: auth::ha1(Algorithm::Md5, user, DOMAIN, &password),
            ha1_sha256: auth::ha1(Algorithm::Sha256, user, DOMAIN, &password),
        });
        Some(Box::new(Admitted {
            domain: DOMAIN.into(),
            realm: DOMAIN.into(),
            credentials,
            display_name: String::new(),
            entry: self.entries.get(dialled).cloned(),
        }))
    }

    /// Users have names of three digits that begin with 2.
    pub fn exists(&self, user: &str) -> bool {
        user.len() == 3 && user.starts_with('2')
    }

    /// A key-value request; one that was asked before is answered as before.
    pub fn key_value(&mut self, op: &Op, once: (String, u64)) -> Result<KvValue, KvError> {
        match op {
            Op::KvIncrement { key, by } => {
                if let Some(sum) = self.once.get(&once) {
                    return Ok(KvValue::Sum(*sum));
                }
                let sum = self.pairs.entry(key.clone()).or_default();
                *sum += by;
                self.once.insert(once, *sum);
                Ok(KvValue::Sum(*sum))
            }
            Op::KvGet { key } => Ok(KvValue::Value(
                self.pairs.get(key).map(|number| number.to_string().into_bytes()),
            )),
            _ => Err(KvError::Unavailable),
        }
    }

    /// Takes a call's record once; an error says how a second one differs.
    pub fn store(&mut self, record: &CallRecord) -> Result<bool, String> {
        let id = record.summary.id.clone();
        match self.records.get(&id) {
            None => {
                self.records.insert(id, record.clone());
                Ok(true)
            }
            Some(known) if known == record => Ok(false),
            Some(known) => Err(format!(
                "two records of call {id} differ: {known:?} and {record:?}"
            )),
        }
    }
}
