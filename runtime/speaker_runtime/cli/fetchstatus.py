"""Answers how far a fetch is, over HTTP, while it lasts: what the operator shows in ``status``.

One fixed document at one path: no framework is worth its start-up time in a process that ends when
the files are there.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from speaker_runtime.contract import FETCH_STATUS_PATH, FetchStatus

_CLIENT_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.1


@contextmanager
def answers(status: Callable[[], FetchStatus], place: str) -> Iterator[int]:
    """Answer at ``HOST:PORT``, with a free port for 0, while the context lasts; gives the port."""
    host, _, port = place.rpartition(":")
    server = _Server((host, int(port)), _Handler)
    server.status = status
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, daemon=True
    ).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    status: Callable[[], FetchStatus]
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CLIENT_SECONDS

    def do_GET(self) -> None:
        """Answer with the status."""
        if self.path != FETCH_STATUS_PATH:
            self.send_error(404)
            return
        body = self.server.status().to_json().encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing: what is asked every few seconds would bury the progress in the log."""
