"""Who has which address in the lab (RFC 5737, TEST-NET-1), and the logins. All of it is for documentation only."""

from __future__ import annotations

MASK_BITS = 24
GATEWAY = "192.0.2.1"
"""DHCP and DNS."""
PNP = "192.0.2.5"
PHONE = "192.0.2.10"
"""The phone, where it does no DHCP and where dnsmasq gives it an address."""
FILES, OTHER_FILES = "192.0.2.20", "192.0.2.21"
SERVERS = (GATEWAY, PNP, FILES, OTHER_FILES)
"""The addresses of the servers' side; the first is the one that it speaks from by itself."""
POOL = ("192.0.2.100", "192.0.2.199")
NAME = "prov.example.com"
"""Is FILES, where DNS is on."""
USER, PASSWORD = "phones", "sample-password"
MAC, MODEL = "0080F0123456", "KX-UTG200B"
