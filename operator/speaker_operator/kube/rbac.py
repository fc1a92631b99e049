"""What the operator may do: its role as data, used by the chart and by the tests."""

from dataclasses import dataclass
from typing import Final

from speaker_operator.kube.resources import (
    CHILDREN,
    EVENT,
    LEASE,
    NODE,
    OPTIONAL,
    POD,
    SECRET,
    SHARED,
    TTS_SERVICE,
    VOICE,
    Resource,
)

KEY_SECRET: Final = "speaker-tts-voice-key"  # noqa: S105 - a name
"""The Secret of the operator's own namespace that holds its key."""

_OBSERVE: Final = ("get", "list", "watch")


@dataclass(frozen=True)
class PolicyRule:
    """Verbs that are allowed on resources of one API group."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()
    """The objects that the rule is about; none stands for all."""

    def to_manifest(self) -> dict[str, list[str]]:
        """Write the rule as an entry of a Role's ``rules``."""
        named = {"resourceNames": list(self.names)} if self.names else {}
        return {
            "apiGroups": [self.group],
            "resources": list(self.resources),
            **named,
            "verbs": list(self.verbs),
        }


def rules() -> tuple[PolicyRule, ...]:
    """The least that the operator needs, in every namespace that it watches."""
    return (
        PolicyRule(TTS_SERVICE.group, (TTS_SERVICE.plural, VOICE.plural), _OBSERVE),
        PolicyRule(
            TTS_SERVICE.group,
            (f"{TTS_SERVICE.plural}/status", f"{VOICE.plural}/status"),
            ("patch",),
        ),
        # Owning children with blockOwnerDeletion needs this where the API server enforces it.
        PolicyRule(TTS_SERVICE.group, (f"{TTS_SERVICE.plural}/finalizers",), ("update",)),
        *(
            PolicyRule(group, plurals, (*_OBSERVE, "create", "patch", "delete"))
            for group, plurals in _by_group((*CHILDREN, *SHARED, *OPTIONAL)).items()
        ),
        PolicyRule(POD.group, (POD.plural,), ("list", "watch")),
        PolicyRule(EVENT.group, (EVENT.plural,), ("create",)),
    )


def reference_rules() -> tuple[PolicyRule, ...]:
    """What voices need beside the rest whose reference audio is in Secrets."""
    # Lists and watches ask for metadata only; what is read are the Secrets that voices name.
    return (PolicyRule(SECRET.group, (SECRET.plural,), ("get", "list", "watch")),)


def cluster_rules() -> tuple[PolicyRule, ...]:
    """What services that may fall back to the CPU need beyond their namespaces."""
    return (PolicyRule(NODE.group, (NODE.plural,), ("list",)),)


def secret_rules() -> tuple[PolicyRule, ...]:
    """What it takes, in every namespace, to notice at once that credentials have changed.

    The operator asks for the metadata of single Secrets only; the role cannot say so.
    """
    return (PolicyRule(SECRET.group, (SECRET.plural,), ("list", "watch")),)


def own_rules(lease: str) -> tuple[PolicyRule, ...]:
    """What the operator needs in its own namespace: to keep its key, and to lead by a lease."""
    return (
        PolicyRule(SECRET.group, (SECRET.plural,), ("get",), (KEY_SECRET,)),
        PolicyRule(LEASE.group, (LEASE.plural,), ("get", "update"), (lease,)),
        # Who may create cannot be told apart by name: the object has none yet.
        PolicyRule(SECRET.group, (SECRET.plural,), ("create",)),
        PolicyRule(LEASE.group, (LEASE.plural,), ("create",)),
    )


def _by_group(resources: tuple[Resource, ...]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for resource in resources:
        groups[resource.group] = (*groups.get(resource.group, ()), resource.plural)
    return groups
