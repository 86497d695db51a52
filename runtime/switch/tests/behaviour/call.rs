//! One leg and its scenario: answer, prompts, digits, endings.

use tandem_bus::media::{Command, Refusal};
use tandem_host_api::End;
use tandem_host_api::op::{
    Cause, CollectEnd, CollectRule, Collected, LegError, LegId, Op, Outcome, PlayEnd, ProgressTone, Prompt,
};
use tandem_sip::Method;
use tandem_switch::{CallKey, Input};

use crate::kit::phone::endpoint;
use crate::kit::*;

const LEG: LegId = LegId(0);

fn rule() -> CollectRule {
    CollectRule {
        prompts: vec![Prompt::Silence(3_000)],
        barge_in: true,
        min: 1,
        max: 3,
        terminators: "#".into(),
        first_digit_timeout_ms: 5_000,
        inter_digit_timeout_ms: 2_000,
    }
}

fn collected(digits: &str, end: CollectEnd) -> Outcome {
    Outcome::Collected(Ok(Collected {
        digits: digits.into(),
        complete: !digits.is_empty(),
        end,
    }))
}

fn play(w: &mut World, call: CallKey) -> Option<Outcome> {
    w.perform(
        call,
        Op::Play {
            leg: LEG,
            prompts: vec![Prompt::File("hello.wav".into())],
        },
    )
}

#[test]
fn prompts_are_played_to_their_end() {
    let mut w = World::new(1);
    let call = Phone::new("301", 6010).talk(&mut w);
    assert_eq!(play(&mut w, call), None);
    w.run(ms(1_999));
    assert!(w.outcomes.is_empty());
    w.run(ms(1));
    assert_eq!(
        w.outcomes.pop_front(),
        Some(Outcome::Played(Ok(PlayEnd::Finished)))
    );
}

#[test]
fn a_prompt_that_is_missing_is_a_media_error() {
    let mut w = World::new(2);
    let call = Phone::new("301", 6010).talk(&mut w);
    let prompts = vec![Prompt::File("missing.wav".into())];
    let outcome = w.perform(call, Op::Play { leg: LEG, prompts });
    assert_eq!(
        outcome,
        Some(Outcome::Played(Err(LegError::Media("no such file".into()))))
    );
}

#[test]
fn nothing_can_be_played_before_the_answer() {
    let mut w = World::new(3);
    let call = Phone::new("301", 6010).call(&mut w);
    assert!(matches!(
        play(&mut w, call),
        Some(Outcome::Played(Err(LegError::WrongState(_))))
    ));
}

#[test]
fn a_digit_stops_the_prompts_and_the_terminator_ends_the_entry() {
    let mut w = World::new(4);
    let call = Phone::new("301", 6010).talk(&mut w);
    assert_eq!(
        w.perform(
            call,
            Op::Collect {
                leg: LEG,
                rule: rule()
            }
        ),
        None
    );
    w.run(ms(500));
    w.digit(endpoint(0), '4');
    assert!(w.gate.was_told(|c| matches!(c, Command::Stop { .. })));
    w.digit(endpoint(0), '#');
    assert_eq!(
        w.outcomes.pop_front(),
        Some(collected("4", CollectEnd::Terminator))
    );
}

#[test]
fn digits_typed_ahead_count_and_no_prompt_begins() {
    let mut w = World::new(5);
    let call = Phone::new("301", 6010).talk(&mut w);
    w.digit(endpoint(0), '1');
    w.digit(endpoint(0), '2');
    assert_eq!(
        w.perform(
            call,
            Op::Collect {
                leg: LEG,
                rule: rule()
            }
        ),
        None
    );
    assert!(!w.gate.was_told(|c| matches!(c, Command::Play { .. })));
    w.run(secs(2));
    assert_eq!(w.outcomes.pop_front(), Some(collected("12", CollectEnd::Timeout)));
    // What is typed beyond an entry is kept for the next.
    for digit in ['1', '2', '3', '4'] {
        w.digit(endpoint(0), digit);
    }
    assert_eq!(
        w.perform(
            call,
            Op::Collect {
                leg: LEG,
                rule: rule()
            }
        ),
        Some(collected("123", CollectEnd::Full))
    );
    assert_eq!(
        w.perform(
            call,
            Op::Collect {
                leg: LEG,
                rule: rule()
            }
        ),
        None
    );
    w.run(secs(2));
    assert_eq!(w.outcomes.pop_front(), Some(collected("4", CollectEnd::Timeout)));
}

