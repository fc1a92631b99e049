"""XTTS-v2: our backend against coqui-tts' own loops, on the same random weights, in one process.

Random weights do not know where a text ends: both sides are told how many tokens to draw, and draw
them by the same rules. Both have all CPUs, and take turns.
"""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import torch
from safetensors.torch import save_file
from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
from TTS.tts.models.xtts import Xtts

from bench import texts
from bench.goals import Name
from bench.report import Measure
from bench.spread import Spread
from speaker_runtime.audio.guard import Bounds
from speaker_runtime.backends.pytorch import devices
from speaker_runtime.backends.xtts import checkpoint, recipe
from speaker_runtime.backends.xtts.checkpoint import Checkpoint, Speaker
from speaker_runtime.backends.xtts.conditioning import SAMPLE_RATE
from speaker_runtime.backends.xtts.sampling import Rows, Rules, sample
from speaker_runtime.backends.xtts.speaking import Speaking, Utterance
from speaker_runtime.models import manifest
from speaker_runtime.models.manifest import FileEntry
from speaker_runtime.models.store import StoredModel
from tests.support.xtts import tokenizer

STREAMS: Final = 8
TOKENS: Final = 80
"""Of each utterance where throughput is measured: 3.7 s of speech."""
LONG: Final = 176
"""Of the utterance whose gaps are measured."""
ROUNDS: Final = 3
SPEAKER: Final = "Ana Florence"
PATIENT: Final = Bounds(usual=17.0, slowest=0.01, fastest=1000.0)
_RULES: Final = Rules()
_TEXT: Final = "The old harbour lay quiet that morning, and nobody spoke of the storm."
_SHORT: Final = "Yes."
_LISTENING: Final = {"gpt_cond_len": 30, "gpt_cond_chunk_len": 4, "max_ref_len": 30}
"""Seconds, as the published model has them; coqui-tts' own defaults are others."""


@dataclass(frozen=True)
class Size:
    """How large a model is.

    Attributes:
        name: For people.
        args: What differs from the published model.
    """

    name: str
    args: dict[str, int]


FULL: Final = Size("full size", {})
QUARTER: Final = Size(
    "quarter size", {"gpt_n_model_channels": 512, "gpt_n_heads": 8, "decoder_input_dim": 512}
)


@dataclass(frozen=True)
class Sides:
    """The same weights in both."""

    coqui: Xtts
    ours: Checkpoint
    tokens: int


def run() -> list[Measure]:
    """Measure both sizes."""
    torch.manual_seed(0)
    measures = []
    for size, throughput, first in (
        (FULL, Name.XTTS_THROUGHPUT, Name.XTTS_FIRST_AUDIO),
        (QUARTER, Name.XTTS_THROUGHPUT_QUARTER, Name.XTTS_FIRST_AUDIO_QUARTER),
    ):
        with _both(size) as sides:
            measures += [_throughput(throughput, sides), _first_audio(first, sides)]
            if size is FULL:
                measures += [_gaps(sides), _latents(sides)]
    return measures


def _throughput(name: Name, sides: Sides) -> Measure:
    spoken = texts.texts([1] * STREAMS)
    ratios, ours, theirs = [], [], []
    _coqui_alone(sides, spoken[:1], tokens=8)
    _together(sides, spoken, tokens=8)
    for _ in range(ROUNDS):
        theirs.append(_coqui_alone(sides, spoken[:1]))
        ours.append(_together(sides, spoken))
        ratios.append(ours[-1] / theirs[-1])
    return Measure(
        name,
        statistics.median(ratios),
        f"{_between(ratios)}; {statistics.median(ours):.2f} against "
        f"{statistics.median(theirs):.2f} s of speech per second",
        {"ours": statistics.median(ours), "coqui": statistics.median(theirs)},
    )


