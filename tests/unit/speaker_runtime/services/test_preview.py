"""Parts of a plan, and the shelf that keeps them for a while."""

from dataclasses import replace

import numpy as np
import pytest

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pipeline import Section
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.errors import SpeechError
from speaker_runtime.services.planning import Caption, Place, Plan, SpeechOrder
from speaker_runtime.services.preview import Part, Shelf, split_plan

ORDER = SpeechOrder(text="One. Two.", voice="low", audio_format=AudioFormat.PCM)
PER_SECOND = 10.0


def request(text: str) -> SpeechRequest:
    return SpeechRequest(text=text, preset="low", language="en", speed=1.0, seed=0)


def plan(*texts: str, **more: object) -> Plan:
    fields: dict[str, object] = {
        "requests": tuple(map(request, texts)),
        "places": tuple(Place(0, n, ends=True) for n in range(len(texts))),
        "captions": tuple(Caption(text, None) for text in texts),
        "sections": (Section(),),
        "end": Section(),
        "warnings": (),
        **more,
    }
    return Plan(**fields)  # type: ignore[arg-type]  # the fields of a plan


def parts(*texts: str, **more: object) -> tuple[Part, ...]:
    return split_plan(ORDER, plan(*texts, **more), PER_SECOND)


def address(text: str) -> str:
    return parts(text)[0].address


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_part_speaks_its_own_sentence_alone() -> None:
    one, two = parts("One.", "Two.")
    assert (one.order.text, two.order.text) == ("One.", "Two.")
    assert two.plan.requests == (request("Two."),)
    assert two.plan.places == (Place(0, 0, ends=True),)


def test_what_surrounds_a_passage_is_heard_once() -> None:
    one, two = parts(
        "One.", "Two.", sections=(Section(pause=2, gain=0.5, marks=("a",)),), end=Section(pause=1)
    )
    assert one.plan.sections == (Section(pause=2, gain=0.5, marks=("a",)),)
    assert two.plan.sections == (Section(gain=0.5),)
    assert (one.plan.end.pause, two.plan.end.pause) == (0, 1)


def test_a_sentence_of_several_utterances_stays_one_part() -> None:
    places = (Place(0, 0, ends=False), Place(0, 0, ends=True))
    (part,) = parts("One,", "two.", places=places, captions=(Caption("One, two.", (0, 9)),))
    assert [each.text for each in part.plan.requests] == ["One,", "two."]


def test_the_estimate_counts_pace_and_pauses() -> None:
    (part,) = parts("x" * 30, sections=(Section(pause=1, tempo=2),), end=Section(pause=0.5))
    assert part.estimate == pytest.approx(1 + 30 / PER_SECOND / 2 + 0.5)


def test_the_same_audio_has_the_same_address() -> None:
    assert parts("One.", "Two.")[0].address == address("One.")
    assert address("One.") != address("Two.")


def test_what_is_shelved_is_found() -> None:
    shelf = Shelf()
    (part,) = parts("One.")
    shelf.put(part)
    assert shelf.get(part.address) == part


def test_a_part_goes_after_its_time_unless_it_is_shown_again() -> None:
    clock = Clock()
    shelf = Shelf(seconds=10, clock=clock)
    one, two = parts("One.", "Two.")
    shelf.put(one)
    shelf.put(two)
    clock.now += 8
    shelf.put(one)
    clock.now += 8
    assert shelf.get(one.address) == one
    with pytest.raises(SpeechError) as gone:
        shelf.get(two.address)
    assert gone.value.code == "preview_not_found"


def test_the_oldest_goes_when_there_is_too_much() -> None:
    shelf = Shelf(most=30)
    shelved = parts(*(f"Sentence {number}." for number in range(5)))
    for part in shelved:
        shelf.put(part)
    with pytest.raises(SpeechError):
        shelf.get(shelved[0].address)
    assert shelf.get(shelved[-1].address)


def test_a_length_is_known_as_long_as_its_part() -> None:
    shelf = Shelf(most=30)
    one, two, three = parts("Sentence 1.", "Sentence 2.", "Sentence 3.")
    shelf.put(one)
    shelf.learn(one.address, 1.5)
    assert shelf.length(one.address) == 1.5
    shelf.put(two)
    shelf.put(three)
    assert shelf.length(one.address) is None
    shelf.learn(one.address, 1.5)
    assert shelf.length(one.address) is None


def test_the_name_of_a_cloned_voice_stands_for_what_the_model_made_of_it() -> None:
    clone = {"latents": np.zeros((1, 4), np.float32)}
    cloned = replace(request("One."), clone=clone)
    assert parts("One.", requests=(cloned,))[0].address == address("One.")
