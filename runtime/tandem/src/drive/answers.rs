//! Finds out what the call logic and the registrar ask: in the directory, the store and the registrar.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use tandem_directory::Directory;
use tandem_host_api::op::{KvError, KvValue, Op, RecordingError, Target, User};
use tandem_sip::registrar::Binding;
use tandem_store::{DomainScope, KvCap, Once, Store, StoreError, Writer};
use tandem_switch::{Admitted, Answer, Located, Question};

use super::pace::Pace;
use super::registrar::Registrations;
use super::services::Services;
use crate::limits;

/// Where answers come from; a clone is cheap.
#[derive(Clone)]
pub struct Answers {
    /// Domains, users, entry points.
    pub directory: Directory,
    /// Key-value store.
    pub store: Store,
    /// When a domain may write pairs.
    pub pace: Pace,
    /// Who is registered where.
    pub registrations: Registrations,
    /// The domain of requests that name an address of this server; none: the only one there is.
    pub default_domain: Option<String>,
    /// Where the media gate keeps recordings.
    pub recordings: Arc<Path>,
    /// What else scenarios ask.
    pub services: Services,
}

impl Answers {
    /// Answers one question. A store that fails is logged and becomes [`Answer::Unavailable`].
    pub async fn answer(&self, question: Question) -> Answer {
        let answered = match question {
            Question::Admit { host, user, dialled } => {
                self.admit(&host, &user, &dialled).await.map(Answer::Admit)
            }
            Question::Locate { domain, target } => self.locate(&domain, &target).await.map(Answer::Located),
            Question::FindUser { domain, number } => self.find_user(&domain, &number).await.map(Answer::User),
            Question::KeyValue {
                domain,
                scenario,
                op,
                once,
            } => {
                let answered = self.key_value(&domain, &scenario, op, &once).await;
                Ok(Answer::KeyValue(answered))
            }
            Question::DeleteRecording { domain, name } => {
                Ok(Answer::Recording(self.delete_recording(&domain, &name).await))
            }
            Question::PickUp {
                domain,
                users,
                picker,
            } => {
                let exchange = &self.services.originator.exchange;
                Ok(Answer::PickedUp(exchange.pick_up(&domain, &users, &picker).await))
            }
            Question::LetGo { shard, call, id, by } => {
                let exchange = &self.services.originator.exchange;
                let let_go = exchange.let_go(shard, call, id, by).await;
                Ok(let_go.map_or(Answer::Unavailable, |()| Answer::LetGo))
            }
            Question::Service {
                domain,
                scenario,
                op,
                once,
            } => {
                let outcome = self.services.answer((&domain, &scenario), op, &once).await;
                Ok(outcome.map_or(Answer::Unavailable, |outcome| Answer::Service(Box::new(outcome))))
            }
        };
        answered.unwrap_or_else(|error| {
            tracing::error!(%error, "the directory does not answer");
            Answer::Unavailable
        })
    }

    async fn domain(&self, host: &str) -> Result<Option<Arc<tandem_directory::Domain>>, StoreError> {
        let by_address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
        if !by_address {
            return self.directory.domain(host).await;
        }
        if let Some(name) = &self.default_domain {
            return self.directory.domain(name).await;
        }
        match self.store.domains().await?.as_slice() {
            [only] => self.directory.domain(&only.name).await,
            _ => Ok(None),
        }
    }

    async fn admit(
        &self,
        host: &str,
        user: &str,
        dialled: &str,
    ) -> Result<Option<Box<Admitted>>, StoreError> {
        let Some(domain) = self.domain(host).await? else {
            return Ok(None);
        };
        let credentials = self.directory.credentials(&domain, user).await?;
        let display_name = match &credentials {
            Some(_) => self
                .directory
                .user(&domain, user)
                .await?
                .map(|u| u.display_name.clone())
                .unwrap_or_default(),
            None => String::new(),
        };
        let entry = if dialled.is_empty() {
            None
        } else {
            self.directory.resolve(&domain, dialled).await?
        };
        let (name, realm) = (Arc::from(domain.name.as_str()), domain.realm.clone());
        Ok(Some(Box::new(Admitted {
            domain: name,
            realm,
            credentials,
            display_name,
            entry,
        })))
    }

    /// The name of the user that a number of the domain leads to.
    async fn user_of(
        &self,
        domain: &str,
        number: &str,
    ) -> Result<Option<Arc<tandem_directory::User>>, StoreError> {
        let Some(domain) = self.directory.domain(domain).await? else {
            return Ok(None);
        };
        self.directory.user_by_number(&domain, number).await
    }

