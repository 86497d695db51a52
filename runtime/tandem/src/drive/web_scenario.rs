//! Answers HTTP requests to `/s/DOMAIN/PATH` by the domain's web scenarios.

use std::pin::Pin;
use std::time::Duration;

use tandem_host_api::{End, WebRequest, WebResponse};
use tandem_web::{Refusal, Serve};

use super::off_call::{OffCall, failure};

/// How long a scenario may take.
const TIME: Duration = Duration::from_secs(30);
/// Parts of a path that an entry point is looked for by: a longer path is the shorter one's.
const PARTS_MAX: usize = 8;

impl Serve for OffCall {
    fn serve(
        &self,
        domain: String,
        request: WebRequest,
    ) -> Pin<Box<dyn Future<Output = Result<WebResponse, Refusal>> + Send + '_>> {
        Box::pin(async move {
            let Some(entry) = self.find(&domain, &request.path).await? else {
                return Err(Refusal::NotFound);
            };
            let path = request.path.clone();
            let run = Self::name_of_request();
            let log = self.log(&domain, &run, &entry);
            let answered = tokio::time::timeout(TIME, self.answer(&domain, &entry, run, request)).await;
            let Ok((end, response)) = answered else {
                tracing::error!(target: "scenario", %domain, %path, scenario = %entry.module,
                    "it took more than {} s", TIME.as_secs());
                log.failed(format!("{path}: it took more than {} s", TIME.as_secs()));
                return Err(Refusal::TimedOut);
            };
            log.ended(&end);
            if let Some(why) = failure(&end) {
                tracing::error!(target: "scenario", %domain, %path, scenario = %entry.module, "{why}");
            }
            response.ok_or(match end {
                End::Refused(_) => Refusal::Unavailable, // it did not begin
                _ => Refusal::Failed,
            })
        })
    }
}

impl OffCall {
    /// The entry point with the longest path that leads to `path`.
    async fn find(&self, domain: &str, path: &str) -> Result<Option<tandem_store::EntryPoint>, Refusal> {
        for prefix in prefixes(path) {
            match self.entry_point(domain, &format!("web:{prefix}")).await {
                Ok(Some(entry)) => return Ok(Some(entry)),
                Ok(None) => (),
                Err(tandem_store::StoreError::NotFound { .. }) => return Ok(None), // no such domain
                Err(error) => {
                    tracing::error!(%domain, %error, "web scenario not found out");
                    return Err(Refusal::Unavailable);
                }
            }
        }
        Ok(None)
    }
}

/// `/a/b` is led to by `/a/b`, `/a`, `/`.
fn prefixes(path: &str) -> Vec<&str> {
    let mut ends: Vec<usize> = path
        .match_indices('/')
        .map(|(at, _)| at)
        .skip(1)
        .take(PARTS_MAX)
        .collect();
    if ends.len() < PARTS_MAX && !path.ends_with('/') {
        ends.push(path.len());
    }
    let mut found: Vec<&str> = ends.into_iter().rev().filter_map(|end| path.get(..end)).collect();
    found.push("/");
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::prefixes;

    #[test]
    fn the_longest_path_comes_first() {
        assert_eq!(
            prefixes("/crm/v1/people"),
            ["/crm/v1/people", "/crm/v1", "/crm", "/"]
        );
        assert_eq!(prefixes("/crm/"), ["/crm", "/"]);
        assert_eq!(prefixes("/"), ["/"]);
        assert_eq!(prefixes(&"/x".repeat(1000)).len(), 9);
    }
}
