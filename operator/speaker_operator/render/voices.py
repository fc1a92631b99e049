"""Which voices a service offers, under which names, and what is wrong with them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.reasons import Reason


@dataclass(frozen=True)
class Problem:
    """Why something cannot be served as declared, and what to change."""

    reason: Reason
    message: str


def _problem(reason: Reason, message: str) -> Problem:
    return Problem(reason, reason.told(message))


@dataclass(frozen=True)
class Assignment:
    """One voice as one service offers it."""

    voice: Voice
    aliases: tuple[str, ...]
    """The aliases that this service resolves to the voice: those that no other one claims."""
    problem: Problem | None

    @property
    def name(self) -> str:
        """The voice's own name, under which it can always be asked for."""
        return self.voice.metadata.name


def select(service: TTSService, voices: Iterable[Voice]) -> list[Voice]:
    """The voices that the service selects, by name; one on its way out is selected no more.

    A gateway has those of the services behind it, and somebody else's server its own.
    """
    if service.backend.runs != "model":
        return []
    return sorted(
        (
            voice
            for voice in voices
            if voice.metadata.namespace == service.metadata.namespace
            and voice.metadata.deletion_timestamp is None
            and service.spec.voices.selector.matches(voice.metadata.labels)
        ),
        key=lambda voice: voice.metadata.name,
    )


def assign(service: TTSService, voices: Iterable[Voice]) -> tuple[Assignment, ...]:
    """Give every selected voice its names.

    A contested alias resolves to nobody, and both voices hear of it; a voice's own name comes
    before another one's alias.
    """
    selected = select(service, voices)
    names = {voice.metadata.name for voice in selected}
    claims = Counter(alias for voice in selected for alias in voice.spec.aliases)
    free = {alias for alias, claimants in claims.items() if claimants == 1} - names
    return tuple(
        Assignment(
            voice=voice,
            aliases=tuple(alias for alias in voice.spec.aliases if alias in free),
            problem=_preset_problem(service, voice) or _alias_problem(voice, selected, free, names),
        )
        for voice in selected
    )


def default_problem(service: TTSService, assignments: Iterable[Assignment]) -> Problem | None:
    """What is wrong with the default voice that the spec names."""
    default = service.spec.voices.default
    names = {assignment.name for assignment in assignments}
    if default is None or default in names or not _lacks_preset(service, default):
        return None
    known = ", ".join(sorted(names | set(service.backend.presets)))
    return _problem(
        Reason.DEFAULT_VOICE_UNKNOWN,
        f"spec.voices.default names {default!r}, which is no selected Voice and no preset of "
        f"backend {service.spec.backend}: there are {known}",
    )


def _lacks_preset(service: TTSService, preset: str) -> bool:
    """Whether the model surely lacks a speaker; only the backend's own model is known."""
    own_model = service.model_source == service.backend.model_source
    return own_model and preset not in service.backend.presets


def _preset_problem(service: TTSService, voice: Voice) -> Problem | None:
    preset, own = voice.spec.preset, service.model_source == service.backend.model_source
    names = [part.partition("*")[0] for part in preset.split("+")]
    backend, known = f"backend {service.spec.backend}", ", ".join(service.backend.presets)
    if len(set(names)) < len(names):
        return _problem(Reason.MIX_INVALID, f"{preset} names a speaker twice")
    if own and preset != names[0] and not service.backend.mixes_presets:
        return _problem(Reason.MIX_UNSUPPORTED, f"{backend} mixes none of its presets: {known}")
    for name in names:
        if _lacks_preset(service, name):
            message = f"{backend} has no preset {name!r}, but {known}"
            return _problem(Reason.PRESET_UNKNOWN, message)
    return None


def _alias_problem(
    voice: Voice, selected: Iterable[Voice], free: set[str], names: set[str]
) -> Problem | None:
    for alias in voice.spec.aliases:
        if alias in free:
            continue
        if alias in names:
            others = f"the name of Voice {alias}"
        else:
            claimants = sorted(
                other.metadata.name
                for other in selected
                if other is not voice and alias in other.spec.aliases
            )
            others = f"also an alias of Voice {', '.join(claimants[:3])}"
        return _problem(
            Reason.ALIAS_CONFLICT,
            f"alias {alias!r} is {others}, and Voice {voice.metadata.name} does not answer to it",
        )
    return None
