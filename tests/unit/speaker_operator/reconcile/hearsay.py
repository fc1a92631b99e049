"""What pods may have said about the voices of the service ``hello``."""

from collections.abc import Mapping

from speaker_operator.api.v1alpha1 import Voice
from speaker_operator.reconcile.hearing import Hearing, Offer, Refusal, Run, Trouble, Word
from speaker_operator.reconcile.references import References
from speaker_operator.render.references import Source
from speaker_operator.render.runtime_config import voice_manifest
from tests.unit.speaker_operator.factories import service

RUN = Run("uid-of-pod", 0)


def offer(*voices: Voice) -> Offer:
    manifest = voice_manifest(service(), voices)
    return Offer.of(manifest, manifest.to_json().encode(), revision=1)


def said(
    *voices: Voice, failed: Mapping[str, Refusal] | None = None, trouble: Trouble | None = None
) -> Word:
    """A pod serves these voices, or has taken none yet because of a trouble."""
    taken = offer(*voices)
    if trouble is not None:
        return Word(RUN, taken.digest, trouble=trouble)
    return Word(RUN, taken.digest, taken=taken, unready=failed)


def hearing(words: Mapping[str, Word | None] | None = None, *voices: Voice) -> Hearing:
    """The service's pods, by name, say this of these voices."""
    return Hearing(offer(*voices), words or {})


class Recordings(References):
    """Reference audio that the API server would have."""

    def __init__(self) -> None:
        self.there: dict[str, bytes] = {}

    async def audio(self, _: Source, digest: str) -> bytes | None:
        return self.there.get(digest)
