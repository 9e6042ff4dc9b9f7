"""What can go wrong in the lab itself, as one line for a person."""

from __future__ import annotations


class LabError(Exception):
    """Something of the lab did not work: a program, a namespace, a server that does not come up."""
