//! The simulator that scenarios are tested with does what the switch does: the same requests, the same deeds of two phones
//! at the same moments, the same outcomes at the same moments.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tandem_host_api::op::{
    BridgeEnd, BridgeUntilEnd, Cause, CollectEnd, CollectRule, DeadlineOp, DialFailure, DialOptions,
    LegError, LegEvent, LegId, Op, Outcome, Prompt, Strategy, Target,
};
use tandem_host_api::{Journal, JournalHeader};
use tandem_simulator::case::{Act, Reaction, Then, User};
use tandem_simulator::script::Beside;
use tandem_simulator::{Advance, Exchange, Script, VirtualTime};

use crate::kit::phone::endpoint;
use crate::kit::*;

const CALLER: LegId = LegId(0);
const BOB: LegId = LegId(1);
/// A key takes that long in the simulator; the switch only hears that it was pressed.
const KEY_MS: u64 = 200;
/// Longest trial, in milliseconds.
const LONGEST_MS: u64 = 120_000;

/// What the caller does at a moment of the call, in milliseconds.
#[derive(Clone, Copy)]
enum Deed {
    Press(char),
    HangUp,
}

/// What 302 does when dialled.
#[derive(Clone, Copy)]
struct Bob {
    after_ms: u64,
    then: Then,
    /// So long after the answer.
    hangs_up_ms: Option<u64>,
}

struct Trial {
    /// None: not registered.
    bob: Option<Bob>,
    deeds: Vec<(u64, Deed)>,
    ops: Vec<Op>,
}

type Told = Vec<(u64, Outcome)>;

/// Words differ, and may.
fn plain(outcome: Outcome) -> Outcome {
    let leg = |error| match error {
        LegError::Media(_) => LegError::Media(String::new()),
        LegError::WrongState(_) => LegError::WrongState(String::new()),
        other => other,
    };
    match outcome {
        Outcome::Leg(result) => Outcome::Leg(result.map_err(leg)),
        Outcome::Played(result) => Outcome::Played(result.map_err(leg)),
        Outcome::Collected(result) => Outcome::Collected(result.map_err(leg)),
        Outcome::Bridged(result) => Outcome::Bridged(result.map_err(leg)),
        Outcome::BridgedUntil(result) => Outcome::BridgedUntil(result.map_err(leg)),
        Outcome::Dialled(Err(DialFailure::Rejected(status, _))) => {
            Outcome::Dialled(Err(DialFailure::Rejected(status, String::new())))
        }
        other => other,
    }
}

/// The switch with two phones, in steps of a millisecond.
struct Stage {
    w: World,
    a: Phone,
    b: Phone,
    acknowledged: bool,
    bob: Option<Bob>,
    /// What 302's phone does, and when.
    bobs: VecDeque<(u64, BobDoes)>,
    deeds: VecDeque<(u64, Deed)>,
    elapsed_ms: u64,
}

#[derive(Clone, Copy)]
enum BobDoes {
    Reacts(Then),
    HangsUp,
}

impl Stage {
    fn look_around(&mut self) {
        if !self.acknowledged
            && self
                .w
                .sent
                .iter()
                .any(|(port, what)| *port == 6010 && what == "200")
        {
            self.acknowledged = true;
            self.a.take_ok(&mut self.w);
            self.a.ack(&mut self.w, None);
        }
        if let Some(bob) = self.bob
            && self.b.rings(&mut self.w)
        {
            // Else the INVITE comes again, and would be taken for another.
            self.b.respond(&mut self.w, 100, None);
            if !matches!(bob.then, Then::Refuse(_)) {
                self.b.respond(&mut self.w, 180, None);
            }
            if bob.then != Then::Ring {
                self.bobs
                    .push_back((self.elapsed_ms + bob.after_ms, BobDoes::Reacts(bob.then)));
            }
        }
        while let Some((_, does)) = self.bobs.pop_front_if(|(at, _)| *at <= self.elapsed_ms) {
            match does {
                BobDoes::Reacts(Then::Answer) => {
                    self.b.pick_up(&mut self.w);
                    let hangs_up = self.bob.and_then(|bob| bob.hangs_up_ms);
                    self.bobs
                        .extend(hangs_up.map(|ms| (self.elapsed_ms + ms, BobDoes::HangsUp)));
                }
                BobDoes::Reacts(Then::Decline) => self.b.respond(&mut self.w, 603, None),
                BobDoes::Reacts(Then::Refuse(status)) => self.b.respond(&mut self.w, status, None),
                BobDoes::Reacts(Then::Ring) => (),
                BobDoes::HangsUp => self.b.bye(&mut self.w),
            }
        }
        while let Some((_, deed)) = self.deeds.pop_front_if(|(at, _)| *at <= self.elapsed_ms) {
            match deed {
                Deed::Press(digit) => self.w.digit(endpoint(0), digit),
                Deed::HangUp if self.acknowledged => self.a.bye(&mut self.w),
                Deed::HangUp => self.a.cancel(&mut self.w),
            }
        }
    }
}

