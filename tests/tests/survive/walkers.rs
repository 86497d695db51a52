//! Many calls at once, and the server by itself.

use super::*;
use tandem_kit::baresip::Transport;
use tandem_kit::fleet::Fleet;
use tandem_tests::phones::{menu_greets, registered};
use tandem_tests::recovery::{Blow, fleet, kill_call_logic, start_for_fleet, until_answered};

/// `make survive` in small: calls that walk through a menu of twelve steps while the call logic dies again and again.
fn twenty_calls(kills: u32) {
    const CALLS: usize = 20;
    let tandem = start_for_fleet(CALLS, &[]).unwrap();
    let dwell = Some((ms(300), ms(2_000)));
    let fleet = Fleet::start(fleet(&tandem, CALLS, dwell).unwrap()).unwrap();
    fleet.wait_walking(LONG).unwrap();
    for n in 0..kills {
        std::thread::sleep(ms(300 + 150 * u64::from(n)));
        let back = kill_call_logic(&tandem).unwrap();
        println!("killed, back after {back:?}");
    }
    // A step takes two seconds at most: where there are four more a call, each call has taken one.
    let steps = fleet.now().reached + 4 * CALLS as u64;
    wait::until(LONG, "more steps", || {
        (fleet.now().reached >= steps).then_some(())
    })
    .unwrap_or_else(|failure| panic!("{failure}: {:?}", fleet.now()));
    let now = fleet.now();
    assert_eq!(now.ended, 0, "{now:?}");
    let reports = fleet.hang_up().unwrap();
    let lost: Vec<_> = reports.iter().filter(|call| !call.survived()).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let wrong: Vec<_> = reports.iter().flat_map(|call| &call.wrong).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(reports.iter().all(|call| call.reached >= 2), "{reports:?}");
    wait::until(LONG, "all records", || {
        (calls::list(&tandem).ok()?.len() == CALLS).then_some(())
    })
    .unwrap();
}

#[test]
fn undisturbed_calls_walk_through_a_menu() {
    twenty_calls(0);
}

#[test]
fn twenty_calls_walk_through_a_menu_while_the_call_logic_is_killed_five_times() {
    twenty_calls(5);
}

/// With no call up: what was recorded before is still there, and phones find it where it was.
#[test]
fn killed_server_starts_again_on_its_data_and_its_ports() {
    let mut tandem = Tandem::builder().start().unwrap();
    let a = registered(&tandem, "301", Transport::Tcp).unwrap();
    menu_greets(&tandem, &a).unwrap();
    calls::only_call(&tandem).unwrap();
    let old = tandem.id();
    Blow::Everything.strike(&mut tandem).unwrap();
    assert_ne!(tandem.id(), old);
    until_answered(&tandem).unwrap();
    menu_greets(&tandem, &a).unwrap();
    wait::until(LONG, "the second record", || {
        (calls::list(&tandem).ok()?.len() == 2).then_some(())
    })
    .unwrap();
    tandem.assert_alive().unwrap();
}
