"""``GET /v1/audio/capabilities``: what a request may ask for."""

from fastapi import APIRouter

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.backends.protocol import Capabilities as BackendCapabilities
from speaker_runtime.errors import ErrorCode
from speaker_runtime.http.bodies import Sampling
from speaker_runtime.http.openapi.answers import refusals
from speaker_runtime.http.openapi.examples import CAPABILITIES, of_json
from speaker_runtime.http.runtime import CurrentRuntime
from speaker_runtime.http.schemas import (
    Capabilities,
    CloningCapabilities,
    PaceRange,
    SsmlCapabilities,
    SsmlElement,
)
from speaker_runtime.services.planning import FASTEST, SLOWEST
from speaker_runtime.text.detection import has_choice
from speaker_runtime.text.ssml import elements
from speaker_runtime.text.ssml.script import Mode

router = APIRouter(tags=["Speech"])


@router.get(
    "/v1/audio/capabilities",
    summary="What may be asked for?",
    responses={
        200: {"description": "What may be asked for.", **of_json(CAPABILITIES)},
        **refusals(ErrorCode.INTERNAL_ERROR, ErrorCode.MODEL_NOT_READY),
    },
)
async def capabilities(runtime: CurrentRuntime) -> Capabilities:
    """Limits, languages and formats of this service, and how it reads SSML."""
    can = runtime.service.capabilities()
    alphabets = can.alphabets
    serving = runtime.config.serving
    return Capabilities(
        backend=runtime.config.backend,
        languages=list(can.languages),
        phoneme_alphabets=sorted(alphabets),
        language_detection=has_choice(can.languages),
        sample_rate=can.sample_rate,
        response_formats=list(AudioFormat),
        speed=PaceRange(slowest=SLOWEST, fastest=FASTEST),
        native_speed=PaceRange(slowest=can.slowest, fastest=can.fastest),
        max_input_characters=serving.max_input_characters,
        lexicon_words=len(serving.lexicon),
        instructions=False,
        sampling=Sampling(**can.sampling.model_dump()),
        cloning=_cloning(can),
        ssml=SsmlCapabilities(
            modes=list(Mode),
            elements=[
                SsmlElement(
                    name=name,
                    support=element.support.value,
                    attributes=list(element.attributes),
                    ignored_attributes=list(element.ignored),
                    note=element.note,
                )
                for name, element in elements.understood(alphabets)
            ],
            max_depth=elements.MAX_DEPTH,
            max_passages=elements.MAX_PASSAGES,
            max_break_seconds=elements.MAX_BREAK_SECONDS,
            max_silence_seconds=elements.MAX_SILENCE_SECONDS,
        ),
    )


def _cloning(can: BackendCapabilities) -> CloningCapabilities | None:
    cloning = can.cloning
    if cloning is None:
        return None
    return CloningCapabilities(
        shortest_seconds=cloning.shortest,
        longest_seconds=cloning.longest,
        most_clips=cloning.most_clips,
        languages=list(cloning.languages or can.languages),
        needs_transcript=cloning.needs_transcript,
    )
