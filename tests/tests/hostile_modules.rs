//! Modules that trap, loop, eat memory or return errors cost their own call, with the answer that their number's
//! administrator chose; the next caller notices nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::time::Duration;
use tandem_kit::baresip::Baresip;
use tandem_kit::folder::Folder;
use tandem_kit::tandem::{Output, Tandem};
use tandem_kit::wait;
use tandem_tests::phones::{SOON, menu_greets, phone, refusal};
use tandem_tests::{calls, modules};

const NUMBER: &str = "700";
/// Computes until its time is up, which is made short.
const LOOP: &str = "loop";

/// Until a guest has met its limit: it computes behind all else that this machine is busy with.
const REFUSED: Duration = Duration::from_secs(30);

/// Calls the guest; the server, the caller and the hash of the guest.
fn refused_by(guest: &str, more: &[&str], status: &str) -> (Tandem, Baresip, String) {
    let tandem = Tandem::builder().start().unwrap();
    let hash = modules::offer(&tandem, &tandem.demo().domain, guest, NUMBER, more).unwrap();
    if guest == LOOP {
        modules::limit_cpu(&tandem, &tandem.demo().domain, guest).unwrap();
    }
    let caller = phone(&tandem, "301").unwrap().expires_s(0).start().unwrap();
    let refused = refusal(&caller, NUMBER, REFUSED).unwrap();
    assert!(refused.starts_with(status), "{guest}: {refused}");
    (tandem, caller, hash)
}

/// The guest fails for this reason: caller, record and log are told, and the menu still works.
fn fails(guest: &str, more: &[&str], status: &str, logged: &[&str]) {
    let (mut tandem, caller, hash) = refused_by(guest, more, status);
    let call = calls::call_to(&tandem, NUMBER).unwrap();
    assert_eq!(call.text("cause").unwrap(), "scenario-failed");
    assert_eq!(call.text("scenario_hash").unwrap(), hash);
    assert_eq!(call.text("ended_by").unwrap(), "scenario");

    // The line that tells of it names the call.
    let (log, id) = (tandem.log(), call.id().unwrap());
    let told = log
        .lines()
        .any(|line| line.contains(&id) && logged.iter().all(|words| line.contains(words)));
    assert!(told, "no line with {logged:?} and {id} in\n{log}");

    menu_greets(&tandem, &caller).unwrap();
    tandem.assert_alive().unwrap();
}

#[test]
fn trap_is_told_with_the_functions_that_it_happened_in() {
    fails(
        "trap",
        &[],
        "480",
        &["trapped", "unreachable", "open_the_box", "find_the_box"],
    );
}

#[test]
fn endless_loop_ends_with_its_cpu_time() {
    fails(LOOP, &[], "480", &["limit", "CPU"]);
}

#[test]
fn eaten_memory_ends_the_scenario() {
    fails("memory-bomb", &[], "480", &["limit", "memory"]);
}

#[test]
fn endless_recursion_ends_with_its_stack() {
    fails("recursion", &[], "480", &["trapped", "stack"]);
}

#[test]
fn returned_error_is_told_with_its_text() {
    fails("error", &[], "480", &["error", "nobody home"]);
}

#[test]
fn endless_host_calls_end_the_scenario() {
    fails("storm", &[], "480", &["limit"]);
}

#[test]
fn number_with_another_fallback_answers_with_that() {
    fails("trap", &["--fallback", "busy"], "486", &["trapped"]);
}

/// It ends by itself without having answered, which is no failure.
#[test]
fn log_storm_is_cut_off_with_a_line_that_says_so() {
    let (mut tandem, caller, hash) = refused_by("log-storm", &[], "480");
    let call = calls::call_to(&tandem, NUMBER).unwrap();
    assert_eq!(call.text("scenario_hash").unwrap(), hash);
    assert_eq!(call.text("cause").unwrap(), "unavailable");
    let log = tandem.log();
    assert!(log.contains("the call's log has reached its limit"));
    assert!(
        log.len() < 10 << 20,
        "two megabytes of text made {} bytes of log",
        log.len()
    );
    menu_greets(&tandem, &caller).unwrap();
    tandem.assert_alive().unwrap();
}

