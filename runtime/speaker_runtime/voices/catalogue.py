"""Which voice a request's name means: manifest names, aliases, presets, OpenAI's names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from speaker_runtime.contract import VoiceEntry, VoiceManifest, VoiceReason
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.voices import mixing
from speaker_runtime.voices.preset import Preset
from speaker_runtime.voices.standing import Standing

OPENAI_VOICES: Final = (
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable",
    "marin", "nova", "onyx", "sage", "shimmer", "verse",
)  # fmt: skip
"""Names that clients of OpenAI's API send; nobody need declare them."""


_CANNOT_CLONE: Final = Standing(
    reason=VoiceReason.BACKEND_CANNOT_CLONE,
    message="this service has no way to sound like a recording: give the voice a preset",
)


class VoiceState(StrEnum):
    """Whether a voice can speak."""

    READY = "ready"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True)
class Voice:
    """One voice that can be asked for, or that should have been.

    Attributes:
        entry: What the manifest, or the backend's preset, says of it.
        state: Whether it can speak.
        reason: What is wrong with it, for programs; empty where nothing is.
        message: What is wrong with it, and what to do.
        names: Every name that means this voice, its own first.
        speaker: Who speaks, as the model knows them; empty where nobody does. A voice that is
            being made anew speaks as before meanwhile.
    """

    entry: VoiceEntry
    state: VoiceState
    message: str
    names: tuple[str, ...]
    reason: str = ""
    speaker: str = ""


@dataclass(frozen=True)
class _Sound:
    """How a voice sounds, or why it does not."""

    speaker: str = ""
    reason: str = ""
    message: str = ""

    @property
    def state(self) -> VoiceState:
        if not self.reason:
            return VoiceState.READY
        pending = self.reason == VoiceReason.PREPARING
        return VoiceState.PENDING if pending else VoiceState.FAILED


