"""The DNS question and how its answer is read."""

from cluster.dns import HEADER, has_address, question

NOT_FOUND = 0x8183
FOUND = 0x8180


def answer(identifier: int, flags: int, records: int) -> bytes:
    return HEADER.pack(identifier, flags, 1, records, 0, 0)


def test_a_question_spells_the_name_in_labels() -> None:
    assert question(1, "a.local")[HEADER.size :] == b"\x01a\x05local\0\0\x01\0\x01"


def test_an_answer_with_a_record_counts() -> None:
    assert has_address(7, answer(7, FOUND, 1))


def test_an_error_does_not_count() -> None:
    assert not has_address(7, answer(7, NOT_FOUND, 1))


def test_an_empty_answer_does_not_count() -> None:
    assert not has_address(7, answer(7, FOUND, 0))


def test_an_answer_to_another_question_does_not_count() -> None:
    assert not has_address(7, answer(8, FOUND, 1))


def test_a_broken_packet_does_not_count() -> None:
    assert not has_address(7, b"\0")
