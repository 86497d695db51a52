//! INVITEs that may become calls: the directory is asked, the caller proves who it is, the call begins or is refused.

use std::sync::Arc;

use rand::Rng as _;
use tandem_directory::EntryPoint;
use tandem_sip::transactions::ServerId;
use tandem_sip::{Flow, Message, Moment};

use super::{Admitted, Answer, CallKey, Output, Shard, Start};
use crate::admission::{Admission, Verdict};
use crate::call::{Call, Origin};
use crate::canary;
use crate::context::Context;
use crate::record::{Record, new_id};
use crate::sdp::Audio;
use crate::sip_text;

impl Shard {
    pub(super) fn begin_admission(&mut self, server: ServerId, flow: Flow, message: &Message, now: Moment) {
        if self.draining || self.busy() >= self.config.calls_max {
            return self.reply(server, message, flow, 503, now);
        }
        let Some(admission) = Admission::read(server, flow, message.clone()) else {
            return self.reply(server, message, flow, 400, now);
        };
        self.numbers.question += 1;
        let number = self.numbers.question;
        let question = admission.question();
        self.admissions.insert(number, admission);
        self.journal.note_waiting(number);
        self.out.push_back(Output::Ask {
            call: CallKey(0),
            number,
            question,
        });
    }

    pub(super) fn admit(&mut self, admission: Admission, answer: Answer, now: Moment) {
        let admitted = match answer {
            // It came before the drain, but its call would begin after it.
            _ if self.draining => return self.refuse(&admission, 503, now),
            Answer::Admit(Some(admitted)) => admitted,
            Answer::Admit(None) => return self.refuse(&admission, 404, now),
            _ => return self.refuse(&admission, 503, now),
        };
        let domain = admitted.domain.clone();
        match admission.authenticate(&admitted, &mut self.challenger.verifier, now) {
            Verdict::Caller => (),
            Verdict::Challenge(values) => {
                let tag = self.new_tag();
                let reply = sip_text::challenge(&admission.request, &values, &tag);
                return self.respond(admission.server, reply, now);
            }
            Verdict::Refused(why) => {
                tracing::info!(domain = %domain, remote = %admission.flow.remote, why, "call refused");
                return self.refuse(&admission, 403, now);
            }
        }
        let Some(resolved) = &admitted.entry else {
            return self.refuse_and_record(&admission, &admitted, 404, now);
        };
        if self.busy_in(&domain) >= self.config.calls_per_domain_max {
            return self.refuse_and_record(&admission, &admitted, 503, now);
        }
        // Of a request that was validated it is there.
        let call_id = admission.request.call_id().unwrap_or_default();
        let entry = Arc::clone(canary::chosen(resolved, call_id));
        let audio = match admission.offer() {
            Ok(audio) => audio,
            Err(error) => {
                tracing::info!(domain = %domain, %error, "call refused");
                return self.refuse_and_record(&admission, &admitted, error.status().0, now);
            }
        };
        let fallback = resolved.fallback.clone();
        self.begin_call(admission, *admitted, (entry, fallback), audio, now);
    }

    pub(super) fn refuse(&mut self, admission: &Admission, status: u16, now: Moment) {
        self.reply(admission.server, &admission.request, admission.flow, status, now);
    }

    /// A caller we know dialled what cannot be: it belongs into the domain's records.
    fn refuse_and_record(&mut self, admission: &Admission, admitted: &Admitted, status: u16, now: Moment) {
        self.refuse(admission, status, now);
        let id = new_id(now, self.rng.random());
        let record = Record::of_refused(id, admission, admitted, status, now);
        self.out.push_back(Output::Ended {
            call: None,
            record: Box::new(record),
        });
    }

    fn begin_call(
        &mut self,
        admission: Admission,
        admitted: Admitted,
        (entry, fallback): (Arc<EntryPoint>, Option<Arc<EntryPoint>>),
        audio: Option<Audio>,
        now: Moment,
    ) {
        self.numbers.call += 1;
        let key = CallKey(self.numbers.call);
        let hops = admission.request.max_forwards().ok().flatten();
        let origin = Origin {
            id: new_id(now, self.rng.random()),
            domain: admitted.domain.clone(),
            entry,
            caller: admission.caller(&admitted),
            dialled: admission.dialled,
            started: now,
            max_forwards: hops.map_or(70, |hops| hops.min(70)).saturating_sub(1),
            request: admission.request,
        };
        let (domain, id) = (&origin.domain, &origin.id);
        tracing::info!(%domain, call = %id, from = %origin.caller.user, to = %origin.dialled.user, "call");
        self.indexes.servers.insert(admission.server, key);
        self.count_in(&admitted.domain);
        let mut cx = context!(self, key, admitted.domain, now);
        let call = Call::new(origin, fallback, admission.server, admission.flow, audio, &mut cx);
        let start = Start::of(key, &call);
        let begun = call.happening(false, now);
        self.calls.insert(key, call);
        self.journal.note_call(key);
        self.out.push_back(Output::Start(Box::new(start)));
        self.out.push_back(Output::Happened(Box::new(begun)));
    }
}
