"""Both sides of the comparison of GLM-TTS, each in a process of its own that speaks when told to.

A side's memory is the most that its process ever had, once it has loaded and spoken.
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from bench.glm_checkpoint import BEGIN, CODES, END, FIRST

if TYPE_CHECKING:
    from torch import Tensor

LETTERS: Final = 3
"""Tokens of a sentence; the model may speak 20 codes for each: 60, or 2.4 s."""
RATE: Final = 24_000
_TEXT: Final = tuple(range(1000, 1000 + LETTERS))
_TRANSCRIPT: Final = tuple(range(2000, 2012))
_PROMPT: Final = 100
"""Codes of the recording: 4 s."""
_POSITIONS: Final = 1536
_PATIENCE: Final = 1800.0
"""Seconds for one answer."""


@dataclass(frozen=True)
class Load:
    """What it took until the model could speak, imports included."""

    seconds: float
    peak: float


@dataclass(frozen=True)
class Spoken:
    """What one order took.

    Attributes:
        seconds: Until all was spoken.
        first: Until the first sound.
        heard: Seconds of speech.
    """

    seconds: float
    first: float
    heard: float

    @property
    def speed(self) -> float:
        """Seconds of speech per second."""
        return self.heard / self.seconds


class Speak(Protocol):
    """What a side does when it is told to."""

    def __call__(self, texts: int, sentences: int, seed: int) -> tuple[int, float]:
        """Speak so many texts of so many sentences; samples, and the seconds to the first."""


@dataclass(frozen=True)
class Voice:
    """Whose voice it is: random numbers of the right sizes."""

    codes: list[int] = field(default_factory=lambda: _chance().integers(0, CODES, _PROMPT).tolist())
    mel: Any = field(
        default_factory=lambda: (2 * _chance().standard_normal((2 * _PROMPT, 80)) - 5).astype("f4")
    )
    speaker: Any = field(default_factory=lambda: _chance().standard_normal(192).astype("f4"))


class Side:
    """A process that speaks."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._loaded: Load = self._answer()

    @property
    def load(self) -> Load:
        """How it was loaded, and the memory that it has had up to now."""
        self._pipe.send(None)
        return Load(self._loaded.seconds, self._answer().peak)

    def speak(self, texts: int, sentences: int, seed: int) -> Spoken:
        """Have it speak some texts of some sentences."""
        self._pipe.send((texts, sentences, seed))
        spoken: Spoken = self._answer()
        return spoken

    def _answer(self) -> Any:
        if not self._pipe.poll(_PATIENCE):
            raise TimeoutError(f"no answer for {_PATIENCE:g} s")
        return self._pipe.recv()


@contextmanager
def ours(directory: Path) -> Iterator[Side]:
    """Our side, with the model of a directory."""
    with _running(_load_ours, directory) as side:
        yield side


@contextmanager
def reference(directory: Path, checkout: Path) -> Iterator[Side]:
    """The reference's side, from a checkout of it."""
    with _running(_load_reference, directory, checkout) as side:
        yield side


@contextmanager
def _running(load: Callable[..., Speak], *of: Path) -> Iterator[Side]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, load, of), daemon=True)
    process.start()
    there.close()
    try:
        yield Side(here)
    finally:
        here.close()
        process.join(timeout=60)
        if process.is_alive():
            process.kill()


def _serve(pipe: Connection, load: Callable[..., Speak], of: Sequence[Path]) -> None:
    began = time.perf_counter()
    speak = load(*of)
    seconds = time.perf_counter() - began
    pipe.send(Load(seconds, _peak()))
    while True:
        try:
            order = pipe.recv()
        except EOFError:
            return
        if order is None:
            pipe.send(Load(seconds, _peak()))
            continue
        began = time.perf_counter()
        samples, first = speak(*order)
        pipe.send(Spoken(time.perf_counter() - began, first, samples / RATE))


