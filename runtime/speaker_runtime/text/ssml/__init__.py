"""SSML: the part of W3C's Speech Synthesis Markup Language 1.1 that is understood.

The documents come from anybody: no DTD, no entities of their own, nothing is fetched, and depth,
length and silence are bounded.
"""
