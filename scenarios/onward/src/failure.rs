//! Why nobody answered, and the status that the caller gets for it.

use tandem_sdk::{Cause, DialFailure};

/// A call that nobody took.
#[derive(Debug)]
pub struct Failure {
    /// What it is called where somebody has words for it.
    pub key: &'static str,
    /// The trace's name of the step.
    pub name: &'static str,
    /// What the caller's leg is hung up with.
    pub cause: Cause,
    /// What the log should say, where the status does not say it all.
    pub problem: Option<String>,
}

impl From<DialFailure> for Failure {
    fn from(failure: DialFailure) -> Self {
        let quiet = |key, name, cause| Self {
            key,
            name,
            cause,
            problem: None,
        };
        let logged = |key, name, cause, problem| Self {
            key,
            name,
            cause,
            problem: Some(problem),
        };
        match failure {
            DialFailure::NotFound(_) => quiet("not_found", "Nobody has this number", Cause::NotFound),
            DialFailure::Unreachable => quiet("unreachable", "No device is reachable", Cause::Unavailable),
            DialFailure::Busy => quiet("busy", "The user is busy", Cause::Busy),
            DialFailure::NoAnswer => quiet("no_answer", "The user does not answer", Cause::Unavailable),
            DialFailure::Declined => quiet("declined", "The user declined", Cause::Declined),
            // A redirection is not passed on: where to would be the callee's device's own affair.
            DialFailure::Rejected((status, reason)) => logged(
                "rejected",
                "The device refused",
                if (400..700).contains(&status) {
                    Cause::Status(status)
                } else {
                    Cause::Unavailable
                },
                format!("the device refused with {status} {reason}"),
            ),
            DialFailure::CallerGone => quiet("caller_gone", "The caller hung up", Cause::Normal),
            DialFailure::Media(why) => logged(
                "media",
                "No common media",
                Cause::Status(488),
                format!("media: {why}"),
            ),
            DialFailure::BadArgument(why) => logged(
                "refused",
                "The host refused",
                Cause::Status(500),
                format!("dial: {why}"),
            ),
            DialFailure::Limit(why) => logged(
                "limit",
                "A limit of the domain was met",
                Cause::Congested,
                format!("limit: {why}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses that RFC 3261 §21 has for each.
    #[test]
    fn each_failure_has_its_cause() {
        let cause = |failure| format!("{:?}", Failure::from(failure).cause);
        assert_eq!(cause(DialFailure::NotFound("9".into())), "Cause::NotFound");
        assert_eq!(cause(DialFailure::Unreachable), "Cause::Unavailable");
        assert_eq!(cause(DialFailure::Busy), "Cause::Busy");
        assert_eq!(cause(DialFailure::NoAnswer), "Cause::Unavailable");
        assert_eq!(cause(DialFailure::Declined), "Cause::Declined");
        assert_eq!(cause(DialFailure::Media("none".into())), "Cause::Status(488)");
        assert_eq!(cause(DialFailure::Limit("full".into())), "Cause::Congested");
    }

    #[test]
    fn a_refusal_keeps_its_status_and_a_redirection_does_not() {
        let cause = |status| {
            format!(
                "{:?}",
                Failure::from(DialFailure::Rejected((status, "x".into()))).cause
            )
        };
        assert_eq!(cause(415), "Cause::Status(415)");
        assert_eq!(cause(606), "Cause::Status(606)");
        assert_eq!(cause(302), "Cause::Unavailable");
    }
}
