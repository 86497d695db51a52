//! What a registered user and an established call cost: resident bytes of the server, and CPU time per call minute.
//!
//! `make memory` runs it. Ten thousand users register over UDP; then SIPp sets up five hundred calls through the demo
//! menu, two legs each, with sound both ways, and holds them while memory and CPU time are read.
#![allow(clippy::print_stdout)] // It is a report.

use std::time::{Duration, Instant};
use tandem_kit::failure::Doing;
use tandem_kit::rtp::{MediaPeer, Press};
use tandem_kit::sipp::{Caller, Sipp, scenario};
use tandem_kit::tandem::Tandem;
use tandem_kit::{Failure, Result, wait};
use tandem_sip::auth::{Algorithm, ha1};
use tandem_store::{Credentials, NewUser, Options, Store};
use tandem_tests::load::{answering, caller};

const USERS: u64 = 10_000;
const CALLS: u64 = 500;
const CALLS_PER_SECOND: u64 = 25;
/// By then every transaction of the load is forgotten (RFC 3261 §17: 32 s).
const SETTLE: Duration = Duration::from_secs(35);
/// How long CPU time is measured.
const MEASURE: Duration = Duration::from_secs(20);
/// Longer than the whole run.
const EXPIRES_S: u64 = 3_600;
const PASSWORD: &str = "ten-thousand";

fn main() -> Result<()> {
    let tandem = Tandem::builder()
        .media_ports(4_000)
        .set("log.level", "warn")
        .start()?;
    // The first call fetches what all calls share: the compiled scenario, the greeting's speech.
    run_calls(&tandem, 1, Duration::from_secs(1), |_| Ok(()))?;
    let names = add_users(&tandem)?;

    let empty = settled(&tandem)?;
    register(&tandem, &names)?;
    let registered = settled(&tandem)?;
    let per_user = registered.saturating_sub(empty) as f64 / USERS as f64;
    println!(
        "{:<46} {:>9.1} MiB",
        "resident, started, no user registered",
        mib(empty)
    );
    println!(
        "{:<46} {:>9.1} MiB",
        format!("resident, {USERS} users registered"),
        mib(registered)
    );

    let ramp = Duration::from_secs(CALLS / CALLS_PER_SECOND);
    let hold = ramp + SETTLE + MEASURE + Duration::from_secs(15);
    let mut in_calls = 0;
    let (mut cpu_s, mut packets_per_s) = (0.0, 0.0);
    run_calls(&tandem, CALLS, hold, |media| {
        wait::until(
            ramp + Duration::from_secs(15),
            "all calls to be established",
            || (media.presses() as u64 == CALLS).then_some(()),
        )?;
        in_calls = settled(&tandem)?;
        let heard = || media.heard().iter().map(|stream| stream.packets).sum::<u64>();
        let (began, before, heard_before) = (Instant::now(), tandem.cpu_time()?.as_secs_f64(), heard());
        std::thread::sleep(MEASURE);
        let active = tandem.metric("tandem_calls_active")?;
        if active < CALLS as f64 {
            return Err(Failure::new(format!("only {active} calls were left")));
        }
        let elapsed_s = began.elapsed().as_secs_f64();
        cpu_s = (tandem.cpu_time()?.as_secs_f64() - before) / elapsed_s;
        packets_per_s = (heard() - heard_before) as f64 / elapsed_s / CALLS as f64;
        Ok(())
    })?;
    let per_call = in_calls.saturating_sub(registered) as f64 / CALLS as f64;
    println!(
        "{:<46} {:>9.1} MiB",
        format!("resident, {CALLS} calls of two legs besides"),
        mib(in_calls)
    );
    println!(
        "{:<46} {:>9.1} %",
        "CPU during the calls, of one core",
        cpu_s * 100.0
    );
    println!(
        "{:<46} {:>9.1}",
        "packets per second that each caller heard", packets_per_s
    );
    println!();
    println!("{:<46} {:>9.0} bytes", "per idle registered user", per_user);
    println!("{:<46} {:>9.0} bytes", "per established call", per_call);
    println!(
        "{:<46} {:>9.3} s",
        "CPU time per call minute",
        cpu_s * 60.0 / CALLS as f64
    );
    Ok(())
}

/// Makes the users behind the running server's back: the command line makes one at a time.
fn add_users(tandem: &Tandem) -> Result<Vec<String>> {
    let names: Vec<String> = (0..USERS).map(|number| format!("u{number}")).collect();
    let realm = &tandem.demo().domain;
    let users: Vec<NewUser> = names
        .iter()
        .map(|name| NewUser {
            name: name.clone(),
            display_name: String::new(),
            credentials: Credentials {
                ha1_md5: ha1(Algorithm::Md5, name, realm, PASSWORD),
                ha1_sha256: ha1(Algorithm::Sha256, name, realm, PASSWORD),
            },
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .doing("starting a runtime")?;
    runtime.block_on(async {
        let store = Store::open(tandem.data(), Options::default())
            .await
            .doing("opening the store")?;
        let scope = store
            .domain_scope(realm)
            .await
            .doing("looking for the demo domain")?;
        for some in users.chunks(1_000) {
            store.create_users(&scope, some).await.doing("making users")?;
        }
        store.close().await;
        Ok(())
    })?;
    Ok(names)
}

fn register(tandem: &Tandem, names: &[String]) -> Result<()> {
    let domain = &tandem.demo().domain;
    let users = names.iter().map(|name| Caller {
        user: name.clone(),
        password: PASSWORD.to_owned(),
        domain: domain.clone(),
        number: String::new(),
    });
    let done = Sipp::new(scenario("register"))
        .remote(tandem.sip())
        .callers(users)
        .calls(USERS)
        .rate(400)
        .key("expires", EXPIRES_S)
        .within(Duration::from_mins(2))
        .run()?;
    if done.successful == USERS {
        return Ok(());
    }
    Err(Failure::new(format!("not all users registered: {done:?}")))
}

/// 301 calls the menu and presses 1, 302 answers; `meanwhile` runs beside the calls with the caller's media.
fn run_calls(
    tandem: &Tandem,
    calls: u64,
    hold: Duration,
    meanwhile: impl FnOnce(&MediaPeer) -> Result<()>,
) -> Result<()> {
    let within = hold + Duration::from_secs(60 + calls / CALLS_PER_SECOND);
    let press = Press {
        key: '1',
        after: Duration::from_secs(1),
    };
    let (ours, theirs) = (MediaPeer::start(Some(press))?, MediaPeer::start(None)?);
    let answerers = answering(tandem, "302", calls, &theirs, within)?;
    let callers = Sipp::new(scenario("menu_call"))
        .remote(tandem.sip())
        .callers([caller(tandem, "301", &tandem.demo().menu)?])
        .key("rtp_port", ours.port())
        .calls(calls)
        .rate(CALLS_PER_SECOND)
        .hold(hold + Duration::from_secs(3))
        .within(within)
        .start()?;
    meanwhile(&ours)?;
    let (callers, answerers) = (callers.finish()?, answerers.finish()?);
    if callers.successful == calls && answerers.successful == calls {
        return Ok(());
    }
    Err(Failure::new(format!(
        "calls were lost: {callers:?}; {answerers:?}"
    )))
}

fn settled(tandem: &Tandem) -> Result<u64> {
    std::thread::sleep(SETTLE);
    tandem.resident_bytes()
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
