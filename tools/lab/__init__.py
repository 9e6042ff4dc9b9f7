"""The lab: the phone of `offhook live` against real servers, in network namespaces of its own (`make lab`).

Nothing of it is shipped with the phone: the servers are Debian's, run as they are.
"""
