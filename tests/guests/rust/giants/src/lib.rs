//! Hands over a text of a mebibyte by one of the imports: its configuration is the index of which.

use std::time::Duration;

use tandem_sdk::mail::Mail;
use tandem_sdk::originate::{self, Originate};
use tandem_sdk::recording::{self, Record, Recording};
use tandem_sdk::{
    Address, Collect, Dial, Leg, Prompt, Target, TransferTarget, checkpoint, config, contacts, dial,
    find_user, http, key_value, log, metrics, pick_up, schedule, send_message, timers, trace, transfer,
    voicemail,
};

tandem_sdk::scenario!(handle);

type Way = fn(&Leg, &str);

/// Each argument of each import that takes a text or bytes. What comes back does not matter: nothing does.
const WAYS: &[Way] = &[
    |leg, giant| drop(leg.header(giant)),
    |leg, giant| drop(leg.play(&[Prompt::say(giant, "en")])),
    |leg, giant| drop(leg.play(&[Prompt::say("Hello", giant)])),
    |leg, giant| drop(leg.play(&[Prompt::file(giant)])),
    |leg, giant| {
        let prompts = vec![Prompt::say(giant, "en")];
        drop(leg.collect(&Collect {
            prompts,
            ..Collect::default()
        }));
    },
    |leg, giant| {
        let terminators = giant.to_owned();
        drop(leg.collect(&Collect {
            terminators,
            ..Collect::default()
        }));
    },
    |leg, giant| drop(leg.send_digits(giant)),
    |leg, giant| drop(dial(leg, &[Target::number(giant)], &Dial::default())),
    |leg, giant| {
        let caller_id = Some(address(giant));
        drop(dial(
            leg,
            &[Target::user("302")],
            &Dial {
                caller_id,
                ..Dial::default()
            },
        ));
    },
    |leg, giant| drop(transfer(leg, &TransferTarget::uri(giant), Duration::from_secs(1))),
    |leg, giant| drop(pick_up(leg, &[giant.to_owned()])),
    |_, giant| {
        drop(originate::call(
            &Target::number(giant),
            "900",
            "",
            &Originate::default(),
        ))
    },
    |_, giant| {
        drop(originate::call(
            &Target::user("302"),
            giant,
            "",
            &Originate::default(),
        ))
    },
    |_, giant| {
        drop(originate::call(
            &Target::user("302"),
            "900",
            giant,
            &Originate::default(),
        ))
    },
    |leg, giant| {
        let stop_digits = giant.to_owned();
        drop(recording::record(
            leg,
            &Record {
                stop_digits,
                ..Record::default()
            },
        ));
    },
    |_, giant| drop(recording::delete(giant)),
    |_, giant| drop(send_message(giant, "", None)),
    |_, giant| drop(send_message("302", giant, None)),
    |_, giant| drop(send_message("302", "", Some(&address(giant)))),
    |_, giant| drop(Mail::to(giant).send()),
    |_, giant| drop(Mail::to("a@example.com").subject(giant).send()),
    |_, giant| drop(Mail::to("a@example.com").text(giant).send()),
    |_, giant| drop(Mail::to("a@example.com").html(giant).send()),
    |_, giant| drop(Mail::to("a@example.com").attach(giant).send()),
    |_, giant| {
        let recording = Recording {
            name: giant.to_owned(),
            duration_ms: 1,
            bytes: 1,
        };
        drop(voicemail::store("302", &recording, &address("301")));
    },
    |_, giant| drop(voicemail::list(giant, None, 0, 1)),
    |_, giant| drop(voicemail::delete(giant, 1)),
    |_, giant| drop(voicemail::count(giant)),
    |_, giant| drop(contacts::find_by_number(giant)),
    |_, giant| drop(contacts::search(giant, 1)),
    |_, giant| drop(schedule::look_up(giant)),
    |_, giant| drop(find_user(giant)),
    |_, giant| drop(key_value::get(giant)),
    |_, giant| drop(key_value::set(giant, b"")),
    |_, giant| drop(key_value::set("key", giant.as_bytes())),
    |_, giant| drop(key_value::delete(giant)),
    |_, giant| drop(key_value::increment(giant, 1)),
    |_, giant| drop(key_value::keys(giant, "", 1)),
    |_, giant| drop(key_value::keys("", giant, 1)),
    |_, giant| drop(http::Request::get(giant).send()),
    |_, giant| {
        drop(
            http::Request::get("https://a.example/")
                .header("X-A", giant)
                .send(),
        )
    },
    |_, giant| drop(http::Request::post("https://a.example/", "text/plain", giant).send()),
    |_, giant| drop(timers::set(giant, Duration::from_secs(1), "")),
    |_, giant| drop(timers::set("timer", Duration::from_secs(1), giant)),
    |_, giant| drop(timers::cancel(giant)),
    |_, giant| log::info(giant),
    |_, giant| trace::step(giant, "name"),
    |_, giant| trace::step("id", giant),
    |_, giant| drop(metrics::count(giant, 1)),
    |_, giant| drop(metrics::gauge(giant, 1.0)),
    |_, giant| drop(metrics::observe(giant, 1.0)),
    |_, giant| drop(checkpoint::renew(giant.as_bytes())),
];

fn address(user: &str) -> Address {
    Address {
        user: user.to_owned(),
        host: String::new(),
        display_name: String::new(),
    }
}

/// Beyond the last way it says so.
pub fn handle(caller: Leg) -> Result<(), String> {
    let index: usize = config::document().parse().map_err(|_| "which?")?;
    let way = WAYS.get(index).ok_or("there are no more")?;
    way(&caller, &"x".repeat(1 << 20));
    Err("it was taken".to_owned())
}
