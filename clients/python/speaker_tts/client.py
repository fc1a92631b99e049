"""A small client of the speech API: text in, audio out, as it is made."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal, Self, TypedDict, cast, get_args

import httpx2

from speaker_tts.errors import ConnectionFailed, IncompleteAudio, RequestRefused

AudioFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
AUDIO_FORMATS: Final = cast("tuple[AudioFormat, ...]", get_args(AudioFormat))


class Sampling(TypedDict, total=False):
    """How a model that draws from chance does so; what is missing is the voice's or the model's.

    Attributes:
        temperature: Divides the scores of what may come next, from 0.05 to 2.
        top_k: How many of the likeliest may be drawn, up to 1000; 0 is all.
        top_p: The likeliest that have this probability together may be drawn, from 0.01 to 1.
        repetition_penalty: Divides the score of what was said before, from 1 to 20.
    """

    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float


DEFAULT_URL: Final = "http://127.0.0.1:8080"
_WARNING: Final = "X-Speaker-Warning"
_TIMEOUT: Final = httpx2.Timeout(connect=5.0, read=120.0, write=30.0, pool=5.0)


class SpeechClient:
    """Speaks to one service.

    Args:
        url: The service's address, without ``/v1``.
    """

    def __init__(self, url: str = DEFAULT_URL) -> None:
        self.url = url.rstrip("/")
        self._http = httpx2.Client(base_url=self.url, timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def stream(
        self,
        text: str,
        *,
        voice: str,
        model: str = "tts-1",
        response_format: AudioFormat = "mp3",
        speed: float | None = None,
        seed: int | None = None,
        sampling: Sampling | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> Iterator[bytes]:
        """Yield the encoded speech in pieces, the first as soon as the first sentence is ready.

        Args:
            text: What to say.
            voice: A voice's name or alias, a preset, or one of OpenAI's voice names.
            model: A model's name, as ``GET /v1/models`` lists them.
            response_format: How the audio is encoded.
            speed: Pace from 0.25 to 4; None leaves it to the voice.
            seed: Another one gives another reading, where the model draws from chance.
            sampling: How it draws; ``on_warning`` hears what the model does not follow.
            on_warning: Called once, before the first piece, with what of the request is not
                followed to the letter, if anything.

        Raises:
            ConnectionFailed: Nobody answers at the address.
            RequestRefused: The service says why it does not speak.
            IncompleteAudio: The connection ended before the speech did.
        """
        body: dict[str, object] = {
            "model": model,
            "input": text,
            "voice": voice,
            "response_format": response_format,
        }
        if speed is not None:
            body["speed"] = speed
        if seed is not None:
            body["seed"] = seed
        if sampling:
            body["sampling"] = sampling
        with self._request("POST", "/v1/audio/speech", body) as response:
            warning = response.headers.get(_WARNING)
            if warning and on_warning is not None:
                on_warning(warning)
            try:
                yield from response.iter_bytes()
            except httpx2.TransportError as error:
                raise IncompleteAudio(
                    f"The speech broke off before its end ({error}). Nothing that was saved is "
                    "whole; ask again."
                ) from error

    def phase(self) -> str | None:
        """Tell the service's readiness: ``ready``, an earlier phase, or None if nobody answers."""
        try:
            response = self._http.get("/health/ready")
            phase = response.json().get("phase")
        except (httpx2.TransportError, ValueError):
            return None
        return str(phase)

    @contextmanager
    def _request(self, method: str, path: str, body: object) -> Iterator[httpx2.Response]:
        request = self._http.build_request(method, path, json=body)
        try:
            response = self._http.send(request, stream=True)
        except httpx2.TransportError as error:
            raise ConnectionFailed(
                f"No speech service answers at {self.url} ({error}). Start one with "
                "`speaker-tts up -f FILE`, or name another with --url."
            ) from error
        try:
            if response.is_error:
                response.read()
                raise _refusal(response)
            yield response
        finally:
            response.close()


def _refusal(response: httpx2.Response) -> RequestRefused:
    try:
        error = json.loads(response.content)["error"]
        return RequestRefused(
            str(error["message"]),
            status=response.status_code,
            code=error.get("code"),
            param=error.get("param"),
            suggestion=error.get("suggestion"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return RequestRefused(
            f"HTTP {response.status_code} from {response.request.url}: this is not a Speaker TTS "
            "service, or something between here and there answered in its place.",
            status=response.status_code,
        )
