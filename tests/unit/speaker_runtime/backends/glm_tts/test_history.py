"""What a piece of a text goes on from."""

import math

from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.backends.glm_tts.history import History, Said

TRANSCRIPT, CODES = (1, 2, 3), tuple(range(100))
PIECES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 400)), max_size=8)


def test_the_first_piece_goes_on_from_the_recording() -> None:
    assert History(TRANSCRIPT, CODES).prompt(9) == Said(TRANSCRIPT, CODES)
    # Even where that is longer than anything.
    assert len(History(TRANSCRIPT, range(900)).prompt(9).codes) == 900


def test_later_pieces_go_on_from_everything_in_its_order() -> None:
    history = History(TRANSCRIPT, CODES)
    history.add([7], [200, 201])
    history.add([8, 9], [300])
    assert history.prompt(1) == Said((1, 2, 3, 7, 8, 9), (*CODES, 200, 201, 300))


def test_without_recall_every_piece_goes_on_from_the_recording() -> None:
    history = History(TRANSCRIPT, CODES, recalls=False)
    history.add([7], [200, 201])
    assert history.prompt(5) == history.recording == Said(TRANSCRIPT, CODES)


def test_a_recording_without_words_counts_a_code_for_a_token() -> None:
    history = History((), ())
    history.add((), range(700))
    assert len(history.prompt(50).codes) == 700
    assert history.prompt(51).codes == ()


@given(pieces=PIECES, tokens=st.integers(1, 60))
def test_the_oldest_are_forgotten_by_an_estimate_that_is_made_once(
    pieces: list[tuple[int, int]], tokens: int
) -> None:
    history = History(TRANSCRIPT, CODES)
    kept = [Said(TRANSCRIPT, CODES)]
    for number, (text, codes) in enumerate(pieces):
        said = Said((number,) * text, (1000 + number,) * codes)
        history.add(said.text, said.codes)
        kept.append(said)
        # By hand; what is forgotten stays forgotten.
        total = sum(len(each.codes) for each in kept)
        ratio = total / sum(len(each.text) for each in kept)
        estimate = math.floor(ratio * tokens)
        while sum(len(each.codes) for each in kept) + estimate > 750 and len(kept) > 1:
            del kept[1]

        found = history.prompt(tokens)

        assert found.text == tuple(token for each in kept for token in each.text)
        assert found.codes == tuple(code for each in kept for code in each.codes)
