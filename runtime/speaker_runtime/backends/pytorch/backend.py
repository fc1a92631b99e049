"""What backends have in common whose model is read into memory: it answers once it is there.

Nothing here loads PyTorch: a backend is made long before its model.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from speaker_runtime.backends.protocol import (
    ClonedVoice,
    Placement,
    Reference,
    SpeechRequest,
    StepResult,
)
from speaker_runtime.contract import ModelConfig


class LoadedModel(Protocol):
    """A model in memory; its methods are those of the backend, its streams its own."""

    @property
    def voice_bytes(self) -> int:
        """Memory of the voices that were spoken with lately, within a bound."""

    def check(self, request: SpeechRequest) -> Sequence[str]:
        """Warnings, or why it cannot be spoken."""

    def open(self, request: SpeechRequest) -> Any:
        """Begin a stream."""

    def step(self, streams: Sequence[Any]) -> Sequence[StepResult]:
        """Advance streams."""

    def embed(self, reference: Reference) -> ClonedVoice:
        """Make a voice."""

    def close(self) -> None:
        """Give the memory back."""


class LoadedBackend:
    """A backend but for what loads its model; see the protocol for what each method does."""

    def __init__(self, model: ModelConfig, placement: Placement) -> None:
        self._config = model
        self._placement = placement
        self._model: LoadedModel | None = None

    @staticmethod
    def gpus() -> tuple[str, ...]:
        """Every GPU that PyTorch can use."""
        from speaker_runtime.backends.pytorch import devices  # noqa: PLC0415  seconds

        return devices.gpus()

    @staticmethod
    def copies(cpus: int) -> int:  # noqa: ARG004
        """One: a step reads all weights, for one stream or for many, on all CPUs."""
        return 1

    @property
    def voice_state_bytes(self) -> int:
        """Memory of the voices that were spoken with lately, as the model knows them."""
        model = self._model
        return model.voice_bytes if model else 0

    def check(self, request: SpeechRequest) -> Sequence[str]:
        """Whether the text can be read; what may not be heard gives a warning."""
        return self._loaded().check(request)

    def open(self, request: SpeechRequest) -> Any:
        """Turn the text into tokens."""
        return self._loaded().open(request)

    def step(self, streams: Sequence[Any]) -> Sequence[StepResult]:
        """Draw one token for each stream; samples come some tokens apart."""
        return self._loaded().step(streams)

    def embed(self, reference: Reference) -> ClonedVoice:
        """Listen to the recording: some tenths of a second of work for each of its seconds."""
        return self._loaded().embed(reference)

    def close(self) -> None:
        """Give the memory back."""
        model, self._model = self._model, None
        if model is not None:
            model.close()

    def _loaded(self) -> LoadedModel:
        if self._model is None:
            raise RuntimeError("the engine opens streams only after it has loaded the backend")
        return self._model
