"""What can go wrong between the operator and the API server, as types."""

from collections.abc import Mapping
from typing import Any, ClassVar

from speaker_operator.reasons import Reason


class KubeError(Exception):
    """A request that the API server did not fulfil."""

    reason: ClassVar[Reason] = Reason.API_ERROR
    """For conditions and metrics."""
    transient: ClassVar[bool] = False
    """Whether the same request may well succeed later, with nothing changed by people."""

    def __init__(self, message: str, *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}


class UnavailableError(KubeError):
    """The API server is out of reach, too slow, or failed itself."""

    reason = Reason.API_UNAVAILABLE
    transient = True


class ExpiredError(UnavailableError):
    """What happened since a version is no longer known: list anew."""


class ThrottledError(KubeError):
    """The API server asks for fewer requests."""

    reason = Reason.API_THROTTLED
    transient = True


class ConflictError(KubeError):
    """The object changed in between, or is on its way out."""

    reason = Reason.CONFLICT
    transient = True


class UnauthorizedError(KubeError):
    """The API server does not accept the operator's credentials."""

    reason = Reason.UNAUTHORIZED
    transient = True


class NotLeadingError(KubeError):
    """The operator may not write now: another replica leads, or may by now."""

    reason = Reason.NOT_LEADING
    transient = True


class NotFoundError(KubeError):
    """The object, its namespace or its kind does not exist (any more)."""

    reason = Reason.NOT_FOUND


class ForbiddenError(KubeError):
    """The operator's role, a quota or an admission policy says no."""

    reason = Reason.FORBIDDEN


class NamespaceEndingError(ForbiddenError):
    """The namespace is on its way out: nothing can be made in it any more."""

    reason = Reason.NAMESPACE_ENDING


class QuotaExceededError(ForbiddenError):
    """A quota of the namespace leaves no room for the object."""

    reason = Reason.QUOTA_EXCEEDED


class InvalidError(KubeError):
    """The API server cannot accept the object as it is."""

    reason = Reason.INVALID


_BY_STATUS: dict[int, type[KubeError]] = {
    400: InvalidError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    405: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    413: InvalidError,
    422: InvalidError,
    429: ThrottledError,
}


_FORBIDDEN = 403
_OVER_QUOTA = "exceeded quota: "
"""How the API server words it; it gives no cause that programs could read."""


def _is_ending(status: Mapping[str, Any]) -> bool:
    causes = (status.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def from_response(status: int, body: Any) -> KubeError:
    """The error that an HTTP status and the API server's ``Status`` object stand for."""
    details = body if isinstance(body, dict) else {}
    message = str(details.get("message") or body or f"HTTP status {status}")
    if status == _FORBIDDEN and _is_ending(details):
        return NamespaceEndingError(message[:2048], details=details)
    if status == _FORBIDDEN and _OVER_QUOTA in message:
        return QuotaExceededError(message[:2048], details=details)
    known = _BY_STATUS.get(status, UnavailableError if status >= 500 else KubeError)  # noqa: PLR2004
    return known(message[:2048], details=details)
