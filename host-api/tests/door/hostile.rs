//! Guests that mean harm, or are broken: what each gets, and what its neighbours lose, which is nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use tandem_host_api::{
    DomainLimits, DomainQuota, End, Engine, EngineConfig, LegId, Limits, LoadError, Op, OpIndex, Outcome,
    Reply,
};
use tokio::sync::oneshot;

use crate::support::{Call, domain, engine, guest, module, plain, stopped_clock};

fn over_budget(end: &End) -> &str {
    match end {
        End::OverBudget(limit) => limit,
        other => panic!("{other:?}"),
    }
}

/// A call with these limits, for which no time passes.
fn limited(limits: Limits) -> Call {
    Call {
        limits,
        clock: stopped_clock(),
        ..Call::default()
    }
}

fn brief() -> Limits {
    Limits {
        cpu: Duration::from_millis(50),
        ..Limits::default()
    }
}

#[tokio::test]
async fn infinite_loop_ends_at_its_cpu_budget() {
    let left = Call {
        limits: brief(),
        ..Call::default()
    }
    .run(&module("loop"), plain(0))
    .await;
    let limit = over_budget(&left.finished.end);
    assert!(
        limit.starts_with("CPU:") && limit.ends_with("at most 50 allowed"),
        "{limit}"
    );
    assert!(left.finished.slices > 1);
}

/// On one thread, which is what a shard has.
#[tokio::test(flavor = "current_thread")]
async fn spinning_guests_leave_their_neighbour_its_turns() {
    let spinners: Vec<_> = (0..4)
        .map(|_| {
            let module = module("loop");
            let limits = Limits {
                cpu: Duration::from_secs(10),
                ..Limits::default()
            };
            let (run, _) = Call {
                limits,
                ..Call::default()
            }
            .into_run(&module, plain(0));
            tokio::spawn(engine().run(&module, run))
        })
        .collect();
    let play = |_, _: &Op| {
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let _ = sender.send(Outcome::Done);
        });
        Reply::Later(receiver)
    };
    let began = Instant::now();
    let left = Call::default().run(&module("patient"), play).await;
    let took = began.elapsed();
    assert_eq!(left.finished.end, End::Returned);
    // Ten sleeps between four spinners of 1 ms slices: some 13 ms each. The spinners together would take 40 s.
    assert!(took < Duration::from_secs(10), "{took:?}");
    for spinner in spinners {
        spinner.abort();
    }
}

#[tokio::test]
async fn memory_bomb_meets_its_limit() {
    let limits = Limits {
        memory_bytes: 16 << 20,
        ..Limits::default()
    };
    let left = Call {
        limits,
        ..Call::default()
    }
    .run(&module("memory-bomb"), plain(0))
    .await;
    let limit = over_budget(&left.finished.end);
    assert!(
        limit.starts_with("memory:") && limit.ends_with("at most 16777216 allowed"),
        "{limit}"
    );
}

#[test]
fn memory_beyond_the_slot_is_refused_when_loaded() {
    let refused = engine().load(&guest("memory-huge")).unwrap_err();
    assert!(
        matches!(&refused, LoadError::Invalid(why) if why.contains("memory")),
        "{refused}"
    );
}

#[tokio::test]
async fn table_bomb_meets_its_limit() {
    let limits = Limits {
        table_elements: 50_000,
        ..Limits::default()
    };
    let left = Call {
        limits,
        ..Call::default()
    }
    .run(&module("table-bomb"), plain(0))
    .await;
    let limit = over_budget(&left.finished.end);
    assert!(
        limit.starts_with("tables:") && limit.ends_with("at most 50000 allowed"),
        "{limit}"
    );
}

#[tokio::test]
async fn deep_recursion_traps_with_the_functions_name() {
    let left = Call::default().run(&module("recursion"), plain(0)).await;
    let End::Trapped { message, backtrace } = left.finished.end else {
        panic!("{:?}", left.finished.end)
    };
    assert!(message.contains("call stack exhausted"), "{message}");
    assert_eq!(backtrace[0], "deeper");
    assert!(backtrace.len() <= 32);
}

#[tokio::test]
async fn trap_is_told_with_the_guests_function_names() {
    let left = Call::default().run(&module("trap"), plain(0)).await;
    let backtrace = ["open_the_box", "find_the_box", "greet"]
        .map(str::to_owned)
        .to_vec();
    let message = "wasm trap: wasm `unreachable` instruction executed".to_owned();
    assert_eq!(left.finished.end, End::Trapped { message, backtrace });
}

