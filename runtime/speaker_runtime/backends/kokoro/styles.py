"""How each voice sounds: rows of 256 numbers, one row for each length of utterance."""

from collections.abc import Mapping, Set
from functools import partial
from operator import attrgetter
from pathlib import PurePosixPath
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.store import StoredModel
from speaker_runtime.voices.mixing import parse
from speaker_runtime.voices.states import VoiceStates

LENGTHS: Final = 510
"""Most tokens of an utterance."""
WIDTH: Final = 256

Style: TypeAlias = NDArray[np.float32]
"""Of shape (:data:`LENGTHS`, :data:`WIDTH`)."""

_MAIN: Final = "af_heart"
"""The voice that the model's authors grade best."""
_SUFFIX: Final = ".bin"
_MIXES_BYTES: Final = 32 * 2**20
"""A mix has half a megabyte."""


class Styles:
    """The styles of all voices and of the mixes that were asked for lately.

    Args:
        by_name: The main voice first.
    """

    def __init__(self, by_name: Mapping[str, Style]) -> None:
        self._by_name = by_name
        self._mixes = VoiceStates[Style](_MIXES_BYTES, attrgetter("nbytes"))

    @property
    def presets(self) -> tuple[str, ...]:
        """Names of all voices."""
        return tuple(self._by_name)

    @property
    def mixed_bytes(self) -> int:
        """Memory that the mixes take."""
        return self._mixes.bytes

    def style(self, preset: str) -> Style:
        """The style of a voice, or of a mix such as ``af_heart*0.3+am_adam*0.7``."""
        if preset in self._by_name:
            return self._by_name[preset]
        return self._mixes.get(preset, partial(self._mix, preset))

    def _mix(self, preset: str) -> Style:
        parts = parse(preset)
        mixed = sum((self._by_name[each.name] * np.float32(each.share) for each in parts), start=0)
        return np.asarray(mixed, dtype=np.float32)


def read_styles(stored: StoredModel, accents: Set[str]) -> Styles:
    """Read the styles that were fetched, of voices whose name begins with one of ``accents``.

    Raises:
        ModelError: There are none, or a file is no style.
    """
    found = {}
    for entry in stored.manifest.files:
        path = PurePosixPath(entry.name)
        if path.suffix == _SUFFIX and path.name[0] in accents:
            found[path.stem] = _read(stored, entry.name)
    if not found:
        raise ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"{stored.manifest.source} holds no voice that can be read aloud.",
            "Name a model.source that fits the backend kokoro.",
        )
    ordered = sorted(found, key=lambda name: (name != _MAIN, name))
    return Styles({name: found[name] for name in ordered})


def _read(stored: StoredModel, name: str) -> Style:
    values = np.fromfile(stored.path(name), dtype="<f4").astype(np.float32)
    if values.size != LENGTHS * WIDTH:
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"{stored.path(name)} holds {values.size} numbers, not {LENGTHS} rows of {WIDTH}.",
            "Name a model.source that fits the backend kokoro.",
        )
    return values.reshape(LENGTHS, WIDTH)
