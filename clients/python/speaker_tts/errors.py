"""Errors of the client and the command line: each says what happened and what to do next."""


class SpeakerError(Exception):
    """Base of every error raised here; ``exit_code`` is what the command line ends with."""

    exit_code = 1


class ConnectionFailed(SpeakerError):
    """Nobody answered at the service's address."""


class RequestRefused(SpeakerError):
    """The service answered with an error.

    Attributes:
        status: HTTP status code.
        code: The error's machine-readable code, or None.
        param: The request's field that was wrong, or None.
        suggestion: What to write instead, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        param: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message if suggestion is None else f"{message} {suggestion}")
        self.status = status
        self.code = code
        self.param = param
        self.suggestion = suggestion


class IncompleteAudio(SpeakerError):
    """The connection ended before the speech did; what arrived is not the whole."""


class MissingExtra(SpeakerError):
    """A part of the distribution is needed that is not installed."""

    exit_code = 2


class InvalidManifest(SpeakerError):
    """A YAML file does not say what can be served."""

    exit_code = 2


class RuntimeEnded(SpeakerError):
    """The local runtime stopped before it was asked to."""


class PortTaken(SpeakerError):
    """Another program listens where the runtime should."""
