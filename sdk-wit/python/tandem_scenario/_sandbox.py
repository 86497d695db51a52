"""What Python brings of its own and a scenario must not have: replaced by what the journal knows, or by an error that
says what to do instead.

Modules are imported once, while the scenario is built; each call begins with a copy of what they left. So nothing of
the host, no time and no chance is there yet, and what is not imported then never is."""

import builtins
import datetime
import importlib.machinery
import io
import linecache
import os
import random
import sys
import time

# Imported by the standard library in the middle of a call otherwise.
import _strptime  # noqa: F401
import encodings.ascii  # noqa: F401
import encodings.latin_1  # noqa: F401

from . import _image, clock, log
from . import random as journal

_in_call = False
_BUILD_IMPORTERS = sys.meta_path[:]


def end_rehearsal() -> None:
    """It was not a call, and the build goes on."""
    global _in_call
    _in_call = False
    sys.meta_path[:] = _BUILD_IMPORTERS


def begin() -> None:
    """The handler begins: from here on the host answers, and nothing more is imported."""
    global _in_call
    _in_call = True
    sys.meta_path[:] = _IMPORTERS


_STANDARD_LIBRARY = os.path.dirname(linecache.__file__) + "/"  # `os` itself is frozen, and knows no file.
_built_ns = time.time_ns()


def _asked_by_the_standard_library() -> bool:
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename.startswith(_STANDARD_LIBRARY)


def _only_in_call(what: str) -> None:
    if not _in_call:
        raise RuntimeError(
            f"{what} while a module is imported: that happens when the scenario is built, once for all calls; "
            "use it in the handler"
        )


# ---- chance ----


