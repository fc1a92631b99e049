"""The table of wrong manifests, for local mode's tests and the API server's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from speaker_operator.api.v1alpha1.common import API_VERSION

_FILE = Path(__file__).parent / "wrong_manifests.yaml"


@dataclass(frozen=True)
class WrongManifest:
    """A manifest, and what a refusal of it must say."""

    case: str
    manifest: dict[str, Any]
    field: str
    server: str
    local: str


def wrong_manifests() -> list[WrongManifest]:
    """Every row of the table."""
    rows = yaml.safe_load(_FILE.read_text())
    return [
        WrongManifest(
            case=row["case"],
            manifest={"apiVersion": API_VERSION, **_manifest(row)},
            field=row["field"],
            server=row.get("server", row.get("says")),
            local=row.get("local", row.get("says")),
        )
        for row in rows
    ]


def _manifest(row: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "wrong"}
    if "service" in row:
        return {"kind": "TTSService", "metadata": metadata, "spec": row["service"]}
    if "voice" in row:
        return {"kind": "Voice", "metadata": metadata, "spec": row["voice"]}
    whole: dict[str, Any] = row["manifest"]
    return whole