fn by_switch(trial: &Trial) -> Told {
    let mut w = World::new(1);
    let mut b = Phone::new("302", 6020);
    if trial.bob.is_some() {
        b.register(&mut w, "1");
    }
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    let mut stage = Stage {
        w,
        a,
        b,
        acknowledged: false,
        bob: trial.bob,
        bobs: VecDeque::new(),
        deeds: trial.deeds.iter().copied().collect(),
        elapsed_ms: 0,
    };
    let mut told = Told::new();
    for op in &trial.ops {
        let mut outcome = stage.w.perform(call, op.clone());
        let outcome = loop {
            stage.look_around();
            if let Some(outcome) = outcome.take().or_else(|| stage.w.outcomes.pop_front()) {
                break outcome;
            }
            assert!(stage.elapsed_ms < LONGEST_MS, "{op:?} does not end");
            stage.w.run(ms(1));
            stage.elapsed_ms += 1;
        };
        told.push((stage.elapsed_ms, plain(outcome)));
    }
    told
}

fn by_simulator(trial: &Trial) -> Told {
    let script = Script::parse("[[case]]\nname = 'trial'", &Beside::default()).unwrap();
    let mut case = script.cases[0].clone();
    let mut at = 0;
    for (when, deed) in &trial.deeds {
        case.acts.push(Act::Wait(Duration::from_millis(when - at)));
        at = *when;
        case.acts.push(match deed {
            Deed::Press(digit) => {
                at += KEY_MS;
                Act::Press(digit.to_string())
            }
            Deed::HangUp => Act::HangUp,
        });
    }
    let reaction = trial.bob.map(|bob| Reaction {
        after: Duration::from_millis(bob.after_ms),
        then: bob.then,
        acts: bob
            .hangs_up_ms
            .map(|ms| vec![Act::Wait(Duration::from_millis(ms)), Act::HangUp])
            .unwrap_or_default(),
    });
    let user = User {
        registered: trial.bob.is_some(),
        dialled: reaction.into_iter().collect(),
        ..User::default()
    };
    case.world.users.insert("302".to_owned(), user);
    case.world.files.insert("hello.wav".to_owned(), secs(2));

    let time = VirtualTime::default();
    let journal = Journal::new(JournalHeader::default(), time.clock());
    let mut exchange = Exchange::new(Arc::new(case), time.clone(), journal);
    let mut told = Told::new();
    for op in &trial.ops {
        let mut outcome = exchange.perform(op);
        let outcome = loop {
            if let Some(outcome) = outcome.take().or_else(|| exchange.take_outcome()) {
                break outcome;
            }
            assert_eq!(exchange.advance(), Advance::Happened, "{op:?} does not end");
        };
        told.push((time.now().as_millis() as u64, plain(outcome)));
    }
    told
}

/// Both tell the same; what that is, for the trials that say more about it.
fn same(bob: Option<Bob>, deeds: &[(u64, Deed)], ops: &[Op]) -> Told {
    let trial = Trial {
        bob,
        deeds: deeds.to_vec(),
        ops: ops.to_vec(),
    };
    let told = by_simulator(&trial);
    assert_eq!(told, by_switch(&trial), "left: the simulator, right: the switch");
    told
}

fn answer() -> Op {
    Op::Answer { leg: CALLER }
}

fn play(file: &str) -> Op {
    Op::Play {
        leg: CALLER,
        prompts: vec![Prompt::Silence(500), Prompt::File(file.into())],
    }
}

