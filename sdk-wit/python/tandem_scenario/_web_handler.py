"""The export of web scenarios: only their world has the types of it."""

from wit_world.exports import web_handler as raw

from . import _sandbox
from ._failure import failed
from ._registry import run
from ._web import WebRequest, WebResponse


class WebHandler:
    """What the host calls: the export `web-handler` of the world."""

    def handle(self, request):
        _sandbox.begin()
        try:
            answer = run(
                WebRequest(
                    request.method,
                    request.path,
                    request.query,
                    [(header.name, header.value) for header in request.headers],
                    bytes(request.body),
                    request.peer,
                )
            )
            if not isinstance(answer, WebResponse):
                raise TypeError(f"the handler returned {type(answer).__name__}, not a WebResponse")
            headers = [raw.Header(name, value) for name, value in answer.headers]
            response = raw.WebResponse(answer.status, headers, bytes(answer.body))
            _sandbox.flush()
            return response
        except BaseException as error:  # A SystemExit too is an end that nobody would hear of.
            _sandbox.flush()
            raise failed(error) from None
