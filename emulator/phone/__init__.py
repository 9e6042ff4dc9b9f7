"""The phone as a pure automaton: no sockets, no clock, no randomness, no files.

``provisioning`` has the nine steps in the guide's order; ``state`` what the phone knows; ``machine`` the loop that lets
an input happen; ``firmware`` how functions become a firmware; ``kx_utg200`` the one that ships.
"""
