"""What people and machines read about a running service."""

import re

import httpx2
import pytest

from tests.support.runtime import RuntimeProcess, eventually

METRICS = (
    "tts_requests_running",
    "tts_requests_waiting",
    "tts_queued_audio_seconds",
    "tts_time_to_first_audio_seconds_count",
    "tts_request_duration_seconds_count",
    "tts_real_time_factor_count",
    "tts_audio_seconds_total",
    "tts_characters_total",
)
LOG_TIMEOUT = 5.0


def _speak(http: httpx2.Client, text: str, **headers: str) -> httpx2.Response:
    body = {"model": "tts-1", "voice": "ana", "input": text}
    return http.post("/v1/audio/speech", json=body, headers=headers)


def _metric(http: httpx2.Client, name: str) -> float:
    found = re.search(
        rf'^{name}\{{[^}}]*model="hibari"[^}}]*\}} (\S+)$', _scrape(http), re.MULTILINE
    )
    assert found, name
    return float(found[1])


def _scrape(http: httpx2.Client) -> str:
    return http.get("/metrics").text


def test_readiness_tells_the_phase(http: httpx2.Client) -> None:
    ready = {"ready": True, "phase": "ready", "reason": "", "queued_seconds": 0.0}
    assert http.get("/health/ready").json() == ready


def test_the_status_tells_everything(http: httpx2.Client) -> None:
    status = http.get("/status").json()
    assert status["service"] == "test"
    assert status["backend"] == "hibari"
    assert status["model"]["source"] == "package://hibari-tts"
    assert status["model"]["digest"].startswith("sha256:")
    assert status["model"]["device"] == "cpu"
    assert status["default_voice"] == "ana"
    voices = {voice["name"]: voice for voice in status["voices"]}
    assert voices["ana"]["state"] == voices["heart"]["state"] == "ready"
    assert voices["ghost"]["state"] == "failed"
    assert "heart" in voices["ghost"]["message"]
    assert status["queue"]["waiting"] == 0


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_there(http: httpx2.Client, name: str) -> None:
    assert _speak(http, "Hello.").status_code == 200
    assert _metric(http, name) >= 0


def test_speech_and_errors_are_counted(http: httpx2.Client) -> None:
    _speak(http, "Hello.")
    _speak(http, "")
    characters, audio = (
        _metric(http, "tts_characters_total"),
        _metric(http, "tts_audio_seconds_total"),
    )
    empty = re.search(
        r'^tts_errors_total\{code="empty_input",model="hibari"\} (\S+)$',
        _scrape(http),
        re.MULTILINE,
    )
    _speak(http, "Hello.")
    assert _metric(http, "tts_characters_total") == characters + 6
    assert _metric(http, "tts_audio_seconds_total") > audio
    assert empty
    assert float(empty[1]) >= 1


def test_the_reference_needs_no_other_host(http: httpx2.Client) -> None:
    assert http.get("/").headers["location"] == "/docs"
    page = http.get("/docs")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self';" in policy
    assert "://" not in page.text
    assert "<script>" not in page.text
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert http.get(path).status_code == 200, path
    assert "/openapi.json" in http.get("/docs/start.js").text


def test_the_schema_describes_every_path(http: httpx2.Client) -> None:
    schema = http.get("/openapi.json").json()
    assert set(schema["paths"]) == {
        "/v1/audio/speech",
        "/v1/audio/voices",
        "/v1/audio/capabilities",
        "/v1/audio/models",
        "/tts/preview",
        "/tts/preview/{address}",
        "/v1/models",
        "/v1/models/{model}",
        "/health/live",
        "/health/ready",
        "/status",
        "/metrics",
    }
    assert "HTTPValidationError" not in schema["components"]["schemas"]


def test_a_request_id_is_given_or_kept(http: httpx2.Client) -> None:
    assert http.get("/health/live").headers["x-request-id"]
    kept = http.get("/health/live", headers={"X-Request-Id": "abc-123"})
    assert kept.headers["x-request-id"] == "abc-123"
    replaced = http.get("/health/live", headers={"X-Request-Id": "a b\tc" * 50})
    assert re.fullmatch(r"[0-9a-f]{32}", replaced.headers["x-request-id"])


def test_the_server_names_neither_itself_nor_other_origins(http: httpx2.Client) -> None:
    headers = http.get("/v1/models", headers={"Origin": "https://elsewhere.example"}).headers
    assert "server" not in headers
    assert not [name for name in headers if name.startswith("access-control-")]


def test_the_log_tells_of_a_request_but_not_its_text(
    runtime: RuntimeProcess, http: httpx2.Client
) -> None:
    _speak(http, "A confidential sentence.", **{"X-Request-Id": "logged-1"})
    line = eventually(
        lambda: next((line for line in runtime.lines if line.get("id") == "logged-1"), None),
        within=LOG_TIMEOUT,
        what="the log line",
    )
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/audio/speech", 200)
    assert line["ms"] > 0
    assert line["audio_seconds"] > 0.5
    assert line["rtf"] > 0
    assert not any("confidential" in str(line) for line in runtime.lines)
