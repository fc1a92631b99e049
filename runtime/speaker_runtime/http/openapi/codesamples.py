"""The code samples of an operation: whole programs, kept as files beside this module.

A file's stem is the operation's id. The tests run every one of them against a running server.
"""

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from speaker_runtime.http.openapi import samples

SHOWN_ADDRESS: Final = "http://127.0.0.1:8080"
"""What the samples call; /docs shows the address that it was read from in its place."""
LANGUAGES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "py": ("Python", "openai"),
        "mjs": ("JavaScript", "openai"),
        "sh": ("Shell", "cURL"),
        "go": ("Go", "net/http"),
    }
)
"""By a file's ending: the language in the words of ``x-codeSamples``, and what the sample uses."""


def code_samples(operation: str) -> list[dict[str, str]]:
    """The value of ``x-codeSamples`` for an operation, in the order of :data:`LANGUAGES`."""
    folder = files(samples)
    found = (
        (language, label, folder / f"{operation}.{ending}")
        for ending, (language, label) in LANGUAGES.items()
    )
    return [
        {"lang": language, "label": f"{language} ({label})", "source": file.read_text("utf-8")}
        for language, label, file in found
        if file.is_file()
    ]
