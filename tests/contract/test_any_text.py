"""Whatever is sent as text is spoken or refused; nothing fails and nothing is silent."""

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.audio import decode_pcm

ANY_TEXT = st.text(max_size=120)
MARKUP = st.text(alphabet="ab1 .,-_'\"[]()/\\<>&;:!?*#$%\u2019\u2014\n", max_size=120)
MIXED = st.lists(
    st.sampled_from(
        (
            "Hello",
            "12:30",
            "$5",
            "Dr.",
            "日本",
            "Привет",
            "😀",
            "é",
            "ﬁ",
            "½",
            "http://a.b",
            "\u200d",
        )
    ),
    max_size=12,
).map(" ".join)


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=ANY_TEXT | MARKUP | MIXED)
def test_it_is_spoken_or_refused(http: httpx2.Client, text: str) -> None:
    body = {"model": "tts-1", "voice": "ana", "input": text, "response_format": "pcm", "speed": 2}
    answer = http.post("/v1/audio/speech", json=body)
    if answer.status_code == 200:
        heard = decode_pcm(answer.content)
        assert heard.seconds > 0.1
        assert heard.loudness > 0.001
    else:
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] in ("text_not_speakable", "empty_input")
