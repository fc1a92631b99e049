"""A web server on this machine that behaves as badly as a test asks for."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from speaker_runtime.models import manifest as manifests
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest


@dataclass(frozen=True)
class Answer:
    """How one request is answered.

    Attributes:
        status: Of the answer; 200 gives the file.
        headers: Beside the usual ones; they win.
        cut_after: Bytes after which the connection is cut.
        ranges: Whether a Range is obeyed.
        hold: Awaited in the middle of the file, for a minute at most.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    ranges: bool = True
    hold: threading.Event | None = None


@dataclass
class Site:
    """Files by path, and what is to happen first on requests for a path.

    A path may have a query; one without is also found for requests that have one.
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    plans: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of each request."""
    credentials: list[str | None] = field(default_factory=list)
    """The Authorization of each request."""
    token: str | None = None
    """What requests have to be authorized with, if with anything."""

    def offer(self, folder: str, files: dict[str, bytes]) -> ModelManifest:
        """Offer a model's directory at ``/folder``; gives its manifest."""
        entries = [
            FileEntry(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
            for name, content in files.items()
        ]
        manifest = manifests.build("package://original", entries)
        self.files |= {f"/{folder}/{name}": content for name, content in files.items()}
        self.files[f"/{folder}/{MANIFEST_FILE}"] = manifest.to_json().encode()
        return manifest

    def address(self, folder: str, manifest: ModelManifest) -> str:
        """The pinned ``model.source`` of what was offered."""
        return f"{self.url}/{folder}@{manifest.digest}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        site = self.server.site
        asked = self.headers.get("Range")
        site.requests.append((self.path, asked))
        site.credentials.append(self.headers.get("Authorization"))
        if site.token is not None and self.headers.get("Authorization") != f"Bearer {site.token}":
            self._send(401, {"Content-Length": "0"}, b"")
            return
        path = self.path if self.path in site.files else urlsplit(self.path).path
        plan = site.plans.get(path) or site.plans.get(self.path)
        answer = plan.pop(0) if plan else Answer()
        content = site.files.get(path)
        if content is None and answer.status == 200:
            answer = Answer(status=404)
        if answer.status != 200 or content is None:
            self._send(answer.status, {"Content-Length": "0"} | answer.headers, b"")
            return
        headers = {"Content-Length": str(len(content))}
        status = 200
        if asked and answer.ranges:
            begin = int(asked.removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            content, status = content[begin:], 206
            headers["Content-Length"] = str(len(content))
        if answer.hold is not None:
            middle = len(content) // 2
            self._send(status, headers | answer.headers, content[:middle])
            answer.hold.wait(60)
            self.wfile.write(content[middle:])
            return
        self._send(status, headers | answer.headers, content[: answer.cut_after])
        self.close_connection = answer.cut_after is not None or bool(answer.headers)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        pass


class _Server(ThreadingHTTPServer):
    site: Site
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go while they are being answered."""


@contextmanager
def website(host: str = "127.0.0.1") -> Iterator[Site]:
    """Serve an empty site at an address of this machine while the context lasts."""
    server = _Server((host, 0), _Handler)
    server.site = Site(url=f"http://{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
