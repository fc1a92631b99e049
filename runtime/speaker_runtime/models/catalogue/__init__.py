"""Models that are published in parts: which file of which package is what, by digest."""