def _first_audio(name: Name, sides: Sides) -> Measure:
    ratios, ours, theirs = [], [], []
    with _limited(sides, TOKENS):
        for _ in range(ROUNDS):
            theirs.append(next(_coqui_pieces(sides, _TEXT)))
            ours.append(next(_pieces(_speaking(sides), sides, _TEXT)))
            ratios.append(ours[-1] / theirs[-1])
    return Measure(
        name,
        statistics.median(ratios),
        f"{_between(ratios)}; {statistics.median(ours):.2f} s against "
        f"{statistics.median(theirs):.2f} s",
        {"ours": statistics.median(ours), "coqui": statistics.median(theirs)},
    )


def _gaps(sides: Sides) -> Measure:
    with _limited(sides, LONG):
        ours = list(_pieces(_speaking(sides), sides, _TEXT))
        theirs = list(_coqui_pieces(sides, _TEXT))
    # The last piece is what is left over.
    gaps, grown = ours[1:-1], theirs[1:-1]
    return Measure(
        Name.XTTS_GAP,
        gaps[-1] / gaps[0],
        f"{gaps[0]:.2f} s, then {gaps[-1]:.2f} s; coqui-tts {grown[0]:.2f}, then {grown[-1]:.2f} s",
        {"first": gaps[0], "last": gaps[-1], "coqui": grown[-1] / grown[0]},
    )


def _latents(sides: Sides) -> Measure:
    """The first token with a voice that is new, and with one that is known."""
    speaking, model = _speaking(sides), sides.ours
    heard = _LISTENING["max_ref_len"] * SAMPLE_RATE
    noise = np.random.default_rng(0).standard_normal(heard)
    clip = torch.from_numpy((0.1 * noise).astype(np.float32))

    def first_token(voice: Speaker | None) -> tuple[float, Speaker]:
        began = time.perf_counter()
        if voice is None:
            conditioning = model.conditioning
            made = conditioning.latents([clip]), conditioning.speaker([clip])
            voice = Speaker(f"new {began}", *made)
        utterance = _open(speaking, sides, _SHORT, voice)
        while utterance.part is None or utterance.part.latent is None:
            speaking.step([utterance])
        part, rows = utterance.part, Rows([_RULES], model.gpt.device)
        # The step that draws it goes on with the next one.
        sample(model.gpt.logits(utterance.part.latent), part.seen, rows, part.chance[:1])
        return time.perf_counter() - began, voice

    with _limited(sides, TOKENS):
        first_token(None)
        new, known = [], []
        for _ in range(ROUNDS):
            seconds, voice = first_token(None)
            new.append(seconds)
            known.append(first_token(voice)[0])
    ratios = [a / b for a, b in zip(new, known, strict=True)]
    return Measure(
        Name.XTTS_VOICE,
        statistics.median(ratios),
        f"{_between(ratios)}; new {statistics.median(new):.2f}, known "
        f"{statistics.median(known):.2f} s",
        {"new": statistics.median(new), "known": statistics.median(known)},
    )


def _coqui_alone(sides: Sides, spoken: Sequence[str], tokens: int = TOKENS) -> float:
    """Seconds of speech per second, one text after the other."""
    latents, embedding = _coqui_voice(sides)
    samples = 0
    with _limited(sides, tokens):
        began = time.perf_counter()
        for text in spoken:
            options = {"repetition_penalty": _RULES.repetition_penalty}
            samples += len(sides.coqui.inference(text, "en", latents, embedding, **options)["wav"])
        return samples / sides.ours.sample_rate / (time.perf_counter() - began)


def _together(sides: Sides, spoken: Sequence[str], tokens: int = TOKENS) -> float:
    """Seconds of speech per second, all texts at the same time."""
    speaking, samples = _speaking(sides), 0
    with _limited(sides, tokens):
        began = time.perf_counter()
        going = [_open(speaking, sides, text) for text in spoken]
        while going:
            for each, result in zip(list(going), speaking.step(going), strict=True):
                samples += len(result.samples)
                if result.finished:
                    going.remove(each)
        return samples / sides.ours.sample_rate / (time.perf_counter() - began)


