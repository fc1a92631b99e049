"""Keep the cluster as declared: queue, observe, plan, apply, status.

The only place with ordering and retries.
"""
