//! How many requests are under way at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tandem_host_api::op::HttpError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const OF_DOMAIN: usize = 64;
const OF_ALL: usize = 512;

/// The places of requests, of one domain and of all.
#[derive(Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    domains: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(OF_ALL)),
            domains: Arc::default(),
        }
    }
}

impl Places {
    /// A place for a request of a domain. Who finds none is not kept waiting.
    pub(super) fn take(&self, domain: &str) -> Result<[OwnedSemaphorePermit; 2], HttpError> {
        let own = {
            let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(OF_DOMAIN));
            domains.entry(domain.to_owned()).or_insert_with(new).clone()
        };
        let full =
            |of: &str, most: usize| HttpError::Limit(format!("{most} HTTP requests of {of} are under way"));
        let own = own
            .try_acquire_owned()
            .map_err(|_| full("the domain", OF_DOMAIN))?;
        let all = self.all.clone().try_acquire_owned();
        Ok([own, all.map_err(|_| full("all domains", OF_ALL))?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(places: &Places, domain: &str) -> String {
        match places.take(domain) {
            Err(HttpError::Limit(words)) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_domain_that_is_full_leaves_places_to_others_and_all_have_an_end() {
        let places = Places::default();
        let mut taken: Vec<_> = (0..64).map(|_| places.take("a.example").unwrap()).collect();
        let words = "64 HTTP requests of the domain are under way";
        assert_eq!(refused(&places, "a.example"), words);
        for domain in 1..8 {
            taken.extend((0..64).map(|_| places.take(&format!("b{domain}.example")).unwrap()));
        }
        let words = "512 HTTP requests of all domains are under way";
        assert_eq!(refused(&places, "c.example"), words);
        taken.pop();
        assert!(places.take("c.example").is_ok());
    }
}
