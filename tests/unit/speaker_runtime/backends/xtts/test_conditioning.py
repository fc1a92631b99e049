"""What is made of clips, against coqui-tts' own."""

import numpy as np
import pytest
import torch

from speaker_runtime.backends.xtts.conditioning import SAMPLE_RATE, Conditioning, Lengths
from tests.unit.speaker_runtime.backends.xtts.conftest import Pair


def clip(seconds: float, seed: int) -> torch.Tensor:
    noise = np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE))
    tone = np.sin(np.arange(len(noise)) * 2 * np.pi * 180 / SAMPLE_RATE)
    return torch.from_numpy((0.3 * tone + 0.02 * noise).astype(np.float32))


@pytest.mark.parametrize(
    "seconds", [(3.2,), (9.5,), (4.0, 8.1)], ids=["short", "long", "two clips"]
)
def test_voices_are_those_of_coqui(pair: Pair, seconds: tuple[float, ...]) -> None:
    clips = [clip(each, seed) for seed, each in enumerate(seconds)]
    lengths = Lengths(clip=10, together=12, part=4)
    gpt, decoder = pair.coqui.gpt, pair.coqui.hifigan_decoder
    ours = Conditioning(gpt, decoder, pair.coqui.mel_stats, lengths)
    with torch.inference_mode():
        whole = torch.cat([each[: 10 * SAMPLE_RATE] for each in clips])[None]
        latents = pair.coqui.get_gpt_cond_latents(whole, SAMPLE_RATE, length=12, chunk_length=4)
        speakers = [
            pair.coqui.get_speaker_embedding(each[None, : 10 * SAMPLE_RATE], SAMPLE_RATE)
            for each in clips
        ]

        made, speaker = ours.latents(clips), ours.speaker(clips)

    torch.testing.assert_close(made, latents[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        speaker, torch.stack(speakers).mean(dim=0)[0, :, 0], atol=1e-5, rtol=1e-5
    )
