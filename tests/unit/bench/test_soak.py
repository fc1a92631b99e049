"""What the soak test makes of an answer."""

import base64
import json

from bench.load import Answer, Order
from bench.soak import Tally, audio, judge

ORDER = Order("/v1/audio/speech", {"input": "Hello."})


def answer(body: bytes, *, status: int = 200, complete: bool = True, kind: str = "") -> Answer:
    return Answer(
        ORDER,
        sent=0.0,
        status=status,
        headers={"content-type": kind},
        body=bytearray(body),
        complete=complete,
    )


def events(*types: str) -> bytes:
    deltas = [{"type": each, "audio": base64.b64encode(b"ab").decode()} for each in types]
    return b"".join(f"data: {json.dumps(each)}\n\n".encode() for each in deltas)


def judged(one: Answer, reference: bytes = b"whole") -> Tally:
    tally = Tally()
    judge(one, reference, tally)
    return tally


def test_the_bytes_of_the_reference_are_good() -> None:
    assert judged(answer(b"whole")).outcomes == {"as when alone": 1}


def test_other_bytes_are_wrong() -> None:
    assert judged(answer(b"other")).wrong


def test_a_part_that_looks_complete_is_wrong() -> None:
    assert judged(answer(b"who")).wrong


def test_a_part_that_is_visibly_cut_off_is_not_wrong() -> None:
    tally = judged(answer(b"who", complete=False))
    assert tally.outcomes == {"visibly cut off": 1}
    assert not tally.wrong


def test_events_without_the_last_one_are_visibly_cut_off() -> None:
    told = answer(events("speech.audio.delta"), kind="text/event-stream")
    assert judged(told, b"abab").outcomes == {"visibly cut off": 1}


def test_the_audio_of_events_is_joined() -> None:
    told = answer(events("speech.audio.delta", "speech.audio.delta"), kind="text/event-stream")
    assert audio(told) == b"abab"


def test_503_is_an_answer_and_500_an_error() -> None:
    assert judged(answer(b"", status=503)).errors == 0
    assert judged(answer(b"", status=500)).errors == 1


def test_a_refusal_of_a_good_order_is_wrong() -> None:
    assert judged(answer(b"", status=400)).wrong
