"""A text sentence by sentence: each a plan of its own, kept by address for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from speaker_runtime.audio.pipeline import Section
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.digest import digest
from speaker_runtime.services.planning import Caption, Place, Plan, SpeechOrder

KEPT_SECONDS: Final = 900.0
"""For which an address holds after its preview, unless too many others were shown since."""
_MOST_CHARACTERS: Final = 4 * 2**20


@dataclass(frozen=True)
class Part:
    """One sentence of an order.

    Attributes:
        order: To speak the sentence alone.
        plan: How that is carried out.
        caption: As it was written.
        address: A digest of all that decides how it sounds.
        estimate: Seconds of audio that it will be, from its text.
    """

    order: SpeechOrder
    plan: Plan
    caption: Caption
    address: str
    estimate: float


@dataclass(frozen=True)
class Preview:
    """What a text would be.

    Attributes:
        parts: Its sentences.
        lengths: The seconds of each of them that was measured, else None.
        warnings: What of the order is not followed to the letter.
    """

    parts: tuple[Part, ...]
    lengths: tuple[float | None, ...]
    warnings: tuple[str, ...]


def split_plan(order: SpeechOrder, planned: Plan, characters_per_second: float) -> tuple[Part, ...]:
    """Split a plan into its sentences; their audio one after the other is that of the whole."""
    numbers = range(len(planned.captions))
    return tuple(_part(order, planned, number, characters_per_second) for number in numbers)


def _part(order: SpeechOrder, planned: Plan, number: int, characters_per_second: float) -> Part:
    mine = [n for n, place in enumerate(planned.places) if place.caption == number]
    section = planned.places[mine[0]].section
    begins = mine[0] == 0 or planned.places[mine[0] - 1].section != section
    own = planned.sections[section]
    sound = own if begins else replace(own, pause=0.0, marks=())
    is_last = mine[-1] == len(planned.places) - 1
    caption = planned.captions[number]
    requests = tuple(planned.requests[n] for n in mine)
    plan = Plan(
        requests=requests,
        places=tuple(Place(0, 0, ends=planned.places[n].ends) for n in mine),
        captions=(caption,),
        sections=(sound,),
        end=planned.end if is_last else Section(),
        warnings=(),
    )
    spoken = sum(len(each.text) / each.speed for each in requests) / characters_per_second
    return Part(
        order=replace(order, text=caption.text),
        plan=plan,
        caption=caption,
        address=_address(plan, order),
        estimate=sound.pause + spoken / sound.tempo + plan.end.pause,
    )


def _address(plan: Plan, order: SpeechOrder) -> str:
    # The name of a cloned voice stands for what the model made of it.
    requests = [replace(request, clone=None) for request in plan.requests]
    fields = {"requests": requests, "sections": plan.sections, "end": plan.end}
    return digest({**fields, "format": order.audio_format})


class Shelf:
    """Parts by address, within a bound of text and of time. Used on the event loop.

    Args:
        most: Characters of all parts together.
        seconds: For which a part is kept.
        clock: Seconds, never going back.
    """

    def __init__(
        self,
        most: int = _MOST_CHARACTERS,
        seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._parts: OrderedDict[str, tuple[float, Part]] = OrderedDict()
        self._lengths: dict[str, float] = {}
        self._characters = 0

    def put(self, part: Part) -> None:
        """Keep a part, or keep it longer."""
        self._take(part.address)
        self._parts[part.address] = (self._clock() + self._seconds, part)
        self._characters += _size(part)
        while self._parts and (self._characters > self._most or self._oldest() < self._clock()):
            gone = next(iter(self._parts))
            self._take(gone)
            self._lengths.pop(gone, None)

    def get(self, address: str) -> Part:
        """The part of an address.

        Raises:
            SpeechError: There is none, or not any more.
        """
        until, part = self._parts.get(address, (0.0, None))
        if part is None or until < self._clock():
            raise SpeechError(
                ErrorCode.PREVIEW_NOT_FOUND, "No preview has this address, or it has gone."
            )
        return part

    def learn(self, address: str, seconds: float) -> None:
        """Note how long a part is."""
        if address in self._parts:
            self._lengths[address] = seconds

    def length(self, address: str) -> float | None:
        """How long a part is, where that is known."""
        return self._lengths.get(address)

    def _oldest(self) -> float:
        until, _ = next(iter(self._parts.values()))
        return until

    def _take(self, address: str) -> None:
        if address in self._parts:
            _, part = self._parts.pop(address)
            self._characters -= _size(part)


def _size(part: Part) -> int:
    return len(part.caption.text) + sum(len(request.text) for request in part.plan.requests)