    async fn locate(&self, domain: &str, target: &Target) -> Result<Option<Located>, StoreError> {
        let (Target::User(name) | Target::Number(name)) = target;
        let user = match target {
            Target::User(_) => {
                let Some(found) = self.directory.domain(domain).await? else {
                    return Ok(None);
                };
                self.directory.user(&found, name).await?
            }
            Target::Number(_) => self.user_of(domain, name).await?,
        };
        let Some(user) = user else { return Ok(None) };
        let bindings = self.bindings(domain, &user.name).await;
        Ok(Some(Located {
            user: user.name.clone(),
            bindings,
        }))
    }

    async fn bindings(&self, domain: &str, user: &str) -> Vec<Binding> {
        self.registrations.lookup(domain, user).await
    }

    async fn find_user(&self, domain: &str, number: &str) -> Result<Option<User>, StoreError> {
        let Some(user) = self.user_of(domain, number).await? else {
            return Ok(None);
        };
        let registered = !self.bindings(domain, &user.name).await.is_empty();
        Ok(Some(User {
            name: user.name.clone(),
            display_name: user.display_name.clone(),
            registered,
        }))
    }

    /// One that is not there is deleted already; one that is a message goes with it.
    async fn delete_recording(&self, domain: &str, name: &str) -> Result<(), RecordingError> {
        let scope = self.store.domain_scope(domain).await;
        let kept = match &scope {
            Ok(scope) => self.store.voicemail_box_of(scope, name).await,
            Err(_) => Ok(None), // the domain is gone
        };
        match kept {
            Ok(None) => (),
            Ok(Some(kept)) => {
                let words = format!("the recording is a message of the box {kept}: delete that");
                return Err(RecordingError::WrongState(words));
            }
            Err(error) => {
                tracing::warn!(%domain, name, %error, "a recording is not deleted");
                let words = "the store does not answer".to_owned();
                return Err(RecordingError::Storage(words));
            }
        }
        let file = self.recordings.join(domain).join(format!("{name}.wav"));
        match tokio::fs::remove_file(&file).await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%domain, name, %error, "a recording cannot be deleted");
                let words = format!("the recording cannot be deleted: {error}");
                Err(RecordingError::Storage(words))
            }
            _ => Ok(()),
        }
    }

    async fn key_value(
        &self,
        domain: &str,
        scenario: &str,
        op: Op,
        once: &(String, u64),
    ) -> Result<KvValue, KvError> {
        let found = self.directory.domain(domain).await.map_err(|e| kv_error(&e))?;
        let found = found.ok_or(KvError::Unavailable)?;
        let own = found.module_limits.get(scenario);
        let writer = Writer {
            module: scenario,
            cap: own.and_then(limits::of_pairs_of_module),
        };
        let within = (limits::of_pairs(&found.limits), writer);
        let _turn = match written(&op) {
            Some(bytes) => Some(self.pace.turn(domain, bytes).await),
            None => None,
        };
        self.key_value_in(found.scope(), within, op, once)
            .await
            .map_err(|e| kv_error(&e))
    }

    async fn key_value_in(
        &self,
        scope: &DomainScope,
        (cap, writer): (KvCap, Writer<'_>),
        op: Op,
        (call, op_index): &(String, u64),
    ) -> Result<KvValue, StoreError> {
        let once = Once {
            call,
            op_index: *op_index as u32,
            writer,
        };
        match op {
            Op::KvGet { key } => self.store.kv_get(scope, &key).await.map(KvValue::Value),
            Op::KvSet { key, value } => self
                .store
                .kv_set_once(scope, once, &key, &value, cap)
                .await
                .map(|()| KvValue::Written),
            Op::KvDelete { key } => self
                .store
                .kv_delete_once(scope, once, &key)
                .await
                .map(KvValue::Deleted),
            Op::KvIncrement { key, by } => self
                .store
                .kv_increment_once(scope, once, &key, by, cap)
                .await
                .map(KvValue::Sum),
            Op::KvKeys { prefix, after, limit } => self
                .store
                .kv_keys(scope, &prefix, &after, limit)
                .await
                .map(KvValue::Keys),
            other => {
                tracing::error!(?other, "not a key-value request");
                Err(StoreError::Busy)
            }
        }
    }
}

/// How many bytes it writes; none: it only reads.
fn written(op: &Op) -> Option<usize> {
    match op {
        Op::KvSet { key, value } => Some(key.len() + value.len()),
        Op::KvDelete { key } | Op::KvIncrement { key, .. } => Some(key.len()),
        _ => None,
    }
}

fn kv_error(error: &StoreError) -> KvError {
    match error {
        StoreError::Invalid { .. } | StoreError::TooLarge { .. } => KvError::BadArgument(error.to_string()),
        StoreError::NotANumber { .. } => KvError::NotANumber,
        StoreError::Full { .. }
        | StoreError::FullOfScenario { .. }
        | StoreError::TooMany { .. }
        | StoreError::DiskFull => KvError::Full(error.to_string()),
        _ => {
            tracing::warn!(%error, "the key-value store does not answer");
            KvError::Unavailable
        }
    }
}
