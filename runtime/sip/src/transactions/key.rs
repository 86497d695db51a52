//! How a message finds its transaction (RFC 3261 §17.1.3 and §17.2.3).

use crate::message::{HeaderError, Host, Message, Name};

/// Writes the key of the server transaction that `request` belongs to, were its method `method`,
/// and says whether it was made from a branch (`true`) or, for a client of RFC 2543, from the
/// headers that such a client keeps equal.
///
/// The To tag is left out of the older key: an ACK bears one that its INVITE had not. The table
/// compares it with that of the response.
pub fn server(request: &Message, method: &[u8], key: &mut Vec<u8>) -> Result<bool, HeaderError> {
    key.clear();
    let via = request.top_via()?;
    if let Some(branch) = via.magic_branch() {
        part(key, branch.as_bytes());
        sent_by(key, &via.host, via.port);
        part(key, method);
        return Ok(true);
    }
    part(key, request.uri_str().as_bytes());
    part(key, request.from()?.tag().unwrap_or_default().as_bytes());
    part(key, request.call_id()?.as_bytes());
    part(key, &request.cseq()?.seq.to_be_bytes());
    part(key, request.values(Name::Via).next().unwrap_or_default());
    part(key, method);
    Ok(false)
}

/// Writes the key under which another copy of the same request, come by another way, is found
/// (RFC 3261 §8.2.2.2). `None` where the rule does not hold: within a dialog.
pub fn merged(request: &Message, key: &mut Vec<u8>) -> Result<Option<()>, HeaderError> {
    key.clear();
    if request.to()?.tag().is_some() {
        return Ok(None);
    }
    let cseq = request.cseq()?;
    part(key, request.from()?.tag().unwrap_or_default().as_bytes());
    part(key, request.call_id()?.as_bytes());
    part(key, &cseq.seq.to_be_bytes());
    part(key, request.method_str().as_bytes());
    Ok(Some(()))
}

/// Writes the key of the client transaction with this branch. INVITE and its CANCEL share the
/// branch, so the method belongs to it; an INVITE's is told from the rest only.
pub fn client(branch: &str, method: &[u8], key: &mut Vec<u8>) {
    key.clear();
    part(key, branch.as_bytes());
    part(key, method);
}

/// Names in any case and addresses in any spelling are one host.
fn sent_by(key: &mut Vec<u8>, host: &Host<'_>, port: Option<u16>) {
    match host {
        Host::Name(name) => {
            part(key, name.as_bytes());
            let begin = key.len() - name.len();
            if let Some(name) = key.get_mut(begin..) {
                name.make_ascii_lowercase();
            }
        }
        Host::V4(ip) => part(key, &ip.octets()),
        Host::V6(ip) => part(key, &ip.octets()),
    }
    part(key, &port.unwrap_or(5060).to_be_bytes());
}

/// Each part is preceded by its length: no two lists of parts make one key.
fn part(key: &mut Vec<u8>, bytes: &[u8]) {
    key.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    key.extend_from_slice(bytes);
}
