"""Local mode: the YAML of the cluster, served by a process on this machine."""
