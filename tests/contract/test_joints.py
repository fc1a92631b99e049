"""Where one utterance ends and the next begins: no click, no hole, nothing left out."""

import base64
import json
import struct
from collections.abc import Iterator, Sequence
from typing import Final

import httpx2
import jiwer
import numpy as np
import numpy.typing as npt
import pytest

from speaker_runtime.contract import ServingConfig
from tests.support.audio import Decoded, decode, decode_pcm
from tests.support.figures import RecordFigure
from tests.support.runtime import serving
from tests.support.transcribe import folded, transcribe

RATE: Final = 24_000
JUMP_GOAL: Final = 0.002
"""Between two samples at a joint, of full scale: a click is heard from ten times that on."""
HOLE_GOAL: Final = 1.0
"""Seconds of silence between two sentences; the voice itself pauses for 0.8 s."""
PAUSE_GOAL: Final = 0.1
"""Seconds of silence that are left between two sentences."""
QUIET: Final = 10 ** (-50 / 20)
WORD_ERROR_GOAL: Final = 0.05
MISSING_GOAL: Final = 3
"""Words in a row that are not heard: a dropped sentence has more."""

LONG: Final = (
    "There was, and it carried three bags of mail, two boxes of oranges, a crate with a very old "
    "clock, a folded sail, some rope, a box of nails, a lamp without a shade, and at the very "
    "bottom, wrapped in a blue cloth, the letter that everybody in the village had been waiting "
    "for since the spring of that year."
)
"""Longer than the model's limit."""
SENTENCES: Final = (
    "The first boat left the harbour at noon.",
    "Nobody on the pier had seen it go!",
    "Was there a second one?",
    LONG,
    "It sank.",
    "The clock was found in May.",
)


def speak(http: httpx2.Client, text: str, audio_format: str, **more: object) -> bytes:
    body = {"model": "tts-1", "voice": "ana", "input": text, "response_format": audio_format}
    answer = http.post("/v1/audio/speech", json={**body, **more})
    assert answer.status_code == 200, answer.text
    return answer.content


def listen(data: bytes, audio_format: str) -> Decoded:
    return decode_pcm(data) if audio_format == "pcm" else decode(data)


@pytest.fixture(scope="module")
def parts(http: httpx2.Client) -> list[npt.NDArray[np.int16]]:
    """The samples of each sentence by itself."""
    return [np.frombuffer(speak(http, each, "pcm"), "<i2") for each in SENTENCES]


def test_a_text_is_its_sentences_one_after_the_other(
    http: httpx2.Client, parts: Sequence[npt.NDArray[np.int16]]
) -> None:
    whole = np.frombuffer(speak(http, " ".join(SENTENCES), "pcm"), "<i2")
    np.testing.assert_array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize("audio_format", ["pcm", "wav", "flac", "mp3", "opus", "aac"])
def test_joints_have_neither_click_nor_hole(
    http: httpx2.Client,
    parts: Sequence[npt.NDArray[np.int16]],
    audio_format: str,
    record_figure: RecordFigure,
) -> None:
    heard = listen(speak(http, " ".join(SENTENCES), audio_format), audio_format)
    rate, loud = heard.sample_rate, np.flatnonzero(np.abs(heard.samples) > QUIET)
    ends = np.cumsum([len(each) for each in parts])[:-1] * rate // RATE
    # An encoder may move a joint by its own delay, some 50 ms at most.
    near = rate // 20
    around = [heard.samples[end - near : end + near] for end in ends]
    jump = max(float(np.abs(np.diff(each)).max()) for each in around)
    next_loud = np.searchsorted(loud, ends)
    pauses = (loud[next_loud] - loud[next_loud - 1]) / rate
    hole = float(np.diff(loud).max()) / rate
    record_figure(f"largest jump at a joint, {audio_format}", jump, "", goal=f"<= {JUMP_GOAL}")
    record_figure(f"longest silence, {audio_format}", hole, "s", goal=f"<= {HOLE_GOAL}")
    assert jump <= JUMP_GOAL
    assert pauses.min() >= PAUSE_GOAL
    assert hole <= HOLE_GOAL


