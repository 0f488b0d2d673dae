"""Fuzz one target with atheris: `python tests/fuzz/fuzz.py TARGET [corpus directories and libFuzzer options]`.

To look for longer, and keep what reaches new code:

    python tests/fuzz/fuzz.py smtp -max_total_time=600 found tests/fuzz/corpus/smtp
    python tests/fuzz/fuzz.py smtp -merge=1 tests/fuzz/corpus/smtp found
"""

import importlib
import sys

if __name__ == "__main__":
    name = sys.argv.pop(1)
    atheris = importlib.import_module("atheris")
    targets = importlib.import_module("targets").TARGETS
    with atheris.instrument_imports(include=["angarium"]):
        run = targets[name]()
    atheris.Setup(sys.argv, run)
    atheris.Fuzz()