fn collect(barge_in: bool, prompts: Vec<Prompt>) -> Op {
    let rule = CollectRule {
        prompts,
        barge_in,
        min: 2,
        max: 3,
        terminators: "#".into(),
        first_digit_timeout_ms: 5_000,
        inter_digit_timeout_ms: 2_000,
    };
    Op::Collect { leg: CALLER, rule }
}

fn silence() -> Vec<Prompt> {
    vec![Prompt::Silence(3_000)]
}

fn dial(user: &str) -> Op {
    Op::Dial {
        caller: CALLER,
        targets: vec![Target::User(user.into())],
        options: DialOptions {
            strategy: Strategy::Parallel,
            timeout_ms: 20_000,
            caller_id: None,
            ringback: true,
        },
    }
}

fn bridge() -> Op {
    Op::Bridge {
        first: CALLER,
        second: BOB,
    }
}

fn hang_up(leg: LegId) -> Op {
    Op::HangUp {
        leg,
        cause: Cause::Normal,
    }
}

fn bob(after_ms: u64, then: Then, hangs_up_ms: Option<u64>) -> Option<Bob> {
    Some(Bob {
        after_ms,
        then,
        hangs_up_ms,
    })
}

#[test]
fn a_leg_is_opened_played_on_and_hung_up_alike() {
    let ring = Op::Ring { leg: CALLER };
    let early = Op::EarlyMedia { leg: CALLER };
    let ops = [
        play("hello.wav"),
        collect(true, silence()),
        ring.clone(),
        early.clone(),
        play("hello.wav"),
        early,
        answer(),
        ring.clone(),
        play("missing.wav"),
        play("hello.wav"),
        Op::SleepMs { duration_ms: 700 },
        hang_up(CALLER),
        hang_up(CALLER),
        ring,
        answer(),
        play("hello.wav"),
        hang_up(LegId(7)),
    ];
    let told = same(None, &[], &ops);
    assert_eq!(told.last().unwrap().0, 5_700);
}

#[test]
fn digits_are_collected_alike() {
    use Deed::Press;
    let entered = |told: &Told, n: usize| match &told[n].1 {
        Outcome::Collected(Ok(collected)) => (told[n].0, collected.digits.clone(), collected.end),
        other => panic!("{other:?}"),
    };
    // Barge-in, then nothing, then a terminator.
    let deeds = [
        (1_000, Press('1')),
        (1_500, Press('2')),
        (9_000, Press('4')),
        (9_600, Press('#')),
    ];
    let ops = [
        answer(),
        collect(true, silence()),
        collect(true, silence()),
        collect(true, silence()),
    ];
    let told = same(None, &deeds, &ops);
    assert_eq!(entered(&told, 1), (3_500, "12".into(), CollectEnd::Timeout));
    assert_eq!(entered(&told, 2), (9_600, "4".into(), CollectEnd::Terminator));
    assert_eq!(entered(&told, 3), (17_600, String::new(), CollectEnd::Timeout));

    // What is pressed under prompts without barge-in, and before they begin.
    let deeds = [
        (100, Press('9')),
        (1_000, Press('8')),
        (4_000, Press('7')),
        (4_500, Press('6')),
        (5_000, Press('5')),
    ];
    let told = same(
        None,
        &deeds,
        &[answer(), play("hello.wav"), collect(false, silence())],
    );
    assert_eq!(entered(&told, 2), (10_500, String::new(), CollectEnd::Timeout));

    // Typed ahead: the prompts do not begin; the rest is kept.
    let deeds = [
        (100, Press('1')),
        (400, Press('2')),
        (700, Press('3')),
        (1_000, Press('4')),
    ];
    let ops = [
        answer(),
        play("hello.wav"),
        collect(true, silence()),
        collect(true, Vec::new()),
    ];
    let told = same(None, &deeds, &ops);
    assert_eq!(entered(&told, 2), (2_500, "123".into(), CollectEnd::Full));
    assert_eq!(entered(&told, 3), (4_500, "4".into(), CollectEnd::Timeout));
}

