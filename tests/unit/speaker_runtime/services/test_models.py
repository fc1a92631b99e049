"""Names of models."""

import pytest

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.models import ModelNames


@pytest.mark.parametrize("name", ["hibari", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"])
def test_the_backends_and_openais_names_are_known(name: str) -> None:
    assert ModelNames("hibari").resolve(name) == name


def test_another_name_is_not_found_and_the_nearest_is_suggested() -> None:
    with pytest.raises(SpeechError) as refused:
        ModelNames("hibari").resolve("TTS-1-HD2")
    assert refused.value.code is ErrorCode.MODEL_NOT_FOUND
    assert refused.value.param == "model"
    assert "'tts-1-hd'" in refused.value.suggestion
