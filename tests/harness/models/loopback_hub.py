"""A hub on this machine with one model, `owner/model`: answers as it is told."""

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

COMMIT = "a" * 40


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    hub: "Hub"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.hub.asked.append(path)
        answer = next((answer for part, answer in self.hub.misbehave.items() if part in path), well)
        answer(self, path)

    def do_HEAD(self) -> None:
        self.do_GET()

    def give(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet."""


Answer = Callable[[Handler, str], None]


class Hub:
    """What is served.

    Attributes:
        url: its address.
        files: name -> content.
        misbehave: part of a path -> how it is answered.
        asked: every path that was asked for.
        closing: set when the hub ends.
    """

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        self.misbehave: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.closing = Event()


def well(handler: Handler, path: str) -> None:
    """The commit, the list of files, or a file."""
    hub = handler.hub
    if "/revision/" in path:
        handler.give(200, json.dumps({"id": "owner/model", "sha": COMMIT, "siblings": []}).encode())
    elif "/tree/" in path:
        rows = [
            {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for name, content in hub.files.items()
        ]
        handler.give(200, json.dumps(rows).encode())
    else:
        content = hub.files[path.rpartition("/")[2]]
        handler.give(200, content, ETag=f'"{hashlib.sha1(content).hexdigest()}"', X_Repo_Commit=COMMIT)


def status(code: int, **headers: str) -> Answer:
    """An answer without content."""
    return lambda handler, path: handler.give(code, b"{}", **headers)


def hang_up(handler: Handler, path: str) -> None:
    """No word at all."""
    handler.hang_up()


def cut(handler: Handler, path: str) -> None:
    """Half of a file."""
    content = handler.hub.files[path.rpartition("/")[2]]
    handler.send_response(200)
    for name, value in (("Content-Length", str(len(content))), ("ETag", '"x"'), ("X-Repo-Commit", COMMIT)):
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content[: len(content) // 2])
        handler.hang_up()


def wait(handler: Handler, path: str) -> None:
    """Takes the request and never answers."""
    handler.hub.closing.wait()
    handler.hang_up()


def page(handler: Handler, path: str) -> None:
    """What a hotel's network answers to everything."""
    handler.give(200, b"<html>please log in</html>", Content_Type="text/html")


@contextmanager
def served() -> Iterator[Hub]:
    """Runs a hub in a thread."""
    hub = Hub()
    attributes: dict[str, Any] = {"hub": hub}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HubHandler", (Handler,), attributes))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
