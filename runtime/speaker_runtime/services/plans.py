"""Plans of what was asked for lately: to read a text takes longer than to find its audio."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.backends.protocol import Capabilities
from speaker_runtime.engine.job import Priority
from speaker_runtime.services.planning import CacheUse, Plan, SpeechOrder
from speaker_runtime.voices.catalogue import Catalogue

_MOST_CHARACTERS: Final = 2**16
"""Of all plans: about a megabyte of memory."""
_PLAN_CHARACTERS: Final = 256
"""What a plan takes beside its text, in characters."""


@dataclass(frozen=True)
class Planned:
    """How an order is carried out.

    Attributes:
        plan: What is to be done.
        warnings: What of the order is not followed to the letter.
    """

    plan: Plan
    warnings: tuple[str, ...]


class Plans:
    """The latest plans, as long as voices and model are what they were. Used on the event loop.

    Args:
        most: Characters of all texts together, with those that a plan itself counts for.
    """

    def __init__(self, most: int = _MOST_CHARACTERS) -> None:
        self._most = most
        self._plans: OrderedDict[SpeechOrder, Planned] = OrderedDict()
        self._characters = 0
        self._made_for: tuple[Catalogue, Capabilities] | None = None

    def get(self, order: SpeechOrder, catalogue: Catalogue, can: Capabilities) -> Planned | None:
        """The plan of an order for the same speech, if there was one lately."""
        if not self._is_for(catalogue, can):
            return None
        asked = _asked(order)
        planned = self._plans.get(asked)
        if planned is not None:
            self._plans.move_to_end(asked)
        return planned

    def keep(
        self, order: SpeechOrder, catalogue: Catalogue, can: Capabilities, planned: Planned
    ) -> None:
        """Keep a plan, unless it holds what a model made of a recording: others bound that."""
        if any(request.clone is not None for request in planned.plan.requests):
            return
        if not self._is_for(catalogue, can):
            self._plans.clear()
            self._characters = 0
            self._made_for = catalogue, can
        asked = _asked(order)
        if asked not in self._plans:
            self._characters += _size(asked)
        self._plans[asked] = planned
        while self._characters > self._most:
            gone, _ = self._plans.popitem(last=False)
            self._characters -= _size(gone)

    def _is_for(self, catalogue: Catalogue, can: Capabilities) -> bool:
        return (
            self._made_for is not None
            and self._made_for[0] is catalogue
            and self._made_for[1] is can
        )


def _size(asked: SpeechOrder) -> int:
    return _PLAN_CHARACTERS + len(asked.text)


def _asked(order: SpeechOrder) -> SpeechOrder:
    """An order without what has no say in how it is carried out."""
    return replace(
        order,
        audio_format=AudioFormat.PCM,
        priority=Priority.NORMAL,
        begin_within=None,
        client="",
        label="",
        cache=CacheUse.FULL,
    )
