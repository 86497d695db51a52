use crate::bindings::tandem::pbx::pickup as raw;
use crate::{Leg, PickUpFailure};

/// Takes over the call that has rung longest at one of these users (1 to 64 names), and gives a leg for who calls there:
/// bridge `picker`, an answered leg, with it to talk. That leg can be bridged and hung up, nothing else.
pub fn pick_up(picker: &Leg, users: &[String]) -> Result<Leg, PickUpFailure> {
    raw::pick_up(picker.raw(), users).map(Leg::from)
}

/// For `?` in a scenario: the text of its error.
impl From<PickUpFailure> for String {
    fn from(failure: PickUpFailure) -> Self {
        match failure {
            PickUpFailure::Gone => "pick-up: the peer hung up".into(),
            PickUpFailure::WrongState(why) => format!("pick-up: wrong state: {why}"),
            PickUpFailure::NothingRings => "pick-up: nothing rings".into(),
            PickUpFailure::BadArgument(why) => format!("pick-up: bad argument: {why}"),
            PickUpFailure::Limit(why) => format!("pick-up: limit: {why}"),
        }
    }
}
