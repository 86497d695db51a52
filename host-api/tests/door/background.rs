//! Scenarios that compute for long: where they do it, and what is left to others meanwhile.

use std::sync::{Arc, Mutex, OnceLock};
use std::thread::ThreadId;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tandem_host_api::{DomainLimits, DomainQuota, End, Engine, EngineConfig, Finished, Limits, Op};
use tokio::task::JoinHandle;

use crate::support::{Call, domain, guest, plain};

/// One with a thread for them.
fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let config = EngineConfig {
        instances_max: 64,
        background_threads: 1,
        ..EngineConfig::default()
    };
    ENGINE.get_or_init(|| Engine::new(config).unwrap()).clone()
}

/// Nothing is ended for having waited for a processor: other tests want it too.
fn limits(cpu: Duration) -> Limits {
    Limits {
        cpu,
        wall: Duration::from_mins(10),
        ..Limits::default()
    }
}

fn spin(domain: &DomainQuota, cpu_ms: u64) -> JoinHandle<Finished> {
    let module = engine().load(&guest("loop")).unwrap();
    let call = Call {
        limits: limits(Duration::from_millis(cpu_ms)),
        domain: domain.clone(),
        ..Call::default()
    };
    let (run, _) = call.into_run(&module, plain(0));
    tokio::spawn(engine().run(&module, run))
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How nice this process's threads of that name are: field 19 of what `proc_pid_stat(5)` describes.
fn niceness(name: &str) -> Vec<String> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok())
        .filter(|stat| stat.contains(&format!("({name})")))
        .filter_map(|stat| Some(stat.rsplit_once(')')?.1.split_whitespace().nth(16)?.to_owned()))
        .collect()
}

#[tokio::test(flavor = "current_thread")]
async fn computes_behind_everybody_and_asks_its_host_at_home() {
    let module = engine().load(&guest("computing")).unwrap();
    let asked_on: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
    let asking = Arc::clone(&asked_on);
    let mut plain = plain(0);
    let call = Call {
        limits: limits(Duration::from_mins(1)),
        ..Call::default()
    };
    let (run, _) = call.into_run(&module, move |index, op: &Op| {
        asking.lock().unwrap().push(std::thread::current().id());
        plain(index, op)
    });
    let before = thread_time();
    let finished = engine().run(&module, run).await;
    let at_home = thread_time() - before;
    assert_eq!(finished.end, End::Returned);
    assert_eq!(*asked_on.lock().unwrap(), [std::thread::current().id(); 3]);
    assert!(
        at_home < finished.cpu / 2,
        "{at_home:?} of {:?} at home",
        finished.cpu
    );
    assert_eq!(niceness("background"), ["10"]);
}

#[tokio::test(flavor = "current_thread")]
async fn loop_ends_at_its_budget_there() {
    let finished = spin(&domain(DomainLimits::default()), 50).await.unwrap();
    let End::OverBudget(limit) = &finished.end else {
        panic!("{:?}", finished.end)
    };
    assert!(limit.starts_with("CPU:"), "{limit}");
}

/// However many of a domain spin, a neighbour that computes too has half of the thread.
#[tokio::test(flavor = "current_thread")]
async fn those_of_a_domain_take_turns() {
    let spinning = domain(DomainLimits::default());
    let spinners: Vec<_> = (0..20).map(|_| spin(&spinning, 500)).collect();
    // Each has some slices here before turns begin, which are counted by the wall's clock.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    let _ = spinning.take_used();
    let neighbour = spin(&domain(DomainLimits::default()), 100).await.unwrap();
    assert!(matches!(neighbour.end, End::OverBudget(_)));
    let spun = Duration::from_micros(spinning.take_used().cpu_us);
    assert!(spun < 4 * neighbour.cpu, "{spun:?} beside {:?}", neighbour.cpu);
    for spinner in spinners {
        spinner.abort();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn call_that_is_over_ends_its_scenario_there_too() {
    let domain = domain(DomainLimits::default());
    let spinner = spin(&domain, 3_600_000);
    let mut used_us = 0;
    while used_us < 20_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        used_us += domain.take_used().cpu_us;
    }
    assert_eq!(domain.instances(), 1);
    spinner.abort();
    tokio::time::timeout(Duration::from_mins(1), async {
        while domain.instances() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
}