#[test]
fn a_caller_who_hangs_up_ends_what_was_under_way_alike() {
    let sleep = Op::SleepMs { duration_ms: 5_000 };
    for (under_way, deeds) in [
        (play("hello.wav"), [(1_000, Deed::HangUp)]),
        (collect(true, silence()), [(1_000, Deed::HangUp)]),
        (collect(true, Vec::new()), [(1_000, Deed::HangUp)]),
        (sleep, [(1_000, Deed::HangUp)]),
    ] {
        same(
            None,
            &deeds,
            &[answer(), under_way, play("hello.wav"), answer(), dial("302")],
        );
    }
    // Before the answer: CANCEL.
    same(
        None,
        &[(300, Deed::HangUp)],
        &[Op::SleepMs { duration_ms: 900 }, answer()],
    );
}

#[test]
fn callees_are_dialled_alike() {
    let outcome = |bob: Option<Bob>, deeds: &[(u64, Deed)], user: &str| {
        let told = same(bob, deeds, &[dial(user), dial(user)]);
        // The same from a caller that hears.
        same(bob, deeds, &[answer(), dial(user)]);
        told[0].clone()
    };
    let failed = |at: u64, why| (at, Outcome::Dialled(Err(why)));
    assert_eq!(
        outcome(bob(700, Then::Refuse(486), None), &[], "302"),
        failed(700, DialFailure::Busy)
    );
    assert_eq!(
        outcome(bob(3_000, Then::Decline, None), &[], "302"),
        failed(3_000, DialFailure::Declined)
    );
    assert_eq!(
        outcome(bob(0, Then::Refuse(480), None), &[], "302"),
        failed(0, DialFailure::Unreachable)
    );
    assert_eq!(
        outcome(bob(100, Then::Refuse(415), None), &[], "302"),
        failed(100, DialFailure::Rejected(415, String::new()))
    );
    assert_eq!(outcome(None, &[], "302"), failed(0, DialFailure::Unreachable));
    assert_eq!(
        outcome(None, &[], "999"),
        failed(0, DialFailure::NotFound("no such user".into()))
    );
    let told = same(
        bob(0, Then::Ring, None),
        &[(4_000, Deed::HangUp)],
        &[dial("302"), dial("302")],
    );
    assert_eq!(told[0], failed(4_000, DialFailure::CallerGone));
    let told = same(
        bob(2_000, Then::Answer, None),
        &[],
        &[dial("302"), hang_up(BOB), answer()],
    );
    assert_eq!(told[0], (2_000, Outcome::Dialled(Ok(BOB))));
}

#[test]
fn who_does_not_answer_is_given_up_alike() {
    let trial = Trial {
        bob: bob(0, Then::Ring, None),
        deeds: Vec::new(),
        ops: vec![dial("302")],
    };
    let expected = vec![(20_000, Outcome::Dialled(Err(DialFailure::NoAnswer)))];
    assert_eq!(by_simulator(&trial), expected);
    assert_eq!(by_switch(&trial), expected);
}

#[test]
fn two_legs_are_bridged_and_part_alike() {
    let talk = [
        dial("302"),
        bridge(),
        bridge(),
        play("hello.wav"),
        hang_up(BOB),
        hang_up(CALLER),
    ];
    let told = same(bob(1_000, Then::Answer, Some(8_000)), &[], &talk);
    assert_eq!(told[1], (9_000, Outcome::Bridged(Ok(BridgeEnd::SecondHungUp))));
    let told = same(bob(1_000, Then::Answer, None), &[(6_000, Deed::HangUp)], &talk);
    assert_eq!(told[1], (6_000, Outcome::Bridged(Ok(BridgeEnd::FirstHungUp))));

    // Digits of the conversation are nobody's entry.
    let deeds = [(3_000, Deed::Press('1'))];
    let ops = [answer(), dial("302"), bridge(), collect(true, Vec::new())];
    same(bob(1_000, Then::Answer, Some(5_000)), &deeds, &ops);

    // A callee that is gone before, and one that was dropped.
    let late = [
        dial("302"),
        Op::SleepMs { duration_ms: 3_000 },
        bridge(),
        answer(),
    ];
    same(bob(1_000, Then::Answer, Some(500)), &[], &late);
    let dropped = [
        dial("302"),
        Op::DropLeg { leg: BOB },
        bridge(),
        Op::Ring { leg: BOB },
    ];
    same(bob(1_000, Then::Answer, None), &[], &dropped);
}

