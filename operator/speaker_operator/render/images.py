"""Which image runs a service."""

from dataclasses import dataclass
from typing import Any, Literal

from speaker_operator.api.v1alpha1 import TTSService


@dataclass(frozen=True)
class ImageSettings:
    """How the operator finds and pulls the runtime's images."""

    template: str
    """An image reference in which ``{engine}`` stands for the backend's engine."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    """Names of Secrets in the services' namespaces."""

    def pod_fields(self) -> dict[str, Any]:
        """What the pods need to pull their images."""
        secrets = [{"name": name} for name in self.pull_secrets]
        return {"imagePullSecrets": secrets} if secrets else {}

    def runtime_image(self, service: TTSService) -> str:
        """The image that runs the service."""
        return service.spec.image or self.template.format(engine=service.backend.engine)

    def fetch_image(self, service: TTSService) -> str:
        """The image that fetches its model: somebody else's server cannot."""
        if service.custom is None:
            return self.runtime_image(service)
        return self.template.format(engine=service.backend.engine)
