"""Units of the log: every time in it is an integer count of nanoseconds."""

SECOND = 1_000_000_000
"""Nanoseconds in a second."""
