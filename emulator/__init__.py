"""The virtual phone: ``events`` (the vocabulary), ``wire`` (codecs), ``phone`` (the automaton), ``log``, ``world``."""
