"""The catalogue of errors."""

import pytest

from speaker_runtime.errors import CATALOGUE, ErrorCode, ErrorType, SpeechError


def test_every_code_is_explained() -> None:
    assert set(CATALOGUE) == set(ErrorCode)


@pytest.mark.parametrize("code", ErrorCode)
def test_the_status_says_whose_fault_it_is(code: ErrorCode) -> None:
    kind = CATALOGUE[code]
    assert (kind.status >= 500) == (kind.type is ErrorType.SERVER)
    assert kind.when.endswith(".")
    assert kind.remedy.endswith(".")


def test_the_remedy_is_the_suggestion_unless_a_better_one_is_known() -> None:
    code = ErrorCode.EMPTY_INPUT
    assert SpeechError(code, "no text").suggestion == CATALOGUE[code].remedy
    assert SpeechError(code, "no text", suggestion="Say something.").suggestion == "Say something."
