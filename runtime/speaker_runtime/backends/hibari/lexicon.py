"""Words that the model's own dictionary misreads, with the phonemes to say instead."""

# ruff: noqa: RUF001  the stress marks are meant

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PRONUNCIATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kubernetes": "kˌubəɹnˈɛtiz",
        "kubectl": "kjˈub kəntɹˈOl",
        "yaml": "jˈæmᵊl",
        "nginx": "ˈɛnʤənˌɛks",
    }
)
"""Lower-case words, and phonemes in misaki's American alphabet (github.com/hexgrad/misaki)."""
