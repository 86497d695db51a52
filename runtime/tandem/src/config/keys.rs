//! Every key: its documentation, type and default.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tandem_journal::Durability;
use toml::de::DeValue;

use super::setting::{ByteSize, JournalDurability, LogLevel, MailTls, PortRange, Setting};

/// One key, as the machinery sees it.
pub(super) struct Key {
    /// `section.name`
    pub path: &'static str,
    /// Its documentation, a line per item.
    pub docs: &'static [&'static str],
    /// What its values look like.
    pub shape: &'static str,
    /// Reads and sets it; false where the value is not of `shape`.
    pub set: fn(&mut Config, &DeValue<'_>) -> bool,
    /// Its value as TOML.
    pub write: fn(&Config) -> String,
}

/// One section with its documentation.
pub(super) struct Section {
    pub name: &'static str,
    pub docs: &'static [&'static str],
    pub keys: &'static [Key],
}

/// Makes the structs, their defaults and the table of keys out of one text, so that none can be without the other.
macro_rules! sections {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident {
            $( $(#[doc = $doc:literal])+ $key:ident: $type:ty = $default:expr; )+
        }
    )+) => {
        /// Everything that a file or `--set` can change.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Config {
            $( $(#[doc = $section_doc])+ pub $section: $Section, )+
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $( $section: $Section::default(), )+ }
            }
        }

        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $Section {
                $( $(#[doc = $doc])+ pub $key: $type, )+
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $( $key: $default, )+ }
                }
            }
        )+

        pub(super) static SECTIONS: &[Section] = &[$(
            Section {
                name: stringify!($section),
                docs: &[$($section_doc),+],
                keys: &[$(
                    Key {
                        path: concat!(stringify!($section), ".", stringify!($key)),
                        docs: &[$($doc),+],
                        shape: <$type as Setting>::SHAPE,
                        set: |config, value| {
                            let read = <$type as Setting>::read(value);
                            if let Some(read) = read {
                                config.$section.$key = read;
                                return true;
                            }
                            false
                        },
                        write: |config| config.$section.$key.write(),
                    },
                )+],
            },
        )+];
    };
}

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((LOOPBACK, port))
}

