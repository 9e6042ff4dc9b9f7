"""The event log: ``chain`` (rows and hashes), ``store`` (the SQLite file), ``verify``, ``jsonl`` (runs as files)."""
