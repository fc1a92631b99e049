"""``POST /tts/preview``: a text sentence by sentence, for editors."""

from itertools import accumulate
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Body, Depends, Path, Request, Response

from speaker_runtime.audio.formats import CONTENT_TYPES
from speaker_runtime.errors import CATALOGUE, ErrorCode
from speaker_runtime.http.bodies import PreviewBody
from speaker_runtime.http.caching import CacheControl, cache_use
from speaker_runtime.http.clients import client_of
from speaker_runtime.http.disconnect import unless_gone
from speaker_runtime.http.openapi import examples
from speaker_runtime.http.openapi.answers import SPEECH_REFUSALS, Answers, refusals
from speaker_runtime.http.orders import order_of, warnings_of
from speaker_runtime.http.responses import SpeechResponse
from speaker_runtime.http.routes.speech import require_json
from speaker_runtime.http.runtime import CurrentRuntime, Runtime
from speaker_runtime.http.schemas import Preview, PreviewSentence
from speaker_runtime.services import preview as planned
from speaker_runtime.services.planning import CacheUse

router = APIRouter(tags=["Speech"])

PATH: Final = "/tts/preview"
_AUDIO: Final[Answers] = {
    200: {
        "description": "The sentence's audio.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in CONTENT_TYPES.values()
        },
        "headers": {
            "Cache-Control": {
                "description": "The same address always means the same audio.",
                "schema": {"type": "string"},
                "example": "private, max-age=900, immutable",
            }
        },
    },
    **refusals(
        ErrorCode.PREVIEW_NOT_FOUND,
        ErrorCode.TEXT_NOT_SPEAKABLE,
        *(code for code in SPEECH_REFUSALS if CATALOGUE[code].status in {429, 500, 503, 504}),
    ),
}


@router.post(
    PATH,
    summary="Look at a text sentence by sentence",
    responses={
        200: {"description": "The sentences.", **examples.of_json(examples.PREVIEW)},
        **refusals(*SPEECH_REFUSALS),
    },
    dependencies=[Depends(require_json)],
)
async def create_preview(
    body: Annotated[PreviewBody, Body(openapi_examples=examples.previews())],
    request: Request,
    runtime: CurrentRuntime,
    cache_control: CacheControl = None,
) -> Preview:
    """For editors: how `input` is split, who reads what, and an address for each sentence's audio,
    which is spoken when it is first asked for. After a change of one sentence, ask again: all
    others keep their addresses, so that only what was changed has to be spoken. The sentences'
    audio one after the other is that of the whole text.
    """  # noqa: D205  shown as one paragraph in the API reference
    runtime.models.resolve(body.model)
    order = order_of(
        body,
        body.input,
        client=client_of(request),
        label=request.state.request_id,
        cache=cache_use(cache_control),
    )
    return _shown(body, await runtime.service.preview(order), runtime)


@router.get(
    PATH + "/{address}",
    summary="Hear a sentence of a preview",
    response_class=Response,
    responses=_AUDIO,
)
async def hear_preview(
    address: Annotated[
        str,
        Path(
            description="From the `audio` of a sentence. It is known to the process that gave it, "
            "for 15 minutes.",
            max_length=128,
        ),
    ],
    request: Request,
    runtime: CurrentRuntime,
) -> Response:
    """The audio in the format that the preview asked for, streamed."""
    speech, order = await runtime.service.speak_part(
        address, client_of(request), request.state.request_id
    )
    request.state.speech = speech
    keeps = order.cache is not CacheUse.NOTHING
    kept = f"private, max-age={planned.KEPT_SECONDS:.0f}, immutable" if keeps else "no-store"
    try:
        await unless_gone(request.receive, speech.start())
        return SpeechResponse(
            speech,
            aiter(speech),
            media_type=CONTENT_TYPES[order.audio_format],
            headers={"Cache-Control": kept},
        )
    except BaseException:
        speech.close()
        raise


def _shown(body: PreviewBody, preview: planned.Preview, runtime: Runtime) -> Preview:
    lengths = [
        part.estimate if measured is None else measured
        for part, measured in zip(preview.parts, preview.lengths, strict=True)
    ]
    ends = list(accumulate(lengths))
    named = body.voice if isinstance(body.voice, str) else body.voice.id
    voice = runtime.service.catalogue().resolve(named).entry.name
    return Preview(
        sentences=[
            PreviewSentence(
                index=index,
                text=part.caption.text,
                characters=part.caption.span,
                # In an SSML document a part may be somebody else's.
                voice=part.plan.requests[0].preset if body.ssml else voice,
                language=part.plan.requests[0].language,
                audio=f"{PATH}/{part.address}",
                start=round(end - length, 3),
                end=round(end, 3),
                timing=_timing(measured),
            )
            for index, (part, measured, length, end) in enumerate(
                zip(preview.parts, preview.lengths, lengths, ends, strict=True)
            )
        ],
        seconds=round(ends[-1], 3),
        timing="estimated" if None in preview.lengths else "measured",
        expires_in=int(planned.KEPT_SECONDS),
        warnings=[*warnings_of(body), *preview.warnings],
    )


def _timing(measured: float | None) -> Literal["measured", "estimated"]:
    return "estimated" if measured is None else "measured"
