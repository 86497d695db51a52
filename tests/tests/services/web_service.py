"""A web service for tests, by Python's own HTTP server: writes down each request as a line of JSON.

web_service.py PORT LOG"""

import gzip
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG = open(sys.argv[2], "a", buffering=1)
SEEN = {}
RELEASED = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        times = SEEN[path] = SEEN.get(path, 0) + 1
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = {"method": self.command, "path": self.path, "headers": headers, "body": body.decode()}
        LOG.write(json.dumps(said) + "\n")
        if path == "/echo":
            self.say(200, body or b"hello")
        elif path == "/json":
            self.say(200, json.dumps({"got": json.loads(body)}).encode(), {"Content-Type": "application/json"})
        elif path == "/to":
            self.say(302, b"", {"Location": query})
        elif path == "/big":
            self.say(200, b"x" * 300_000)
        elif path == "/zip":
            self.say(200, gzip.compress(b"unzipped"), {"Content-Encoding": "gzip"})
        elif path == "/bomb":
            self.say(200, gzip.compress(b"0" * 50_000_000), {"Content-Encoding": "gzip"})
        elif path == "/busy-once":
            self.say(503 if times == 1 else 200, b"done")
        elif path.startswith("/vip/"):
            self.say(200, json.dumps({"name": "Ann Example", "vip": True}).encode())
        elif path == "/slow":
            time.sleep(3)
            self.say(200, b"late")
        elif path == "/held":
            RELEASED.wait(60)
            self.say(200, b"late")
        elif path == "/release":
            RELEASED.set()
            self.say(200, b"")
        elif path == "/hold-first":
            if times == 1:
                time.sleep(20)
            self.say(201, b"ordered")
        else:
            self.say(404, b"")

    def say(self, status, body, headers={}):
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except BrokenPipeError:
            pass

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
