"""Resampling and spectrograms against their formulas in numpy, and against other libraries."""

import math
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
import pytest
import torch
from transformers import WhisperFeatureExtractor

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.backends.glm_tts.features import (
    MEL_SETTINGS,
    filterbank,
    mono,
    prompt_mel,
    resampled,
    whisper_mel,
)

Array = npt.NDArray[np.float64]


def wave(samples: int, rate: int = 16_000, seed: int = 0) -> torch.Tensor:
    """A gliding voice with some noise, and a silent end."""
    chance = np.random.default_rng(seed)
    times = np.arange(samples) / rate
    tone = sum(np.sin(2 * np.pi * k * (120 * times + 30 * times**2)) / k for k in range(1, 20))
    sound = 0.2 * tone + 0.01 * chance.standard_normal(samples)
    sound[int(0.9 * samples) :] = 0
    return torch.from_numpy(np.clip(sound, -1, 1).astype(np.float32))


def sinc_resampled(samples: Array, rate: int, wanted: int) -> Array:
    """Every output sample by itself: a windowed sinc over what lies around its moment."""
    common = math.gcd(rate, wanted)
    a, b = rate // common, wanted // common
    base = min(a, b) * 0.99
    width = math.ceil(6 * a / base)
    count = math.ceil(b * len(samples) / a)
    made = np.zeros(count)
    for index in range(count):
        # The kernel stands over whole blocks of `a` samples; its phase is that within a block.
        block, phase = divmod(index, b)
        places = block * a + np.arange(-width, width + a)
        distance = (np.arange(-width, width + a) / a - phase / b) * base
        within = np.clip(distance, -6, 6)
        kernel = np.sinc(within) * np.cos(within * np.pi / 12) ** 2 * base / a
        real = (places >= 0) & (places < len(samples))
        made[index] = kernel[real] @ samples[places[real]]
    return made


def hann(size: int) -> Array:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)


def magnitudes(samples: Array, size: int, hop: int) -> Array:
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    return np.abs(np.fft.rfft(frames * hann(size), axis=1))


@pytest.mark.parametrize(
    ("rate", "wanted"), [(24_000, 16_000), (44_100, 16_000), (16_000, 24_000), (22_050, 32_000)]
)
@pytest.mark.parametrize("samples", [1, 7, 1001])
def test_resampling_is_a_windowed_sinc(rate: int, wanted: int, samples: int) -> None:
    sound = wave(samples, rate)
    made = resampled(sound, rate, wanted)
    assert len(made) == -(-wanted * samples // rate)
    expected = sinc_resampled(sound.double().numpy(), rate, wanted)
    np.testing.assert_allclose(made.numpy(), expected, atol=1e-5)


def test_channels_are_resampled_each_by_itself_and_mixed_evenly() -> None:
    both = torch.stack([wave(500, seed=1), wave(500, seed=2)])
    made = resampled(both, 24_000, 16_000)
    torch.testing.assert_close(made[1], resampled(both[1], 24_000, 16_000))
    torch.testing.assert_close(mono(both), (both[0] + both[1]) / 2)
    assert torch.equal(mono(both[0]), both[0])
    assert resampled(both, 16_000, 16_000) is both


@pytest.mark.parametrize("rate", [24_000, 32_000])
@pytest.mark.parametrize("seconds", [0.0313, 0.2, 1.0171])
def test_a_prompts_mel_is_its_formula(rate: int, seconds: float) -> None:
    settings = MEL_SETTINGS[rate]
    sound = wave(int(seconds * rate), rate)
    mel = prompt_mel(sound, settings)
    assert mel.shape == (len(sound) // settings.hop, 80)
    assert settings.hop * 50 == rate
    around = (settings.window - settings.hop) // 2
    padded = np.pad(sound.double().numpy(), around, mode="reflect")
    spectrum = np.sqrt(magnitudes(padded, settings.window, settings.hop) ** 2 + 1e-9)
    filters = librosa.filters.mel(sr=rate, n_fft=settings.window, n_mels=80, fmin=0, fmax=8000)
    expected = np.log(np.maximum(spectrum @ filters.T, 1e-5))
    np.testing.assert_allclose(mel.numpy(), expected, atol=1e-4)


def test_both_rates_have_filters_of_their_own() -> None:
    low, high = (
        prompt_mel(wave(rate, rate), settings).mean(dim=0)
        for rate, settings in MEL_SETTINGS.items()
    )
    again = prompt_mel(wave(24_000, 24_000), MEL_SETTINGS[24_000]).mean(dim=0)
    assert torch.equal(low, again)
    assert not torch.allclose(low, high, atol=1e-2)


@pytest.mark.parametrize("samples", [640, 16_000, 480_000])
def test_whispers_mel_is_that_of_transformers(samples: int) -> None:
    extractor: Any = WhisperFeatureExtractor
    sound = wave(samples)
    made = whisper_mel(sound[None])[0]
    expected = extractor(feature_size=128)(
        sound.numpy(), sampling_rate=16_000, padding=False, return_tensors="np"
    ).input_features[0]
    assert made.shape == (128, samples // 160)
    np.testing.assert_allclose(made.numpy(), expected, atol=1e-4)


def test_each_wave_is_measured_by_its_own_loudest_place() -> None:
    loud, quiet = wave(3200), wave(3200) * 1e-4
    both = whisper_mel(torch.stack([loud, quiet]))
    for row, sound in enumerate((loud, quiet)):
        torch.testing.assert_close(both[row], whisper_mel(sound[None])[0])
    assert both[0].max() - both[0].min() <= 2.0 + 1e-6
    # A ten-thousandth is eight powers of ten less in power, two of these units.
    assert both[0].max() - both[1].max() == pytest.approx(2.0, abs=1e-3)


@pytest.mark.parametrize("samples", [400, 559, 560, 16_123])
def test_the_filterbank_is_kaldis(samples: int) -> None:
    sound = wave(samples)
    made = filterbank(sound).numpy()
    assert made.shape == (1 + (samples - 400) // 160, 80)
    frames = np.lib.stride_tricks.sliding_window_view(sound.double().numpy(), 400)[::160]
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    povey = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    power = np.abs(np.fft.rfft((frames - 0.97 * before) * povey, 512, axis=1)) ** 2
    low, high = (1127 * math.log(1 + f / 700) for f in (20, 8000))
    corners = np.linspace(low, high, 82)
    mels = 1127 * np.log(1 + np.arange(256) * 16_000 / 512 / 700)
    up = (mels - corners[:-2, None]) / np.diff(corners)[:-1, None]
    down = (corners[2:, None] - mels) / np.diff(corners)[1:, None]
    filters = np.maximum(0, np.minimum(up, down))
    levels = np.log(np.maximum(power[:, :256] @ filters.T, 1.1920929e-07))
    np.testing.assert_allclose(made, levels - levels.mean(axis=0), atol=1e-2)


def test_recordings_that_are_no_frame_long_are_too_short() -> None:
    with pytest.raises(UnfitReferenceError, match="record"):
        filterbank(wave(399))
    with pytest.raises(UnfitReferenceError, match="record"):
        prompt_mel(wave(720), MEL_SETTINGS[24_000])
    assert prompt_mel(wave(721), MEL_SETTINGS[24_000]).shape == (1, 80)