fn wait(legs: &[LegId], timeout_ms: u32) -> Op {
    Op::WaitLegs {
        legs: legs.to_vec(),
        timeout_ms,
    }
}

fn until(digits: &str) -> Op {
    Op::BridgeUntil {
        first: CALLER,
        second: BOB,
        digits: digits.into(),
    }
}

#[test]
fn what_happens_on_legs_is_told_alike() {
    let deeds = [(500, Deed::Press('7')), (4_000, Deed::Press('*'))];
    let ops = [
        answer(),
        dial("302"),
        wait(&[CALLER, BOB], 60_000),
        wait(&[BOB, CALLER], 60_000),
        wait(&[CALLER, BOB], 500),
        wait(&[CALLER, BOB], 60_000),
        wait(&[CALLER, BOB], 60_000),
        wait(&[LegId(7)], 60_000),
    ];
    let told = same(bob(1_000, Then::Answer, Some(8_000)), &deeds, &ops);
    let event = |at, event| (at, Outcome::LegEvent(Ok(event)));
    assert_eq!(
        told[2..],
        [
            event(1_000, LegEvent::Digit(0, '7')),
            event(4_000, LegEvent::Digit(1, '*')),
            event(4_500, LegEvent::Timeout),
            event(9_000, LegEvent::Gone(1)),
            event(9_000, LegEvent::Gone(1)),
            event(9_000, LegEvent::Gone(0)),
        ]
    );
}

#[test]
fn a_digit_ends_a_bridge_alike() {
    let deeds = [
        (3_000, Deed::Press('1')),
        (4_000, Deed::Press('*')),
        (4_600, Deed::Press('2')),
    ];
    let ops = [
        answer(),
        until("*"),
        dial("302"),
        until("*#"),
        collect(true, Vec::new()),
        until("*"),
        until("*"),
    ];
    let told = same(bob(1_000, Then::Answer, Some(10_000)), &deeds, &ops);
    let ended = |at, end| (at, Outcome::BridgedUntil(end));
    assert_eq!(told[1], ended(0, Err(LegError::Gone)));
    assert_eq!(told[3], ended(4_000, Ok(BridgeUntilEnd::Digit('*'))));
    assert_eq!(told[5], ended(11_000, Ok(BridgeUntilEnd::SecondHungUp)));
    assert_eq!(told[6], ended(11_000, Err(LegError::Gone)));
}

#[test]
fn a_deadline_ends_what_is_waited_for_alike() {
    let set = |after_ms| Op::Deadline(DeadlineOp::Set { after_ms });
    let passed = || Op::Deadline(DeadlineOp::Passed);
    let clear = || Op::Deadline(DeadlineOp::Clear);
    let sleep = Op::SleepMs { duration_ms: 5_000 };
    for waits in [play("hello.wav"), collect(true, silence()), sleep, dial("302")] {
        let ops = [
            answer(),
            set(1_500),
            passed(),
            waits.clone(),
            passed(),
            waits.clone(),
            play("hello.wav"),
            clear(),
            passed(),
            play("hello.wav"),
            set(60_000),
            play("hello.wav"),
        ];
        let told = same(bob(0, Then::Ring, None), &[], &ops);
        assert_eq!(
            (told[3].0, &told[4].1),
            (1_500, &Outcome::Flag(true)),
            "{waits:?}"
        );
        assert_eq!(told[5], (1_500, told[3].1.clone()), "{waits:?}");
        let late = LegError::Limit("the deadline has passed".into());
        assert_eq!(told[6], (1_500, Outcome::Played(Err(late))));
        assert_eq!((told[9].0, told[11].0), (4_000, 6_500), "{waits:?}");
    }
    for waits in [bridge(), until("*"), wait(&[CALLER, BOB], 60_000)] {
        let ops = [
            answer(),
            dial("302"),
            set(2_000),
            waits.clone(),
            clear(),
            play("hello.wav"),
            bridge(),
        ];
        let told = same(bob(500, Then::Answer, Some(9_000)), &[], &ops);
        assert_eq!(
            (told[3].0, told[5].0),
            (2_500, 5_000),
            "both legs are up: {waits:?}"
        );
        assert_eq!(told[6], (9_500, Outcome::Bridged(Ok(BridgeEnd::SecondHungUp))));
    }
}
