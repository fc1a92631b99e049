"""The graph in memory: made once, and shared by all copies of the model in this process.

A session may be run by several threads at once. Each does its own run, with the help of the
session's worker threads where there are more CPUs than copies.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from google.protobuf.message import DecodeError

from speaker_runtime.backends.kokoro.graph import rewritten
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_SESSIONS: Final[WeakValueDictionary[tuple[Path, int], "InferenceSession"]] = WeakValueDictionary()
_MAKING: Final = threading.Lock()


def session(path: Path, threads: int) -> "InferenceSession":
    """A session of the graph in the file ``path``.

    Args:
        path: Of the model as it was fetched.
        threads: Those that work in a run at most, the one that begins it included.

    Raises:
        ModelError: The file is no graph.
    """
    with _MAKING:
        key = (path, threads)
        found = _SESSIONS.get(key)
        if found is None:
            found = _SESSIONS[key] = _make(path, threads)
        return found


def _make(path: Path, threads: int) -> "InferenceSession":
    from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415  on this thread only

    options = SessionOptions()
    options.intra_op_num_threads = threads
    # Waiting threads that spin would take the CPU from the other copies and the encoders.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        graph = rewritten(path)
    except DecodeError as error:
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"{path} is no ONNX graph: {error}.",
            "Name a model.source that fits the backend kokoro.",
        ) from error
    return InferenceSession(graph, options, providers=["CPUExecutionProvider"])
