"""The operator's role: the least that it needs, as data."""

from speaker_operator.kube import rbac
from speaker_operator.kube.resources import CHILDREN, WATCHED


def verbs(group: str, resource: str) -> set[str]:
    return {
        verb
        for rule in rbac.rules()
        if rule.group == group and resource in rule.resources
        for verb in rule.verbs
    }


def test_everything_that_is_watched_can_be_listed_and_watched() -> None:
    for resource in WATCHED:
        assert {"list", "watch"} <= verbs(resource.group, resource.plural), resource


def test_children_can_be_made_changed_and_deleted() -> None:
    for resource in CHILDREN:
        assert {"create", "patch", "delete"} <= verbs(resource.group, resource.plural), resource


def test_what_people_declare_is_never_written_but_its_status() -> None:
    assert verbs("speaker-tts.dev", "ttsservices") == {"get", "list", "watch"}
    assert verbs("speaker-tts.dev", "ttsservices/status") == {"patch"}


def test_nothing_is_granted_wholesale_and_no_secret_is_read() -> None:
    for rule in rbac.rules():
        assert "*" not in (rule.group, *rule.resources, *rule.verbs)
        assert "secrets" not in rule.resources
