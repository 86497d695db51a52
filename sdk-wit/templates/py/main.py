"""{{name}}: greets, asks for a digit, connects the caller with the operator, says why when nobody answers.

The activation's configuration may say who the operator is: {"operator": "302"}.
"""

import json

from tandem_scenario import DialFailure, Leg, LegError, Prompt, Target, bridge, config, dial, scenario, trace

ASK = "Press 1 to talk to somebody."

WORDS = {
    "busy": "Everybody is busy. Please call later.",
    "no-answer": "Nobody answers. Please call later.",
}


@scenario
def handle(caller: Leg) -> None:
    settings = json.loads(config.document())

    trace.step("greet", "Greet")
    caller.answer()
    caller.play(Prompt.say("Welcome to {{name}}.", "en"))

    if wants(caller):
        connect(caller, settings.get("operator", "302"))
    caller.hang_up()


def wants(caller: Leg) -> bool:
    """Whether the caller pressed 1; asked three times."""
    trace.step("menu", "Menu")
    for _ in range(3):
        digits = caller.collect(Prompt.say(ASK, "en")).digits
        if digits == "1":
            return True
        caller.play(Prompt.say(f"{digits} is no choice." if digits else "Nothing was pressed.", "en"))
    caller.play(Prompt.say("Goodbye.", "en"))
    return False


def connect(caller: Leg, operator: str) -> None:
    """Lets the two talk until one of them hangs up."""
    trace.step("dial", "Dial")
    try:
        callee = dial(caller, Target.number(operator), timeout_ms=20_000)
        trace.step("talk", "Talk")
        bridge(caller, callee)
        callee.hang_up()
    except DialFailure as failure:
        trace.step("failed", "Nobody answered")
        if failure.kind != "caller-gone":
            caller.play(Prompt.say(WORDS.get(failure.kind, "Nobody can be reached. Please call later."), "en"))
    except LegError as error:
        if error.kind != "gone":
            raise
