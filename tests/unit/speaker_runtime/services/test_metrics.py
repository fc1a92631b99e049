"""What is counted."""

from speaker_runtime.engine.state import CopyState, EngineState, Load, Phase
from speaker_runtime.errors import ErrorCode
from speaker_runtime.services.metrics import RuntimeMetrics


def test_a_request_is_counted_with_its_model() -> None:
    metrics = RuntimeMetrics("tone", lambda: Load(1, 2, 3.5, 0.1, wasted_seconds=4.5, cancelled=6))
    metrics.accepted(10)
    metrics.waited(0.25)
    metrics.first_audio(0.05)
    metrics.spoken(2.0)
    metrics.finished(0.5, 2.0)
    metrics.failed(ErrorCode.OVERLOADED)
    text = metrics.exposition().decode()
    for line in (
        'tts_requests_running{model="tone"} 1.0',
        'tts_requests_waiting{model="tone"} 2.0',
        'tts_queued_audio_seconds{model="tone"} 3.5',
        'tts_characters_total{model="tone"} 10.0',
        'tts_audio_seconds_total{model="tone"} 2.0',
        'tts_real_time_factor_sum{model="tone"} 0.25',
        'tts_wasted_compute_seconds_total{model="tone"} 4.5',
        'tts_requests_cancelled_total{model="tone"} 6.0',
        'tts_queue_wait_seconds_sum{model="tone"} 0.25',
        'tts_errors_total{code="overloaded",model="tone"} 1.0',
    ):
        assert line in text


def test_copies_are_counted_by_their_device_once_they_are_ready() -> None:
    ready = EngineState(Phase.READY)
    copies = (
        CopyState("cuda:0", ready),
        CopyState("cuda:1", ready),
        CopyState("cpu", ready, fallback="out of memory"),
        CopyState("cuda:2", EngineState(Phase.LOADING)),
    )
    text = RuntimeMetrics("tone", copies=lambda: copies).exposition().decode()
    assert 'tts_model_copies{device="cuda:0",fallback="false",model="tone"} 1.0' in text
    assert 'tts_model_copies{device="cpu",fallback="true",model="tone"} 1.0' in text
    assert "cuda:2" not in text


def test_what_all_copies_keep_of_voices_is_told() -> None:
    state = EngineState(Phase.READY)
    copies = [CopyState("cpu", state, voice_state_bytes=each) for each in (5, 6)]
    text = RuntimeMetrics("tone", copies=lambda: copies).exposition().decode()
    assert 'tts_voice_state_bytes{model="tone"} 11.0' in text


def test_registries_are_separate() -> None:
    RuntimeMetrics("one").accepted(1)
    assert 'model="one"' not in RuntimeMetrics("two").exposition().decode()
