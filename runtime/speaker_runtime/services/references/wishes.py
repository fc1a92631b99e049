"""Which voice is to be made of what, and what stands in its way from the start; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from speaker_runtime.audio.clips import UnfitReferenceError, fit_clip
from speaker_runtime.audio.decoding import NotAudioError, TooMuchAudioError, decode
from speaker_runtime.backends.protocol import Capabilities, Cloning, Reference
from speaker_runtime.contract import VoiceEntry, VoiceReason, VoiceReference
from speaker_runtime.services.digest import digest
from speaker_runtime.text import languages
from speaker_runtime.voices.standing import Standing


@dataclass(frozen=True)
class Wish:
    """One voice to be made; equal ones are made once.

    Attributes:
        reference: Of what.
        language: Its main language, as far as the model speaks it.
    """

    reference: VoiceReference
    language: str


def wish_of(entry: VoiceEntry, can: Capabilities, backend: str) -> Wish | Standing:
    """What is to be made for a voice with a reference, or why that is no use."""
    cloning, reference = can.cloning, entry.reference
    if cloning is None or reference is None:
        return Standing(
            reason=VoiceReason.BACKEND_CANNOT_CLONE,
            message=f"the backend {backend} has no way to sound like a recording: give the voice "
            "a preset, or select it in a service whose backend clones",
        )
    spoken = cloning.languages or can.languages
    found = (languages.find(tag, spoken) for tag in entry.languages or spoken)
    language = next((tag for tag in found if tag is not None), None)
    if language is None:
        return Standing(
            reason=VoiceReason.LANGUAGE_UNSUPPORTED,
            message=f"it is declared to speak {', '.join(entry.languages)}, and clones of this "
            f"backend speak {', '.join(spoken)}",
        )
    if len(reference.clips) > cloning.most_clips:
        return Standing(
            reason=VoiceReason.TOO_MANY_CLIPS,
            message=f"it has {len(reference.clips)} clips, and this backend takes "
            f"{cloning.most_clips}: leave the others out",
        )
    if cloning.needs_transcript and not reference.transcript:
        return Standing(
            reason=VoiceReason.TRANSCRIPT_MISSING,
            message="this backend has to know what is said in the clips: write it in "
            "reference.transcript",
        )
    return Wish(reference, language)


def state_key(wish: Wish, digests: Sequence[str], can: Capabilities, backend: str) -> str:
    """The key of what a model makes of clips with these digests: all that decides it."""
    return digest(
        {
            "backend": backend,
            "model": can.model_digest,
            "revision": can.cloning.revision if can.cloning else 0,
            "clips": list(digests),
            "transcript": wish.reference.transcript,
            "language": wish.language,
        }
    )


def heard(wish: Wish, contents: Sequence[bytes], cloning: Cloning) -> Reference:
    """The reference that is in these files; takes a tenth of a second.

    Raises:
        UnfitReferenceError: No voice can be made of them.
    """
    clips = []
    for number, content in enumerate(contents, start=1):
        try:
            samples, rate = decode(content, most_seconds=2 * cloning.longest + 30)
            clips.append(fit_clip(samples, rate, cloning.sample_rate))
        except NotAudioError as error:
            raise UnfitReferenceError(
                VoiceReason.NOT_AUDIO,
                f"clip {number} cannot be read ({error}): write it as wav, flac, mp3, ogg, opus, "
                "webm or m4a",
            ) from error
        except TooMuchAudioError as error:
            raise _too_long(f"clip {number}: {error}", cloning) from error
        except UnfitReferenceError as error:
            raise UnfitReferenceError(error.reason, f"clip {number}: {error.message}") from error
    seconds = sum(map(len, clips)) / cloning.sample_rate
    if seconds < cloning.shortest:
        raise UnfitReferenceError(
            VoiceReason.TOO_SHORT,
            f"the clips have {seconds:.1f} s of speech, and this backend needs "
            f"{cloning.shortest:g} s: record more",
        )
    if seconds > cloning.longest:
        raise _too_long(f"the clips have {seconds:.1f} s of speech", cloning)
    return Reference(tuple(clips), wish.language, wish.reference.transcript)


def _too_long(what: str, cloning: Cloning) -> UnfitReferenceError:
    return UnfitReferenceError(
        VoiceReason.TOO_LONG,
        f"{what}, and this backend takes {cloning.longest:g} s: cut it to the best part",
    )
