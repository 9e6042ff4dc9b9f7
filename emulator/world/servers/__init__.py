"""Virtual servers: sans-IO automata that answer the phone, well or badly.

To add a behaviour, add its name to the list in :mod:`emulator.world.scenario` and its function to the table of its
server's module.
"""
