//! `/domains/DOMAIN/…`: what a domain's own token finds at `/…`, for whoever may see several domains.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tower_service::Service;

use super::caller::{Named, Peer};
use super::problem::ApiError;

/// Answers as `own` does, about the domain that the path names.
pub(crate) async fn forward(mut own: Router, mut request: Request<Body>) -> Response {
    let Some((domain, uri)) = split(request.uri()) else {
        return ApiError::new(StatusCode::NOT_FOUND, "there is no such path").into_response();
    };
    *request.uri_mut() = uri;
    let peer = request.extensions().get::<Peer>().copied();
    let kept = request.extensions_mut();
    kept.clear(); // what the path had for parameters before
    kept.insert(Named(domain));
    if let Some(peer) = peer {
        kept.insert(peer);
    }
    match own.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The domain of `/domains/DOMAIN/REST`, and `/REST`. `/domains/DOMAIN` itself is `/domain`.
fn split(uri: &Uri) -> Option<(String, Uri)> {
    let path = uri.path().strip_prefix("/domains/")?;
    let (domain, rest) = path.split_once('/').unwrap_or((path, "domain"));
    // Letters, digits, `-`, `.`, brackets and colons: nothing of it is escaped but, by some, the brackets.
    let domain = domain.replace("%5B", "[").replace("%5D", "]").replace("%3A", ":");
    let path = match uri.query() {
        Some(query) => format!("/{rest}?{query}"),
        None => format!("/{rest}"),
    };
    Some((domain, path.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_path_stays_as_it_was_written() {
        let of = |text: &str| {
            let uri = text.parse().unwrap();
            split(&uri).map(|(domain, rest)| (domain, rest.to_string()))
        };
        let is = |domain: &str, rest: &str| Some((domain.to_owned(), rest.to_owned()));
        assert_eq!(
            of("/domains/a.org/users/%2B49?q=a%20b"),
            is("a.org", "/users/%2B49?q=a%20b")
        );
        assert_eq!(of("/domains/[::1]/users"), is("[::1]", "/users"));
        assert_eq!(of("/domains/a.org/"), is("a.org", "/"));
        assert_eq!(of("/domains/a.org"), is("a.org", "/domain"));
        assert_eq!(of("/users"), None);
    }
}
