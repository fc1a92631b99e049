"""The contract of the release before, as its operator and its runtime have it."""

import sys
import tarfile
from functools import cache
from pathlib import Path
from types import ModuleType

VERSION = "0.1.0"
ARCHIVE = Path(__file__).parents[1] / "upgrade" / f"{VERSION}.tar.gz"


@cache
def contract_before() -> ModuleType:
    """A module of its own, beside the present contract."""
    with tarfile.open(ARCHIVE) as archive:
        member = archive.extractfile("runtime/speaker_runtime/contract.py")
        assert member is not None, "the archive has the contract"
        code = compile(member.read(), f"{VERSION}/contract.py", "exec")
    module = sys.modules["contract_before"] = ModuleType("contract_before")
    exec(code, module.__dict__)
    return module
