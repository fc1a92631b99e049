"""Who asks: what keeps one client from taking everybody's place."""

import hashlib

from starlette.requests import HTTPConnection


def client_of(connection: HTTPConnection) -> str:
    """A name for the client: its address, and the key that it sent (as a digest).

    Neither is proof of anything; both together tell clients behind one proxy apart as well as
    clients that share a key.
    """
    key = connection.headers.get("authorization", "")
    address = connection.client.host if connection.client else ""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:16]}@{address}"
