"""The examples of the book (docs/scenarios), as one scenario that uses every interface."""

import json
from dataclasses import dataclass

from tandem_scenario import (
    CallProgressTone,
    Cause,
    DialFailure,
    HttpError,
    KvError,
    Leg,
    LegError,
    MailError,
    MessageFailure,
    OriginateFailure,
    PickUpFailure,
    Prompt,
    ScheduleError,
    Side,
    Strategy,
    Target,
    TimerError,
    TransferFailure,
    TransferTarget,
    bridge,
    checkpoint,
    clock,
    config,
    contacts,
    deadline,
    delete_recording,
    dial,
    find_user,
    hold,
    http,
    key_value,
    leg_events,
    log,
    mail,
    metrics,
    originate,
    pick_up,
    random,
    record,
    resume,
    scenario,
    schedule,
    send_message,
    start_recording,
    timers,
    trace,
    transfer,
    voicemail,
)


@dataclass
class Settings:
    greeting: str
    agents: list[str]
    """Extensions that take turns."""


def settings() -> Settings:
    set_by_admin = json.loads(config.document())
    log.debug(f"{config.entry_point()} of {config.domain()}")
    return Settings(set_by_admin.get("greeting", "Good day."), set_by_admin.get("agents", []))


def who_calls(caller: Leg) -> str:
    peer = caller.peer()
    agents = caller.header("User-Agent")
    log.info(f"{peer.display_name or peer.user} calls {caller.local().user} with {agents[0] if agents else 'a phone'}")
    return peer.user


def greet(caller: Leg, text: str) -> None:
    caller.ring()
    caller.early_media()
    caller.play(Prompt.progress(CallProgressTone.RINGBACK, 1_000))
    caller.answer()
    caller.play(
        Prompt.silence(200),
        Prompt.tone(880, 100),
        Prompt.tone(697, 100, 1_209),
        Prompt.file("chime.wav"),
        Prompt.say(text, "en"),
    )


def is_open() -> bool:
    try:
        return schedule.is_open("office")
    except ScheduleError:
        # The administrator set no hours: ours.
        now = clock.local()
        return now.weekday <= 5 and 9 <= now.hour < 17


def name_of(user: str) -> str:
    known = contacts.find_by_number(user) or next(iter(contacts.search(user, 1)), None)
    return known.name if known else user


def tell_crm(caller: str) -> None:
    url = "https://crm.example.com/calls"
    try:
        answer = http.post_json(url, {"caller": caller}, bearer="crm-token", timeout_ms=2_000, retries=1)
        log.info(f"the CRM says {json.dumps(answer)}")
    except HttpError as error:
        log.warn(str(error))
        metrics.count("crm_failures")


def mail_messages(box: str, address: str) -> None:
    waiting = voicemail.count(box).new
    for message in voicemail.list_messages(box, voicemail.State.NEW, limit=5):
        subject = f"{waiting} messages wait"
        try:
            mail.send(address, subject, f"From {message.caller.user}", attachments=[message.recording])
            voicemail.mark(box, message.id, voicemail.State.HEARD)
        except MailError as error:
            log.warn(str(error))


def count_of(user: str) -> int:
    try:
        return key_value.increment(f"calls/{user}")
    except KvError as error:
        if error.kind != "not-a-number":
            raise
        key_value.set(f"calls/{user}", "1")
        return 1


def last_agent(caller: str) -> str | None:
    key = f"last/{caller}"
    agent = key_value.get_text(key)
    user = find_user(agent) if agent else None
    if agent and not (user and user.registered):
        key_value.remove(key)
        return None
    log.debug(f"{len(key_value.keys('last/'))} callers are known")
    return agent


def extension(caller: Leg) -> str | None:
    entry = caller.collect(
        "Enter an extension, then press the hash key.",
        min=3,
        max=6,
        terminators="#",
        first_digit_timeout_ms=10_000,
    )
    return entry.digits if entry.complete else None


def extension_in_time(caller: Leg) -> str | None:
    """Half a minute for all of it, however often a key is pressed."""
    deadline.set(30_000)
    try:
        return extension(caller)
    except LegError as error:
        if error.kind == "limit" and deadline.passed():
            return None
        raise
    finally:
        deadline.clear()


def remind(number: str, reached: bool) -> None:
    """Who was called in vain is to be reminded in half an hour, unless somebody gets through before."""
    name = f"remind/{number}"
    if reached:
        timers.cancel(name)
        return
    try:
        timers.set(name, 1_800_000, "call back")
    except TimerError as error:
        # Nothing listens: the administrator wants no reminders.
        if error.kind != "no-entry-point":
            raise


def pick(agents: list[str]) -> str | None:
    return agents[random.next() % len(agents)] if agents else None