#[tokio::test]
async fn host_call_storm_meets_the_calls_rate() {
    let limits = Limits {
        host_calls_per_s: 100,
        host_calls_burst: 500,
        ..Limits::default()
    };
    let left = limited(limits).run(&module("storm"), plain(0)).await;
    assert_eq!(
        over_budget(&left.finished.end),
        "more than 100 host calls per second"
    );
    assert_eq!(left.asked.len(), 500);
}

/// What one instance used counts for those that follow it.
#[tokio::test]
async fn who_begins_anew_for_ever_meets_the_calls_limits() {
    let limits = Limits {
        cpu: Duration::from_millis(50),
        ..Limits::default()
    };
    let left = limited(limits).run(&module("renewing"), plain(0)).await;
    let words = over_budget(&left.finished.end);
    assert!(words.starts_with("CPU: "), "{words}");

    let limits = Limits {
        cpu: Duration::from_mins(1),
        host_calls_per_s: 1,
        host_calls_burst: 20,
        ..Limits::default()
    };
    let left = limited(limits).run(&module("renewing"), plain(0)).await;
    let words = over_budget(&left.finished.end);
    assert_eq!(words, "more than 1 host calls per second");
    assert!(left.asked.is_empty(), "they are none of the host's");
}

/// Who can be told is told, and may go on.
#[tokio::test]
async fn a_call_that_asks_too_often_is_told_where_its_function_has_an_error() {
    let limits = Limits {
        host_calls_per_s: 1,
        host_calls_burst: 4,
        ..Limits::default()
    };
    let play = |index: OpIndex, _: &Op| Reply::Now(Outcome::Dialled(Ok(LegId(index.0))));
    let left = limited(limits).run(&module("leak"), play).await;
    assert_eq!(left.finished.end, End::Returned, "it is told, and ends by itself");
    assert_eq!(left.asked.len(), 4, "{:?}", left.asked);
}

#[tokio::test]
async fn host_call_storm_meets_the_domains_rate() {
    let limits = DomainLimits {
        host_calls_per_s: 0,
        host_calls_burst: 200,
        ..DomainLimits::default()
    };
    let left = Call {
        domain: domain(limits),
        ..Call::default()
    }
    .run(&module("storm"), plain(0))
    .await;
    assert_eq!(
        over_budget(&left.finished.end),
        "more than 0 host calls per second in the domain"
    );
    assert_eq!(left.asked.len(), 200);
}

#[tokio::test]
async fn domain_at_its_instances_refuses_the_next_call() {
    let limits = DomainLimits {
        instances: 0,
        ..DomainLimits::default()
    };
    let left = Call {
        domain: domain(limits),
        ..Call::default()
    }
    .run(&module("idle"), plain(0))
    .await;
    let refusal = "the domain runs 0 scenarios already, which is its limit".to_owned();
    assert_eq!(left.finished.end, End::Refused(refusal));
}

#[tokio::test]
async fn giant_string_is_refused_before_it_is_copied() {
    let left = Call::default().run(&module("giant-string"), plain(0)).await;
    assert_eq!(
        over_budget(&left.finished.end),
        "too much data was handed over in one host call"
    );
    assert!(left.asked.is_empty());
}

/// By each argument of each import that takes a text or bytes.
#[tokio::test]
async fn giant_text_is_refused_by_every_import_before_it_is_copied() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests/dist/giants.wasm");
    let module = engine().load(&std::fs::read(file).unwrap()).unwrap();
    let mut ways = 0;
    loop {
        let mut others = plain(0);
        let play = move |index: OpIndex, op: &Op| match op {
            Op::ConfigDocument => Reply::Now(Outcome::Text(ways.to_string())),
            op => others(index, op),
        };
        let left = Call::default().run(&module, play).await;
        if let End::Failed(text) = &left.finished.end {
            assert_eq!(text, "there are no more", "way {ways}");
            break;
        }
        assert_eq!(left.asked, [Op::ConfigDocument], "way {ways}");
        assert_eq!(
            over_budget(&left.finished.end),
            "too much data was handed over in one host call",
            "way {ways}"
        );
        ways += 1;
    }
    assert_eq!(ways, 52);
}

/// Each leg that it does not let go is held; one more than it may hold is refused before anybody is called.
#[tokio::test]
async fn leaked_legs_meet_their_limit() {
    let limits = Limits {
        legs: 5,
        ..Limits::default()
    };
    let call = Call {
        limits,
        ..Call::default()
    };
    let play = |index: OpIndex, _: &Op| Reply::Now(Outcome::Dialled(Ok(LegId(index.0))));
    let left = call.run(&module("leak"), play).await;
    assert_eq!(left.finished.end, End::Returned, "it is told, and ends by itself");
    assert_eq!(
        left.asked.len(),
        4,
        "the caller's leg is the fifth: {:?}",
        left.asked
    );
}

