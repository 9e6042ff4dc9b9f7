"""A run as one file, in one of several forms.

``exporting`` carries ``offhook export`` out, ``forms`` is the table of the forms, and each of them is written by the
module of its name: ``jsonl`` (complete, verifies and replays), ``pcapng`` (packets), ``mermaid`` (a ladder),
``perfetto`` (a trace) and ``html`` (a page). To add a form: a line in the table, and a module with ``write``.
"""
