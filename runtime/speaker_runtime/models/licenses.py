"""Which licences have to be accepted by name before a model is fetched, installed or served."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError

_FREE: Final = frozenset(
    {
        *("0bsd", "afl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause"),
        *("bsl-1.0", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0"),
        *("cc-by-sa-3.0", "cc-by-sa-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0"),
        *("ecl-2.0", "epl-2.0", "eupl-1.2", "isc", "mit", "mit-0", "mpl-2.0", "ms-pl", "ncsa"),
        *("odc-by", "pddl", "postgresql", "unlicense", "wtfpl", "zlib"),
    }
)
"""Licences, as the Hugging Face Hub and SPDX write them in small letters, that let everybody use
the model for any purpose. Any other one, a model's own included, has to be accepted."""

OTHER: Final = "other"
"""How a model card of the Hub says that the licence is none of those that the Hub knows."""
_AND: Final = " AND "

_SHORT: Final[Mapping[str, str]] = MappingProxyType({"coqui-public-model-license": "CPML"})
"""What licences are called for short, where their model card does not say."""


def to_accept(license_name: str | None) -> str | None:
    """The name by which a licence has to be accepted; None if nobody is asked to."""
    if license_name is None or license_name.casefold() in _FREE:
        return None
    return _SHORT.get(license_name.casefold(), license_name)


def together(*names: str | None) -> str | None:
    """The name by which several licences have to be accepted at once; None if none asks for it.

    Args:
        names: As :func:`to_accept`, or this function, gives them.
    """
    each = {one.casefold(): one for name in names if name for one in name.split(_AND)}
    if len(each) > 1:
        each.pop(OTHER, None)  # a card that names none gives way to whoever does
    return _AND.join(sorted(each.values())) or None


def require_accepted(license_name: str | None, config: ModelConfig) -> None:
    """Let pass only who accepted the licence that asks for it, if one does.

    Args:
        license_name: As :func:`to_accept` gives it.
        config: Of the model, with what was accepted.

    Raises:
        ModelError: It was not accepted.
    """
    accepted = config.accept_license
    if license_name is None or (accepted or "").casefold() == license_name.casefold():
        return
    instead = f", and acceptLicense names {accepted}" if accepted else ""
    raise ModelError(
        ExitCode.LICENSE_NOT_ACCEPTED,
        f"The model {config.source} is under the licence {license_name}, which has to be accepted"
        f"{instead}.",
        f"Read it; if you accept it, write acceptLicense: {license_name} under spec.model "
        "(model.acceptLicense in config.json).",
    )