#[test]
fn without_barge_in_what_was_typed_ahead_is_dropped() {
    let mut w = World::new(6);
    let call = Phone::new("301", 6010).talk(&mut w);
    w.digit(endpoint(0), '1');
    assert_eq!(
        w.perform(
            call,
            Op::Collect {
                leg: LEG,
                rule: CollectRule {
                    barge_in: false,
                    ..rule()
                }
            }
        ),
        None
    );
    w.digit(endpoint(0), '2');
    w.run(secs(8));
    assert_eq!(w.outcomes.pop_front(), Some(collected("", CollectEnd::Timeout)));
}

#[test]
fn the_first_digits_time_begins_at_the_end_of_its_own_prompts() {
    let mut w = World::new(7);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    // A ringback tone that is stopped when the dial ends may say so only after the prompts have begun.
    let tone = Op::Dial {
        caller: LEG,
        targets: vec![tandem_host_api::op::Target::User("302".into())],
        options: super::dialling::options(),
    };
    assert_eq!(w.perform(call, tone), None);
    assert!(b.rings(&mut w));
    b.respond(&mut w, 180, None);
    b.respond(&mut w, 486, None);
    w.outcomes.clear();
    assert_eq!(
        w.perform(
            call,
            Op::Collect {
                leg: LEG,
                rule: rule()
            }
        ),
        None
    );
    let plays: Vec<_> = w
        .gate
        .commands
        .iter()
        .filter_map(|c| match c {
            Command::Play { play, .. } => Some(*play),
            _ => None,
        })
        .collect();
    assert_eq!(plays.len(), 2);
    let end = tandem_bus::media::PlayEnd::Stopped;
    w.give(Input::Media(tandem_bus::media::Event::PlayEnded {
        endpoint: endpoint(0),
        play: plays[0],
        end,
        played_ms: 0,
    }));
    w.run(ms(7_900));
    assert!(w.outcomes.is_empty());
    w.run(ms(100));
    assert_eq!(w.outcomes.pop_front(), Some(collected("", CollectEnd::Timeout)));
}

#[test]
fn the_caller_hangs_up_and_the_scenario_is_told_gone() {
    let mut w = World::new(8);
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    assert_eq!(play(&mut w, call), None);
    w.run(ms(700));
    a.bye(&mut w);
    assert_eq!(w.outcomes.pop_front(), Some(Outcome::Played(Err(LegError::Gone))));
    assert_eq!(play(&mut w, call), Some(Outcome::Played(Err(LegError::Gone))));
    w.end(call, End::Returned);
    let summary = &w.record().summary;
    assert_eq!(
        (summary.cause.as_str(), summary.ended_by.as_str()),
        ("normal", "caller")
    );
    assert_eq!((summary.duration_ms, summary.sip_status), (700, Some(200)));
    assert_eq!(w.shard.calls(), 0);
    assert!(w.gate.endpoints().is_empty());
}

#[test]
fn the_scenario_hangs_up() {
    let mut w = World::new(9);
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    w.run(secs(1));
    assert_eq!(
        w.perform(
            call,
            Op::HangUp {
                leg: LEG,
                cause: Cause::Normal
            }
        ),
        Some(Outcome::Leg(Ok(())))
    );
    let got = w.inbox(6010);
    assert_eq!(got[0].method(), Some(Method::Bye));
    a.reply(&mut w, &got[0], 200);
    w.end(call, End::Returned);
    let summary = &w.record().summary;
    assert_eq!(
        (summary.cause.as_str(), summary.ended_by.as_str()),
        ("normal", "scenario")
    );
}

#[test]
fn a_scenario_that_ends_without_an_answer_leaves_the_caller_unavailable() {
    let mut w = World::new(10);
    let call = Phone::new("301", 6010).call(&mut w);
    w.end(call, End::Returned);
    assert_eq!(w.got(6010), ["480"]);
    let summary = &w.record().summary;
    assert_eq!(
        (summary.cause.as_str(), summary.sip_status),
        ("unavailable", Some(480))
    );
    assert_eq!(
        (summary.ended_by.as_str(), summary.answered_at),
        ("scenario", None)
    );
}

