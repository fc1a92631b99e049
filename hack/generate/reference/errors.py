"""docs/reference/errors.md, from the runtime's catalogue."""

from typing import Final

from generate.reference.markdown import table
from speaker_runtime.errors import CATALOGUE

INTRODUCTION: Final = """# Errors of the speech API

Every error is OpenAI's object with two fields more: `suggestion` says what to do, `docs` links to
this page.

```json
{"error": {"message": "…", "type": "…", "param": "…", "code": "…", "suggestion": "…", "docs": "…"}}
```

Written by `make generate` from the catalogue in the code.
"""


def page() -> str:
    """Describe every error code."""
    rows = [
        (f'<a id="{code}"></a>`{code}`', str(kind.status), f"`{kind.type}`", kind.when, kind.remedy)
        for code, kind in CATALOGUE.items()
    ]
    return f"{INTRODUCTION}\n{table(('code', 'status', 'type', 'when', 'what to do'), rows)}"
