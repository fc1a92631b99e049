"""Somebody else's speech server: it speaks OpenAI's API and knows nothing of this project.

Run it as a program: ``python foreign_server.py PORT``. ``FOREIGN_API_KEY`` is the key that it
wants, ``FOREIGN_MODEL`` a file that has to be there, as a model would.
"""

import json
import math
import os
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RATE = 24_000
VOICES = ["luna", "sol"]
MODEL = "moon-1"


def tone(seconds: float) -> bytes:
    """A sine wave, 16 bits, mono."""
    samples = (
        int(8000 * math.sin(i * 440 * 2 * math.pi / RATE)) for i in range(int(seconds * RATE))
    )
    return b"".join(struct.pack("<h", sample) for sample in samples)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(
        self, status: int, body: bytes, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def tell(self, status: int, document: object) -> None:
        self.answer(status, json.dumps(document).encode())

    def is_known(self) -> bool:
        key = os.environ.get("FOREIGN_API_KEY")
        return key is None or self.headers.get("Authorization") == f"Bearer {key}"

    def do_GET(self) -> None:
        if self.path == "/healthz":
            model = os.environ.get("FOREIGN_MODEL")
            there = model is None or Path(model).exists()
            self.answer(200 if there else 500, b"ok" if there else b"no model", "text/plain")
        elif self.path == "/metrics":
            self.answer(200, b"foreign_requests_total 1\n", "text/plain")
        elif not self.is_known():
            self.tell(401, {"detail": "who are you?"})
        elif self.path == "/v1/models":
            self.tell(200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        elif self.path == "/v1/audio/voices":
            self.tell(200, {"voices": VOICES})
        else:
            self.tell(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.is_known():
            self.tell(401, {"detail": "who are you?"})
        elif body["input"] == "elsewhere":
            self.answer(307, b"", Location="http://127.0.0.1:9/v1/audio/speech")
        elif body["input"] == "nonsense":
            self.tell(422, {"detail": "that is nonsense"})
        elif body["voice"] not in VOICES or body["model"] != MODEL:
            self.tell(400, {"detail": f"unknown {body['voice']} or {body['model']}"})
        else:
            self.answer(200, tone(0.2), "audio/pcm", X_Told=json.dumps(dict(self.headers)))


def main() -> None:
    server = ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
