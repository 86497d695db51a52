//! What each path answers.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::health::Status;
use crate::{Api, Health, Metrics, Serve, api, console, scenario};

/// No path of operators takes a body; this bounds what is read of one anyway.
const BODY_MAX: usize = 64 * 1024;

#[derive(Clone)]
struct App {
    health: Health,
    metrics: Metrics,
}

pub(crate) fn router(
    health: Health,
    metrics: Metrics,
    api: Option<Api>,
    scenarios: Option<Arc<dyn Serve>>,
) -> Router {
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(prometheus))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(App { health, metrics });
    let router = match api {
        Some(api) => router.nest("/api/v1", api::router(api)),
        None => router,
    };
    let router = match scenarios {
        Some(serve) => router.nest("/s", scenario::router(serve)),
        None => router,
    };
    router.fallback(console::serve)
}

async fn healthz(State(app): State<App>) -> Response {
    let report = app.health.report();
    let code = match report.status {
        Status::Ok => StatusCode::OK,
        Status::Starting | Status::Degraded | Status::Stopping => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}

async fn prometheus(State(app): State<App>) -> Response {
    match app.metrics.render() {
        Ok(text) => (
            [(
                header::CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        // The encoder only fails when its string does: say so rather than give half a page.
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "metrics could not be written\n",
        )
            .into_response(),
    }
}
