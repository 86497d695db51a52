//! A server of its own for each test, and how it is asked.

use std::net::SocketAddr;
use std::pin::Pin;

use serde_json::Value;
use tandem_host_api::{Engine, EngineConfig, Rules, Verdict};
use tandem_store::{DomainScope, Limit, NewDomain, Options, Secret, Store, TokenScope};
use tandem_web::{Allowed, Api, ApiLimits, Compile, Health, Limits, Metrics, WebServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Looks at components in this process: what the server's own compiler does in another one.
struct Here(Engine);

impl Compile for Here {
    fn compile(
        &self,
        component: axum::body::Bytes,
        allowed: Allowed,
    ) -> Pin<Box<dyn Future<Output = Result<Verdict, String>> + Send + '_>> {
        Box::pin(async move {
            let mut rules = Rules {
                grants: allowed.grants,
                ..Rules::default()
            };
            let memory = [allowed.of_domain, allowed.of_scenario].map(|own| own.get(Limit::CallMemoryBytes));
            if let Some(least) = memory.into_iter().flatten().min() {
                rules.limits.memory_bytes = least;
            }
            Ok(self.0.validate(&component, &rules).await)
        })
    }
}

pub struct Server {
    pub address: SocketAddr,
    pub store: Store,
    pub ours: DomainScope,
    _directory: tempfile::TempDir,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (is, value) = line.split_once(": ")?;
            is.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(ApiLimits::default()).await
    }

    pub async fn start_with(limits: ApiLimits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), Options::default()).await.unwrap();
        for name in ["ours.org", "theirs.org"] {
            store.create_domain(&NewDomain::named(name)).await.unwrap();
        }
        let ours = store.domain_scope("ours.org").await.unwrap();
        let config = EngineConfig {
            instances_max: 4,
            ..EngineConfig::default()
        };
        let api = Api::new(store.clone(), Here(Engine::new(config).unwrap()), limits);
        let server = WebServer::bind("127.0.0.1:0".parse().unwrap(), Limits::default())
            .unwrap()
            .with_api(api);
        let address = server.local_addr();
        tokio::spawn(server.serve(Health::new("9"), Metrics::new("9"), std::future::pending()));
        Self {
            address,
            store,
            ours,
            _directory: directory,
        }
    }

    pub async fn token(&self, domain: &str, scopes: &[TokenScope]) -> String {
        let scope = self.store.domain_scope(domain).await.unwrap();
        let secret = Secret::new(rand_bytes());
        let name = format!("t{}", &secret.reveal()[7..17]);
        self.store
            .add_token(&scope, &name, scopes, None, &secret)
            .await
            .unwrap();
        secret.reveal().to_owned()
    }

    pub async fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &[u8]) -> Answer {
        self.ask_with(method, path, token, "", body).await
    }

    pub async fn ask_with(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &str,
        body: &[u8],
    ) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let authorization = token.map_or_else(String::new, |t| format!("Authorization: Bearer {t}\r\n"));
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}{headers}\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let body = body.to_vec();
        let sending = tokio::spawn(async move {
            writer.write_all(head.as_bytes()).await?;
            writer.write_all(&body).await?;
            std::io::Result::Ok(writer)
        });
        let mut answer = Vec::new();
        // A server that has said no may close before it has read everything.
        let _ = reader.read_to_end(&mut answer).await;
        sending.abort();
        parse(&answer)
    }

    pub async fn upload(&self, token: &str, component: &[u8]) -> Answer {
        self.ask("POST", "/scenarios/menu/versions", Some(token), component)
            .await
    }
}

pub fn parse(answer: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

/// Different each time, which is all that a test's token needs.
pub fn rand_bytes() -> [u8; 32] {
    use std::hash::{BuildHasher, RandomState};
    let mut bytes = [0; 32];
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&RandomState::new().hash_one(0).to_ne_bytes());
    }
    bytes
}

pub fn guest(name: &str) -> Vec<u8> {
    wat::parse_file(format!(
        "{}/../../tests/guests/{name}.wat",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

pub const READ: &[TokenScope] = &[TokenScope::ScenariosRead];
pub const WRITE: &[TokenScope] = &[TokenScope::ScenariosRead, TokenScope::ScenariosWrite];
pub const CALLS: &[TokenScope] = &[TokenScope::CallsRead];
