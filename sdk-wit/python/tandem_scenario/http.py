"""Requests to web services, as far as the administrator allows: a domain reaches the hosts on its list and no others.

Each function raises HttpError where there is no response; a status of 400 and more is a response."""

import json as _json
from dataclasses import dataclass
from typing import Any

from wit_world.imports import http as raw

from ._errors import HttpError, answered


@dataclass(frozen=True)
class Secret:
    """A secret of the domain in a header: the host puts it in, the scenario never sees it."""

    name: str
    """As the administrator set it."""
    prefix: str = ""
    """What stands before it, such as `Bearer ` with its space."""


@dataclass(frozen=True)
class Response:
    """What came back, whatever its status."""

    status: int
    """The final one, 200 to 599."""
    headers: list[tuple[str, str]]
    """Names in lower case, with their values."""
    body: bytes
    """At most 256 KiB."""

    @property
    def ok(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for own, value in self.headers if own == name.lower()), None)

    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError where it is none."""
        return _json.loads(self.body)


def send(
    method: str,
    url: str,
    body: bytes | str = b"",
    *,
    headers: dict[str, str | Secret] | None = None,
    bearer: str | None = None,
    timeout_ms: int = 5_000,
    retries: int = 0,
) -> Response:
    """Sends a request and gives the response.

    `method`: `get`, `head`, `post`, `put`, `patch` or `delete`. `bearer`: the secret that is shown as `Authorization:
    Bearer …`. `timeout_ms`: for all of it, with redirects and repetitions, 1 to 60,000. `retries`: how many times it is
    made again at most where that does no harm, 0 to 5. A request that is neither `get` nor `head` carries the header
    `Idempotency-Key`, the same for every repetition."""
    all_headers = dict(headers or {})
    if bearer is not None:
        all_headers["Authorization"] = Secret(bearer, "Bearer ")
    request = raw.Request(
        getattr(raw.Method, method.upper()),
        url,
        [raw.Header(name, _value(value)) for name, value in all_headers.items()],
        body.encode() if isinstance(body, str) else bytes(body),
        timeout_ms,
        retries,
    )
    response = answered(HttpError, raw.send, request)
    return Response(response.status, list(response.headers), bytes(response.body))


def get(url: str, **how: Any) -> Response:
    """Reads. `how` as in `send`."""
    return send("get", url, **how)


def post(url: str, body: bytes | str, **how: Any) -> Response:
    """Lets the service do something; say what the body is by the header `Content-Type`. `how` as in `send`."""
    return send("post", url, body, **how)


def get_json(url: str, **how: Any) -> Any:
    """Reads JSON. Raises ValueError where the status is no success or the body no JSON. `how` as in `send`."""
    return _json_of(get(url, **_with(how, {"Accept": "application/json"})))


def post_json(url: str, value: Any, **how: Any) -> Any:
    """Posts JSON and reads what comes back, as `get_json`; an empty body is None. `how` as in `send`."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    text = _json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _json_of(post(url, text, **_with(how, headers)))


def _value(value: str | Secret) -> raw.HeaderValue:
    if isinstance(value, Secret):
        return raw.HeaderValue_Secret(raw.SecretRef(value.name, value.prefix))
    return raw.HeaderValue_Text(value)


def _with(how: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    return {**how, "headers": {**headers, **(how.get("headers") or {})}}


def _json_of(response: Response) -> Any:
    if not response.ok:
        raise ValueError(f"http: the service refuses: {response.status}")
    return response.json() if response.body else None
