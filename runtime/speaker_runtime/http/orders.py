"""From what a client sent to the order that the service carries out."""

from speaker_runtime.contract import Sampling
from speaker_runtime.http.bodies import SpeechSettings, TextBody
from speaker_runtime.services.planning import CacheUse, SpeechOrder


def order_of(
    settings: SpeechSettings, text: str, *, client: str, label: str, cache: CacheUse
) -> SpeechOrder:
    """The order to speak ``text`` as the settings say.

    Args:
        settings: How to speak; where they are a whole body, it also says how to read the text.
        text: What to speak.
        client: Whom the order counts for.
        label: Names the order to people.
        cache: What it has to do with what was spoken before.
    """
    return SpeechOrder(
        text=text,
        voice=settings.voice if isinstance(settings.voice, str) else settings.voice.id,
        audio_format=settings.response_format,
        speed=settings.speed,
        seed=settings.seed,
        sampling=settings.sampling.of_order() if settings.sampling else Sampling(),
        language=settings.language,
        normalize=settings.normalize,
        ssml=settings.ssml if isinstance(settings, TextBody) else None,
        priority=settings.priority,
        begin_within=settings.deadline,
        client=client,
        label=label,
        cache=cache,
    )


def warnings_of(settings: SpeechSettings) -> list[str]:
    """What of the settings no model here follows."""
    return ["instructions are not followed by this model"] if settings.instructions else []
