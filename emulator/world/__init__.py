"""Worlds around the phone.

``scenario`` is what a world is made of, ``toml`` reads it; ``run`` brings phones, world and log together, ``drivers``
move it on; ``simulated`` with ``link`` and ``servers`` is the virtual network; ``recorded`` replays a log.
"""
