//! `clock`: time as the journal knows it.

use tandem_bindings::tandem::pbx::clock as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{LocalTime, Op, Outcome};

/// One day: longer sleeps are taken for that, as the WIT says.
const SLEEP_MS_MAX: u32 = 86_400_000;

impl wit::Host for Door {
    async fn now_ms(&mut self) -> Result<u64> {
        match self.ask(Op::NowMs).await? {
            Outcome::Number(now_ms) => Ok(now_ms),
            other => misfit(&other),
        }
    }

    async fn local(&mut self) -> Result<wit::LocalTime> {
        match self.ask(Op::LocalTime).await? {
            Outcome::LocalTime(time) => Ok(local_time(time)),
            other => misfit(&other),
        }
    }

    async fn sleep_ms(&mut self, duration_ms: u32) -> Result<()> {
        self.ask(Op::SleepMs {
            duration_ms: duration_ms.min(SLEEP_MS_MAX),
        })
        .await?;
        Ok(())
    }
}

fn local_time(time: LocalTime) -> wit::LocalTime {
    wit::LocalTime {
        year: time.year,
        month: time.month,
        day: time.day,
        weekday: time.weekday,
        hour: time.hour,
        minute: time.minute,
        second: time.second,
        utc_offset_s: time.utc_offset_s,
    }
}
