//! The listener: accepts, bounds, serves and drains connections.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::api::{Api, Peer};
use crate::{Health, Metrics, Serve, routes};

/// What one server may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; more wait in the system's backlog.
    pub connections_max: usize,
    /// How long a connection may take to bring a whole request head, and stay idle between two.
    pub head_timeout: Duration,
    /// Longest life of a connection, whatever it does.
    pub connection_life_max: Duration,
    /// How long connections may go on when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 128,
            head_timeout: Duration::from_secs(10),
            connection_life_max: Duration::from_mins(5),
            drain: Duration::from_secs(2),
        }
    }
}

/// Why there is no web listener.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address is taken, not ours, or not allowed.
    #[error("web.listen {address}: {source}")]
    Bind {
        /// Where it should have listened.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
}

/// A bound listener; [`Self::serve`] runs it.
pub struct WebServer {
    listener: TcpListener,
    local: SocketAddr,
    limits: Limits,
    api: Option<Api>,
    scenarios: Option<Arc<dyn Serve>>,
}

impl std::fmt::Debug for WebServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebServer")
            .field("local", &self.local)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl WebServer {
    /// Binds `address`; port 0 takes a free one. Call inside a tokio runtime.
    pub fn bind(address: SocketAddr, limits: Limits) -> Result<Self, WebError> {
        let bind = || -> io::Result<(TcpListener, SocketAddr)> {
            let listener = StdTcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let local = listener.local_addr()?;
            Ok((TcpListener::from_std(listener)?, local))
        };
        let (listener, local) = bind().map_err(|source| WebError::Bind { address, source })?;
        Ok(Self {
            listener,
            local,
            limits,
            api: None,
            scenarios: None,
        })
    }

    /// Serves `/api/v1` too.
    #[must_use]
    pub fn with_api(mut self, api: Api) -> Self {
        self.api = Some(api);
        self
    }

    /// Serves `/s/DOMAIN/` too.
    #[must_use]
    pub fn with_scenarios(mut self, serve: impl Serve) -> Self {
        self.scenarios = Some(Arc::new(serve));
        self
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `stop` resolves, then lets requests under way end within [`Limits::drain`].
    pub async fn serve(self, health: Health, metrics: Metrics, stop: impl Future<Output = ()> + Send) {
        let Self {
            listener,
            limits,
            api,
            scenarios,
            ..
        } = self;
        let router = routes::router(health, metrics, api, scenarios);
        let places = Arc::new(Semaphore::new(limits.connections_max));
        let graceful = GracefulShutdown::new();
        let mut stop = pin!(stop);
        loop {
            // A place is taken before accepting, so that a crowd waits in the backlog and costs nothing here.
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accepted => accepted,
                () = &mut stop => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: accepting again at once would only spin.
                    warn!(%error, "web listener cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let router = router.clone().layer(Extension(Peer(peer.ip())));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head_timeout)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                let _place = place;
                match tokio::time::timeout(limits.connection_life_max, connection).await {
                    Ok(Ok(())) => (),
                    Ok(Err(error)) => debug!(%peer, %error, "web connection ended"),
                    Err(_) => debug!(%peer, "web connection outlived its time"),
                }
            });
        }
        drop(listener);
        if tokio::time::timeout(limits.drain, graceful.shutdown())
            .await
            .is_err()
        {
            debug!("web connections were cut off at the end of the drain time");
        }
    }
}