class Catalogue:
    """The voices of one service, given what its backend has.

    Args:
        manifest: The declared voices.
        presets: The backend's built-in speakers; each is a voice too, unless a declared one has
            its name.
        mixes_presets: Whether the backend speaks mixes of its presets.
        clones: How far the voices with a reference are, by name.
    """

    def __init__(
        self,
        manifest: VoiceManifest,
        presets: Sequence[Preset],
        *,
        mixes_presets: bool = False,
        clones: Mapping[str, Standing] = MappingProxyType({}),
    ) -> None:
        entries = (*manifest.voices, *_presets_as_voices(manifest, presets))
        self._presets = frozenset(preset.name for preset in presets)
        self._mixes_presets = mixes_presets
        self._clones = clones
        self.voices = tuple(_claims((entry, self._sound(entry)) for entry in entries))
        self._by_name: Mapping[str, Voice] = MappingProxyType(
            {name: voice for voice in self.voices for name in voice.names}
        )
        self.default, self.default_message = self._find_default(manifest.default)

    def resolve(self, name: str) -> Voice:
        """The voice that ``name`` means, or the mix of voices that it describes.

        Raises:
            SpeechError: There is no such voice, or it cannot speak.
        """
        voice = self._by_name.get(name)
        if voice is None and mixing.is_mix(name):
            return self._mix(name)
        if voice is None and name in OPENAI_VOICES:
            voice = self.default
        if voice is None:
            raise self._not_found(name)
        if voice.state is VoiceState.FAILED:
            raise SpeechError(
                ErrorCode.VOICE_UNAVAILABLE,
                f"The voice {name!r} cannot speak: {voice.message}",
                param="voice",
            )
        if voice.state is VoiceState.PENDING and not voice.speaker:
            raise SpeechError(
                ErrorCode.VOICE_NOT_READY,
                f"The voice {name!r} cannot speak yet: {voice.message}.",
                param="voice",
                retry_after=1,
            )
        return voice

    def _mix(self, text: str) -> Voice:
        if not self._mixes_presets:
            raise SpeechError(
                ErrorCode.VOICE_NOT_FOUND,
                f"There is no voice {text!r}, and this model cannot mix voices.",
                param="voice",
            )
        voices = [self.resolve(part.name) for part in mixing.parse(text)]
        cloned = next((voice for voice in voices if voice.entry.reference), None)
        if cloned is not None:
            raise SpeechError(
                ErrorCode.INVALID_VALUE,
                f"The voice {cloned.entry.name!r} sounds like a recording: it cannot be mixed.",
                param="voice",
                suggestion="Mix voices of presets.",
            )
        preset = mixing.resolved(text, lambda name: self.resolve(name).speaker)
        entry = voices[0].entry.model_copy(update={"name": text, "preset": preset, "aliases": ()})
        return Voice(entry, VoiceState.READY, message="", names=(text,), speaker=preset)

    def _sound(self, entry: VoiceEntry) -> _Sound:
        if entry.problem is not None:
            return _Sound(reason=entry.problem.reason, message=entry.problem.message)
        if entry.preset is not None:
            problem = self._preset_problem(entry.preset)
            if problem:
                return _Sound(reason=VoiceReason.PRESET_UNKNOWN, message=problem)
            mix = mixing.is_mix(entry.preset)
            return _Sound(mixing.resolved(entry.preset) if mix else entry.preset)
        standing = self._clones.get(entry.name, _CANNOT_CLONE)
        speaker = "" if standing.key is None else standing.speaker
        return _Sound(speaker, standing.reason or "", standing.message)

    def _preset_problem(self, preset: str) -> str:
        """What is wrong with a voice's preset, or mix of presets; nothing if it can be spoken."""
        if not mixing.is_mix(preset):
            wanted = [preset]
        elif not self._mixes_presets:
            return f"its preset is the mix {preset!r}, and this model cannot mix presets."
        else:
            try:
                wanted = [part.name for part in mixing.parse(preset)]
            except SpeechError as error:
                return error.message
        for name in wanted:
            if name not in self._presets:
                known = ", ".join(sorted(self._presets))
                return f"the backend has no preset {name!r}; it has: {known}."
        return ""

    def _find_default(self, wanted: str | None) -> tuple[Voice | None, str]:
        if wanted is None:
            ready = (voice for voice in self.voices if voice.state is VoiceState.READY)
            return next(ready, None), ""
        voice = self._by_name.get(wanted)
        if voice is None:
            return None, f"voices.default names {wanted!r}, which is no voice of this service."
        return voice, ""

    def _not_found(self, name: str) -> SpeechError:
        known = ", ".join(voice.entry.name for voice in self.voices)
        close = get_close_matches(name.casefold(), [*self._by_name, *OPENAI_VOICES], n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        reason = f" {self.default_message}" if name in OPENAI_VOICES else ""
        return SpeechError(
            ErrorCode.VOICE_NOT_FOUND,
            f"There is no voice {name!r}.{reason} Known voices: {known}.",
            param="voice",
            suggestion=f"{hint}GET /v1/audio/voices lists every voice.",
        )


def _presets_as_voices(manifest: VoiceManifest, presets: Sequence[Preset]) -> Iterable[VoiceEntry]:
    declared = {entry.name for entry in manifest.voices}
    return (
        VoiceEntry(name=preset.name, preset=preset.name, languages=preset.languages)
        for preset in presets
        if preset.name not in declared
    )


def _claims(entries: Iterable[tuple[VoiceEntry, _Sound]]) -> Iterable[Voice]:
    """Give every name to one voice: own names first, then aliases, the earlier voice winning."""
    entries = list(entries)
    taken = {entry.name for entry, _ in entries}
    for entry, sound in entries:
        aliases = [alias for alias in entry.aliases if alias not in taken]
        refused = [alias for alias in entry.aliases if alias in taken and alias != entry.name]
        taken.update(aliases)
        reason, message = sound.reason, sound.message
        if refused and not reason:
            reason = VoiceReason.ALIAS_CONFLICT
            message = f"the alias {', '.join(refused)} belongs to another voice."
        mixed = entry.preset is not None and bool(sound.speaker)
        yield Voice(
            # Equal mixes are written in one way.
            entry=entry.model_copy(update={"preset": sound.speaker}) if mixed else entry,
            state=sound.state,
            reason=reason,
            message=message,
            names=(entry.name, *dict.fromkeys(aliases)),
            speaker=sound.speaker,
        )