#[test]
fn a_scenario_that_fails_gives_the_fall_back_cause() {
    let mut w = World::new(11);
    let call = Phone::new("301", 6010).call(&mut w);
    w.end(call, End::Failed("no".into()));
    assert_eq!(w.got(6010), ["480"]);
    assert_eq!(w.record().summary.cause, "scenario-failed");
}

#[test]
fn each_cause_of_a_refusal_has_its_status_and_word() {
    for (cause, status, word) in [
        (Cause::Busy, "486", "busy"),
        (Cause::Declined, "603", "declined"),
        (Cause::Forbidden, "403", "forbidden"),
        (Cause::Congested, "503", "congested"),
        (Cause::Status(433), "433", "rejected"),
    ] {
        let mut w = World::new(12);
        let call = Phone::new("301", 6010).call(&mut w);
        w.perform(call, Op::HangUp { leg: LEG, cause });
        assert_eq!(w.got(6010), [status]);
        w.end(call, End::Returned);
        assert_eq!(w.record().summary.cause, word);
        assert_eq!(w.record().summary.ended_by, "scenario");
    }
}

#[test]
fn a_caller_that_cancels_gets_487_and_the_scenario_is_told_gone() {
    let mut w = World::new(13);
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    w.perform(call, Op::EarlyMedia { leg: LEG });
    let prompts = vec![Prompt::Progress {
        tone: ProgressTone::Ringback,
        duration_ms: 9_000,
    }];
    assert_eq!(w.perform(call, Op::Play { leg: LEG, prompts }), None);
    assert_eq!(w.got(6010), ["183"]);
    w.run(secs(2));
    a.cancel(&mut w);
    assert_eq!(w.got(6010), ["200", "487"]);
    assert_eq!(w.outcomes.pop_front(), Some(Outcome::Played(Err(LegError::Gone))));
    w.end(call, End::CallOver);
    let summary = &w.record().summary;
    assert_eq!(
        (summary.cause.as_str(), summary.ended_by.as_str()),
        ("cancelled", "caller")
    );
    assert_eq!((summary.sip_status, summary.duration_ms), (Some(487), 2_000));
}

#[test]
fn a_gate_without_ports_is_a_media_error_and_the_caller_may_still_be_refused() {
    let mut w = World::new(14);
    let call = Phone::new("301", 6010).call(&mut w);
    w.gate.refuses = Some(Refusal::PortsTaken);
    let outcome = w.perform(call, Op::Answer { leg: LEG });
    assert_eq!(
        outcome,
        Some(Outcome::Leg(Err(LegError::Media(
            "every media port is taken".into()
        ))))
    );
    w.perform(
        call,
        Op::HangUp {
            leg: LEG,
            cause: Cause::Congested,
        },
    );
    assert_eq!(w.got(6010), ["503"]);
    w.end(call, End::Returned);
    assert_eq!(w.record().summary.cause, "congested");
    assert_eq!(w.shard.calls(), 0);
}

#[test]
fn a_200_without_ack_is_repeated_and_ended_by_bye_after_64_t1() {
    let mut w = World::new(15);
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    w.perform(call, Op::Answer { leg: LEG });
    assert_eq!(play(&mut w, call), None);
    w.run(ms(31_999));
    assert_eq!(w.got(6010), vec!["200"; 11]);
    w.outcomes.clear();
    w.run(ms(1));
    assert_eq!(w.got(6010), ["BYE"]);
    assert_eq!(play(&mut w, call), Some(Outcome::Played(Err(LegError::Gone))));
    w.end(call, End::CallOver);
    let summary = &w.record().summary;
    assert_eq!(
        (summary.cause.as_str(), summary.ended_by.as_str()),
        ("lost", "system")
    );
}

