"""Sentences out of text that arrives in pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.text.growing import GrowingText

LONGEST = 60
TEXT = 'Dr. Smith paid $3.50 to "Mr. X" at 5 p.m.! Was it much?\nNo.\r\n\r\nIt was… fine 👍🏽. Bye'


def growing(language: str = "en") -> GrowingText:
    return GrowingText(language, LONGEST)


def test_a_sentence_is_given_when_the_next_one_begins() -> None:
    text = growing()
    assert text.push("Hello there.") == []
    assert text.push(" ") == []
    assert text.push("How") == ["Hello there. "]
    assert text.push(" are you") == []
    assert text.flush() == ["How are you"]


@pytest.mark.parametrize("end", ["!", "?", "?!", '!"'])
def test_an_end_that_nothing_can_undo_is_not_waited_for(end: str) -> None:
    assert growing().push(f"Stop{end} ") == [f"Stop{end} "]


def test_a_line_ends_a_sentence() -> None:
    assert growing().push("A title\nand a text") == ["A title\n"]


def test_an_abbreviation_or_a_number_is_not_taken_for_an_end() -> None:
    text = growing()
    for token in ("Dr", ".", " Smith", " has", " 3", ".", "5", " dogs"):
        assert text.push(token) == []
    assert text.push(". And") == ["Dr. Smith has 3.5 dogs. "]


def test_a_title_is_no_end_in_its_language() -> None:
    text = growing("fr-FR")
    assert text.push("Voici M. Dupont. Il") == ["Voici M. Dupont. "]


def test_a_text_without_end_is_cut_where_one_breathes() -> None:
    text = growing()
    given = text.push("one two three four five six seven eight, nine ten eleven twelve " * 3)
    assert given[0].endswith("eight, ")
    assert all(len(each) <= LONGEST for each in given)
    assert text.waiting <= LONGEST


def test_what_has_no_sound_is_no_sentence_of_its_own() -> None:
    text = growing()
    assert text.push("---\n\n") == []
    assert text.push("Yes!\n\n***\n\n") == ["---\n\nYes!\n\n***\n\n"]
    assert text.push("😀") == []
    assert text.flush() == []


def test_a_character_may_be_split_as_javascript_splits_it() -> None:
    text = growing()
    assert text.push("Yes \ud83d") == []
    assert text.push("\ude00 yes") == []
    assert text.flush() == ["Yes 😀 yes"]


@pytest.mark.parametrize("pieces", [["\ude00"], ["\ud83d", "a"], ["a\ud83db"]])
def test_half_a_character_alone_is_an_error(pieces: list[str]) -> None:
    text = growing()
    *before, last = pieces
    for piece in before:
        text.push(piece)
    with pytest.raises(ValueError, match="surrogate"):
        text.push(last)


def test_what_is_cleared_is_forgotten() -> None:
    text = growing()
    text.push("Never mind this")
    text.clear()
    assert text.push("Now this! ") == ["Now this! "]


def test_chinese_and_japanese_need_no_spaces() -> None:
    assert growing("zh").push("你好。今天") == ["你好。"]
    assert growing("ja").push("こんにちは。元気") == ["こんにちは。"]


@given(st.lists(st.text(max_size=40), max_size=12))
def test_no_letter_is_lost_whatever_the_pieces(pieces: list[str]) -> None:
    text = growing()
    given_ = [sentence for piece in pieces for sentence in text.push(piece)] + text.flush()
    written = "".join(pieces)
    assert written.startswith("".join(given_))
    rest = written[len("".join(given_)) :]
    assert not any(character.isalnum() for character in rest)


@given(st.data())
def test_tokens_of_any_size_give_the_same_text(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(TEXT)), max_size=20)) | {0, len(TEXT)})
    text = growing()
    given_ = [s for a, b in pairwise(cuts) for s in text.push(TEXT[a:b])]
    assert "".join(given_ + text.flush()) == TEXT
