"""Pure rendering: from a service, its voices and the images to the manifests of its children.

No I/O, no clock, no randomness enters here: equal inputs give equal manifests.
"""
