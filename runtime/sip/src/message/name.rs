//! Header names: text to enum by length, compact forms known (RFC 3261 §7.3.3).

use std::fmt;

macro_rules! names {
    ($($variant:ident $text:literal,)*) => {
        /// A header name that some part of us reads or writes; any other is [`Name::Other`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[allow(missing_docs)] // Each is the header of that name.
        pub enum Name {
            $($variant,)*
            /// A name we do not know: its text is in the message.
            Other,
        }

        const ALL: &[(Name, &str)] = &[$((Name::$variant, $text),)*];

        impl Name {
            /// As we write it in messages; `"header"` for [`Name::Other`].
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other => "header",
                }
            }
        }
    };
}

names! {
    Accept "Accept",
    AcceptContact "Accept-Contact",
    AcceptEncoding "Accept-Encoding",
    AcceptLanguage "Accept-Language",
    AlertInfo "Alert-Info",
    Allow "Allow",
    AllowEvents "Allow-Events",
    AuthenticationInfo "Authentication-Info",
    Authorization "Authorization",
    CallId "Call-ID",
    CallInfo "Call-Info",
    Contact "Contact",
    ContentDisposition "Content-Disposition",
    ContentEncoding "Content-Encoding",
    ContentLanguage "Content-Language",
    ContentLength "Content-Length",
    ContentType "Content-Type",
    CSeq "CSeq",
    Date "Date",
    Diversion "Diversion",
    ErrorInfo "Error-Info",
    Event "Event",
    Expires "Expires",
    FlowTimer "Flow-Timer",
    From "From",
    HistoryInfo "History-Info",
    Identity "Identity",
    IdentityInfo "Identity-Info",
    InReplyTo "In-Reply-To",
    Join "Join",
    MaxForwards "Max-Forwards",
    MimeVersion "MIME-Version",
    MinExpires "Min-Expires",
    MinSe "Min-SE",
    Organization "Organization",
    PAccessNetworkInfo "P-Access-Network-Info",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    Path "Path",
    Priority "Priority",
    Privacy "Privacy",
    ProxyAuthenticate "Proxy-Authenticate",
    ProxyAuthorization "Proxy-Authorization",
    ProxyRequire "Proxy-Require",
    RAck "RAck",
    Reason "Reason",
    RecordRoute "Record-Route",
    ReferSub "Refer-Sub",
    ReferTo "Refer-To",
    ReferredBy "Referred-By",
    RejectContact "Reject-Contact",
    RemotePartyId "Remote-Party-ID",
    Replaces "Replaces",
    ReplyTo "Reply-To",
    RequestDisposition "Request-Disposition",
    Require "Require",
    RetryAfter "Retry-After",
    Route "Route",
    RSeq "RSeq",
    Server "Server",
    ServiceRoute "Service-Route",
    SessionExpires "Session-Expires",
    SipEtag "SIP-ETag",
    SipIfMatch "SIP-If-Match",
    Subject "Subject",
    SubscriptionState "Subscription-State",
    Supported "Supported",
    TargetDialog "Target-Dialog",
    Timestamp "Timestamp",
    To "To",
    Unsupported "Unsupported",
    UserAgent "User-Agent",
    Via "Via",
    Warning "Warning",
    WwwAuthenticate "WWW-Authenticate",
}

const COUNT: usize = ALL.len();
const LENGTH_MAX: usize = 32;

/// [`ALL`] ordered by length, and where each length begins in it.
static BY_LENGTH: ([(Name, &str); COUNT], [u8; LENGTH_MAX + 2]) = by_length();

#[allow(clippy::indexing_slicing)] // Evaluated by the compiler, which checks it.
const fn by_length() -> ([(Name, &'static str); COUNT], [u8; LENGTH_MAX + 2]) {
    let mut sorted = [(Name::Other, ""); COUNT];
    let mut begins = [0_u8; LENGTH_MAX + 2];
    let (mut length, mut filled) = (0, 0);
    while length <= LENGTH_MAX {
        begins[length] = filled as u8;
        let mut at = 0;
        while at < COUNT {
            if ALL[at].1.len() == length {
                sorted[filled] = ALL[at];
                filled += 1;
            }
            at += 1;
        }
        length += 1;
    }
    begins[LENGTH_MAX + 1] = filled as u8;
    assert!(filled == COUNT, "a header name is longer than LENGTH_MAX");
    (sorted, begins)
}

impl Name {
    /// The name with this text, in any case, long or compact; [`Name::Other`] for any we do not know.
    pub fn from_bytes(text: &[u8]) -> Self {
        if let [letter] = text {
            return Self::from_compact(*letter);
        }
        let (names, begins) = &BY_LENGTH;
        let (Some(&from), Some(&to)) = (begins.get(text.len()), begins.get(text.len() + 1)) else {
            return Self::Other;
        };
        let candidates = names.get(from as usize..to as usize).unwrap_or_default();
        // Nearly everybody writes the RFC's capitals: compare exactly first.
        for (name, spelled) in candidates {
            // The first byte tells most apart, without the call that comparing slices is.
            if spelled.as_bytes().first() == text.first() && spelled.as_bytes() == text {
                return *name;
            }
        }
        for (name, spelled) in candidates {
            if spelled.as_bytes().eq_ignore_ascii_case(text) {
                return *name;
            }
        }
        Self::Other
    }

    fn from_compact(letter: u8) -> Self {
        match letter.to_ascii_lowercase() {
            b'a' => Self::AcceptContact,
            b'b' => Self::ReferredBy,
            b'c' => Self::ContentType,
            b'd' => Self::RequestDisposition,
            b'e' => Self::ContentEncoding,
            b'f' => Self::From,
            b'i' => Self::CallId,
            b'j' => Self::RejectContact,
            b'k' => Self::Supported,
            b'l' => Self::ContentLength,
            b'm' => Self::Contact,
            b'n' => Self::IdentityInfo,
            b'o' => Self::Event,
            b'r' => Self::ReferTo,
            b's' => Self::Subject,
            b't' => Self::To,
            b'u' => Self::AllowEvents,
            b'v' => Self::Via,
            b'x' => Self::SessionExpires,
            b'y' => Self::Identity,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for (name, text) in ALL {
            assert_eq!(Name::from_bytes(text.as_bytes()), *name);
            assert_eq!(Name::from_bytes(text.to_uppercase().as_bytes()), *name);
            assert_eq!(Name::from_bytes(text.to_lowercase().as_bytes()), *name);
        }
    }

    #[test]
    fn unknown_and_overlong_names_are_other() {
        for text in ["", "z", "Xyzzy", "C%6Fntact", "Vias", &"x".repeat(300)] {
            assert_eq!(Name::from_bytes(text.as_bytes()), Name::Other, "{text}");
        }
        assert_eq!(Name::from_bytes(b"V"), Name::Via);
    }
}
