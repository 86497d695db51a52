//! Panics in a function below its handler: the log must say what and where.

use tandem_sdk::Leg;

tandem_sdk::scenario!(handle);

/// Looks for a department that is not there.
pub fn handle(_caller: Leg) -> Result<(), String> {
    find("999");
    Ok(())
}

fn find(number: &str) {
    panic!("no department has {number}");
}
