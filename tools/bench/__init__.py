"""``make bench``."""
