"""A home of data on this machine: an HTTP server that misbehaves as it is told."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from harness.data.remote import RemoteData, RemoteFile

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class Home:
    """Serves texts by their path.

    Attributes:
        url: address below which the paths lie.
        contents: path -> what is served.
        asked: how often every path was asked for.
        misbehave: path -> answers that come before the right one; the last of them for ever if `for_ever`.
    """

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.url = ""
        self.contents = contents
        self.asked: Counter[str] = Counter()
        self.misbehave: dict[str, list[Answer]] = {}
        self.for_ever = False

    def data(self, name: str = "Toy") -> RemoteData:
        """What this home should hold."""
        files = tuple(
            RemoteFile(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())
            for path, content in self.contents.items()
        )
        return RemoteData(
            name=name, home="https://example.org/toy", licence="MIT", commit="c0ffee", url=self.url, files=files
        )

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answers one request."""
        path = handler.path.removeprefix("/")
        self.asked[path] += 1
        queue = self.misbehave.get(path, [])
        if queue:
            (queue[0] if self.for_ever else queue.pop(0))(handler, self.contents[path])
        elif path in self.contents:
            well(handler, self.contents[path])
        else:
            handler.send_error(404)


def well(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """The whole content."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def cut(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Promises all and hangs up after half of it."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])


def hang_up(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Hangs up without a word."""


def other(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Another content of the same length."""
    well(handler, content[::-1])


def longer(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """The content and more."""
    well(handler, content + b"\n")


def status(code: int) -> Answer:
    """An answer without content."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> None:
        handler.send_error(code)

    return answer


@contextmanager
def served(contents: dict[str, bytes]) -> Iterator[Home]:
    """Runs a home in a thread."""
    home = Home(contents)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            home.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    home.url = f"http://127.0.0.1:{server.server_port}/"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield home
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
