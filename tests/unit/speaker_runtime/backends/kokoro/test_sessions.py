"""The graph is in memory once, whatever the number of copies."""

from pathlib import Path

import pytest

from speaker_runtime.backends.kokoro.sessions import session
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from tests.unit.speaker_runtime.backends.kokoro.graph import graphs


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(graphs.normalization().SerializeToString())
    return path


def test_copies_share_a_session(model: Path) -> None:
    first = session(model, threads=1)
    assert session(model, threads=1) is first


def test_another_number_of_threads_is_another_session(model: Path) -> None:
    first = session(model, threads=1)
    assert session(model, threads=2) is not first


def test_a_session_that_nobody_uses_any_more_is_made_anew(model: Path) -> None:
    graph = graphs.normalization()
    first = session(model, threads=1)
    assert first.get_outputs()[0].name == "y"
    del first
    graph.graph.output[0].name = graph.graph.node[-1].output[0] = "z"
    model.write_bytes(graph.SerializeToString())
    assert session(model, threads=1).get_outputs()[0].name == "z"


def test_a_file_that_is_no_graph_is_a_damaged_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\xff\xff no graph")
    with pytest.raises(ModelError) as failed:
        session(path, threads=1)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT
    assert str(path) in str(failed.value)
