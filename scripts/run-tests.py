#!/usr/bin/env python3
"""Runs test programs, some at a time: most of what they do is to wait for phones that talk.

    cargo test --no-run --message-format=json … | run-tests.py JOBS

Those that listen to calls run one after another at the end: what else uses the machine would be heard in them.
Each has a session of its own, as a service has: the kernel shares the machine between sessions (autogroup, sched(7)), and
what a server does behind its calls (nice) waits for these, not for a compiler that another program's test runs.
Shows what each said once it has ended, and at the end which failed. RUST_TEST_THREADS bounds the tests of one program.
Where few tests failed, each has a second try with the machine to itself: what passes then was a matter of load, or of
other tests of its program. It is named at the end, for it should be mended all the same.
"""

import concurrent.futures
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

# What begins first: what takes longest, then packages whose programs do.
LONG = ("first_scenario", "browser", "console", "scenario_dev", "projects", "sim")
FIRST = ("tandem-tests", "tandem", "tandem-sim", "tandem-web")
# Programs that measure sound, or times, by the clock.
ALONE = {
    "tandem-tests": {"bad_input", "exhaustion", "first_call", "load", "originated", "services", "stock", "stop",
                     "survive", "telephony"},
    "tandem-kit": None,
    "tandem-gate": None,
}

# More failed tests than this are no accident of a busy machine.
SECOND_TRIES = 3

CRASHED = "it ended without telling"

running = set()
"""The ids of the programs, each of which leads a session."""


def programs(messages):
    """(package, target, program, folder) of each test program that cargo built."""
    for line in messages:
        if not line.startswith("{"):
            print(line, end="", flush=True)
            continue
        message = json.loads(line)
        if message["reason"] == "compiler-message":
            print(message["message"]["rendered"], end="", flush=True)
        elif message["reason"] == "build-finished" and not message["success"]:
            sys.exit("run-tests: it does not build")
        elif message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            folder = os.path.dirname(message["manifest_path"])
            package = message["package_id"].rsplit("/", 1)[-1].split("#")[-1].split("@")[0]
            name = package if not package[0].isdigit() else os.path.basename(folder)
            yield name, message["target"]["name"], message["executable"], folder


def run(told, name, target, program, folder, tests=()):
    """The tests that failed, by name; [CRASHED] where the program ended without telling."""
    begun = time.monotonic()
    exactly = ["--exact", *tests] if tests else []
    with subprocess.Popen([program, "--color", "never", *exactly], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          start_new_session=True) as child:
        running.add(child.pid)
        said = child.stdout.read()
        # With what it started and waited for.
        _, status, used = os.wait4(child.pid, 0)
        running.discard(child.pid)
        child.returncode = os.waitstatus_to_exitcode(status)
    took, busy = time.monotonic() - begun, used.ru_utime + used.ru_stime
    with told:
        print(f"\n--- {name}, {target}: {took:.1f} s, of which {busy:.1f} s computing\n{said.strip()}", flush=True)
    if child.returncode == 0:
        return []
    # Its last words list them.
    listed = re.search(r"\nfailures:\n((?: {4}\S+\n)+)\ntest result: FAILED[^\n]*\s*$", said)
    return listed[1].split() if listed else [CRASHED]


def second_tries(told, failed):
    """What failed again of (program, test), and what did not."""
    again, passed = [], []
    for one, test in failed:
        print(f"\n--- {test} of {one[1]} failed: it is tried again, alone", flush=True)
        (again if run(told, *one, tests=(test,)) else passed).append((one, test))
    return again, passed


def stop(number, _frame):
    """Ends the programs with what they started: a terminal's Ctrl-C does not reach other sessions."""
    for name in os.listdir("/proc"):
        # What has ended meanwhile has no session.
        with contextlib.suppress(ValueError, ProcessLookupError):
            if os.getsid(int(name)) in running:
                os.kill(int(name), signal.SIGKILL)
    os._exit(128 + number)


def is_alone(package, target):
    return package in ALONE and (ALONE[package] is None or target in ALONE[package])


def main(jobs):
    found = list(programs(sys.stdin))
    if not found:
        sys.exit("run-tests: no test program was built")
    found.sort(key=lambda one: (one[1] not in LONG, FIRST.index(one[0]) if one[0] in FIRST else len(FIRST)))
    together = [one for one in found if not is_alone(*one[:2])]
    alone = [one for one in found if is_alone(*one[:2])]
    told = threading.Lock()
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, stop)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda one: run(told, *one), together))
    results += [run(told, *one) for one in alone]
    failed = [(one, test) for one, tests in zip(together + alone, results) for test in tests]
    passed = []
    if len(failed) <= SECOND_TRIES and all(test != CRASHED for _, test in failed):
        failed, passed = second_tries(told, failed)
    print(f"\n{len(found)} test programs, {len(failed)} tests failed", flush=True)
    for what, which in (("failed", failed), ("passed at a second try", passed)):
        for one, test in which:
            print(f"  {what}: {one[0]}, {one[1]}: {test}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(int(sys.argv[1])))
