"""Which servers can answer a request, the best one first. Pure."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Final, NoReturn

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.gateway.upstream import Server
from speaker_runtime.voices.catalogue import OPENAI_VOICES

RETRY_SECONDS: Final = 2
"""By when a server that is back has been noticed."""
_LISTED: Final = 24
"""Names in a message."""


def of_model(servers: Iterable[Server], model: str) -> list[Server]:
    """The servers that have a model; a server's own name means it alone.

    Raises:
        SpeechError: None has it, or the only ones that might have it have never answered.
    """
    servers = list(servers)
    named = [server for server in servers if server.name == model]
    found = named or [server for server in servers if model in server.models]
    if not found:
        _raise_unknown(servers)
        known = sorted({name for server in servers for name in server.models})
        raise SpeechError(
            ErrorCode.MODEL_NOT_FOUND,
            f"The model {model!r} does not exist. Known models: {_some(known)}.",
            param="model",
            suggestion=f"{_hint(model, known)}GET /v1/models lists every model.",
        )
    return found


def of_voice(servers: Sequence[Server], voice: str) -> list[Server]:
    """Those of the servers that have a voice, or that speak for one of OpenAI's names.

    A server that has it by name comes before one that would answer with its default, and before
    one that does not tell which voices it has.

    Raises:
        SpeechError: None has it, or the only ones that might have it have never answered.
    """
    by_name = [server for server in servers if _has(server, voice)]
    speaks_for_openai = [
        server
        for server in servers
        if voice in OPENAI_VOICES and server.is_known and server.upstream.kind == "speaker"
    ]
    tells_nothing = [
        server
        for server in servers
        if server.offering.voices is None and server.upstream.kind == "openai"
    ]
    found = by_name or speaks_for_openai or tells_nothing
    if not found:
        _raise_unknown(servers)
        known = sorted({name for each in servers for name in each.offering.voice_names or ()})
        raise SpeechError(
            ErrorCode.VOICE_NOT_FOUND,
            f"The voice {voice!r} does not exist. Known voices: {_some(known)}.",
            param="voice",
            suggestion=f"{_hint(voice, known)}GET /v1/audio/voices lists every voice.",
        )
    return found


def in_order(servers: Sequence[Server], turn: int) -> list[Server]:
    """The servers that are in service, the one with the least speech waiting first.

    Args:
        servers: Which could answer.
        turn: Grows with every request: of equals, each has its turn.

    Raises:
        SpeechError: None is in service.
    """
    ready = [server for server in servers if server.in_service]
    if not ready:
        raise unavailable(servers)
    at = turn % len(ready)
    turned = [*ready[at:], *ready[:at]]
    return sorted(turned, key=lambda each: (round(each.queued_seconds, 1), each.in_flight))


def unavailable(servers: Iterable[Server]) -> SpeechError:
    """The error of a request whose servers are all out of service."""
    reasons = "; ".join(f"{server.name}: {server.reason}" for server in servers)
    return SpeechError(
        ErrorCode.UPSTREAM_UNAVAILABLE,
        f"No server that could answer is in service ({reasons or 'there is none'}).",
        retry_after=RETRY_SECONDS,
    )


def _has(server: Server, voice: str) -> bool:
    names = server.offering.voice_names
    if names is None:
        return False
    return voice in names or _is_mix(voice, names)


def _is_mix(voice: str, names: Collection[str]) -> bool:
    """Whether it mixes speakers that the server has: ana*0.3+ben*0.7."""
    parts = [part.partition("*")[0] for part in voice.split("+")]
    return len(parts) > 1 and all(part in names for part in parts)


def _raise_unknown(servers: Sequence[Server]) -> None:
    """Nobody can say what does not exist while a server has never told what it has."""
    silent = [server for server in servers if not server.is_known]
    if silent:
        _raise(unavailable(silent))


def _raise(error: SpeechError) -> NoReturn:
    raise error


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (", ".join(names[:_LISTED]) or "none") + more


def _hint(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name.casefold(), known, n=1)
    return f"Did you mean {close[0]!r}? " if close else ""
