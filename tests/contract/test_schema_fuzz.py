"""Schemathesis reads /openapi.json and tries to catch the running server in a lie."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.runtime import RuntimeProcess

TIME_LIMIT = 150.0
EXAMPLES = 60
"""Of each operation, always the same; beside them one for every constraint of the schema."""
REPLACED = "positive_data_acceptance,not_a_server_error"
"""Checks of Schemathesis that fuzz/hooks.py has in the words of this API."""


def test_every_answer_is_as_described(
    repository: Path, runtime: RuntimeProcess, tmp_path: Path
) -> None:
    ran = subprocess.run(
        [
            *(Path(sys.executable).parent / "schemathesis", "run", f"{runtime.url}/openapi.json"),
            *("--checks", "all", "--exclude-checks", REPLACED),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", str(EXAMPLES), "--generation-deterministic", "--no-color"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(repository),
            "SCHEMATHESIS_HOOKS": "tests.contract.fuzz.hooks",
        },
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
