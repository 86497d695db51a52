//! Many open calls.

use std::time::Instant;

use tandem_journal::{Files, Options};
use tandem_logic::Effect;
use tandem_switch::Input;

use crate::kit::{DOMAIN, NUMBER, Phone, World, admit, ms, secs};
use crate::{Life, config, seed};

/// With `TANDEM_OPEN_CALLS` it is run for another number, and says how long it took. With `TANDEM_OPEN_CALLS_IN` the
/// log is left in a folder and, when it is there, read only: so the memory is the server's alone.
#[test]
fn a_log_with_many_open_calls_opens_and_a_new_call_begins() {
    let count = std::env::var("TANDEM_OPEN_CALLS").map_or(500_u32, |set| set.parse().unwrap());
    let kept = std::env::var("TANDEM_OPEN_CALLS_IN");
    let own = tempfile::tempdir().unwrap();
    let folder = kept.map_or(own.path().to_path_buf(), Into::into);
    let mut w = World::with_config(config(), 1);
    if !folder.join("00000001.log").exists() {
        let made = Instant::now();
        for number in 0..count {
            let mut phone = Phone::new("301", 6010);
            phone.call_id = format!("call-{number}");
            phone.talk(&mut w);
            w.sent.clear();
            w.run(ms(1));
        }
        println!("{count} calls were made in {:?}", made.elapsed());
        seed(Files::open(&folder).unwrap(), &w, Options::default());
    }
    // All of them are heard of no more.
    let now = w.now + secs(u64::from(count) / 500);
    let (began, before) = (Instant::now(), resident_kib());
    let mut life = Life::begin(Files::open(&folder).unwrap(), now, Options::default());
    println!(
        "restored {} calls in {:?}, {} KiB for each",
        life.calls.shard().calls(),
        began.elapsed(),
        (resident_kib() - before) / u64::from(count)
    );
    assert_eq!(life.calls.shard().calls(), count as usize);
    assert_eq!(life.launches(), count as usize);
    let began = Instant::now();
    life.give(Input::GateConnected { fresh: true });
    life.give(Input::SipGateConnected { fresh: true });
    println!("both gates connected after {:?}", began.elapsed());

    // A world of its own says what a new caller's phone says.
    let began = Instant::now();
    let mut outside = World::with_config(config(), 2);
    let mut phone = Phone::new("302", 6020);
    phone.invite_with(&mut outside, NUMBER, None, DOMAIN);
    life.effects.clear();
    let (flow, message) = (outside.way(6020), phone.invite.clone().unwrap());
    life.give(Input::Sip { flow, message });
    let number = life.effects.iter().find_map(|effect| match effect {
        Effect::Ask { number, .. } => Some(*number),
        _ => None,
    });
    let answer = tandem_switch::Answer::Admit(admit(DOMAIN, "302", NUMBER));
    life.give(Input::Answered {
        number: number.expect("the directory is asked"),
        answer,
    });
    let sent: Vec<_> = life
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { bytes, .. } => bytes.split(|byte| *byte == b'\r').next(),
            _ => None,
        })
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    println!("a new call is challenged after {:?}", began.elapsed());
    assert!(sent.contains(&"SIP/2.0 401 Unauthorized".to_owned()), "{sent:?}");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
