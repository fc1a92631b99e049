"""What can go wrong between the operator and a pod, as types."""

from typing import ClassVar

from speaker_operator.reasons import Reason


class PodError(Exception):
    """A pod did not take what it was sent."""

    reason: ClassVar[Reason] = Reason.POD_ERROR
    """For conditions and metrics."""


class UnreachableError(PodError):
    """The pod does not answer, or not in time."""

    reason = Reason.POD_UNREACHABLE


class RefusedError(PodError):
    """The pod answers, but does not do as it is told."""

    reason = Reason.POD_REFUSES
