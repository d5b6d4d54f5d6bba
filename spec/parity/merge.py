#!/usr/bin/env python3
"""Writes merge.lua: merge layers of Keras 3 (TensorFlow backend) in float64, values and gradients.

    KERAS_BACKEND=tensorflow python3 spec/parity/merge.py > spec/parity/merge.lua

Every case: kind, options (axes counted from 1), inputs, output, gradients of sum(output * weights).
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np
import tensorflow as tf

keras.backend.set_floatx("float64")
rng = np.random.default_rng(11)


def table(array):
    if array.ndim == 0:
        return repr(float(array))
    return "{" + ", ".join(table(part) for part in array) + "}"


CASES = [
    ("add", {}, keras.layers.Add(), [(3, 4), (3, 4)]),
    ("add", {}, keras.layers.Add(), [(2, 3, 4), (2, 3, 4), (2, 3, 4)]),
    ("add", {}, keras.layers.Add(), [(2, 3, 4), (2, 4)]),
    ("add", {}, keras.layers.Add(), [(2, 1, 4), (2, 3, 1)]),
    ("subtract", {}, keras.layers.Subtract(), [(3, 4), (3, 4)]),
    ("subtract", {}, keras.layers.Subtract(), [(2, 4), (2, 3, 4)]),
    ("multiply", {}, keras.layers.Multiply(), [(3, 4), (3, 4), (3, 4)]),
    ("multiply", {}, keras.layers.Multiply(), [(2, 3, 4), (2, 1, 4)]),
    ("average", {}, keras.layers.Average(), [(3, 4), (3, 4), (3, 4)]),
    ("average", {}, keras.layers.Average(), [(1, 1), (1, 1)]),
    ("maximum", {}, keras.layers.Maximum(), [(3, 4), (3, 4), (3, 4)]),
    ("maximum", {}, keras.layers.Maximum(), [(2, 3, 2), (2, 2)]),
    ("minimum", {}, keras.layers.Minimum(), [(3, 4), (3, 4)]),
    ("concat", {}, keras.layers.Concatenate(), [(3, 4), (3, 2), (3, 1)]),
    ("concat", {"axis": 2}, keras.layers.Concatenate(axis=1), [(2, 3, 4), (2, 1, 4)]),
    ("concat", {"axis": -2}, keras.layers.Concatenate(axis=-2), [(2, 3, 4, 2), (2, 3, 1, 2)]),
    ("dot", {"axes": -1}, keras.layers.Dot(axes=-1), [(3, 4), (3, 4)]),
    ("dot", {"axes": 2}, keras.layers.Dot(axes=1), [(2, 3, 4), (2, 3, 5)]),
    ("dot", {"axes": (2, 3)}, keras.layers.Dot(axes=(1, 2)), [(2, 3, 5), (2, 4, 3)]),
    ("dot", {"axes": (2, 3)}, keras.layers.Dot(axes=(1, 2)), [(2, 3), (2, 4, 3)]),
    ("dot", {"axes": (4, 2)}, keras.layers.Dot(axes=(3, 1)), [(2, 2, 3, 4), (2, 4)]),
    ("dot", {"axes": -1, "normalize": True}, keras.layers.Dot(axes=-1, normalize=True),
     [(3, 4), (3, 4)]),
    ("dot", {"axes": 3, "normalize": True}, keras.layers.Dot(axes=2, normalize=True),
     [(2, 3, 4), (2, 5, 4)]),
]


def lua(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "{ " + ", ".join(str(v) for v in value) + " }"
    return str(value)


def main():
    print("-- Written by merge.py with Keras %s, TensorFlow %s; do not edit."
          % (keras.__version__, tf.__version__))
    print("-- luacheck: no max line length")
    print("return {")
    for kind, options, layer, shapes in CASES:
        inputs = [tf.constant(rng.standard_normal(shape)) for shape in shapes]
        with tf.GradientTape() as tape:
            for x in inputs:
                tape.watch(x)
            y = layer(inputs)
            weights = rng.standard_normal(y.shape)
            total = tf.reduce_sum(y * weights)
        gradients = tape.gradient(total, inputs)
        print('  { kind = "%s", options = { %s },' % (
            kind, ", ".join("%s = %s" % (k, lua(v)) for k, v in options.items())))
        print("    inputs = {%s}," % ",\n      ".join(table(x.numpy()) for x in inputs))
        print("    output = %s," % table(y.numpy()))
        print("    weights = %s," % table(weights))
        print("    gradients = {%s} }," % ",\n      ".join(table(g.numpy()) for g in gradients))
    print("}")


if __name__ == "__main__":
    sys.exit(main())