@pytest.mark.parametrize("speed", [0.3, 3.0])
def test_a_stretched_text_has_no_hole_either(http: httpx2.Client, speed: float) -> None:
    heard = listen(speak(http, " ".join(SENTENCES), "pcm", speed=speed), "pcm")
    loud = np.flatnonzero(np.abs(heard.samples) > QUIET)
    assert float(np.diff(loud).max()) / RATE <= HOLE_GOAL / speed


def streamed(http: httpx2.Client, text: str) -> bytes:
    """The bytes of a WAV answer that comes in events."""
    events = speak(http, text, "wav", stream_format="sse").decode().split("\n\n")
    payloads = [json.loads(each.partition("data: ")[2]) for each in events if each.strip()]
    return b"".join(
        base64.b64decode(each["audio"]) for each in payloads if each["type"] == "speech.audio.delta"
    )


@pytest.mark.parametrize("mode", ["audio", "sse"])
def test_a_wav_header_tells_what_follows(http: httpx2.Client, mode: str) -> None:
    text = " ".join(SENTENCES[:3])
    data = speak(http, text, "wav") if mode == "audio" else streamed(http, text)
    unknown = 0xFFFFFFFF
    assert struct.unpack_from("<4sI4s", data) == (b"RIFF", unknown, b"WAVE")
    assert struct.unpack_from("<4sIHHIIHH", data, 12) == (
        *(b"fmt ", 16),
        *(1, 1, RATE, RATE * 2, 2, 16),
    )
    assert struct.unpack_from("<4sI", data, 36) == (b"data", unknown)
    assert data[44:] == speak(http, text, "pcm")


def long_text(characters: int) -> str:
    """Plain sentences that never come twice."""
    whens = ("In the morning", "At noon", "Before supper", "On the way home", "After the storm")
    whos = ("the baker", "my sister", "a tall sailor", "the old teacher", "our neighbour", "a boy",
            "the doctor")  # fmt: skip
    dids = ("found", "painted", "carried away", "repaired", "sold", "forgot", "cleaned", "hid",
            "borrowed", "described", "broke")  # fmt: skip
    whats = ("a wooden chair", "the yellow bicycle", "two heavy boxes", "an empty bottle",
             "the kitchen window", "a silver spoon", "the garden gate", "a letter from Canada",
             "the largest map", "three woollen blankets", "a broken radio", "the green door",
             "a pair of boots")  # fmt: skip
    text = ""
    for n in range(len(whens) * len(whos) * len(dids) * len(whats)):
        when, who = whens[n % len(whens)], whos[n % len(whos)]
        text += f"{when}, {who} {dids[n % len(dids)]} {whats[n % len(whats)]}. "
        if len(text) >= characters:
            break
    return text.strip()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A server that takes long texts."""
    limits = ServingConfig(max_input_characters=10_000)
    with (
        serving(tmp_path_factory.mktemp("patient"), limits) as runtime,
        httpx2.Client(base_url=runtime.url, timeout=120) as client,
    ):
        yield client


def test_nothing_of_five_thousand_characters_is_left_out(
    patient: httpx2.Client, record_figure: RecordFigure
) -> None:
    text = long_text(5_000)
    assert len(text) >= 5_000
    heard = transcribe(speak(patient, text, "mp3"))
    compared = jiwer.process_words(folded(text), folded(heard))
    missing = max(
        (each.ref_end_idx - each.ref_start_idx for each in compared.alignments[0]
         if each.type == "delete"),
        default=0,
    )  # fmt: skip
    record_figure(
        "word error rate of 5,000 characters", compared.wer, "", goal=f"<= {WORD_ERROR_GOAL}"
    )
    record_figure("words missing in a row", missing, "", goal=f"<= {MISSING_GOAL}")
    assert compared.wer <= WORD_ERROR_GOAL, heard
    assert missing <= MISSING_GOAL, heard
