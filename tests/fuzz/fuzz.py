"""Fuzz one target with atheris: `python tests/fuzz/fuzz.py TARGET [corpus directories and libFuzzer options]`.

To look for longer:

    python tests/fuzz/fuzz.py smtp -max_total_time=600 found tests/fuzz/corpus/smtp

What reaches code that the kept corpus does not is written to `found`, an empty directory at first; what is worth it
moves into the corpus. An input that breaks a promise is written to the current directory: it moves there too, under a
name that says what it proves.
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
