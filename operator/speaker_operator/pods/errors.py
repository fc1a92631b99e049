"""What can go wrong between the operator and a pod, as types."""

from typing import ClassVar


class PodError(Exception):
    """A pod did not take what it was sent."""

    reason: ClassVar[str] = "PodError"
    """One CamelCase word, for conditions and metrics."""


class UnreachableError(PodError):
    """The pod does not answer, or not in time."""

    reason = "PodUnreachable"


class RefusedError(PodError):
    """The pod answers, but does not do as it is told."""

    reason = "PodRefuses"
