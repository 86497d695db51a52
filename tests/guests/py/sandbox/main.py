"""What a scenario meets that does what the sandbox has not: the configuration says which. `languages.rs` plays it."""

import datetime
import logging
import os
import random
import secrets
import socket
import sys
import time
import uuid

from tandem_scenario import Leg, Side, Target, checkpoint, clock, config, dial, scenario, start_recording, voicemail

DEPARTMENTS = {"302": "sales"}

asked = []


class Asked:
    """Notes that somebody asked for it."""

    def __get__(self, _found, _of=None):
        asked.append("descriptor")
        return self


class Kind(type):
    @property
    def chief(cls):
        asked.append("property")

    def __getattribute__(cls, name):
        asked.append(name)
        return super().__getattribute__(name)


class Team(metaclass=Kind):
    __init__ = lead = Asked()
    chief = None


def find(number: str) -> str:
    if number not in DEPARTMENTS:
        raise LookupError(f"no department has {number}")
    return DEPARTMENTS[number]


def department(number: str) -> str:
    return find(number)


def attempt_raise(_caller: Leg) -> None:
    department("999")


def attempt_chain(_caller: Leg) -> None:
    try:
        department("998")
    except LookupError as error:
        raise ValueError("cannot open") from error


def attempt_refused(caller: Leg) -> None:
    caller.ring()


def attempt_dial(caller: Leg) -> None:
    dial(caller, Target.user("302"))


def attempt_record(caller: Leg) -> None:
    recorder = start_recording(caller, Side.PEER, 60_000)
    recorder.pause()
    recorder.resume()
    message = voicemail.store("sales", recorder.finish().recording, caller.peer())
    voicemail.remove("sales", message.id)


def attempt_renew(_caller: Leg) -> None:
    saved = checkpoint.load()
    if not saved:
        DEPARTMENTS["303"] = "halfway"
        checkpoint.renew(b"halfway")
    print(saved.state.decode(), len(saved.legs), len(DEPARTMENTS), checkpoint.load())


def attempt_chance(_caller: Leg) -> None:
    print("random", random.random(), random.randint(1, 6), random.Random().random())
    print("secret", secrets.token_hex(4), uuid.uuid4(), os.urandom(3).hex())
    print("now", time.time(), time.monotonic(), time.monotonic())
    print("date", datetime.datetime.now(datetime.UTC).isoformat(), datetime.date.today())
    print("parsed", datetime.datetime.strptime("2026-11-28", "%Y-%m-%d").isoformat(), time.strftime("%Y"))
    time.sleep(0.25)


def attempt_print(_caller: Leg) -> None:
    print("one\ntwo", end="")
    print("wrong", file=sys.stderr)
    logging.getLogger("desk").debug("of %d", 2)
    logging.warning("a warning")
    try:
        department("997")
    except LookupError:
        logging.exception("it failed")


def attempt_count(_caller: Leg) -> None:
    """Whether what was there at the build, and what was not, is counted in."""
    counts = sys.getrefcount(DEPARTMENTS), sys.getrefcount(find), sys.getrefcount(find.__code__), sys.getrefcount([])
    print([count < 1 << 30 for count in counts])


def attempt_asked(_caller: Leg) -> None:
    """What the build asked these for, and then what this does."""
    before = list(asked)
    Team.lead, Team.chief  # noqa: B018
    print(before, asked)


def attempt_sleep(_caller: Leg) -> None:
    clock.sleep_ms(1_000)


def attempt_open(_caller: Leg) -> None:
    open("/etc/passwd")


def attempt_socket(_caller: Leg) -> None:
    socket.create_connection(("192.0.2.1", 80))


def attempt_import(_caller: Leg) -> None:
    import wave

    wave.open("x")


@scenario
def handle(caller: Leg) -> None:
    # As it is, or as JSON text, which is all that a server takes.
    asked = config.document().strip('"')
    if asked.isdigit():
        for _ in range(int(asked)):
            clock.now_ms()
    elif asked:
        globals()[f"attempt_{asked}"](caller)
