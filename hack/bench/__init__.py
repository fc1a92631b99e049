"""Benchmarks of the runtime: what is measured, against what, and the goals that must hold."""
