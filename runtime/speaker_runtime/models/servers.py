"""Addresses of servers that the environment names."""

from urllib.parse import urlsplit

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError


def require_server(address: str, variable: str) -> str:
    """The address without slashes at its end, if it is one that can be asked.

    Args:
        address: Of a server, perhaps with a path.
        variable: Where it stands. It is named in place of the address, which may hold a password.

    Raises:
        ModelError: It is not.
    """
    try:
        parts = urlsplit(address)
        known = parts.scheme in {"http", "https"} and parts.hostname is not None
    except ValueError:
        known = False
    if not known:
        raise ModelError(
            ExitCode.INVALID_CONFIG,
            f"The environment variable {variable} holds no address of a server.",
            f"Write {variable}=https://HOST, with :PORT and /PATH if it needs them.",
        )
    return address.rstrip("/")
