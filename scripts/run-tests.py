#!/usr/bin/env python3
"""Runs test programs, some at a time: most of what they do is to wait for phones that talk.

    cargo test --no-run --message-format=json … | run-tests.py JOBS

Shows what each said once it has ended, and at the end which failed. RUST_TEST_THREADS bounds the tests of one program.
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import threading
import time

# Whole systems take longest and wait most: they begin first.
FIRST = ("tandem-tests", "tandem", "tandem-web", "tandem-kit")


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


def run(told, name, target, program, folder):
    """Whether all its tests passed."""
    begun = time.monotonic()
    done = subprocess.run([program, "--color", "never"], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    with told:
        print(f"\n--- {name}, {target}: {time.monotonic() - begun:.1f} s\n{done.stdout.strip()}", flush=True)
    return done.returncode == 0


def main(jobs):
    found = list(programs(sys.stdin))
    if not found:
        sys.exit("run-tests: no test program was built")
    found.sort(key=lambda one: FIRST.index(one[0]) if one[0] in FIRST else len(FIRST))
    told = threading.Lock()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        good = list(pool.map(lambda one: run(told, *one), found))
    failed = [f"{one[0]}, {one[1]}" for one, passed in zip(found, good) if not passed]
    print(f"\n{len(found)} test programs, {len(failed)} failed" + "".join(f"\n  {one}" for one in failed), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(int(sys.argv[1])))