def _urandom(size: int, /) -> bytes:
    _only_in_call("os.urandom()")
    drawn = b"".join(journal.next().to_bytes(8, "little") for _ in range((size + 7) // 8))
    return drawn[:size]


class _Random(random.Random):
    """Python's generator, seeded with 64 bits from the journal when the first number is drawn: a replay draws the same,
    and numbers after it cost no host call."""

    def __new__(cls, *_):
        # The generator below seeds itself from the system when it is given nothing.
        return super().__new__(cls, 0)

    def __init__(self, x=None):
        super().__init__(0 if x is None else x)  # It calls `seed`.
        self._seeded = x is not None

    def seed(self, a=None, version=2):
        self._seeded = a is not None
        super().seed(0 if a is None else a, version)

    def _begin(self):
        _only_in_call("random")
        self.seed(journal.next())

    def random(self):
        if not self._seeded:
            self._begin()
        return super().random()

    def getrandbits(self, k):
        if not self._seeded:
            self._begin()
        return super().getrandbits(k)


def _replace_random() -> None:
    os.urandom = _urandom
    random._urandom = _urandom
    ours, theirs = _Random(), random._inst
    for name, value in list(vars(random).items()):
        if getattr(value, "__self__", None) is theirs:
            setattr(random, name, getattr(ours, name))
    random._inst = ours
    random.Random = _Random


# ---- time ----


def _now_ms() -> int:
    # Modules such as `logging` ask when they are imported, and mean nothing by it.
    if not _in_call and _asked_by_the_standard_library():
        return _built_ns // 1_000_000
    _only_in_call("the time")
    return clock.now_ms()


_first_ms = None


def _monotonic_ms() -> int:
    """Since it was first asked."""
    global _first_ms
    now = _now_ms()
    if _first_ms is None:
        _first_ms = now
    return now - _first_ms


def _replace_time() -> None:
    time.time = lambda: _now_ms() / 1_000
    time.time_ns = lambda: _now_ms() * 1_000_000
    for name in ("monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(time, name, lambda: _monotonic_ms() / 1_000)
        setattr(time, name + "_ns", lambda: _monotonic_ms() * 1_000_000)
    time.sleep = lambda secs, /: clock.sleep_ms(round(secs * 1_000))

    def with_now(builtin):
        return lambda secs=None, /: builtin(_now_ms() // 1_000 if secs is None else secs)

    time.gmtime, time.localtime, time.ctime = map(with_now, (time.gmtime, time.localtime, time.ctime))
    strftime, asctime = time.strftime, time.asctime
    time.strftime = lambda format, t=None, /: strftime(format, time.localtime() if t is None else t)
    time.asctime = lambda t=None, /: asctime(time.localtime() if t is None else t)


_Datetime = datetime.datetime


class _AnyDatetime(type):
    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, _Datetime)

    def __subclasscheck__(cls, subclass) -> bool:
        return issubclass(subclass, _Datetime)


def _replace_datetime() -> None:
    class JournalDatetime(_Datetime, metaclass=_AnyDatetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(_now_ms() / 1_000, tz)

        @classmethod
        def utcnow(cls):
            return cls.fromtimestamp(_now_ms() / 1_000, datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls):
            return cls.now()

    JournalDatetime.__name__ = JournalDatetime.__qualname__ = "datetime"
    JournalDatetime.__module__ = "datetime"
    datetime.datetime = JournalDatetime


# ---- output ----


class _Lines(io.TextIOBase):
    """A text stream whose lines go to the scenario's log."""

    def __init__(self, level: log.Level):
        self._level = level
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            log.write(self._level, line)
        return len(text)

    def flush(self) -> None:
        if self._rest:
            rest, self._rest = self._rest, ""
            log.write(self._level, rest)


def flush() -> None:
    """The handler has ended: lines without an end are written too."""
    sys.stdout.flush()
    sys.stderr.flush()


def _replace_logging(logging) -> None:
    levels = [(logging.ERROR, log.Level.ERROR), (logging.WARNING, log.Level.WARN), (logging.INFO, log.Level.INFO)]

    class JournalHandler(logging.Handler):
        def emit(self, record):
            level = next((ours for least, ours in levels if record.levelno >= least), log.Level.DEBUG)
            log.write(level, self.format(record))

    root = logging.getLogger()
    # Streams that a `basicConfig` at the top level took are those of the build.
    root.handlers[:] = [JournalHandler()]
    # The host keeps every level; Python's default would drop what is below a warning.
    if root.level == logging.WARNING:
        root.setLevel(logging.DEBUG)


# ---- what is not there ----


def _absent(name: str, why: str, kind: type[Exception] = PermissionError):
    def refuse(*arguments, **_):
        first = repr(arguments[0]) if arguments else ""
        raise kind(f"{name}({first}) is not there in a scenario: {why}")

    refuse.__name__ = name
    return refuse


_NO_FILES = "a call has no files; read them at the top of a module, which runs when the scenario is built"
_NO_NETWORK = "it has no network; what it may ask for is in tandem_scenario"
_OF_FILES = """access chdir getcwd link listdir lstat mkdir makedirs open readlink remove rename replace rmdir scandir
    stat symlink unlink utime walk""".split()


class _Late:
    """The last of the importers."""

    @staticmethod
    def find_spec(name, _path=None, _target=None):
        raise ModuleNotFoundError(
            f"import {name} within a call: what is not imported when the scenario is built is not in its component; "
            "import it at the top of a module",
            name=name,
        )


_IMPORTERS = [importlib.machinery.BuiltinImporter, importlib.machinery.FrozenImporter, _Late]


def _take_away() -> None:
    builtins.open = io.open = _absent("open", _NO_FILES)
    builtins.input = _absent("input", "nobody is at a terminal; ask the caller with Leg.collect")
    for name in _OF_FILES:
        if hasattr(os, name):
            setattr(os, name, _absent(f"os.{name}", _NO_FILES))
    if socket := sys.modules.get("socket"):
        for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
            if hasattr(socket, name):
                setattr(socket, name, _absent(f"socket.{name}", _NO_NETWORK))


# ---- the end of the build ----


def seal(root: str, rehearse) -> None:
    """All modules are imported. `root`: the folder of the scenario's own. `rehearse`: a function that goes the way of a
    call, as far as that is the same in each and nobody notices."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.startswith(root):
            # A traceback shows source lines, and cannot read them in a call.
            linecache.getlines(file)
    linecache.checkcache = lambda filename=None: None
    if "traceback" in sys.modules:
        _import_what_tracebacks_import()
    if logging := sys.modules.get("logging"):
        _replace_logging(logging)
    sys.stdout, sys.stderr = _Lines(log.Level.INFO), _Lines(log.Level.WARN)
    _take_away()
    _image.settle_at_the_end(rehearse)


def _import_what_tracebacks_import() -> None:
    import traceback

    # To point at a part of a line it compiles the line, and the compiler looks for the file of what it cannot compile.
    traceback._extract_caret_anchors_from_line_segment = lambda _segment: None
    try:
        raise ValueError(len([][0:1]) + None)
    except Exception:
        traceback.format_exc()


_replace_random()
_replace_time()
_replace_datetime()
