"""What a server behind the gateway has, as far as it tells: models and voices."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from speaker_runtime.contract import Upstream

_LONGEST_NAME = 253
_MOST = 4096
"""Models and voices of one server; what lists more is not believed."""


class UnreadableError(Exception):
    """A list that is none; the message says of what."""


@dataclass(frozen=True)
class OfferedVoice:
    """A voice of one server.

    Attributes:
        name: Under which it is asked for.
        aliases: Other such names.
        told: Whatever else its server says of it, in the fields of `GET /v1/audio/voices`.
    """

    name: str
    aliases: tuple[str, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Offering:
    """What requests can ask one server for.

    Attributes:
        models: Names of its models, its own name for the first one before those that it shares
            with others.
        voices: None where it does not tell: it may have any.
    """

    models: tuple[str, ...]
    voices: tuple[OfferedVoice, ...] | None

    @property
    def voice_names(self) -> frozenset[str] | None:
        """Every name that a voice of it has; None where it may have any."""
        if self.voices is None:
            return None
        return frozenset(name for voice in self.voices for name in (voice.name, *voice.aliases))


def declared(upstream: Upstream) -> Offering:
    """What is said of a server before it was asked."""
    voices = tuple(OfferedVoice(name) for name in upstream.voices)
    return Offering(upstream.models, voices or None)


def read_models(body: bytes) -> tuple[str, ...]:
    """The names in an answer to `GET /v1/models`.

    Raises:
        UnreadableError: It lists no models.
    """
    document = _object(body, "models")
    names = [each.get("id") for each in _dicts(document.get("data"), "models")]
    return tuple(_names(names))


def read_voices(body: bytes) -> tuple[OfferedVoice, ...]:
    """The voices in an answer to `GET /v1/audio/voices`; some servers list bare names.

    Raises:
        UnreadableError: It lists no voices.
    """
    listed = _object(body, "voices").get("voices")
    if not isinstance(listed, list) or len(listed) > _MOST:
        raise UnreadableError("it does not list its voices as expected")
    voices = []
    for each in listed:
        told = {"id": each} if isinstance(each, str) else each
        if not isinstance(told, dict):
            raise UnreadableError("it does not list its voices as expected")
        name = told.get("id") or told.get("voice_id") or told.get("name")
        for known in _names([name]):
            aliases = told.get("aliases")
            others = _names(aliases) if isinstance(aliases, list) else ()
            voices.append(OfferedVoice(known, tuple(others), told))
    return tuple(voices)


def _object(body: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"what should list its {what} is no JSON") from error
    if not isinstance(document, dict):
        raise UnreadableError(f"it does not list its {what} as expected")
    return document


def _dicts(listed: object, what: str) -> list[dict[str, Any]]:
    if not isinstance(listed, list) or len(listed) > _MOST:
        raise UnreadableError(f"it does not list its {what} as expected")
    return [each for each in listed if isinstance(each, dict)]


def _names(names: Iterable[object]) -> Iterable[str]:
    return (name for name in names if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME)