/// One after the other, so that what one leaves behind would meet the next.
#[test]
fn all_of_them_in_a_row_leave_a_server_that_works() {
    let mut tandem = Tandem::builder().start().unwrap();
    let caller = phone(&tandem, "301").unwrap().expires_s(0).start().unwrap();
    let guests = ["trap", LOOP, "memory-bomb", "recursion", "error", "storm"];
    for (index, guest) in guests.iter().enumerate() {
        let number = format!("70{index}");
        modules::offer(&tandem, &tandem.demo().domain, guest, &number, &[]).unwrap();
    }
    modules::limit_cpu(&tandem, &tandem.demo().domain, LOOP).unwrap();
    for round in 0..2 {
        for (index, guest) in guests.iter().enumerate() {
            let refused = refusal(&caller, &format!("70{index}"), REFUSED).unwrap();
            assert!(refused.starts_with("480"), "round {round}, {guest}: {refused}");
        }
    }
    menu_greets(&tandem, &caller).unwrap();
    wait::until(SOON, "the end of all calls", || {
        (tandem.metric("tandem_calls_active").ok()? == 0.0).then_some(())
    })
    .unwrap();
    tandem.assert_alive().unwrap();
}

/// Tries to add this as a scenario.
fn upload(tandem: &Tandem, bytes: &[u8]) -> Output {
    let folder = Folder::new("module").unwrap();
    let file = folder.write("upload.wasm", bytes).unwrap();
    tandem
        .cli(&["scenario", "add", file.to_str().unwrap(), "--name", "upload"])
        .unwrap()
}

#[track_caller]
fn refused_upload(bytes: &[u8], words: &[&str]) {
    let tandem = Tandem::builder().start().unwrap();
    let output = upload(&tandem, bytes);
    assert_eq!(output.code, Some(1), "{output:?}");
    for word in words {
        assert!(output.stderr.contains(word), "{word:?} is not in {output:?}");
    }
    assert!(output.stderr.contains("upload.wasm"), "which file: {output:?}");
    let kept = tandem.cli(&["scenario", "list"]).unwrap();
    assert!(!kept.stdout.contains("upload"), "{kept:?}");
}

#[test]
fn upload_of_garbage_is_refused() {
    refused_upload(
        b"MZ\x90\x00 this is another kind of program",
        &["no WASM component"],
    );
}

#[test]
fn upload_of_nothing_is_refused() {
    refused_upload(b"", &["not-wasm", "the file is empty"]);
}

#[test]
fn upload_of_a_hundred_megabytes_is_refused() {
    refused_upload(&vec![0; 100 << 20], &["too-large", "33554432"]);
}

#[test]
fn upload_of_a_core_module_is_refused_as_such() {
    let module = wat::parse_str("(module (func (export \"handle\")))").unwrap();
    refused_upload(&module, &["core WASM module", "not a component"]);
}

#[test]
fn upload_of_a_component_with_a_foreign_import_is_refused_with_its_name() {
    let component = wat::parse_str(
        "(component (import \"evil:host/files@1.0.0\" (instance (export \"read\" (func (result string))))))",
    )
    .unwrap();
    refused_upload(&component, &["evil:host/files"]);
}

#[test]
fn upload_of_a_component_that_handles_no_calls_is_refused() {
    refused_upload(
        &wat::parse_str("(component)").unwrap(),
        &["tandem:pbx/call-handler"],
    );
}

#[test]
fn upload_that_is_cut_short_is_refused() {
    let mut bytes = wat::parse_file(modules::source("trap")).unwrap();
    bytes.truncate(bytes.len() - 10);
    refused_upload(&bytes, &["unexpected end"]);
}
