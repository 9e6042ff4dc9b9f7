"""Bytes in, objects out, and back: sans-IO codecs that lose nothing and can also write malformed packets."""
