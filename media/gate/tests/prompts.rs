//! Files and speech as a phone hears them; what cannot be played is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]
#![allow(clippy::pedantic)]

mod kit;

use std::time::Instant;

use kit::{Rig, assert_continuous, power};
use tandem_bus::media::{Codec, Command, EndpointId, Event, PlayEnd, PlayId, ProgressTone, Prompt};

const A: EndpointId = EndpointId(1);

fn play(rig: &Rig, play: u64, prompts: Vec<Prompt>, repeat: bool) {
    rig.gate
        .send(Command::Play {
            endpoint: A,
            play: PlayId(play),
            prompts,
            repeat,
            from_ms: 0,
        })
        .unwrap();
}

fn file(name: &str) -> Prompt {
    Prompt::File(name.into())
}

fn ended(rig: &Rig, play: u64) -> (PlayEnd, u64) {
    match rig.event() {
        Event::PlayEnded {
            endpoint: A,
            play: PlayId(ended),
            end,
            played_ms,
        } if ended == play => (end, played_ms),
        other => panic!("{other:?}"),
    }
}

/// A file of each kind that sox writes: the tone is heard at its pitch and length, without a gap to the next. The
/// fourth is asked for when the first is over, and has the time of two to come.
#[test]
fn files_of_every_kind_are_heard() {
    let rig = Rig::new(42_100..=42_119);
    let dir = rig.dir.path().join("prompts/demo");
    std::fs::create_dir_all(&dir).unwrap();
    let kinds: [(&str, &[&str]); 5] = [
        ("cd", &["-r", "44100", "-b", "16", "-c", "2"]),
        ("studio", &["-r", "48000", "-b", "24", "-c", "1"]),
        ("old", &["-r", "11025", "-b", "8", "-c", "1"]),
        ("alaw", &["-r", "8000", "-e", "a-law", "-c", "1"]),
        ("mulaw", &["-r", "8000", "-e", "mu-law", "-c", "2"]),
    ];
    for (name, options) in kinds {
        let made = std::process::Command::new("sox")
            .args(["-n"])
            .args(options)
            .arg(dir.join(format!("{name}.wav")))
            .args(["synth", "1", "sine", "600", "gain", "-6"])
            .status()
            .unwrap();
        assert!(made.success());
    }
    let phone = rig.phone(1, Codec::Pcma);
    play(&rig, 1, kinds.iter().map(|(name, _)| file(name)).collect(), false);
    let heard = phone.listen_until(|heard| phone.sound(heard).len() >= 40_000);
    assert_continuous(&heard);
    for (n, part) in phone.sound(&heard).chunks_exact(8_000).enumerate() {
        let level = power(&part[400..7_600], 600.0);
        assert!((12_000.0..18_500.0).contains(&level), "part {n}: {level}");
    }
    let (end, played_ms) = ended(&rig, 1);
    assert_eq!(end, PlayEnd::Finished);
    assert!((4_995..=5_005).contains(&played_ms), "{played_ms}");
}

#[test]
fn text_is_spoken_and_kept() {
    let rig = Rig::new(42_120..=42_139);
    let phone = rig.phone(1, Codec::Pcmu);
    let speech = || Prompt::Speech {
        text: "Welcome. Press one for sales.".into(),
        language: String::new(),
    };
    play(&rig, 1, vec![speech(), Prompt::Silence(100), speech()], true);
    phone.listen_until(|heard| phone.decode(heard).iter().filter(|s| s.abs() > 1_000).count() > 1_000);
    play(&rig, 2, vec![speech()], false);
    assert_eq!(ended(&rig, 1).0, PlayEnd::Stopped);
    let (end, played_ms) = ended(&rig, 2);
    assert_eq!(end, PlayEnd::Finished);
    assert!((1_000..6_000).contains(&played_ms), "{played_ms}");
    let kept: Vec<_> = std::fs::read_dir(rig.dir.path().join("cache/speech"))
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(kept.len(), 1);
    for (what, is) in [
        ("-e", "Signed Integer PCM"),
        ("-b", "16"),
        ("-r", "8000"),
        ("-c", "1"),
    ] {
        let probed = std::process::Command::new("soxi")
            .arg(what)
            .arg(kept[0].path())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&probed.stdout).trim(), is);
    }
}

/// Each failure in its words, after what came before it was played; other domains' files are out of reach.
#[test]
fn what_cannot_be_played_is_told() {
    let rig = Rig::new(42_140..=42_159);
    let other = rig.dir.path().join("prompts/other");
    let own = rig.dir.path().join("prompts/demo");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(other.join("secret.wav"), b"RIFF").unwrap();
    std::fs::write(own.join("noise.wav"), b"this is no sound").unwrap();
    rig.phone(1, Codec::Pcma);
    let cases = [
        (file("missing"), "prompt \"missing\": No such file"),
        (file("../other/secret"), "is no prompt name"),
        (file("secret"), "No such file"),
        (file("noise"), "not a WAV file"),
        (
            Prompt::Speech {
                text: "x".repeat(5_000),
                language: String::new(),
            },
            "4096 can be spoken",
        ),
        (
            Prompt::Speech {
                text: "x".into(),
                language: "-x".into(),
            },
            "is no language tag",
        ),
        (
            Prompt::Speech {
                text: "x".into(),
                language: "zz-nowhere".into(),
            },
            "speaking failed",
        ),
    ];
    for (n, (prompt, words)) in (10..).zip(cases) {
        play(&rig, n, vec![Prompt::Silence(40), prompt], false);
        match ended(&rig, n) {
            (PlayEnd::Failed(why), 40) => assert!(why.contains(words), "{why}"),
            other => panic!("{words}: {other:?}"),
        }
    }
}

#[test]
fn a_repeated_tone_sounds_until_stopped() {
    let rig = Rig::new(42_160..=42_179);
    let phone = rig.phone(1, Codec::Pcma);
    let busy = Prompt::Progress {
        tone: ProgressTone::Busy,
        duration_ms: 400,
    };
    let begun = Instant::now();
    play(&rig, 1, vec![busy], true);
    let heard = phone.listen_until(|heard| phone.sound(heard).len() >= 9_600);
    let level = power(&phone.sound(&heard)[..6_400], 425.0);
    assert!(level > 5_000.0, "{level}");
    rig.gate
        .send(Command::Stop {
            endpoint: A,
            play: PlayId(9),
        })
        .unwrap();
    rig.gate
        .send(Command::Stop {
            endpoint: A,
            play: PlayId(1),
        })
        .unwrap();
    let (end, played_ms) = ended(&rig, 1);
    assert_eq!(end, PlayEnd::Stopped);
    // Ticks that the gate makes up for lie before the command.
    let most = begun.elapsed().as_millis() as u64 + 200;
    assert!((1_000..most).contains(&played_ms), "{played_ms} of {most}");
    play(&rig, 2, vec![], true);
    assert_eq!(ended(&rig, 2), (PlayEnd::Finished, 0));
}
