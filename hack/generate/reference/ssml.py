"""docs/reference/ssml.md, from the table that the runtime's parser reads by."""

from typing import Final

from generate.reference.markdown import table
from speaker_runtime.text.ssml.elements import (
    ELEMENTS,
    MAX_BREAK_SECONDS,
    MAX_DEPTH,
    MAX_PASSAGES,
    MAX_SILENCE_SECONDS,
)

INTRODUCTION: Final = f"""# SSML

`"ssml": "strict"` in a request says that `input` is an SSML document, and refuses what cannot be
followed; `"ssml": "lenient"` leaves it aside and says so in the header `X-Speaker-Warning`.

```json
{{"model": "tts-1", "voice": "alloy", "ssml": "strict",
 "input": "<speak>One.<break time=\\"1s\\"/><prosody rate=\\"slow\\">Two.</prosody></speak>"}}
```

Bounds, in either mode: no DTD and no entities but XML's own, elements at most {MAX_DEPTH} deep, at
most {MAX_PASSAGES} passages (text between changes of style, breaks and marks) and
{MAX_SILENCE_SECONDS:.0f} s of breaks in all. A break over {MAX_BREAK_SECONDS:.0f} s is cut to that
by a lenient reading.

`GET /v1/audio/capabilities` answers with this table. Written by `make generate`.
"""


def page() -> str:
    """Describe every element."""
    rows = [
        (f"`{name}`", element.support.value, _names(element.attributes), element.note)
        for name, element in ELEMENTS.items()
    ]
    return f"{INTRODUCTION}\n{table(('element', 'support', 'attributes', 'what to know'), rows)}"


def _names(attributes: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in attributes)