/// RFC 3261 §15: the callee may not send BYE before the ACK of its 200.
#[test]
fn a_bye_waits_for_the_ack() {
    let mut w = World::new(16);
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    w.perform(call, Op::Answer { leg: LEG });
    w.perform(
        call,
        Op::HangUp {
            leg: LEG,
            cause: Cause::Normal,
        },
    );
    w.end(call, End::Returned);
    w.run(ms(600));
    let oks = w.inbox(6010);
    assert_eq!(
        oks.iter().map(short).collect::<Vec<_>>(),
        ["200", "200"],
        "the 200 is repeated, no BYE yet"
    );
    a.dialog =
        Some(tandem_sip::dialog::Dialog::uac(a.invite.as_ref().unwrap(), &oks[0], flow(6010)).unwrap());
    a.ack(&mut w, None);
    assert_eq!(w.got(6010), ["BYE"]);
    assert_eq!(w.record().summary.duration_ms, 0);
    assert_eq!(w.shard.calls(), 0);
}

#[test]
fn a_bye_that_waits_for_an_ack_that_never_comes_leaves_after_64_t1() {
    let mut w = World::new(17);
    let call = Phone::new("301", 6010).call(&mut w);
    w.perform(call, Op::Answer { leg: LEG });
    w.end(call, End::Returned);
    w.run(secs(40));
    let got = w.got(6010);
    assert_eq!(got.iter().filter(|m| *m == "200").count(), 11);
    assert!(got.contains(&"BYE".to_owned()));
    assert_eq!((w.records.len(), w.shard.calls()), (1, 0));
}

#[test]
fn a_scenario_that_goes_on_without_legs_is_stopped_once_after_30_s() {
    for hang_up in [false, true] {
        let mut w = World::new(18);
        let mut a = Phone::new("301", 6010);
        let call = a.talk(&mut w);
        if hang_up {
            w.perform(
                call,
                Op::HangUp {
                    leg: LEG,
                    cause: Cause::Normal,
                },
            );
        } else {
            a.bye(&mut w);
        }
        assert_eq!(w.perform(call, Op::SleepMs { duration_ms: 600_000 }), None);
        w.run(ms(29_999));
        assert!(w.stopped.is_empty());
        w.run(secs(100));
        assert_eq!(w.stopped, [call], "hung up by the scenario: {hang_up}");
        assert_eq!((w.records.len(), w.shard.calls()), (1, 0));
    }
}

#[test]
fn the_end_of_all_calls_hangs_up_and_stops_each_scenario() {
    let mut w = World::new(19);
    let mut a = Phone::new("301", 6010);
    let first = a.talk(&mut w);
    let second = Phone::new("302", 6020).call(&mut w);
    w.give(Input::EndAll);
    let mut stopped = w.stopped.clone();
    stopped.sort();
    assert_eq!(stopped, [first, second]);
    assert_eq!(
        (w.got(6010), w.got(6020)),
        (vec!["BYE".to_owned()], vec!["503".to_owned()])
    );
    let mut causes: Vec<_> = w
        .records
        .iter()
        .map(|r| (r.summary.cause.as_str(), r.summary.ended_by.as_str()))
        .collect();
    causes.sort_unstable();
    assert_eq!(causes, [("congested", "system"), ("stopped", "system")]);
}

#[test]
fn a_store_that_does_not_answer_is_said_in_the_words_of_what_was_asked() {
    let mut w = World::new(20);
    let call = Phone::new("301", 6010).call(&mut w);
    w.silent = true;
    for op in [
        Op::KvGet { key: "k".into() },
        Op::FindUser { number: "301".into() },
    ] {
        assert_eq!(w.perform(call, op.clone()), None);
        let (number, _) = w.kept.pop().unwrap();
        w.give(Input::Answered {
            number,
            answer: tandem_switch::Answer::Unavailable,
        });
        let outcome = w.outcomes.pop_front().unwrap();
        assert!(op.accepts(&outcome), "{outcome:?}");
    }
}

#[test]
fn a_server_that_stops_waits_for_no_ack() {
    let mut w = World::new(21);
    let call = Phone::new("301", 6010).call(&mut w);
    w.perform(call, Op::Answer { leg: LEG });
    w.end(call, End::Returned);
    assert_eq!(w.shard.calls(), 1);
    w.give(Input::EndAll);
    assert_eq!((w.got(6010).pop().as_deref(), w.shard.calls()), (Some("BYE"), 0));
}