def _peak() -> float:
    """Bytes."""
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _load_ours(directory: Path) -> Speak:
    # Imports are a part of loading, and this one tells OpenMP how to wait.
    from speaker_runtime.backends.pytorch import devices  # noqa: PLC0415, I001

    import torch  # noqa: PLC0415

    from speaker_runtime.backends.glm_tts import checkpoint  # noqa: PLC0415
    from speaker_runtime.backends.glm_tts.llama import Place  # noqa: PLC0415
    from speaker_runtime.backends.glm_tts.rendering import Renderer  # noqa: PLC0415
    from speaker_runtime.backends.glm_tts.rendering import Voice as Heard  # noqa: PLC0415
    from speaker_runtime.backends.glm_tts.sampling import Rules  # noqa: PLC0415
    from speaker_runtime.backends.glm_tts.speaking import Alphabet, Speaking  # noqa: PLC0415

    alphabet, streams = Alphabet(BEGIN, END, FIRST, CODES), 8
    device = devices.prepare(devices.CPU, torch.get_num_threads())
    with torch.inference_mode():
        renderer = Renderer(checkpoint.flow(directory, device), checkpoint.hift(directory, device))
        place = Place(device, streams, _POSITIONS)
        llama = checkpoint.llama(directory, place, alphabet.outputs())
    speaking, of = Speaking(llama, renderer, alphabet, streams), Voice()
    voice = Heard(
        "bench",
        _TRANSCRIPT,
        torch.tensor(of.codes),
        torch.from_numpy(of.mel),
        torch.from_numpy(of.speaker),
    )

    def speak(texts: int, sentences: int, seed: int) -> tuple[int, float]:
        began, samples, first = time.perf_counter(), 0, 0.0
        with torch.inference_mode():
            going = [
                speaking.open([_TEXT] * sentences, voice, rules=Rules(), seed=seed + number)
                for number in range(texts)
            ]
            while going:
                for each, made in zip(list(going), speaking.step(going), strict=True):
                    if isinstance(made, Exception):
                        raise made
                    samples += len(made.samples)
                    if samples and not first:
                        first = time.perf_counter() - began
                    if made.finished:
                        going.remove(each)
        return samples, first

    return speak


def _load_reference(directory: Path, checkout: Path) -> Speak:
    sys.path.insert(0, str(checkout))
    import torch  # noqa: PLC0415  imports are a part of loading

    torch.set_grad_enabled(False)
    return _Reference(directory, checkout)


class _Reference:
    """What the reference's own loader and loop do, of the stages that are compared."""

    def __init__(self, directory: Path, checkout: Path) -> None:
        import torch  # noqa: PLC0415
        from transformers import LlamaForCausalLM  # noqa: PLC0415

        flows = import_module("flow.flow")
        self._torch = torch
        weights = torch.load(directory / "flow/flow.pt", weights_only=True)["model"]
        folder = str(directory / "llm")
        configs = checkout / "configs"
        self._llm = import_module("llm.glmtts").GLMTTS(
            f"{folder}/config.json", spk_prompt_dict_path=str(configs / "spk_prompt_dict.yaml")
        )
        self._llm.llama = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self._llm.llama_embedding = self._llm.llama.model.embed_tokens
        ids = {"ats": FIRST, "ate": FIRST + CODES - 1, "boa": BEGIN, "eoa": END, "pad": END}
        self._llm.set_runtime_vars(ids)
        with _of_width(flows, weights["estimator.proj_out.weight"].shape[1]):
            self._flow = flows.Flow(
                spkr_emb_adaLN=True,
                speech_token_cfg=False,
                remove_spkr_concat_condition=True,
                mel_framerate=50,
                input_frame_rate=25,
            )
        self._flow.load_state_dict(weights)
        self._flow.eval()
        vocoder = import_module("utils.hift_util").HiFTInference
        self._hift = vocoder(str(directory / "hift/hift.pt"), device="cpu")
        self._voice = Voice()

    def __call__(self, texts: int, sentences: int, seed: int) -> tuple[int, float]:
        torch, voice = self._torch, self._voice
        began, samples, first = time.perf_counter(), 0, 0.0
        codes = torch.tensor([voice.codes])
        for number in range(texts * sentences):
            torch.manual_seed(seed + number)
            drawn = self._llm.inference(
                text=torch.tensor([_TEXT]),
                text_len=torch.tensor([LETTERS]),
                prompt_text=torch.tensor([_TRANSCRIPT]),
                prompt_text_len=torch.tensor([len(_TRANSCRIPT)]),
                prompt_speech_token=codes,
                prompt_speech_token_len=torch.tensor([codes.shape[1]]),
                spk=None,
            )
            mel, _ = self._flow.inference_with_cache(
                drawn,
                codes,
                torch.from_numpy(voice.mel)[None],
                torch.from_numpy(voice.speaker)[None],
            )
            samples += self._hift(mel).shape[-1]
            first = first or time.perf_counter() - began
        return samples, first


@contextmanager
def _of_width(flows: Any, width: int) -> Iterator[None]:
    """Let the reference build its network of another width, which it has no setting for."""
    built = flows.DiT

    def sized(**options: Any) -> "Tensor":
        made: Tensor = built(**{**options, "trans_dim": width, "heads": width // 64})
        return made

    flows.DiT = sized
    try:
        yield
    finally:
        flows.DiT = built


def _chance() -> np.random.Generator:
    return np.random.default_rng(0)
