"""Who asks: what keeps one client from taking everybody's place."""

import hashlib
from typing import Final

from starlette.requests import HTTPConnection

CLIENT_HEADER: Final = "X-Speaker-Client"
"""By which a gateway tells its clients apart for those behind it."""


def client_of(connection: HTTPConnection) -> str:
    """A name for the client: its address, and what it calls itself and its key (as a digest).

    Nothing of it is proof of anything; all together tell clients behind one proxy apart as well as
    clients that share a key.
    """
    headers = connection.headers
    key = headers.get("authorization", "") + headers.get(CLIENT_HEADER, "")
    address = connection.client.host if connection.client else ""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:16]}@{address}"
