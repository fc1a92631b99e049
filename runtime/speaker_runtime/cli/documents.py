"""Reads ``config.json`` and ``voices.json``; all that is wrong with them is said at once."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from speaker_runtime.backends import registry
from speaker_runtime.contract import (
    CONFIG_FILE,
    CUSTOM,
    GATEWAY,
    ROUTES_FILE,
    VOICES_FILE,
    Document,
    GatewayConfig,
    RouteManifest,
    RuntimeConfig,
    VoiceManifest,
)
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import check_source
from speaker_runtime.text.lexicon import phonemes_of
from speaker_runtime.text.phonemes import WrongPhonemesError

D = TypeVar("D", bound=Document)

_ADVICE: Final = {
    "missing": "add it",
    "extra_forbidden": "remove it, or correct its spelling",
    "json_invalid": "write one JSON object",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and what to do about it."""

    where: str
    what: str
    remedy: str


class InvalidConfigError(Exception):
    """The configuration cannot be served."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        lines = (f"  {each.where}: {each.what}; {each.remedy}." for each in problems)
        super().__init__("The configuration is wrong:\n" + "\n".join(lines))
        self.problems = problems


def read_config(directory: Path) -> RuntimeConfig:
    """Read what to serve.

    Raises:
        InvalidConfigError: It is missing or wrong.
    """
    return _one(_read(directory / CONFIG_FILE, RuntimeConfig))


def read_before_fetch(directory: Path) -> RuntimeConfig:
    """Read what to serve, and find whatever would be in its way once the model is there.

    Raises:
        InvalidConfigError: The configuration is missing or wrong, names a backend that is not
            installed or an address that cannot be a model's, or the voices, if there are any, are
            wrong.
    """
    path, voices = directory / CONFIG_FILE, directory / VOICES_FILE
    config = _read(path, RuntimeConfig)
    if isinstance(config, RuntimeConfig) and config.backend != CUSTOM:
        config = _checked(config, path)
    problems = list(config) if isinstance(config, tuple) else list(_wrong_source(config, path))
    if voices.exists():
        manifest = _read_voices(voices)
        problems += manifest if isinstance(manifest, tuple) else ()
    if problems:
        raise InvalidConfigError(tuple(problems))
    return _one(config)


def read_documents(directory: Path) -> tuple[RuntimeConfig, VoiceManifest]:
    """Read what to serve, and who speaks.

    Raises:
        InvalidConfigError: One of them, or both, are missing or wrong, or the backend is not
            installed.
    """
    config = _read_config(directory / CONFIG_FILE)
    voices = _read_voices(directory / VOICES_FILE)
    problems = [each for each in (config, voices) if isinstance(each, tuple)]
    if problems:
        raise InvalidConfigError(tuple(problem for each in problems for problem in each))
    return _one(config), _one(voices)


def is_gateway(directory: Path) -> bool:
    """Whether what is to be served is a gateway; what cannot be read is none."""
    try:
        config = json.loads((directory / CONFIG_FILE).read_bytes())
    except (OSError, ValueError):
        return False  # whoever reads it as what it should be says what is wrong
    return isinstance(config, dict) and config.get("backend") == GATEWAY


def read_gateway(directory: Path) -> tuple[GatewayConfig, RouteManifest]:
    """Read how a gateway serves, and which servers are behind it.

    Raises:
        InvalidConfigError: One of them, or both, are missing or wrong.
    """
    config = _read(directory / CONFIG_FILE, GatewayConfig)
    path = directory / ROUTES_FILE
    routes = _read(path, RouteManifest)
    if isinstance(routes, RouteManifest):
        named = [each.name for each in routes.upstreams]
        twice = tuple(_named_twice(named, "upstreams", f"{path}", "a server"))
        routes = twice or routes
    problems = [each for each in (config, routes) if isinstance(each, tuple)]
    if problems:
        raise InvalidConfigError(tuple(problem for each in problems for problem in each))
    return _one(config), _one(routes)


def _read_config(path: Path) -> RuntimeConfig | tuple[Problem, ...]:
    config = _read(path, RuntimeConfig)
    return _checked(config, path) if isinstance(config, RuntimeConfig) else config


def _checked(config: RuntimeConfig, path: Path) -> RuntimeConfig | tuple[Problem, ...]:
    return (*_unknown_backend(config, path), *_misspelt(config, path)) or config


def _read_voices(path: Path) -> VoiceManifest | tuple[Problem, ...]:
    voices = _read(path, VoiceManifest)
    if isinstance(voices, VoiceManifest):
        return tuple(_declared_twice(voices, path)) or voices
    return voices


def _unknown_backend(config: RuntimeConfig, path: Path) -> Iterator[Problem]:
    try:
        registry.find(config.backend)
    except registry.UnknownBackendError as error:
        remedy = "name an installed backend, or install the package that brings it"
        yield Problem(f"{path}: backend", str(error), remedy)


def _wrong_source(config: RuntimeConfig, path: Path) -> Iterator[Problem]:
    try:
        check_source(config.model)
    except ModelError as error:
        what, remedy = error.message.rstrip("."), error.remedy.rstrip(".")
        yield Problem(f"{path}: model.source", what, f"{remedy[0].lower()}{remedy[1:]}")


def _one(result: D | tuple[Problem, ...]) -> D:
    if isinstance(result, tuple):
        raise InvalidConfigError(result)
    return result


def _read(path: Path, kind: type[D]) -> D | tuple[Problem, ...]:
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        remedy = f"write a {kind.__name__} there, or name another directory with --config"
        return (Problem(str(path), error.strerror or str(error), remedy),)
    except ValidationError as error:
        return tuple(
            Problem(
                where=f"{path}: {'.'.join(map(str, each['loc'])) or 'the whole file'}",
                what=f"{each['msg']} (given: {_shortened(each['input'])})",
                remedy=_ADVICE.get(each["type"], "write a value that fits"),
            )
            for each in error.errors()
        )


def _declared_twice(manifest: VoiceManifest, path: Path) -> Iterator[Problem]:
    names = [entry.name for entry in manifest.voices]
    return _named_twice(names, "voices", f"{path}", "a voice")


def _named_twice(names: Sequence[str], field: str, path: str, what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            where = f"{path}: {field}.{index}.name"
            yield Problem(where, f"{what} named {name!r} is there already", "rename one")
        seen.add(name)


def _misspelt(config: RuntimeConfig, path: Path) -> Iterator[Problem]:
    for word, say in config.serving.lexicon.items():
        try:
            phonemes_of(word, say)
        except WrongPhonemesError as error:
            remedy = "write the sounds in the International Phonetic Alphabet, or words"
            yield Problem(f"{path}: serving.lexicon.{word}", str(error), remedy)


def _shortened(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