sections! {
    /// SIP listeners, and what peers may cost.
    sip: Sip {
        /// Addresses that take SIP over UDP. A list may be empty, but not both `sip.udp` and `sip.tcp`.
        udp: Vec<SocketAddr> = vec![loopback(5060)];
        /// Addresses that take SIP over TCP.
        tcp: Vec<SocketAddr> = vec![loopback(5060)];
        /// TCP connections at once; further ones are closed at once.
        connections_max: u32 = 20_000;
        /// TCP connections at once from one IP address.
        connections_per_address_max: u32 = 1_000;
        /// A TCP connection on which nothing came for so long is closed. Phones send keep-alives or register anew
        /// well within it.
        connection_idle: Duration = Duration::from_hours(1);
        /// Longest SIP message on TCP; a longer one ends its connection.
        message_size_max: ByteSize = ByteSize(64 * 1024);
        /// Messages that may wait for the call logic. Beyond, new calls and registrations get 503 with Retry-After.
        queue: u32 = 10_000;
        /// Shortest registration that is granted; a shorter wish gets 423 (RFC 3261 §10.3).
        registration_min: Duration = Duration::from_mins(1);
        /// Longest registration that is granted; a longer wish gets this.
        registration_max: Duration = Duration::from_hours(1);
        /// Devices that one user may have registered at once.
        bindings_max: u32 = 10;
        /// How long a digest nonce is good for; after it a phone is asked anew, without bothering its user.
        nonce_life: Duration = Duration::from_mins(5);
        /// Also offers SHA-256 to phones (RFC 8760), before MD5. Some phones give up when they are offered an
        /// algorithm that they do not know: baresip 1.0 does.
        digest_sha256: bool = false;
    }

    /// Sound: addresses, ports, threads.
    media: Media {
        /// The address that takes RTP and RTCP.
        address: IpAddr = IpAddr::V4(LOOPBACK);
        /// The address that phones are told to send to, where a NAT maps it to `media.address`; "" for that itself.
        announce: Option<IpAddr> = None;
        /// Ports for RTP and RTCP; each leg of a call takes two.
        ports: PortRange = PortRange { low: 20_000, high: 29_999 };
        /// Threads that carry sound; 0 for one per two cores.
        threads: u32 = 0;
        /// The program that speaks text; it must understand espeak-ng's arguments.
        speech: String = "espeak-ng".to_owned();
        /// Most bytes of the recordings of one domain; what would be more is not recorded. An hour has 58 MB.
        recordings_max: ByteSize = ByteSize(1024 * 1024 * 1024);
    }

    /// HTTP: health, metrics, the API.
    web: Web {
        /// Address of `/healthz`, `/metrics` and `/api/v1`. There is no TLS: beyond this machine put a proxy before it,
        /// since tokens pass here.
        listen: SocketAddr = loopback(8080);
    }

    /// The mail server that takes what scenarios send.
    mail: Mail {
        /// Its name or address; "" for none.
        server: String = String::new();
        /// Its port; 465 is usual where `mail.tls` is "implicit".
        port: u32 = 587;
        /// "starttls": plain text becomes TLS before anything is said. "implicit": TLS from the first byte. "none":
        /// plain text, as to a mail server on this machine.
        tls: MailTls = MailTls::Starttls;
        /// Who logs in there; "" for nobody.
        user: String = String::new();
        /// The file whose first line is the password of `mail.user`.
        password_file: String = String::new();
        /// Whom mails are from, such as "pbx@example.com" or "Tandem <pbx@example.com>", where a domain has no sender of
        /// its own.
        sender: String = String::new();
        /// How long a mail may take.
        timeout: Duration = Duration::from_secs(30);
    }

    /// The processes of a server.
    server: Server {
        /// Runs SIP sockets, media and call logic as processes of their own, which outlive each other's crashes and
        /// are replaced one by one by `tandem upgrade`. false: all is one process.
        processes: bool = true;
    }

    /// What is written to the standard error.
    log: Log {
        /// The least important level that is written: "error", "warn", "info", "debug" or "trace".
        level: LogLevel = LogLevel::Info;
        /// Writes one JSON object a line instead of text.
        json: bool = false;
    }

    /// How requests find their domain.
    domain: Domain {
        /// The domain of requests that name an address of this server instead of a domain; "" for the only one
        /// there is, if there is only one.
        default: String = String::new();
    }

    /// Calls.
    call: Call {
        /// Threads that run calls and scenarios; 0 for one per core.
        shards: u32 = 0;
        /// How long calls in progress may go on after the order to stop; then they are hung up.
        stop_deadline: Duration = Duration::from_secs(30);
    }

    /// The log from which calls and registrations come back after a crash.
    journal: Journal {
        /// What it survives. "flush": the death of any process of this server. "sync": a power failure too; each
        /// step of a call then waits for the disk. "off": nothing is kept, a crash ends every call.
        durability: JournalDurability = JournalDurability(Durability::Flush);
    }
    /// What one scenario may cost.
    scenario: Scenario {
        /// CPU time that one call's scenario may use in all; beyond, it is ended.
        cpu: Duration = Duration::from_secs(2);
        /// Memory that one call's scenario may use; beyond, it is ended.
        memory: ByteSize = ByteSize(64 * 1024 * 1024);
        /// CPU time that compiling one scenario may take; beyond, it is refused. A JavaScript or Python component takes
        /// up to 10s.
        compile_cpu: Duration = Duration::from_mins(1);
        /// Memory that compiling one scenario may take, in a process of its own; beyond, it is refused. A JavaScript or
        /// Python component takes 400 MiB.
        compile_memory: ByteSize = ByteSize(1024 * 1024 * 1024);
    }

    /// Bounds on the whole server and on each domain.
    limits: Limits {
        /// Calls at once; further ones get 503 with Retry-After.
        calls: u32 = 5_000;
        /// Calls at once in one domain.
        calls_per_domain: u32 = 2_000;
    }
}

