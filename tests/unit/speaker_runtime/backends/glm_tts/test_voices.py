"""Recordings into the arrays that a voice is kept as, and back."""

from pathlib import Path

import numpy as np
import pytest
import torch

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.backends.glm_tts.features import MEL_SETTINGS, prompt_mel
from speaker_runtime.backends.glm_tts.speaker import SpeakerEncoder
from speaker_runtime.backends.glm_tts.speech_tokenizer import SpeechTokenizer
from speaker_runtime.backends.glm_tts.tokenizer import Tokenizer
from speaker_runtime.backends.glm_tts.voices import Listener, voice_of
from speaker_runtime.backends.protocol import Reference
from speaker_runtime.contract import VoiceReason
from tests.support.clips import voiced
from tests.support.glm_front import write_speaker, write_speech_tokenizer, write_tokenizer

RATE = 24_000


class Stages:
    """Every stage that listens."""

    def __init__(self, directory: Path) -> None:
        self.tokenizer = Tokenizer(write_tokenizer(directory / "tokenizer"))
        self.speech = SpeechTokenizer(write_speech_tokenizer(directory / "speech"))
        self.speaker = SpeakerEncoder(write_speaker(directory / "campplus.onnx"), 1)
        self.listener = Listener(
            self.speech, self.speaker, lambda text: self.tokenizer.encode(f"{text} "), RATE
        )


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages(tmp_path_factory.mktemp("stages"))


def test_a_voice_is_what_each_stage_hears(stages: Stages) -> None:
    clip = voiced(120.0, seconds=3.5, rate=RATE)

    kept = stages.listener(Reference((clip,), "zh", "你好，世界。"))
    voice = voice_of("mia", kept, torch.device("cpu"))

    wave = torch.from_numpy(clip)
    assert voice.transcript == tuple(stages.tokenizer.encode("你好，世界。 "))
    assert torch.equal(voice.codes, stages.speech.codes(wave, RATE))
    assert len(voice.codes) == 88
    assert torch.equal(voice.mel, prompt_mel(wave, MEL_SETTINGS[RATE]))
    assert voice.mel.shape == (175, 80)
    assert torch.equal(voice.speaker, stages.speaker(wave, RATE))
    assert voice.name == "mia"


def test_a_voice_is_the_same_after_it_was_kept(stages: Stages, tmp_path: Path) -> None:
    kept = stages.listener(Reference((voiced(90.0, rate=RATE),), "en", "the world"))
    np.savez(tmp_path / "voice.npz", allow_pickle=False, **dict(kept))
    again = dict(np.load(tmp_path / "voice.npz"))

    cpu = torch.device("cpu")
    for first, second in zip(
        vars(voice_of("a", kept, cpu)).values(),
        vars(voice_of("a", again, cpu)).values(),
        strict=True,
    ):
        assert torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


@pytest.mark.parametrize(
    ("seconds", "transcript", "reason"),
    [
        (0.5, "hello", VoiceReason.TOO_SHORT),
        (31.0, "hello", VoiceReason.TOO_LONG),
        (4.0, None, VoiceReason.TRANSCRIPT_MISSING),
        (4.0, "  ", VoiceReason.TRANSCRIPT_MISSING),
    ],
)
def test_a_recording_that_is_no_voice_is_told_why(
    stages: Stages, seconds: float, transcript: str | None, reason: VoiceReason
) -> None:
    clip = voiced(120.0, seconds=seconds, rate=RATE)
    with pytest.raises(UnfitReferenceError) as failed:
        stages.listener(Reference((clip,), "en", transcript))
    assert failed.value.reason is reason
