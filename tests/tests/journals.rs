//! Logs that were damaged while nothing ran, and disks that take nothing: the server comes up, says so, and takes calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tandem_kit::baresip::{Baresip, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::{http, wait};
use tandem_tests::disk::Tiny;
use tandem_tests::phones::{SOON, menu_greets, phone, registered};
use tandem_tests::recovery::until_answered;

/// For a start, on a machine that does many other things.
const START: Duration = Duration::from_secs(30);

/// 301 and 302, in a call.
fn talking(tandem: &Tandem) -> (Baresip, Baresip) {
    let a = registered(tandem, "301", Transport::Udp).unwrap();
    let b = registered(tandem, "302", Transport::Udp).unwrap();
    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    b.wait_for(&EventKind::Established, SOON).unwrap();
    (a, b)
}

/// The segments of the one shard, the oldest first.
fn segments(data: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(data.join("journal/shard-0")).unwrap();
    let paths = folder.map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "log"))
        .collect();
    segments.sort();
    segments
}

fn change(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Starts it after the blow: how long until it acts.
fn comes_up(tandem: &mut Tandem) {
    let began = Instant::now();
    tandem.launch_again().unwrap();
    until_answered(tandem).unwrap();
    println!("up after {:?}", began.elapsed());
    assert!(began.elapsed() < START, "{:?}", began.elapsed());
}

/// Somebody who was not there before calls the menu.
fn new_call_works(tandem: &Tandem) {
    let c = phone(tandem, "303").unwrap().expires_s(0).start().unwrap();
    menu_greets(tandem, &c)
        .map_err(|failure| format!("{failure}: {}", tandem.log()))
        .unwrap();
}

fn says(tandem: &Tandem, words: &str) {
    wait::until(SOON, words, || tandem.log().contains(words).then_some(()))
        .map_err(|failure| format!("{failure}: {}", tandem.log()))
        .unwrap();
}

/// The kernel waits for files that the dead still have open.
fn read_only_soon(disk: &Tiny) -> bool {
    wait::until(SOON, "the files to be closed", || {
        disk.set_read_only(true).then_some(())
    })
    .is_ok()
}

fn one_shard() -> tandem_kit::tandem::Builder {
    Tandem::builder().set("call.shards", 1)
}

#[test]
fn log_that_was_cut_goes_on_with_what_is_left() {
    let mut tandem = one_shard().start().unwrap();
    let (a, b) = talking(&tandem);
    tandem.kill_all().unwrap();
    // Within the last record: the step that it was is not there, its call is.
    change(segments(tandem.data()).last().unwrap(), |bytes| {
        bytes.truncate(bytes.len() - 3);
    });
    comes_up(&mut tandem);
    says(&tandem, "cut off the last");
    new_call_works(&tandem);
    a.hangup().unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
}

#[test]
fn log_with_flipped_bits_costs_what_they_hit_and_says_so() {
    let mut tandem = one_shard().start().unwrap();
    let (_a, _b) = talking(&tandem);
    for part in [2, 3, 5, 9] {
        tandem.kill_all().unwrap();
        change(segments(tandem.data()).first().unwrap(), |bytes| {
            let at = bytes.len() / part;
            bytes[at] ^= 0x10;
        });
        comes_up(&mut tandem);
        says(&tandem, "a part of the log was dropped");
        new_call_works(&tandem);
    }
}

#[test]
fn log_of_a_newer_version_is_kept_aside_and_calls_begin_anew() {
    let mut tandem = one_shard().start().unwrap();
    let (_a, _b) = talking(&tandem);
    tandem.kill_all().unwrap();
    let first = segments(tandem.data()).remove(0);
    // Its checksum is that of this head: "TNDMSEGM", version 9, segment 1, batch 1.
    change(&first, |bytes| {
        bytes[8] = 9;
        let sum = twox_hash::XxHash3_64::oneshot(&bytes[..24]);
        bytes[24..32].copy_from_slice(&sum.to_le_bytes());
    });
    comes_up(&mut tandem);
    says(&tandem, "version 9");
    assert!(first.with_extension("log.newer").exists());
    new_call_works(&tandem);
}

#[test]
fn log_that_cannot_be_written_at_the_start_is_told_and_its_calls_go_on() {
    for read_only in [false, true] {
        let Some(disk) = Tiny::mount() else {
            println!("skipped: mounting is not allowed");
            return;
        };
        let mut tandem = one_shard().start().unwrap();
        let journal = tandem.data().join("journal");
        tandem.kill_all().unwrap();
        // The logs alone lie on the small disk.
        std::fs::remove_dir_all(&journal).unwrap();
        std::os::unix::fs::symlink(disk.path(), &journal).unwrap();
        tandem.start_again().unwrap();
        let (a, b) = talking(&tandem);
        tandem.kill_all().unwrap();
        assert!(if read_only {
            read_only_soon(&disk)
        } else {
            disk.fill()
        });

        comes_up(&mut tandem);
        // On a full disk the last page of a file may still take a little: a call writes more than that.
        new_call_works(&tandem);
        says(&tandem, "the log cannot be written");
        let unwell = wait::until(SOON, "/healthz", || {
            let (status, body) = http::get(tandem.web(), "/healthz").ok()?;
            (status != 200 && body.contains("the log cannot be written")).then_some(())
        });
        unwell.unwrap();
        new_call_works(&tandem);

        // It gets well by itself, and then protects again.
        assert!(if read_only {
            disk.set_read_only(false)
        } else {
            disk.make_room()
        });
        tandem.wait_healthy().unwrap();
        tandem.kill_all().unwrap();
        comes_up(&mut tandem);
        new_call_works(&tandem);
        a.hangup().unwrap();
        b.wait_for(&EventKind::Closed, SOON).unwrap();
    }
}
