"""Which services select a voice, without asking every one of them."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from speaker_operator.api.v1alpha1.common import LabelSelector
from speaker_operator.kube.resources import Key


class _Demand(NamedTuple):
    """One label that a selector demands; a selector that demands none looks at every voice."""

    namespace: str
    label: str = ""
    value: str = ""


class Selection:
    """The services' selectors of voices, by a label that each demands."""

    def __init__(self) -> None:
        self._selectors: dict[Key, LabelSelector] = {}
        self._services: dict[_Demand, set[Key]] = defaultdict(set)

    def put(self, service: Key, selector: LabelSelector | None) -> None:
        """Know how a service selects; None if it does not select, or no more."""
        before = self._selectors.pop(service, None)
        if before is not None:
            place = _demand(service, before)
            self._services[place].discard(service)
            if not self._services[place]:
                del self._services[place]
        if selector is not None:
            self._selectors[service] = selector
            self._services[_demand(service, selector)].add(service)

    def selecting(self, namespace: str, labels: Mapping[str, str]) -> set[Key]:
        """The services that select a voice with these labels."""
        places = (_Demand(namespace), *(_Demand(namespace, *label) for label in labels.items()))
        return {
            service
            for place in places
            for service in self._services.get(place, ())
            if self._selectors[service].matches(labels)
        }


def _demand(service: Key, selector: LabelSelector) -> _Demand:
    label = next(iter(selector.match_labels.items()), ("", ""))
    return _Demand(service.namespace, *label)
