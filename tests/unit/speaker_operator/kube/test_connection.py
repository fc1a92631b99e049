"""Where the API server is."""

from pathlib import Path

import pytest

from speaker_operator.kube.connection import NoClusterError, connection_info

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: main
contexts: [{name: main, context: {cluster: main, user: main}}]
clusters: [{name: main, cluster: {server: "https://example.com:6443"}}]
users: [{name: main, user: {token: secret}}]
"""


def test_a_kubeconfig_is_used_outside_of_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(file))
    info = connection_info()
    assert (info.server, info.token) == ("https://example.com:6443", "secret")


def test_without_anything_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NoClusterError, match="set KUBECONFIG to a kubeconfig file"):
        connection_info()


def test_a_kubeconfig_that_is_not_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    with pytest.raises(NoClusterError, match="cannot be used"):
        connection_info()
