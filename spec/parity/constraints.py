#!/usr/bin/env python3
"""Writes constraints.lua: constraints, the orthogonal regulariser and fans of Keras 3 in float64.

    python3 spec/parity/constraints.py > spec/parity/constraints.lua

Axes are written as Lua counts them, from 1.
"""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
from keras.src.initializers.random_initializers import compute_fans

keras.config.set_floatx("float64")
C = keras.constraints
rng = np.random.default_rng(11)
D = np.float64
WEIGHTS = {2: rng.normal(size=(4, 3)) * 2, 1: rng.normal(size=5),
           4: rng.normal(size=(2, 2, 3, 2)), 3: rng.normal(size=(3, 2, 2))}
WEIGHTS[2][:, 1] = 0


def lua(a):
    a = np.asarray(a)
    if a.ndim == 0:
        return repr(a.item())
    return "{ " + ", ".join(lua(x) for x in a) + " }"


CASES = [("max_norm", "", C.MaxNorm(D(2)), 2), ("max_norm", "1.5", C.MaxNorm(D(1.5)), 1),
         ("max_norm", "1, axis = 2", C.MaxNorm(D(1), 1), 2),
         ("max_norm", ".5, axis = { 1, 2, 3 }", C.MaxNorm(D(.5), [0, 1, 2]), 4),
         ("max_norm", ".5, axis = -1", C.MaxNorm(D(.5), -1), 3),
         ("unit_norm", "", C.UnitNorm(), 2), ("unit_norm", "axis = 2", C.UnitNorm(1), 2),
         ("unit_norm", "axis = { 1, 2, 3 }", C.UnitNorm([0, 1, 2]), 4),
         ("unit_norm", "axis = { 1, 2 }", C.UnitNorm([0, 1]), 3),
         ("non_neg", "", C.NonNeg(), 2), ("non_neg", "", C.NonNeg(), 4),
         ("min_max_norm", "", C.MinMaxNorm(D(0), D(1)), 2),
         ("min_max_norm", "min_value = .5, max_value = 1.5, rate = .25",
          C.MinMaxNorm(D(.5), D(1.5), D(.25)), 1),
         ("min_max_norm", "min_value = 3, max_value = 4, axis = { 1, 2, 3 }",
          C.MinMaxNorm(D(3), D(4), axis=[0, 1, 2]), 4)]
print("-- Written by spec/parity/constraints.py: Keras %s (TensorFlow) in float64." % keras.__version__)
print("return {\n  constraints = {")
for name, options, fn, rank in CASES:
    w = WEIGHTS[rank]
    print('    { name = "%s", options = { %s },\n      before = %s,\n      after = %s },' % (
        name, options, lua(w), lua(np.asarray(fn(tf.constant(w))))))
print("  },\n  -- SGD lr 0.1 with gradients g = w + 1 after each of five steps\n  training = {")
for name, options, fn, rank in CASES[:4] + CASES[5:7] + CASES[9:12]:
    w = keras.Variable(WEIGHTS[rank], dtype="float64")
    w.constraint = fn
    opt = keras.optimizers.SGD(0.1)
    for _ in range(5):
        opt.apply([tf.convert_to_tensor(w) + 1.0], [w])
    print('    { name = "%s", options = { %s },\n      before = %s,\n      after = %s },' % (
        name, options, lua(WEIGHTS[rank]), lua(w.numpy())))
print("  },\n  orthogonal = {")
for factor, mode in ((.01, "rows"), (.5, "columns"), (2.0, "rows")):
    for m in (rng.normal(size=(4, 3)), rng.normal(size=(2, 5))):
        v = tf.Variable(m)
        with tf.GradientTape() as tape:
            r = keras.regularizers.OrthogonalRegularizer(factor, mode)
            r.factor = tf.constant(factor, tf.float64)
            value = r(v)
        print('    { factor = %r, mode = "%s", weights = %s,\n      value = %r, gradient = %s },' % (
            factor, mode, lua(m), float(value), lua(tape.gradient(value, v).numpy())))
print("  },\n  -- shape, fan_in, fan_out\n  fans = {")
L = keras.layers


def kernels(layer, shape):
    layer.build(shape)
    return [tuple(w.shape) for w in layer.trainable_weights]


SHAPES = [(), (7,), (4, 9), (3, 5, 8), (3, 3, 16, 32), (2, 3, 4, 5, 6)]
SHAPES += kernels(L.Conv1D(6, 5, use_bias=False), (None, 20, 4))
SHAPES += kernels(L.Conv2D(6, (3, 5), groups=2, use_bias=False), (None, 20, 20, 4))
SHAPES += kernels(L.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), (None, 20, 20, 4))
SHAPES += kernels(L.SeparableConv2D(7, 3, depth_multiplier=2, use_bias=False), (None, 20, 20, 4))
SHAPES += kernels(L.Conv2DTranspose(6, 3, use_bias=False), (None, 20, 20, 4))
SHAPES += kernels(L.Embedding(100, 8), (None, 5))
SHAPES += kernels(L.LSTM(6, use_bias=False), (None, 5, 4))
for shape in dict.fromkeys(SHAPES):
    print("    { { %s }, %d, %d }," % ((", ".join(map(str, shape)),) + compute_fans(shape)))
print("  },\n}")
