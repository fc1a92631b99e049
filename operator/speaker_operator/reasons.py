"""Every reason that a condition, an event or a failure can have: what it means, and what to do.

The one registry: a reason that is not in here cannot be given (its type is :class:`Reason`), one
without a remedy cannot be made, and docs/troubleshooting.md is written from it. The words are
part of the API: programs and `health.lua` of Argo CD read them, so they never change their meaning.
"""

from collections.abc import Mapping
from typing import Final

from speaker_operator.explained import Explained, at_rest, good, passing, wrong


class Reason(Explained):
    """A reason: its word for programs, its standing, its meaning and its remedy for people."""

    # Fine.
    READY = good("Ready", "The whole spec is in effect.")
    READY_ON_CPU = good(
        "ReadyOnCPU",
        "The whole spec is in effect, on CPUs, as gpu.fallbackToCPU allows: no node offers what "
        "gpu asks for.",
        "add such a node to have the pods replaced by ones that use it, or go on as it is",
    )
    FETCHED = good("Fetched", "The model is in the cache.")
    SERVED = good("Served", "Requests can ask for the voices.")
    PRESETS_ONLY = good(
        "PresetsOnly",
        "No Voice is selected; requests can ask for the backend's own presets.",
        "make a Voice, or look at its labels and spec.voices.selector, if there should be one",
    )
    OWN_VOICES = good(
        "OwnVoices",
        "A custom image has its own voices; Voice objects do not apply to it.",
        "name them in spec.custom.voices, so that a gateway need not ask",
    )
    ROUTED = good("Routed", "A gateway hands requests on to everything that is behind it.")
    SERVING = good("Serving", "Pods serve requests.")
    SERVING_ON_CPU = good(
        "ServingOnCPU",
        "Pods serve requests on CPUs, as gpu.fallbackToCPU allows.",
        "add a node with the GPU to have the pods replaced, or go on as it is",
    )
    IDLE = good(
        "Idle",
        "No pod runs while nobody speaks, as spec.autoscaling.minReplicas 0 allows.",
        "see that a trigger of spec.autoscaling.keda tells KEDA of requests",
    )
    ROLLED_OUT = good("RolledOut", "All pods run the present spec.")
    ACCEPTED = good("Accepted", "Nothing is wrong with the voice.")

    # On its way.
    PENDING = passing("Pending", "The download, or the first pod, has yet to start.")
    DOWNLOADING = passing(
        "Downloading",
        "The model is downloaded into its cache. Pods that would wait for it are not made yet.",
        "wait; status.model shows how far it is",
    )
    STARTING = passing("Starting", "No pod serves requests yet.")
    ROLLING_OUT = passing(
        "RollingOut",
        "Pods of the present spec come up.",
        "wait; after ten minutes without progress it is ProgressDeadlineExceeded",
    )
    PREPARING = passing(
        "Preparing",
        "A pod makes the voice of its reference audio.",
        "wait some seconds for each voice",
    )
    SYNCING = passing("Syncing", "A pod has yet to take changed voices.", "wait a few seconds")

    # At rest.
    SUSPENDED = at_rest(
        "Suspended",
        "spec.suspend is true: there are no pods.",
        "take spec.suspend away to serve requests",
    )
    SCALED_TO_ZERO = at_rest(
        "ScaledToZero",
        "No pods are wanted.",
        "raise spec.replicas to serve requests; KEDA wakes a service of minReplicas 0 when a "
        "trigger tells of requests",
    )
    NO_ROUTES = at_rest(
        "NoRoutes",
        "Nothing is behind the gateway.",
        "make a TTSService, or compare the services' labels with spec.gateway.services.selector",
    )
    NOT_SELECTED = at_rest(
        "NotSelected",
        "No TTSService of the namespace selects the voice.",
        "make a TTSService, or compare the voice's labels with spec.voices.selector of those "
        "that there are",
    )

    # Wrong: the object itself.
    INVALID_SPEC = wrong(
        "InvalidSpec",
        "This version of the operator cannot read the spec: it was written for another one.",
        "change what the message names, or run the operator's version that knows it",
    )

    # Wrong: what is behind a gateway.
    ROUTE_UNREACHABLE = wrong(
        "RouteUnreachable",
        "A gateway cannot hand requests on to a server behind it; others are not concerned.",
        "look at that TTSService, or at the server's address, API key and certificate, and let "
        "the gateway's pods reach it (NetworkPolicy)",
    )
    ROUTE_UNKNOWN = wrong(
        "RouteUnknown",
        "spec.gateway names a TTSService that is not there or is a gateway, or a name twice.",
        "correct spec.gateway.services.names or the name in spec.gateway.servers",
    )

    # Wrong: its children.
    CACHE_IMMUTABLE = wrong(
        "CacheImmutable",
        "The claim of the model's cache exists, and Kubernetes changes neither its storage class "
        "nor its access mode.",
        "write in spec.cache what the claim has, or delete the claim to have it made anew (the "
        "model is fetched again)",
    )
    KEDA_MISSING = wrong(
        "KedaMissing",
        "spec.autoscaling.engine is keda, and the cluster has no ScaledObjects; the number of pods "
        "stays as it is.",
        "install KEDA, or write engine: hpa",
    )
    KEDA_UNKNOWN = wrong(
        "KedaUnknown",
        "The API server does not say whether it has KEDA's ScaledObjects.",
        "read in the operator's log what it answers",
    )
    GATEWAY_API_MISSING = wrong(
        "GatewayAPIMissing",
        "spec.expose.httpRoute asks for an HTTPRoute, and the cluster has none.",
        "install the Gateway API, or use spec.expose.ingress",
    )
    GATEWAY_API_UNKNOWN = wrong(
        "GatewayAPIUnknown",
        "The API server does not say whether it has the Gateway API's HTTPRoutes.",
        "read in the operator's log what it answers",
    )
    CACHE_CONFLICT = wrong(
        "CacheConflict",
        "Services whose models come from the same address share a cache, and this one wants "
        "another storage class or access mode than the oldest of them.",
        "write the same in spec.cache of all services that share it, or give one an existingClaim "
        "of its own",
    )
    NAME_TAKEN = wrong(
        "NameTaken",
        "A child's name belongs to an object that the operator did not make.",
        "rename the TTSService, or delete that object",
    )
    UNENFORCED = wrong(
        "Unenforced",
        "What the operator wrote did not come out as written: a webhook, or an API server of "
        "another version, changes it.",
        "look at the webhooks and the version of the cluster",
    )
    FORBIDDEN = wrong(
        "Forbidden",
        "The operator's role, a quota or an admission policy does not let it write a child.",
        "look at the namespace's quotas and policies, and at the operator's role",
    )
    NAMESPACE_ENDING = wrong(
        "NamespaceEnding",
        "The namespace is being deleted: nothing can be made in it.",
        "use another namespace",
    )
    INVALID = wrong(
        "Invalid",
        "The API server does not accept a child as the spec has it.",
        "change the field of the spec that leads to it",
    )
    NOT_FOUND = wrong(
        "NotFound",
        "A namespace, or a kind of the API, is not there.",
        "look whether the namespace and the API still exist",
    )

    # Wrong: the API server, which the operator asks again by itself.
    API_ERROR = wrong(
        "ApiError",
        "The API server refuses a request for a reason of its own.",
        "see the operator's log",
    )
    API_UNAVAILABLE = wrong(
        "ApiUnavailable",
        "The API server is out of reach, too slow, or failed itself.",
        "look at the API server; the operator goes on trying",
    )
    API_THROTTLED = wrong(
        "ApiThrottled",
        "The API server asks the operator for fewer requests.",
        "look at the API server's load; the operator goes on, slower",
    )
    CONFLICT = wrong(
        "Conflict",
        "An object changed while the operator wrote it, or is on its way out.",
        "wait for the next try; if it stays, look for who else writes the object",
    )
    UNAUTHORIZED = wrong(
        "Unauthorized",
        "The API server does not accept the operator's credentials.",
        "look at the operator's service account and its token",
    )
    NOT_LEADING = passing(
        "NotLeading",
        "This replica of the operator does not hold the lease, so it wrote nothing: another leads, "
        "or the API server is out of reach.",
    )
    CONTESTED = wrong(
        "Contested",
        "Somebody else changes a child back again and again. The operator goes on putting it "
        "right, every half minute at most.",
        "have the manager that the message names leave the field alone, or write its value into "
        "the TTSService",
    )

    # Wrong: pods that cannot be made or placed.
    QUOTA_EXCEEDED = wrong(
        "QuotaExceeded",
        "The namespace's ResourceQuota leaves no room for a child or its pods.",
        "raise the quota, or lower spec.resources, spec.cache.size or the number of pods",
    )
    POD_SECURITY_VIOLATION = wrong(
        "PodSecurityViolation",
        "The namespace's pod security level does not allow the pods. As the operator makes them "
        "they fit the level restricted.",
        "look at what spec.podTemplate adds",
    )
    FAILED_CREATE = wrong(
        "FailedCreate",
        "Kubernetes cannot create the pods.",
        "mend what the message names",
    )
    UNSCHEDULABLE = wrong(
        "Unschedulable",
        "No node takes the pod: none has enough CPU, memory or GPUs left, or the right labels.",
        "add a fitting node, or ask for less in spec.resources, spec.gpu or spec.placement",
    )
    CLAIM_NOT_FOUND = wrong(
        "ClaimNotFound",
        "The spec names a PersistentVolumeClaim that is not there.",
        "create the claim, or correct spec.model.source or spec.cache.existingClaim",
    )
    NO_STORAGE_CLASS = wrong(
        "NoStorageClass",
        "The cache names no storage class, and the cluster has no default one.",
        "set spec.cache.storageClassName",
    )
    CACHE_PENDING = wrong(
        "CachePending",
        "The cache's storage class does not exist, or has made no volume yet.",
        "look whether the storage class exists and can make volumes",
    )
    CACHE_LOST = wrong(
        "CacheLost",
        "The volume of the model's cache is gone.",
        "delete the claim to have it made anew",
    )

    # Wrong: containers that cannot begin.
    IMAGE_PULL_BACK_OFF = wrong(
        "ImagePullBackOff",
        "The kubelet cannot pull an image.",
        "correct spec.image or runtime.image of the operator's chart, or give the pods a pull "
        "secret",
    )
    INVALID_IMAGE_NAME = wrong(
        "InvalidImageName",
        "An image's name is none.",
        "correct spec.image or runtime.image of the operator's chart",
    )
    IMAGE_NEVER_PULLED = wrong(
        "ErrImageNeverPull",
        "An image is not on the node, and its pull policy is Never.",
        "load the image into the node, or set runtime.image.pullPolicy of the operator's chart",
    )
    SECRET_NOT_FOUND = wrong(
        "SecretNotFound",
        "A Secret that the pods take their environment from is not there.",
        "create it, or correct spec.model.credentialsSecret (or modelFetch.envFrom of the "
        "operator's chart)",
    )
    CONTAINER_CONFIG_ERROR = wrong(
        "CreateContainerConfigError",
        "The kubelet lacks something that a container needs, a ConfigMap for example.",
        "create what the message names, or take it out of spec.podTemplate",
    )
    CONTAINER_CREATE_ERROR = wrong(
        "CreateContainerError",
        "The node's container runtime cannot create a container.",
        "mend what the message names, on the node or in spec.podTemplate",
    )
    CONTAINER_RUN_ERROR = wrong(
        "RunContainerError",
        "The node's container runtime cannot start a container.",
        "mend what the message names: spec.image may be of another architecture, or no runtime",
    )

    # Wrong: containers that end.
    INVALID_CONFIG = wrong(
        "InvalidConfig",
        "The runtime does not understand its configuration: its image is of another version.",
        "use the image of the operator's version",
    )
    MODEL_UNAVAILABLE = wrong(
        "ModelUnavailable",
        "The model's source does not exist, is out of reach, or wants a login.",
        "check spec.model.source and spec.model.credentialsSecret, and modelFetch in the "
        "values of the operator's chart",
    )
    MODEL_CORRUPT = wrong(
        "ModelCorrupt",
        "The model's files are not what they should be: their digest differs.",
        "delete the cache, and check the source",
    )
    NO_SPACE = wrong(
        "NoSpace",
        "The model does not fit into its cache.",
        "raise spec.cache.size",
    )
    LICENSE_NOT_ACCEPTED = wrong(
        "LicenseNotAccepted",
        "The model's licence restricts its use, and has to be accepted by name.",
        "read the licence, and set spec.model.acceptLicense",
    )
    LOGIN_REFUSED = wrong(
        "LoginRefused",
        "The model's source asks for a login, or does not accept the one that it was given.",
        "put a token that may read the model into the Secret that spec.model.credentialsSecret "
        "names",
    )
    DEADLINE_EXCEEDED = wrong(
        "DeadlineExceeded",
        "A download lasted longer than six hours; it is begun anew, and goes on where it was.",
        "look at the network between the cluster and the model's source",
    )
    FETCH_FAILED = wrong(
        "FetchFailed",
        "The Job that downloads the model failed, and its pod tells no more.",
        "look at the Job (kubectl describe), and at the node that its pod ran on",
    )
    OOM_KILLED = wrong(
        "OOMKilled",
        "A container needed more memory than its limit.",
        "raise spec.resources.limits.memory",
    )
    CONTAINER_FAILED = wrong(
        "ContainerFailed",
        "A container ended with an error; the message has its last words.",
        "read the pod's log, with kubectl logs POD --previous if it runs again",
    )
    CRASH_LOOP_BACK_OFF = wrong(
        "CrashLoopBackOff",
        "A container ends with an error again and again; the message has its last words.",
        "read the pod's log, with kubectl logs POD --previous",
    )
    PROGRESS_DEADLINE_EXCEEDED = wrong(
        "ProgressDeadlineExceeded",
        "The pods have made no progress for ten minutes.",
        "read the events of the pods (kubectl describe) and their logs",
    )

    # Wrong: voices.
    PRESET_UNKNOWN = wrong(
        "PresetUnknown",
        "The service's model has no speaker of the voice's preset.",
        "name in the Voice's spec.preset a speaker of the backend, or select other Voices",
    )
    MIX_INVALID = wrong(
        "MixInvalid",
        "The voice's mix names a speaker twice.",
        "add up the shares of the speaker",
    )
    MIX_UNSUPPORTED = wrong(
        "MixUnsupported",
        "The service's backend mixes no speakers.",
        "name a single speaker in the Voice's spec.preset, or select other Voices",
    )
    ALIAS_CONFLICT = wrong(
        "AliasConflict",
        "Two voices of a service claim the same name; neither answers to it.",
        "remove the alias from one of them",
    )
    DEFAULT_VOICE_UNKNOWN = wrong(
        "DefaultVoiceUnknown",
        "spec.voices.default is neither a selected Voice nor a preset of the backend.",
        "name one that there is",
    )
    CONSENT_MISSING = wrong(
        "ConsentMissing",
        "The voice has a reference, and nobody has written down that the person agreed.",
        "ask the person, and write the answer in the Voice's spec.consent",
    )
    LICENSE_MISSING = wrong(
        "LicenseMissing",
        "The voice has a reference, and nobody has written down how it may be used.",
        "write the terms in the Voice's spec.license",
    )
    VOICES_FULL = wrong(
        "VoicesFull",
        "The voices of the service are more than its ConfigMap can hold; the oldest come first.",
        "shorten their descriptions and aliases, or spread them over several services",
    )
    SOURCE_NOT_FOUND = wrong(
        "SourceNotFound",
        "The Secret or ConfigMap with the voice's audio is not there, or lacks the key.",
        "create it, or correct the Voice's spec.reference.audio",
    )
    SOURCE_FORBIDDEN = wrong(
        "SourceForbidden",
        "The operator may not read the Secret with the voice's audio.",
        "set voices.readSecrets in the operator's chart, or give its service account a Role with "
        "get on that Secret",
    )
    BACKEND_CANNOT_CLONE = wrong(
        "BackendCannotClone",
        "The service's backend makes no voices of reference audio.",
        "give the Voice a preset, or select it in a service whose backend clones",
    )
    LANGUAGE_UNSUPPORTED = wrong(
        "LanguageUnsupported",
        "Cloned voices of the backend speak none of the voice's languages.",
        "correct the Voice's spec.languages, or select it in another service",
    )
    TRANSCRIPT_MISSING = wrong(
        "TranscriptMissing",
        "The backend has to know what is said in the reference audio.",
        "write it in the Voice's spec.reference.transcript",
    )
    TOO_MANY_CLIPS = wrong(
        "TooManyClips",
        "The backend takes fewer clips for a voice.",
        "leave some of them out",
    )
    AUDIO_FETCH_FAILED = wrong(
        "AudioFetchFailed",
        "A pod cannot fetch the reference audio; it tries again, later and later.",
        "look whether the address is right, and whether pods can reach it (NetworkPolicy)",
    )
    ADDRESS_FORBIDDEN = wrong(
        "AddressForbidden",
        "The address of the reference audio leads into a private network.",
        "name a public address, or set voices.allowPrivateAddresses in the operator's chart",
    )
    DIGEST_MISMATCH = wrong(
        "DigestMismatch",
        "The reference audio is another file than its digest says.",
        "correct the file, or the digest in the Voice",
    )
    CLAIM_NOT_MOUNTED = wrong(
        "ClaimNotMounted",
        "The pods do not mount the claim with the reference audio.",
        "add the claim to spec.voices.claims of the TTSService",
    )
    FILE_NOT_FOUND = wrong(
        "FileNotFound",
        "The claim has no such file, or it cannot be read; it is looked for again.",
        "correct the path in the Voice, or put the file there",
    )
    AUDIO_TOO_LARGE = wrong(
        "AudioTooLarge",
        "The file with the reference audio is larger than is read.",
        "compress it, or cut it to half a minute",
    )
    NOT_AUDIO = wrong(
        "NotAudio",
        "The file with the reference audio cannot be read as audio.",
        "write it as wav, flac, mp3, ogg, opus, webm or m4a",
    )
    TOO_SHORT = wrong(
        "TooShort",
        "The reference audio has less speech than the backend needs.",
        "record more",
    )
    TOO_LONG = wrong(
        "TooLong",
        "The reference audio is longer than the backend takes.",
        "cut it to the best part",
    )
    SILENT = wrong(
        "Silent",
        "Nothing can be heard in the reference audio.",
        "record it louder",
    )
    CLIPPED = wrong(
        "Clipped",
        "The reference audio was recorded too loud: its tops are cut off.",
        "record it with less gain",
    )
    NOISY = wrong(
        "Noisy",
        "There is too much noise under the speech of the reference audio.",
        "record it in a quiet room, without music",
    )
    NOT_SPEECH = wrong(
        "NotSpeech",
        "The reference audio does not sound like somebody speaking.",
        "record one person alone, without music",
    )
    CLONING_FAILED = wrong(
        "CloningFailed",
        "The model could not make a voice of the reference audio; it is tried again.",
        "see the logs of the pods",
    )
    NO_ROOM_FOR_VOICE = wrong(
        "NoRoomForVoice",
        "A pod has no room to keep what its model made of the reference audio.",
        "remove voices, or spread them over several services",
    )
    REFUSED_BY_POD = wrong(
        "RefusedByPod",
        "A pod cannot speak with the voice.",
        "change in the Voice what the message names",
    )
    POD_UNREACHABLE = wrong(
        "PodUnreachable",
        "A pod does not answer the operator, which tells it of changed voices.",
        "let the operator's pods reach it on its http port (NetworkPolicy)",
    )
    POD_REFUSES = wrong(
        "PodRefuses",
        "A pod answers the operator, but does not take the voices.",
        "run an image of the operator's version",
    )
    POD_ERROR = wrong(
        "PodError",
        "A pod did not take the voices that it was sent.",
        "see the operator's log",
    )


BY_WORD: Final[Mapping[str, Reason]] = {reason.value: reason for reason in Reason}
"""The reasons by the words that stand in conditions."""
