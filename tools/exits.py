"""Exit codes of the command."""

AS_EXPECTED, NO, BAD, INTERRUPTED = 0, 1, 2, 130
"""As expected; the answer is "no"; bad input; Ctrl-C, as shells have it."""
