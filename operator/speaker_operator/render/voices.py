"""Which voices a service offers, under which names, and what is wrong with them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.reasons import Reason
from speaker_operator.render.references import NO_SOURCES, Problem, Sources, reference
from speaker_runtime import contract


@dataclass(frozen=True)
class Assignment:
    """One voice as one service offers it."""

    voice: Voice
    aliases: tuple[str, ...]
    """The aliases that this service resolves to the voice: those that no other one claims."""
    problem: Problem | None
    reference: contract.VoiceReference | None = None
    """What it is to sound like, if it may be served."""

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


def assign(
    service: TTSService, voices: Iterable[Voice], sources: Sources = NO_SOURCES
) -> tuple[Assignment, ...]:
    """Give every selected voice its names.

    A contested alias resolves to nobody, and both voices hear of it; a voice's own name comes
    before another one's alias.

    Args:
        service: Who offers them.
        voices: All that there are.
        sources: What the operator found in the Secrets and ConfigMaps with reference audio.
    """
    selected = select(service, voices)
    names = {voice.metadata.name for voice in selected}
    claims = Counter(alias for voice in selected for alias in voice.spec.aliases)
    free = {alias for alias, claimants in claims.items() if claimants == 1} - names
    return tuple(
        _assignment(service, voice, sources, free, _alias_problem(voice, selected, free, names))
        for voice in selected
    )


def _assignment(
    service: TTSService,
    voice: Voice,
    sources: Sources,
    free: set[str],
    alias_problem: Problem | None,
) -> Assignment:
    aliases = tuple(alias for alias in voice.spec.aliases if alias in free)
    if voice.spec.preset is not None:
        problem = _preset_problem(service, voice.spec.preset)
        return Assignment(voice, aliases, problem or alias_problem)
    found = reference(service, voice, sources)
    if isinstance(found, Problem):
        return Assignment(voice, aliases, found)
    return Assignment(voice, aliases, alias_problem, found)


def default_problem(service: TTSService, assignments: Iterable[Assignment]) -> Problem | None:
    """What is wrong with the default voice that the spec names."""
    default = service.spec.voices.default
    names = {assignment.name for assignment in assignments}
    if default is None or default in names or not _lacks_preset(service, default):
        return None
    known = ", ".join(sorted(names | set(service.backend.presets)))
    return Problem.of(
        Reason.DEFAULT_VOICE_UNKNOWN,
        f"spec.voices.default names {default!r}, which is no selected Voice and no preset of "
        f"backend {service.spec.backend}: there are {known}",
    )


def _lacks_preset(service: TTSService, preset: str) -> bool:
    """Whether the model surely lacks a speaker; only the backend's own model is known."""
    own_model = service.model_source == service.backend.model_source
    return own_model and preset not in service.backend.presets


def _preset_problem(service: TTSService, preset: str) -> Problem | None:
    own = service.model_source == service.backend.model_source
    names = [part.partition("*")[0] for part in preset.split("+")]
    backend, known = f"backend {service.spec.backend}", ", ".join(service.backend.presets)
    if len(set(names)) < len(names):
        return Problem.of(Reason.MIX_INVALID, f"{preset} names a speaker twice")
    if own and preset != names[0] and not service.backend.mixes_presets:
        return Problem.of(Reason.MIX_UNSUPPORTED, f"{backend} mixes none of its presets: {known}")
    for name in names:
        if _lacks_preset(service, name):
            message = f"{backend} has no preset {name!r}, but {known}"
            return Problem.of(Reason.PRESET_UNKNOWN, message)
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
        return Problem.of(
            Reason.ALIAS_CONFLICT,
            f"alias {alias!r} is {others}, and Voice {voice.metadata.name} does not answer to it",
        )
    return None
