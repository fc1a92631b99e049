"""The control plane: keeps TTSService and Voice resources true on a Kubernetes cluster."""
