#!/usr/bin/env python3
"""Makes the golden numbers again with the installed Keras 3 (TensorFlow) and PyTorch.

    python3 spec/parity/make_golden.py [--out FOLDER] [NAME ...]

Without names every generator in this folder runs, without a folder the committed files are
replaced. `make parity` writes to build/parity and compares that. Ends with status 3 and says what is
missing when a peer is not installed.
"""
import argparse
import importlib.util
import os
import sys

import golden


def missing_peers():
    return [name for name in ("torch", "tensorflow", "keras", "numpy", "mpmath", "safetensors",
                             "expecttest")
            if importlib.util.find_spec(name) is None]


def run(names, folder, jobs):
    waiting, running, total, failures = list(names), [], 0, []
    while waiting or running:
        while waiting and len(running) < jobs:
            name = waiting.pop(0)
            running.append((name, golden.start(name, folder)))
        name, job = running.pop(0)
        try:
            size = golden.finish(*job)
            total += size
            print("%-14s %9d bytes" % (name, size), flush=True)
        except RuntimeError as e:
            failures.append(str(e))
    return total, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=golden.HERE, help="folder (default: that of this file)")
    parser.add_argument("names", nargs="*", help="generators (default: all)")
    given = parser.parse_args()
    absent = missing_peers()
    if absent:
        print("parity: cannot ask the peers: Python has no %s (pip install keras tensorflow torch "
              "mpmath safetensors expecttest)" % ", ".join(absent), file=sys.stderr)
        return 3
    unknown = set(given.names) - set(golden.generators())
    if unknown:
        parser.error("no generator %s; there are %s" % (", ".join(sorted(unknown)),
                                                        ", ".join(golden.generators())))
    os.makedirs(given.out, exist_ok=True)
    total, failures = run(given.names or golden.generators(), given.out, os.cpu_count() or 2)
    for text in failures:
        print("failed: " + text, file=sys.stderr)
    if total > golden.LIMIT:
        failures.append("size")
        print("failed: %d bytes, at most %d may be committed" % (total, golden.LIMIT),
              file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
