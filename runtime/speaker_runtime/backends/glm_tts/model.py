"""GLM-TTS in memory: requests into utterances on the model, recordings into voices."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import torch

from speaker_runtime.backends.glm_tts import checkpoint, recipe
from speaker_runtime.backends.glm_tts.errors import damaged
from speaker_runtime.backends.glm_tts.flow import Flow
from speaker_runtime.backends.glm_tts.hift import SAMPLE_RATE
from speaker_runtime.backends.glm_tts.llama import Place
from speaker_runtime.backends.glm_tts.llama_config import LlamaConfig
from speaker_runtime.backends.glm_tts.normalise import replacements, require_readable
from speaker_runtime.backends.glm_tts.reading import Reader
from speaker_runtime.backends.glm_tts.rendering import Renderer
from speaker_runtime.backends.glm_tts.sampling import Rules
from speaker_runtime.backends.glm_tts.speaker import SpeakerEncoder
from speaker_runtime.backends.glm_tts.speaking import Alphabet, Speaking, Utterance
from speaker_runtime.backends.glm_tts.speech_tokenizer import SpeechTokenizer
from speaker_runtime.backends.glm_tts.tokenizer import Tokenizer
from speaker_runtime.backends.glm_tts.voices import Listener, voice_of
from speaker_runtime.backends.protocol import (
    ClonedVoice,
    Placement,
    Reference,
    SpeechRequest,
    StepResult,
)
from speaker_runtime.backends.pytorch import devices
from speaker_runtime.contract import Precision, Sampling
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.models.store import StoredModel

_POSITIONS: Final = 3072
"""Tokens of an utterance at a time: its longest history and piece, and room to speak."""
_TOGETHER: Final = 8
"""Pieces that go through the flow together on GPUs. On a CPU they gain nothing by company."""
_FIRST_READ: Final = ("你好。", "Hello.")
"""Read once while the model is loaded: the grammars of a language take a second the first time."""
_REPLACEMENTS: Final = "configs/custom_replace.jsonl"


class Model:
    """One copy of it.

    Args:
        stored: Its files.
        placement: Where it runs.
        slots: How many utterances may be under way.
        progress: Told which part is being loaded.
        precision: What its language model computes with; all else is float32.

    Raises:
        ModelError: The files are of another model, or damaged; or the device lacks the precision.
        DeviceUnavailableError: The device is not there, or has too little memory.
    """

    sample_rate: Final = SAMPLE_RATE
    sampling: Final = Sampling(temperature=Rules.temperature, top_k=Rules.top_k, top_p=Rules.top_p)
    """How its codes are drawn unless a request says otherwise."""

    def __init__(
        self,
        stored: StoredModel,
        placement: Placement,
        slots: int,
        progress: Callable[[str], None],
        *,
        precision: Precision = "auto",
    ) -> None:
        self._device = devices.prepare(placement.device, placement.threads)
        chosen = devices.precision_of(self._device, precision)
        self.precision = chosen.name
        directory = stored.directory
        progress("text")
        tokenizer = Tokenizer(directory / recipe.TOKENIZER)
        special = tokenizer.special
        alphabet = Alphabet(
            special.begin_of_audio, special.end_of_audio, special.first_code, special.codes
        )
        self._reader = Reader(tokenizer, replacements(directory / _REPLACEMENTS))
        for text in _FIRST_READ:
            self._reader.pieces(text)
        with devices.failures_told(), torch.inference_mode():
            progress("speech tokenizer")
            speech = SpeechTokenizer(directory / recipe.SPEECH_TOKENIZER, self._device)
            speaker = SpeakerEncoder(directory / recipe.SPEAKER_FILE, placement.threads)
            progress("flow")
            flow = checkpoint.flow(directory, self._device)
            hift = checkpoint.hift(directory, self._device)
            progress("language model")
            config = checkpoint.llama_config(directory)
            _require_rows(directory, tokenizer, config)
            positions = min(_POSITIONS, config.positions)
            place = Place(self._device, slots, positions, chosen.dtype, chosen.product)
            llama = checkpoint.llama(directory, place, alphabet.outputs())
        _require_codes(directory, tokenizer, flow, speech)
        together = 1 if self._device.type == devices.CPU else _TOGETHER
        self._speaking = Speaking(llama, Renderer(flow, hift, together), alphabet, slots)
        self._listener = Listener(speech, speaker, self._reader.transcript, self.sample_rate)

    @property
    def voice_bytes(self) -> int:
        """Memory of the voices that were spoken with lately."""
        return self._speaking.voice_bytes

    def check(self, request: SpeechRequest) -> tuple[str, ...]:
        """Whether the text can be read.

        Raises:
            SpeechError: It cannot.
        """
        require_readable(request.text)
        return ()

    def open(self, request: SpeechRequest) -> Utterance:
        """Begin an utterance.

        Raises:
            SpeechError: The text cannot be read, or there is no voice.
        """
        if request.clone is None:
            raise SpeechError(
                ErrorCode.VOICE_NOT_FOUND,
                f"{request.preset!r} is no voice of a recording, and GLM-TTS has no others.",
                param="voice",
            )
        with torch.inference_mode():
            return self._speaking.open(
                self._reader.pieces(request.text),
                voice_of(request.preset, request.clone, self._device),
                rules=Rules.of(request.sampling.over(self.sampling)),
                seed=request.seed,
            )

    def step(self, streams: Sequence[Utterance]) -> Sequence[StepResult]:
        """Advance every utterance.

        Raises:
            DeviceUnavailableError: The device failed, or has no memory left.
        """
        with devices.failures_told(), torch.inference_mode():
            return self._speaking.step(streams)

    def embed(self, reference: Reference) -> ClonedVoice:
        """Make a voice of a recording.

        Raises:
            UnfitReferenceError: No voice can be made of it.
            DeviceUnavailableError: The device failed, or has no memory left.
        """
        with devices.failures_told(), torch.inference_mode():
            return self._listener(reference)

    def close(self) -> None:
        """Give the device's memory back."""
        del self._speaking, self._listener
        devices.free(self._device)


def _require_rows(directory: Path, tokenizer: Tokenizer, config: LlamaConfig) -> None:
    """That the language model knows every token that a text becomes."""
    if tokenizer.size > config.vocabulary:
        raise damaged(
            directory / recipe.LLM_CONFIG_FILE,
            f"it has {config.vocabulary} tokens, and its tokenizer {tokenizer.size}",
        )


def _require_codes(
    directory: Path, tokenizer: Tokenizer, flow: Flow, speech: SpeechTokenizer
) -> None:
    """That whatever code is heard or said, the next part knows it."""
    codes = tokenizer.special.codes
    for name, known, needed in (
        (recipe.FLOW_FILE, flow.codes, codes),
        (f"{recipe.TOKENIZER}/tokenizer_config.json", codes, speech.size),
    ):
        if known < needed:
            raise damaged(directory / name, f"it knows {known} speech codes of {needed}")
