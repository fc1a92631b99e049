"""Addresses by content: the digest of all that decides how something sounds."""

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json


def digest(fields: Mapping[str, Any]) -> str:
    """SHA-256 of named values, in hexadecimal; the same for the same values in the same order.

    Args:
        fields: Plain values, and dataclasses of them.

    Raises:
        pydantic_core.PydanticSerializationError: A value is none of these.
    """
    return hashlib.sha256(to_json(fields)).hexdigest()