#[tokio::test]
async fn log_storm_is_cut_at_its_budget_and_says_so() {
    let limits = Limits {
        log_bytes: 20_000,
        ..Limits::default()
    };
    let left = Call {
        limits,
        ..Call::default()
    }
    .run(&module("log-storm"), plain(0))
    .await;
    assert_eq!(left.finished.end, End::Returned);
    assert_eq!(
        left.asked.len(),
        6,
        "five lines, and one that says that the rest is dropped"
    );
    assert!(matches!(left.asked.last(), Some(Op::Log { text, .. }) if text.contains("limit")));
}

/// A call of it writes 1 MiB; eight of them are what a domain may log at once.
#[tokio::test]
async fn log_storms_of_a_domain_are_cut_at_what_they_may_log_together() {
    let domain = DomainQuota::new(DomainLimits::default(), stopped_clock());
    let module = module("log-storm");
    let storm = |domain: &DomainQuota| {
        Call {
            domain: domain.clone(),
            ..Call::default()
        }
        .run(&module, plain(0))
    };
    let mut lines = 0;
    for _ in 0..8 {
        lines += storm(&domain).await.asked.len();
    }
    assert_eq!(lines, 7 * 257 + 256, "of the eighth one line is dropped");
    let left = storm(&domain).await;
    assert_eq!(left.finished.end, End::Returned);
    let [Op::Log { text, .. }] = &left.asked[..] else {
        panic!("{:?}", left.asked);
    };
    assert!(text.contains("the domain's scenarios log faster"), "{text}");
    let other = storm(&DomainQuota::new(DomainLimits::default(), stopped_clock())).await;
    assert_eq!(other.asked.len(), 257, "another domain logs as ever");
}

#[tokio::test]
async fn full_server_refuses_the_next_call_in_words() {
    let config = EngineConfig {
        instances_max: 1,
        ..EngineConfig::default()
    };
    let engine = Engine::new(config).unwrap();
    let module = engine.load(&guest("sleeper")).unwrap();
    let (first, _) = Call::default().into_run(&module, |_, _| {
        let (sender, receiver) = oneshot::channel();
        std::mem::forget(sender);
        Reply::Later(receiver)
    });
    let first = tokio::spawn(engine.run(&module, first));
    tokio::task::yield_now().await;
    let (second, _) = Call::default().into_run(&module, plain(0));
    let end = engine.run(&module, second).await.end;
    assert!(
        matches!(&end, End::Refused(why) if why.contains("as many scenarios as it can")),
        "{end:?}"
    );
    first.abort();
}

/// One that neither asks for anything nor ends, where time to compute is not what runs out.
#[tokio::test]
async fn silence_ends_with_its_wall_time() {
    let limits = Limits {
        wall: Duration::from_millis(50),
        ..Limits::default()
    };
    let call = Call {
        limits,
        ..Call::default()
    };
    let left = call.run(&module("loop"), plain(0)).await;
    let limit = over_budget(&left.finished.end);
    assert!(
        limit.starts_with("wall time:") && limit.ends_with("at most 50 allowed"),
        "{limit}"
    );
}

/// A host call begins the time anew, and waiting in one is not counted.
#[tokio::test]
async fn a_scenario_that_asks_is_not_silent() {
    let limits = Limits {
        wall: Duration::from_secs(1),
        ..Limits::default()
    };
    let call = Call {
        limits,
        ..Call::default()
    };
    let play = |_, _: &Op| {
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            let _ = sender.send(Outcome::Done);
        });
        Reply::Later(receiver)
    };
    let (run, asked) = call.into_run(&module("sleeper"), play);
    let asks_on = async {
        while asked.lock().unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        finished = engine().run(&module("sleeper"), run) => panic!("{:?}", finished.end),
        () = asks_on => (),
    }
}

/// Each of them is far from its own limit: together they are beyond their domain's. Another domain is not concerned.
#[tokio::test]
async fn a_domain_computes_no_more_than_it_may() {
    let domain = domain(DomainLimits {
        cpu_ms_per_s: 10,
        ..DomainLimits::default()
    });
    let run_in = async |domain: &DomainQuota| {
        let call = Call {
            domain: domain.clone(),
            ..Call::default()
        };
        call.run(&module("loop"), plain(0)).await.finished
    };
    let (one, two) = tokio::join!(run_in(&domain), run_in(&domain));
    for finished in [&one, &two] {
        let limit = over_budget(&finished.end);
        assert!(
            limit.starts_with("CPU: the domain's") && limit.contains("10 ms a second"),
            "{limit}"
        );
    }
    assert!(one.cpu + two.cpu < Duration::from_secs(2), "{one:?} {two:?}");
    let honest = Call::default().run(&module("branch"), plain(7)).await;
    assert_eq!(honest.finished.end, End::Returned);
}
