//! A flow for the tests of dialogs.

use crate::flow::{Flow, Transport};

pub fn flow() -> Flow {
    Flow {
        transport: Transport::Udp,
        local: ([192, 0, 2, 1], 5060).into(),
        remote: ([192, 0, 2, 2], 5060).into(),
        connection: 0,
    }
}
