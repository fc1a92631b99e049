"""Reads what ``torch.save`` wrote without running any of the code that such a file can name."""

import pickle
import struct
from pathlib import Path
from typing import Any, Final

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError

_DAMAGE: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
)
"""What torch's reader raises on files that it cannot make sense of."""
_SHOWN: Final = 5


class _Inert:
    """Stands in for an object of somebody's class; whatever is told to it is forgotten."""

    def __new__(cls, *_: object) -> "_Inert":
        return super().__new__(cls)

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


def read_checkpoint(path: Path, inert: str) -> Any:
    """The object in a file of ``torch.save``.

    Its tensors are read from the file when they are used, which has to stay there until then.

    Args:
        path: The file.
        inert: A package whose classes the file may name; an object that does nothing stands for
            each of theirs. A file that names anything else, apart from tensors, is refused.

    Raises:
        ModelError: It is damaged, or names something that is not to be loaded.
    """
    import torch  # noqa: PLC0415  takes seconds, and only who converts needs it
    from torch.serialization import (  # noqa: PLC0415
        get_unsafe_globals_in_checkpoint,
        safe_globals,
    )

    try:
        named = sorted(get_unsafe_globals_in_checkpoint(path))
        refused = [name for name in named if not name.startswith(f"{inert}.")]
        if not refused:
            with safe_globals([(_Inert, name) for name in named]):
                return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"{path.name} cannot be read as a checkpoint of PyTorch: {reason}",
            "Its source is damaged: name another one, or publish it anew with torch.save.",
        ) from error
    raise ModelError(
        ExitCode.MODEL_CORRUPT,
        f"{path.name} is not only tensors: loading it would run {', '.join(refused[:_SHOWN])}. "
        "Nothing of it was run.",
        "Name another source. If you trust its author, ask for the model as safetensors.",
    )
