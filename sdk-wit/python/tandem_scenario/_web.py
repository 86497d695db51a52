"""What comes over HTTP to a web scenario, and what it answers."""

import json as _json
from dataclasses import dataclass, field
from typing import Any

from ._registry import register


@dataclass(frozen=True)
class WebRequest:
    """What came over HTTP to `/s/DOMAIN/PATH`."""

    method: str
    """`GET`, `POST` …, in upper case."""
    path: str
    """The path behind `/s/DOMAIN`, which begins with `/`, unescaped."""
    query: str
    """What stands behind `?`, as it was sent; empty: nothing."""
    headers: list[tuple[str, str]]
    """Names in lower case, with their values; cookies are never shown."""
    body: bytes
    """At most 1 MiB."""
    peer: str
    """The address that the request came from: the one of a reverse proxy, where there is one."""

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for own, value in self.headers if own.lower() == name.lower()), None)

    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError where it is none."""
        return _json.loads(self.body)


@dataclass(frozen=True)
class WebResponse:
    """What is answered."""

    status: int
    """200 to 599; anything else is answered by 502."""
    headers: list[tuple[str, str]] = field(default_factory=list)
    """Names and values, at most 100."""
    body: bytes = b""
    """At most 4 MiB."""

    @classmethod
    def text(cls, status: int, text: str) -> "WebResponse":
        """Plain text."""
        return cls(status, [("content-type", "text/plain; charset=utf-8")], text.encode())

    @classmethod
    def json(cls, status: int, value: Any) -> "WebResponse":
        """A value as JSON."""
        text = _json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return cls(status, [("content-type", "application/json")], text.encode())

    @classmethod
    def html(cls, status: int, html: str) -> "WebResponse":
        """A page."""
        return cls(status, [("content-type", "text/html; charset=utf-8")], html.encode())

    @classmethod
    def empty(cls, status: int) -> "WebResponse":
        """Nothing but a status, such as 204."""
        return cls(status)

    def with_header(self, name: str, value: str) -> "WebResponse":
        """The same with another header."""
        return WebResponse(self.status, [*self.headers, (name, value)], self.body)


def web_scenario(handler):
    """Makes a function `handle(request: WebRequest) -> WebResponse` the web scenario of this component; use it once. The
    project's pyproject.toml says `world = "web-scenario"` in its table `[tool.tandem]`.

    It answers within 30 seconds; then the client gets 504. What it raises goes to the scenario's log with its traceback,
    and is answered by 500 without its text.
    """
    register("web-scenario", handler)
    return handler