def _pieces(speaking: Speaking, sides: Sides, text: str) -> Iterator[float]:
    """Seconds until each piece of speech, from the one before."""
    before = time.perf_counter()
    utterance = _open(speaking, sides, text)
    finished = False
    while not finished:
        (result,) = speaking.step([utterance])
        finished = result.finished
        if len(result.samples):
            now = time.perf_counter()
            yield now - before
            before = now


def _coqui_pieces(sides: Sides, text: str) -> Iterator[float]:
    latents, embedding = _coqui_voice(sides)
    before = time.perf_counter()
    for _ in sides.coqui.inference_stream(text, "en", latents, embedding):
        now = time.perf_counter()
        yield now - before
        before = now


def _between(ratios: Sequence[float]) -> str:
    spread = Spread.of(ratios)
    return f"{spread.lowest:.2f} to {spread.highest:.2f} in {spread.count} rounds"


def _speaking(sides: Sides) -> Speaking:
    return Speaking(sides.ours, STREAMS, PATIENT)


def _open(speaking: Speaking, sides: Sides, text: str, voice: Speaker | None = None) -> Utterance:
    return speaking.open(
        text,
        sides.ours.reader.passes(text, "en"),
        voice or sides.ours.speakers[SPEAKER],
        rules=_RULES,
        seed=0,
        pace=1.0,
    )


def _coqui_voice(sides: Sides) -> tuple[torch.Tensor, torch.Tensor]:
    voice = sides.ours.speakers[SPEAKER]
    return voice.latents[None], voice.embedding[None, :, None]


@contextmanager
def _limited(sides: Sides, tokens: int) -> Iterator[None]:
    """Let both sides draw so many tokens."""
    sides.coqui.gpt.max_gen_mel_tokens = sides.ours.gpt.most_tokens = tokens
    with torch.inference_mode():
        yield


@contextmanager
def _both(size: Size) -> Iterator[Sides]:
    with TemporaryDirectory(prefix="bench-xtts-") as folder:
        directory = Path(folder)
        coqui = _random(size, directory)
        weights = {
            name: tensor.contiguous()
            for name, tensor in coqui.state_dict().items()
            if not name.startswith(("gpt.gpt_inference.", "gpt.gpt.wte."))
        }
        save_file(weights, directory / recipe.WEIGHTS_FILE)
        channels = coqui.args.gpt_n_model_channels
        speaker = {
            f"{SPEAKER}/gpt_cond_latent": torch.randn(32, channels),
            f"{SPEAKER}/speaker_embedding": torch.nn.functional.normalize(torch.randn(512), dim=0),
        }
        save_file(speaker, directory / recipe.SPEAKERS_FILE)
        with torch.inference_mode():
            ours = checkpoint.load(
                _stored(directory),
                device=devices.prepare(devices.CPU, torch.get_num_threads()),
                precision=torch.float32,
                slots=STREAMS,
                progress=lambda _: None,
            )
        yield Sides(coqui, ours, TOKENS)


def _random(size: Size, directory: Path) -> Xtts:
    """A model of coqui-tts with random weights; its description is written into ``directory``."""
    tokenizer().save(str(directory / recipe.VOCABULARY_FILE))
    args = XttsArgs(gpt_use_perceiver_resampler=True, **size.args)
    config = XttsConfig(model_args=args, **_LISTENING)
    coqui = Xtts(config)
    coqui.tokenizer = type(coqui.tokenizer)(str(directory / recipe.VOCABULARY_FILE))
    coqui.init_models()
    # What never comes is not waited for: no token is the last one.
    coqui.gpt.mel_head.bias.data[coqui.gpt.stop_audio_token] = -1e4
    coqui.eval()
    described = json.dumps(config.to_dict())
    (directory / recipe.CONFIG_FILE).write_text(described, encoding="utf-8")
    return coqui


def _stored(directory: Path) -> StoredModel:
    files = [
        FileEntry(name=path.name, size=path.stat().st_size, sha256="0" * 64)
        for path in directory.iterdir()
    ]
    return StoredModel(directory, manifest.build("file:///bench", files))
