"""The two processes of a pod: how they start, end, and say why."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from speaker_runtime.contract import CONFIG_FILE, VOICES_FILE, ExitCode, ServingConfig
from tests.support.audio import decode
from tests.support.figures import RecordFigure
from tests.support.runtime import (
    COMMAND,
    RuntimeProcess,
    eventually,
    serving,
    start,
    write_documents,
)

PROCESS_TIMEOUT = 60.0
START_GOAL = 5.0
LONG_TEXT = " ".join(f"This is sentence number {number} of a long text." for number in range(40))


def _run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
        check=False,
    )


def _speak(**more: object) -> dict[str, object]:
    return {"model": "tts-1", "voice": "ana", "input": LONG_TEXT, "response_format": "wav", **more}


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A directory with both documents, whose model is not fetched."""
    return write_documents(tmp_path, ServingConfig())


@pytest.fixture
def fetched(documents: Path) -> Path:
    """A directory with both documents and the model."""
    assert _run("model", "fetch", "--config", documents).returncode == ExitCode.OK
    return documents


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_second_fetch_copies_nothing(documents: Path) -> None:
    first, second = (
        json.loads(_run("model", "fetch", "--config", documents).stdout.splitlines()[-1])
        for _ in range(2)
    )
    assert first["event"] == second["event"] == "done"
    assert first["digest"] == second["digest"]
    assert (first["copiedBytes"], second["copiedBytes"]) == (first["bytes"], 0)


def test_a_source_that_nobody_knows_is_a_wrong_configuration(documents: Path) -> None:
    _edit(
        documents / CONFIG_FILE,
        model={"source": "ftp://x/y", "directory": str(documents / "model")},
    )
    ended = _run("model", "fetch", "--config", documents)
    assert ended.returncode == ExitCode.INVALID_CONFIG
    assert "package://" in ended.stderr


def test_wrong_documents_are_explained_all_at_once(documents: Path) -> None:
    _edit(documents / CONFIG_FILE, colour="red", serving={"drainSeconds": -1})
    _edit(documents / VOICES_FILE, voices=[{"name": "ana"}])
    ended = _run("serve", "--config", documents, "--port", "0")
    assert ended.returncode == ExitCode.INVALID_CONFIG
    for expected in (
        "colour",
        "serving.drainSeconds",
        "one of preset, reference and problem",
        VOICES_FILE,
    ):
        assert expected in ended.stderr


def test_a_fetch_explains_all_that_is_wrong_before_it_downloads_anything(documents: Path) -> None:
    model = {"source": "ftp://x/y", "directory": str(documents / "model")}
    _edit(documents / CONFIG_FILE, model=model)
    _edit(documents / VOICES_FILE, voices=[{"name": "ana"}])
    ended = _run("model", "fetch", "--config", documents)
    assert ended.returncode == ExitCode.INVALID_CONFIG
    for expected in (
        "model.source",
        "write one that begins with",
        "one of preset, reference and problem",
    ):
        assert expected in ended.stderr
    assert not (documents / "model").exists()


def test_a_fetch_is_not_begun_for_a_backend_that_is_not_installed(documents: Path) -> None:
    _edit(documents / CONFIG_FILE, backend="nothing")
    ended = _run("model", "fetch", "--config", documents)
    assert ended.returncode == ExitCode.INVALID_CONFIG
    assert "no backend named 'nothing'" in ended.stderr
    assert not (documents / "model").exists()


def test_missing_documents_are_explained(tmp_path: Path) -> None:
    ended = _run("serve", "--config", tmp_path, "--port", "0")
    assert ended.returncode == ExitCode.INVALID_CONFIG
    assert CONFIG_FILE in ended.stderr
    assert VOICES_FILE in ended.stderr


def test_an_unknown_backend_is_explained(documents: Path) -> None:
    _edit(documents / CONFIG_FILE, backend="nothing")
    ended = _run("serve", "--config", documents, "--port", "0")
    assert ended.returncode == ExitCode.INVALID_CONFIG
    assert "hibari" in ended.stderr


def test_a_wrong_address_of_the_shared_cache_is_explained_without_its_password(
    documents: Path,
) -> None:
    wrong = {"SPEAKER_TTS_SHARED_CACHE_URL": "http://:secret@cache"}
    ended = _run("serve", "--config", documents, "--port", "0", **wrong)
    assert ended.returncode == ExitCode.INVALID_CONFIG
    assert "SPEAKER_TTS_SHARED_CACHE_URL" in ended.stderr
    assert "redis://" in ended.stderr
    assert "secret" not in ended.stderr


def test_a_model_that_was_not_fetched_ends_the_process(documents: Path, tmp_path: Path) -> None:
    reason = tmp_path / "termination-log"
    reason.touch()
    ended = _run("serve", "--config", documents, "--port", "0", TERMINATION_LOG=str(reason))
    assert ended.returncode == ExitCode.MODEL_UNAVAILABLE
    assert "model fetch" in reason.read_text()