impl Config {
    /// What single values cannot tell: the key that is wrong, and why.
    pub(super) fn check(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let mut demand = |holds: bool, key: &'static str, why: &str| {
            if !holds {
                wrong.push((key, why.to_owned()));
            }
        };
        demand(
            !self.sip.udp.is_empty() || !self.sip.tcp.is_empty(),
            "sip.udp",
            "both sip.udp and sip.tcp are empty: no phone could reach this server",
        );
        for (key, list) in [("sip.udp", &self.sip.udp), ("sip.tcp", &self.sip.tcp)] {
            let mut ports: Vec<_> = list.iter().filter(|address| address.port() != 0).collect();
            ports.sort();
            ports.dedup();
            let fixed = list.iter().filter(|address| address.port() != 0).count();
            demand(ports.len() == fixed, key, "an address is listed twice");
        }
        demand(
            self.sip.registration_min >= Duration::from_secs(1),
            "sip.registration_min",
            "must be 1s or more",
        );
        demand(
            self.sip.registration_min <= self.sip.registration_max,
            "sip.registration_max",
            "must not be below sip.registration_min",
        );
        demand(
            self.sip.registration_max <= Duration::from_hours(24 * 30),
            "sip.registration_max",
            "must be 30d or less",
        );
        demand(self.sip.bindings_max > 0, "sip.bindings_max", "must be 1 or more");
        demand(self.sip.queue > 0, "sip.queue", "must be 1 or more");
        demand(
            (4 * 1024..=16 * 1024 * 1024).contains(&self.sip.message_size_max.0),
            "sip.message_size_max",
            "must be between 4 KiB and 16 MiB",
        );
        demand(
            self.sip.connection_idle >= Duration::from_secs(1),
            "sip.connection_idle",
            "must be 1s or more",
        );
        demand(
            self.sip.nonce_life >= Duration::from_secs(1),
            "sip.nonce_life",
            "must be 1s or more",
        );
        let ports =
            u32::from(self.media.ports.high) + 1 - u32::from(self.media.ports.low).next_multiple_of(2);
        demand(
            ports >= 4,
            "media.ports",
            "a call takes four ports, the first of each two being even",
        );
        demand(
            !self.media.address.is_multicast(),
            "media.address",
            "is a multicast address",
        );
        demand(
            self.media
                .announce
                .is_none_or(|address| !address.is_unspecified() && !address.is_multicast()),
            "media.announce",
            "must be an address that phones can send to",
        );
        demand(
            !self.media.address.is_unspecified() || self.media.announce.is_some(),
            "media.announce",
            "must be given when media.address is a wildcard: phones must be told where to send",
        );
        demand(
            (1..=65_535).contains(&self.mail.port),
            "mail.port",
            "must be from 1 to 65535",
        );
        demand(
            self.mail.user.is_empty() || !self.mail.password_file.is_empty(),
            "mail.password_file",
            "must be given with mail.user",
        );
        demand(
            self.mail.user.is_empty() || self.mail.tls != MailTls::None,
            "mail.tls",
            "must not be \"none\" with mail.user: the password would go in plain text",
        );
        demand(
            self.mail.sender.is_empty() || self.mail.sender.parse::<lettre::message::Mailbox>().is_ok(),
            "mail.sender",
            "must be an address such as pbx@example.com or Tandem <pbx@example.com>",
        );
        demand(
            (Duration::from_secs(1)..=Duration::from_mins(5)).contains(&self.mail.timeout),
            "mail.timeout",
            "must be between 1s and 5m",
        );
        demand(self.media.threads <= 64, "media.threads", "must be 64 or less");
        demand(self.call.shards <= 256, "call.shards", "must be 256 or less");
        demand(
            self.scenario.cpu >= Duration::from_millis(10),
            "scenario.cpu",
            "must be 10ms or more",
        );
        demand(
            (1024 * 1024..=256 * 1024 * 1024).contains(&self.scenario.memory.0),
            "scenario.memory",
            "must be between 1 MiB and 256 MiB",
        );
        demand(
            (Duration::from_secs(1)..=Duration::from_mins(10)).contains(&self.scenario.compile_cpu),
            "scenario.compile_cpu",
            "must be between 1s and 10m",
        );
        demand(
            self.scenario.compile_memory.0 >= 256 * 1024 * 1024,
            "scenario.compile_memory",
            "must be 256 MiB or more",
        );
        demand(self.limits.calls > 0, "limits.calls", "must be 1 or more");
        demand(
            self.limits.calls_per_domain > 0,
            "limits.calls_per_domain",
            "must be 1 or more",
        );
        wrong
    }
}
