"""What was raised, in words, with places as the scenario's author knows them.

Python's own `traceback` looks for source files and imports as it goes, and a call has neither; sources are in
`linecache` since the build."""

import linecache
import os.path

from componentize_py_types import Err

from . import log

_HERE = os.path.dirname(__file__) + "/"

_root = "/"


def begin_at(root: str) -> None:
    """The scenario's folder as the build saw it: paths are shown relative to it."""
    global _root
    _root = root.rstrip("/") + "/"


def failed(error: BaseException) -> Err:
    """Logs what was raised; the error to end the run with."""
    text, traceback = describe(error)
    log.error(f"{text}\n{traceback}")
    return Err(text)


def describe(error: BaseException) -> tuple[str, str]:
    """One line that says what and where, and the traceback."""
    frames = _frames(error)
    # An error of ours is raised in this package; what its author wants to see is the line that called.
    blamed = next((frame for frame in reversed(frames) if not frame[0].startswith(_HERE)), None)
    where = f" ({_shown(blamed[0])}:{blamed[1]}, in {blamed[2]})" if blamed else ""
    return f"{_named(error)}{where}", "\n".join(_traceback(error))


def _named(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _frames(error: BaseException) -> list[tuple[str, int, str]]:
    frames = []
    at = error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        frames.append((code.co_filename, at.tb_lineno, code.co_name))
        at = at.tb_next
    return frames


def _traceback(error: BaseException, depth: int = 0) -> list[str]:
    lines = []
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    # A chain may be long, or a circle.
    if before is not None and depth < 4:
        lines += [*_traceback(before, depth + 1), f"  {_named(before)}", "then:"]
    for file, line, name in _frames(error):
        if file.startswith(_HERE):
            continue
        lines.append(f'  File "{_shown(file)}", line {line}, in {name}')
        source = linecache.getline(file, line).strip()
        if source:
            lines.append(f"    {source}")
    return lines


def _shown(file: str) -> str:
    return file.removeprefix(_root)
