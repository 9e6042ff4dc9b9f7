"""The live world: the same phone on a real interface, among real servers.

:mod:`~emulator.world.live.place` says where it is, :mod:`~emulator.world.live.world` takes the phone's orders,
:mod:`~emulator.world.live.driver` lets time pass. Each way to the network is a module: datagrams, frames, HTTP, TCP
streams, names, and the address of the interface. What arrives is stamped, put on the agenda, and then given to the
phone; so the log of a live run replays without a network, like any other.
"""
