"""What goes over the WebSocket."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.errors import SpeechError
from speaker_runtime.http.stream.messages import Cancel, End, Flush, Start, TextPiece, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [*Start.model_fields, "text"]
MESSAGES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6) | st.fixed_dictionaries(
    {"type": st.sampled_from(["start", "text", "flush", "cancel", "end"])},
    optional=dict.fromkeys((name for name in FIELDS if name != "type"), VALUES),
)


def start(**fields: object) -> dict[str, object]:
    return {"type": "start", "model": "tts-1", "voice": "ana", **fields}


def refused(message: object) -> SpeechError:
    with pytest.raises(SpeechError) as refusal:
        parse(json.dumps(message))
    return refusal.value


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (start(), Start),
        ({"type": "text", "text": "Hello"}, TextPiece),
        ({"type": "flush"}, Flush),
        ({"type": "cancel"}, Cancel),
        ({"type": "end"}, End),
    ],
)
def test_each_type_is_understood(message: dict[str, object], kind: type) -> None:
    assert type(parse(json.dumps(message))) is kind


def test_samples_come_as_they_are_unless_asked_otherwise() -> None:
    message = parse(json.dumps(start()))
    assert isinstance(message, Start)
    assert message.response_format is AudioFormat.PCM


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"voice": 7}, "invalid_type", "voice"),
        ({"voice": {"id": 7}}, "invalid_type", "voice"),
        ({"speed": 9}, "invalid_value", "speed"),
        ({"seed": "7"}, "invalid_type", "seed"),
        ({"language": "English, please"}, "invalid_value", "language"),
        ({"sampling": {"temperature": 9}}, "invalid_value", "sampling.temperature"),
        ({"sped": 1}, "unknown_parameter", "sped"),
    ],
)
def test_a_wrong_field_is_named_as_in_a_request(
    change: dict[str, object], code: str, param: str
) -> None:
    error = refused(start(**change))
    assert (error.code, error.param) == (code, param)


def test_an_unknown_type_is_told_which_there_are() -> None:
    error = refused({"type": "shout"})
    assert error.param == "type"
    assert "'flush'" in error.message


@given(MESSAGES | VALUES)
def test_whatever_is_no_message_is_refused_as_a_bad_request(message: Any) -> None:
    assert _outcome(message) in {400, "start", "text", "flush", "cancel", "end"}


def _outcome(message: Any) -> int | str:
    """The status of the refusal, or the type that was understood."""
    try:
        return parse(json.dumps(message)).type
    except SpeechError as error:
        return error.kind.status
