"""What the generators of golden numbers share: values as Lua source, and how a generator is run.

A generator is a program NAME.py in this folder that prints NAME.lua, or that takes --out PATH where
its numbers are binary (BINARY). Each runs in a process of its own: Keras's float type and PyTorch's
default type belong to the process.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 10_000_000  # bytes of committed golden data in all
BINARY = {"torch_samples": ".safetensors"}
# No generators: this module, its user, and whole trainings, which write files of their own.
OTHERS = {"golden", "make_golden", "trainings"}


class Source(str):
    """Lua source, written as it is."""


def draw(shape, seed):
    """Knuth's MMIX generator, the highest 8 bits as v / 64 - 2 (spec/support/draw.lua)."""
    import numpy as np
    out = []
    for _ in range(int(np.prod(shape, dtype=np.int64))):
        seed = (seed * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        out.append((seed >> 56) / 64 - 2)
    return np.array(out).reshape(tuple(shape))


def lua(value):
    """A Python or NumPy value as a Lua constant; None is nil, arrays are nested lists."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Source):
        return str(value) or "nil"
    if isinstance(value, str):
        return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"')
    if isinstance(value, dict):
        return "{ " + ", ".join("%s = %s" % (k, lua(v)) for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(lua(v) for v in value) + " }"
    if hasattr(value, "tolist"):
        return lua(value.tolist())
    if value != value:
        return "0/0"
    if value in (float("inf"), float("-inf")):
        return "math.huge" if value > 0 else "-math.huge"
    return repr(value)


def versions():
    import keras
    import tensorflow
    import torch
    return ", ".join("%s %s" % (name, module.__version__.split("+")[0]) for name, module in
                     (("Keras", keras), ("TensorFlow", tensorflow), ("PyTorch", torch)))


def write_module(author, rows, head=""):
    """Prints a Lua module with a list of rows, each a dict."""
    print("-- Written by spec/parity/%s.py (%s); not by hand." % (author, versions()))
    print("-- luacheck: no max line length\n%sreturn {" % head)
    for row in rows:
        print("  %s," % lua(row))
    print("}")


def generators():
    names = [f[:-3] for f in os.listdir(HERE) if f.endswith(".py")]
    return sorted(n for n in names if n not in OTHERS)


def start(name, folder):
    """Starts a generator; finish() puts its file in place."""
    target = os.path.join(folder, name + BINARY.get(name, ".lua"))
    command = [sys.executable, os.path.join(HERE, name + ".py")]
    environment = dict(os.environ, KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3",
                       TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="")
    log = open(target + ".log", "w")
    if name in BINARY:
        process = subprocess.Popen(command + ["--out", target + ".tmp"], stdout=log, stderr=log,
                                   env=environment)
    else:
        with open(target + ".tmp", "w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=log, env=environment)
    return process, target, log


def finish(process, target, log):
    """Bytes written; raises with the generator's last lines when it failed."""
    status = process.wait()
    log.close()
    if status != 0:
        with open(target + ".log") as f:
            raise RuntimeError("%s: status %d\n%s" % (target, status, "".join(f.readlines()[-15:])))
    os.remove(target + ".log")
    os.replace(target + ".tmp", target)
    return os.path.getsize(target)
