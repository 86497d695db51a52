//! A thousand calls: none is lost, also while another domain's module runs wild.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tandem_kit::tandem::Tandem;
use tandem_tests::load::{self, Outcome};

const CALLS: u64 = 1_000;
const PER_SECOND: u64 = 25;
/// Of a call: long enough for all that is to be heard in it, also where a busy machine holds it up.
const LENGTH: Duration = Duration::from_secs(8);

/// One load at a time: two would measure each other.
static ALONE: Mutex<()> = Mutex::new(());

fn start() -> Tandem {
    Tandem::builder().media_ports(4_000).start().unwrap()
}

#[track_caller]
fn none_lost(outcome: &Outcome, calls: u64) {
    let Outcome {
        callers,
        answerers,
        presses,
        heard,
        answered_heard,
    } = outcome;
    assert_eq!((callers.successful, callers.failed), (calls, 0), "{callers:?}");
    assert_eq!(
        (answerers.successful, answerers.failed),
        (calls, 0),
        "{answerers:?}"
    );
    let all = calls as usize;
    assert_eq!((*presses, *heard, *answered_heard), (all, all, all));
}

fn thousand_calls(tandem: &Tandem) {
    let outcome = load::menu_calls_of(tandem, CALLS, PER_SECOND, LENGTH).unwrap();
    none_lost(&outcome, CALLS);
}

#[test]
fn a_thousand_calls_pass_the_menu_and_none_is_lost() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut tandem = start();
    thousand_calls(&tandem);
    tandem.assert_alive().unwrap();
}

#[test]
fn none_is_lost_while_another_domains_module_loops() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut tandem = start();
    // A server that has just been made compiles the menu and has its texts spoken: a caller who is there before waits for
    // that, and for much longer where the processors are kept busy at the same time.
    load::one_is_greeted(&tandem).unwrap();
    let password = load::add_looping_domain(&tandem).unwrap();
    // As long as the load takes.
    let looping = load::looping_calls(&tandem, &password, 40, 1).unwrap();
    thousand_calls(&tandem);
    // Each of those calls fails, and each is told so.
    let looped = looping.finish().unwrap();
    assert_eq!(
        (looped.created, looped.successful, looped.timed_out),
        (40, 0, 0),
        "{looped:?}"
    );
    tandem.assert_alive().unwrap();
}
