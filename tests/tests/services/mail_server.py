"""A mail server for tests, by aiosmtpd: writes down each mail that it takes as a line of JSON.

mail_server.py PORT STARTTLS_PORT TLS_PORT LOG CERTIFICATE KEY

PORT speaks plain text; the other two want TLS, and the user `pbx` with the password `right`. The local part of the first
recipient says what becomes of a mail: `later` and `hang` are as their names say, `hang-once` is written down and then not
answered the first time. A recipient `unknown` is refused."""

import asyncio
import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

plain, starttls, implicit, log, certificate, key = sys.argv[1:]
LOG = open(log, "a", buffering=1)
SEEN = set()


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("unknown@"):
            return "550 5.1.1 nobody here has this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        what = envelope.rcpt_tos[0].partition("@")[0]
        if what == "later":
            return "451 4.7.1 come back later"
        if what == "hang":
            await asyncio.sleep(3600)
        said = {
            "hello": session.host_name,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": session.auth_data,
            "tls": session.ssl is not None,
            "mail": envelope.content.decode("latin-1"),
        }
        LOG.write(json.dumps(said) + "\n")
        if what == "hang-once" and what not in SEEN:
            SEEN.add(what)
            await asyncio.sleep(3600)
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"pbx", b"right")
    return AuthResult(success=good, handled=good, auth_data=data.login.decode() if good else None)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
secured = {"authenticator": authenticate, "auth_required": True}
for controller in [
    Controller(Handler(), "127.0.0.1", int(plain)),
    Controller(Handler(), "127.0.0.1", int(starttls), tls_context=context, require_starttls=True, **secured),
    # aiosmtpd knows nothing of a TLS that was there before it, and would not let anybody log in.
    Controller(Handler(), "127.0.0.1", int(implicit), ssl_context=context, auth_require_tls=False, **secured),
]:
    controller.start()
LOG.write(json.dumps({"ready": True}) + "\n")
asyncio.run(asyncio.Event().wait())
