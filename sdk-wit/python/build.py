#!/usr/bin/env python3
"""Builds a scenario in Python into a component.

    build.py FOLDER [--out FILE]

FOLDER holds main.py, whose function with @scenario handles calls, and the modules that it imports. The world is the one
that pyproject.toml names, world = "web-scenario" in its table [tool.tandem], or else call-scenario. Packages of others
go to FOLDER/packages (`pip install --target packages NAME`; pure Python only). The component goes to
FOLDER/dist/NAME.wasm, where NAME is the project's in pyproject.toml, or else the folder's. Its path is the last line
that is printed.

The tools come from scripts/guest-languages.sh, or from the virtual environment that TANDEM_GUEST_PYTHON names.

Exit codes: 0 built · 1 it does not build, why is above · 2 wrong arguments.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

ENTRY = """\
import tandem_scenario
import main
from tandem_scenario.{module} import {handler}
from tandem_scenario._entry import finish
finish(main, "{world}")
"""

# What a component of each world exports, and the module of tandem_scenario that has it.
HANDLERS = {
    "call-scenario": ("_scenario", "CallHandler"),
    "web-scenario": ("_web_handler", "WebHandler"),
    "event-scenario": ("_event_handler", "EventHandler"),
}


def main(arguments: list[str]) -> int:
    out = None
    if len(arguments) == 3 and arguments[1] == "--out":
        out = Path(arguments[2])
    elif len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 0 if arguments in (["--help"], ["-h"]) else 2
    folder = Path(arguments[0]).resolve()
    if not (folder / "main.py").is_file():
        return fail(f"there is no {folder / 'main.py'}")
    out = out or folder / "dist" / f"{name_of(folder)}.wasm"
    try:
        build(folder, out)
    except Failure as failure:
        return fail(str(failure))
    print(out)
    return 0


class Failure(Exception):
    """Why there is no component."""


def fail(why: str) -> int:
    print(f"build.py: {why}", file=sys.stderr)
    return 1


def name_of(folder: Path) -> str:
    """The project's name."""
    return setting(folder, "project", "name") or folder.name


def world_of(folder: Path) -> str:
    """The project's world."""
    world = setting(folder, "tool.tandem", "world") or "call-scenario"
    if world not in HANDLERS:
        raise Failure(f"{folder / 'pyproject.toml'}: {world!r} is no world: there are {', '.join(HANDLERS)}")
    return world


def setting(folder: Path, table: str, key: str):
    """One key of one table of pyproject.toml: a TOML reader is in Python 3.11 only."""
    project = folder / "pyproject.toml"
    text = project.read_text() if project.is_file() else ""
    found = re.search(rf"^\[{re.escape(table)}\]\s*$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    value = re.search(rf"^{key}\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']", found[1], re.MULTILINE) if found else None
    return value[1] if value else None


def tools() -> Path:
    """The virtual environment that has componentize-py."""
    if named := os.environ.get("TANDEM_GUEST_PYTHON"):
        return Path(named)
    script = HERE.parent.parent / "scripts" / "guest-languages.sh"
    found = subprocess.run(["bash", script, "python"], stdout=subprocess.PIPE, text=True)
    for line in found.stdout.splitlines():
        if found.returncode == 0 and line.startswith("PYTHON="):
            return Path(line.removeprefix("PYTHON="))
    raise Failure(f"{script} python ended with {found.returncode}")


def build(folder: Path, out: Path) -> None:
    world = world_of(folder)
    module, handler = HANDLERS[world]
    environment = tools()
    out.parent.mkdir(parents=True, exist_ok=True)
    paths = [folder, HERE]
    if (folder / "packages").is_dir():
        paths.append(folder / "packages")
    with tempfile.TemporaryDirectory() as entry:
        (Path(entry) / "tandem_entry.py").write_text(ENTRY.format(module=module, handler=handler, world=world))
        # Written aside and renamed: who reads meanwhile sees the old one or the new one.
        aside = out.with_name(f".{out.name}.{os.getpid()}.new")
        command = [environment / "bin" / "componentize-py", "--quiet"]
        command += ["--wit-path", HERE.parent / "wit", "--world", world, "componentize", "tandem_entry"]
        for path in [Path(entry), *paths]:
            command += ["--python-path", path]
        command += ["--stub-wasi", "--output", aside]
        # Named, or it would look into whatever environment is active.
        settings = {"VIRTUAL_ENV": str(environment), "RUST_BACKTRACE": "0"}
        done = subprocess.run(command, env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            aside.unlink(missing_ok=True)
            raise Failure(f"{folder} does not build:\n{said(done.stderr)}")
        aside.replace(out)


def said(errors: str) -> str:
    """What the author needs of componentize-py's errors: the scenario's own traceback, with paths as they are here."""
    if asked := re.search(r"called trapping stub: tandem:pbx/([^@]*)@[^#]*#(\S+)", errors):
        return f"a module asks the host for {asked[1]}.{asked[2]} while it is imported: ask in the handler"
    own = re.search(r"^AssertionError: (Traceback .*?)(?=^\s*Caused by:|\Z)", errors, re.MULTILINE | re.DOTALL)
    return re.sub(r'File "/1/', 'File "', (own[1] if own else errors).strip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
