module speaker-tts.dev/hack/cluster/coredns

go 1.26.0