def test_a_model_cut_short_ends_the_process(fetched: Path) -> None:
    os.truncate(fetched / "model" / "hibari.onnx", 1000)
    ended = _run("serve", "--config", fetched, "--port", "0")
    assert ended.returncode == ExitCode.MODEL_CORRUPT
    assert "hibari.onnx" in ended.stderr


def test_a_gpu_that_is_not_there_is_explained(fetched: Path) -> None:
    _edit(fetched / CONFIG_FILE, devices={"kind": "gpu"})
    ended = _run("serve", "--config", fetched, "--port", "0")
    assert ended.returncode == ExitCode.FAILED
    assert "no GPU is there" in ended.stderr
    assert "gpu.fallbackToCPU" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_explained(fetched: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = _run("serve", "--config", fetched, "--port", port)
    assert ended.returncode == ExitCode.FAILED
    assert "--port" in ended.stderr


def test_it_is_live_at_once_and_speaks_soon(fetched: Path, record_figure: RecordFigure) -> None:
    began = time.monotonic()
    with start(fetched) as runtime:
        live = httpx2.get(f"{runtime.url}/health/live")
        record_figure("runtime started to live", time.monotonic() - began, "s")
        runtime.wait_ready()
        record_figure("runtime started to ready", time.monotonic() - began, "s")
        answer = httpx2.post(f"{runtime.url}/v1/audio/speech", json=_speak(input="Hello."))
        spoken = time.monotonic() - began
        record_figure("runtime started to spoken", spoken, "s", goal=f"<= {START_GOAL}")
    assert live.status_code == answer.status_code == 200


@pytest.fixture
def draining(tmp_path: Path) -> Iterator[RuntimeProcess]:
    """A server of its own, to be ended."""
    with serving(tmp_path, ServingConfig(drain_seconds=20)) as runtime:
        yield runtime


def test_sigterm_lets_running_answers_finish(draining: RuntimeProcess) -> None:
    with (
        httpx2.Client(base_url=draining.url, timeout=PROCESS_TIMEOUT) as client,
        client.stream("POST", "/v1/audio/speech", json=_speak()) as response,
    ):
        chunks = response.iter_raw()
        head = next(chunks)
        draining.process.send_signal(signal.SIGTERM)
        eventually(
            lambda: httpx2.get(f"{draining.url}/health/ready").status_code == 503,
            within=PROCESS_TIMEOUT,
            what="unreadiness",
        )
        refused = httpx2.post(f"{draining.url}/v1/audio/speech", json=_speak())
        audio = head + b"".join(chunks)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "shutting_down"
    assert decode(audio).seconds > 60
    assert draining.process.wait(PROCESS_TIMEOUT) == ExitCode.OK


def test_a_client_that_reads_slowly_gets_its_answer_to_the_end(draining: RuntimeProcess) -> None:
    """A pod's network ends with its processes, so these stay until the kernel has sent it all."""
    content = json.dumps(_speak(input="Good morning.", response_format="pcm")).encode()
    head = (
        "POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(PROCESS_TIMEOUT)
        slow.connect((draining.host, draining.port))
        slow.sendall(head.encode() + content)
        assert slow.recv(1)
        draining.process.send_signal(signal.SIGTERM)
        draining.wait_line(lambda line: line["message"] == "waiting for clients to read")
        assert draining.process.poll() is None
        while piece := slow.recv(2**16):
            last = piece
    assert last.endswith(b"0\r\n\r\n")
    assert draining.process.wait(PROCESS_TIMEOUT) == ExitCode.OK


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[RuntimeProcess]:
    """A server that gives running answers no time."""
    with serving(tmp_path, ServingConfig(drain_seconds=0)) as runtime:
        yield runtime


def test_an_answer_cut_short_never_looks_complete(hasty: RuntimeProcess) -> None:
    with (
        httpx2.Client(timeout=PROCESS_TIMEOUT) as client,
        client.stream("POST", f"{hasty.url}/v1/audio/speech", json=_speak()) as response,
    ):
        chunks = response.iter_raw()
        next(chunks)
        hasty.process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx2.RemoteProtocolError):
            list(chunks)
    assert hasty.process.wait(PROCESS_TIMEOUT) == ExitCode.OK


def test_events_cut_short_end_with_an_error(hasty: RuntimeProcess) -> None:
    with (
        httpx2.Client(timeout=PROCESS_TIMEOUT) as client,
        client.stream(
            "POST", f"{hasty.url}/v1/audio/speech", json=_speak(stream_format="sse")
        ) as response,
    ):
        lines = response.iter_lines()
        next(lines)
        hasty.process.send_signal(signal.SIGTERM)
        last = [line for line in lines if line][-1]
    event = json.loads(last.removeprefix("data: "))
    assert event["type"] == "error"
    assert event["error"]["code"] == "shutting_down"


def test_the_help_names_both_commands() -> None:
    ended = _run("--help")
    assert ended.returncode == 0
    assert "serve" in ended.stdout
    assert "model" in ended.stdout