def reach(caller: Leg, number: str) -> Leg | None:
    try:
        return dial(
            caller,
            Target.user(number),
            Target.number(number),
            strategy=Strategy.IN_TURN,
            timeout_ms=15_000,
        )
    except DialFailure as failure:
        if failure.kind == "bad-argument":
            raise
        log.warn(str(failure))
        return None


def talk(caller: Leg, callee: Leg) -> None:
    with callee:
        callee.send_digits("1,2")
        try:
            end = bridge(caller, callee)
            log.info(f"the bridge ended: {end.name}")
        except LegError as error:
            # One of the two was gone before they were connected.
            if error.kind != "gone":
                raise


def talk_with_codes(caller: Leg, callee: Leg) -> None:
    """The two talk. With `*` the caller puts the callee on hold for as long as they like: any key, or a minute, ends that."""
    while leg_events.bridge_until(caller, callee, "*").kind == "digit":
        hold(callee)
        if leg_events.wait(caller, callee, timeout_ms=60_000).kind == "gone":
            break


def on_tape(caller: Leg, callee: Leg) -> None:
    recorder = start_recording(caller, Side.BOTH)
    talk(caller, callee)
    recording = recorder.finish().recording
    log.info(f"{recording.name}: {recording.duration_ms} ms")


def wait(caller: Leg, number: str) -> bool:
    trace.step("wait", f"Wait for {number}")
    for _ in range(3):
        user = find_user(number)
        if user and user.registered:
            return True
        hold(caller)
        clock.sleep_ms(5_000)
        resume(caller)
    return False


def leave_message(caller: Leg, agent: str) -> None:
    caller.play("Please leave a message after the tone.")
    recording = record(caller, length_ms=60_000, pause_digit="*").recording
    key = f"message/{agent}"
    before = key_value.get_text(key)
    if before:
        delete_recording(before)
    key_value.set(key, recording.name)
    caller.play("You said:", Prompt.file(recording.name))


def tell(agent: str, text: str) -> None:
    try:
        delivery = send_message(agent, text)
        log.info(f"{delivery.accepted} of {delivery.devices} phones took it")
    except MessageFailure as failure:
        log.warn(str(failure))


def pass_on(caller: Leg, number: str) -> bool:
    try:
        transfer(caller, TransferTarget.number(number), 30_000)
        caller.hang_up()
        return True
    except TransferFailure as failure:
        # The phone does not do that, or nobody answered: the caller is still here.
        if failure.kind == "gone":
            raise
        log.warn(str(failure))
        return False


def stay(caller: Leg, hours: int) -> None:
    """Music for eight hours: each begins with an empty journal."""
    if hours == 8:
        return
    hold(caller)
    clock.sleep_ms(3_600_000)
    checkpoint.renew(bytes([hours + 1]))


def take_over(agent: Leg, agents: list[str]) -> Leg | None:
    try:
        return pick_up(agent, *agents)
    except PickUpFailure as failure:
        if failure.kind == "nothing-rings":
            return None
        raise


def ask_later(user: str) -> None:
    try:
        call = originate.call(Target.user(user), config.entry_point(), "survey", ring_ms=20_000)
        log.info(f"call {call} asks how it was")
    except OriginateFailure as failure:
        log.warn(str(failure))


def apologise(caller: Leg) -> None:
    trace.step("sorry", "Nobody is there")
    caller.play("Nobody is there. Please call again.")
    clock.sleep_ms(500)
    caller.hang_up(Cause.UNAVAILABLE)


@scenario
def handle(caller: Leg) -> None:
    saved = checkpoint.load()
    if saved:
        return stay(caller, saved.state[0])
    set_up = settings()
    user = who_calls(caller)
    metrics.count("callers")
    metrics.gauge("agents", len(set_up.agents))
    metrics.observe("greeting_length", len(set_up.greeting))
    tell_crm(name_of(user))
    mail_messages("sales", "sales@example.com")
    trace.step("greet", "Greet")
    greet(caller, f"{set_up.greeting} Welcome back." if count_of(user) > 1 else set_up.greeting)

    if originate.data() == "survey":
        caller.play("How was it?")
        return caller.hang_up(Cause.NORMAL)
    waiting = take_over(caller, set_up.agents) if user in set_up.agents else None
    if waiting:
        return talk(caller, waiting)
    number = (last_agent(user) or extension_in_time(caller) or pick(set_up.agents)) if is_open() else None
    if not number:
        return apologise(caller)
    trace.step("dial", f"Call {number}")
    callee = reach(caller, number)
    if not callee:
        return apologise(caller)
    key_value.set(f"last/{user}", number)
    remind(number, True)
    trace.step("talk", "The two talk")
    talk_with_codes(caller, callee)
    on_tape(caller, callee)
    if not wait(caller, number):
        leave_message(caller, number)
        tell(number, f"{user} left a message")
        remind(number, False)
    ask_later(user)
    if not pass_on(caller, number):
        stay(caller, 0)
