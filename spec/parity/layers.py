#!/usr/bin/env python3
"""Writes layers.lua: dense layers, activations and layers that reshape or scale, in float64.

    python3 spec/parity/layers.py > spec/parity/layers.lua

Inputs, weights and upstream gradients come from golden.draw; what comes out is stored. Where Keras
and PyTorch can both, they must agree within 1e-12.
"""
import os

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")
import keras
import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as F

import golden

keras.config.set_floatx("float64")
L, K = keras.layers, keras.activations
ROWS = []

# name here: Keras's function, PyTorch's; None where one has none or rounds a constant to float32
ACTIVATIONS = {
    "linear": (K.linear, lambda x: x), "relu": (K.relu, torch.relu), "sigmoid": (K.sigmoid,
                                                                                 torch.sigmoid),
    "tanh": (K.tanh, torch.tanh), "elu": (K.elu, F.elu), "selu": (K.selu, F.selu),
    "celu": (K.celu, F.celu), "softplus": (K.softplus, F.softplus),
    "softsign": (K.softsign, F.softsign), "silu": (K.silu, F.silu), "mish": (K.mish, F.mish),
    "relu6": (K.relu6, F.relu6), "hard_sigmoid": (None, lambda x: F.relu6(x + 3) / 6),
    "hard_silu": (None, lambda x: x * F.relu6(x + 3) / 6), "gelu": (None, F.gelu),
    "leaky_relu": (None, lambda x: F.leaky_relu(x, 0.2)),
    "log_sigmoid": (K.log_sigmoid, F.logsigmoid), "exponential": (K.exponential, torch.exp),
    "softmax": (K.softmax, lambda x: F.softmax(x, -1)),
    "log_softmax": (K.log_softmax, lambda x: F.log_softmax(x, -1)),
}


def by_keras(fn, x, weights, seed):
    leaves = [tf.constant(v) for v in [x] + weights]
    with tf.GradientTape() as tape:
        tape.watch(leaves)
        y = fn(*leaves)
        total = tf.reduce_sum(y * golden.draw(y.shape, seed + 9))
    grads = tape.gradient(total, leaves, unconnected_gradients="zero")
    return y.numpy(), [tf.convert_to_tensor(g).numpy() for g in grads]


def by_torch(fn, x, weights, seed):
    leaves = [torch.tensor(v, requires_grad=True) for v in [x] + weights]
    y = fn(*leaves)
    (y * torch.tensor(golden.draw(tuple(y.shape), seed + 9))).sum().backward()
    return y.detach().numpy(), [v.grad.numpy() for v in leaves]


def case(layer, options, shape, keras_fn, torch_fn=None, weights=(), **more):
    """options: Lua source of what the constructor gets."""
    seed = 100 * (len(ROWS) + 1)
    x = golden.draw(shape, seed + 1)
    values = [golden.draw(s, seed + 2 + i) for i, s in enumerate(weights)]
    results = [run(fn, x, values, seed) for run, fn in ((by_keras, keras_fn), (by_torch, torch_fn))
               if fn]
    for other in results[1:]:
        for a, b in zip([results[0][0]] + results[0][1], [other[0]] + other[1]):
            assert np.allclose(a, b, rtol=1e-12, atol=1e-12), (layer, options, a, b)
    y, grads = results[0]
    ROWS.append(dict(layer=layer, options=golden.Source(options), seed=seed, shape=list(shape),
                     weights=[list(s) for s in weights],
                     peer="both" if len(results) == 2 else "keras" if keras_fn else "torch",
                     out=list(y.shape), y=y.ravel(), g=[g.ravel() for g in grads], **more))


def dense(units, inputs, leading, activation="linear", bias=True, layer="dense", wrap="{ %s }"):
    k, t = ACTIVATIONS[activation]
    weights = [(inputs, units)] + ([(units,)] if bias else [])

    def keras_dense(x, *w):
        net = L.Dense(units, activation=k, use_bias=bias)
        net.build(x.shape)
        # A functional call, so that gradients reach the weights that are given.
        with keras.StatelessScope(state_mapping=list(zip(net.trainable_variables, w))):
            return net(x)

    options = '%d, "%s"%s' % (units, activation, "" if bias else ", bias = false")
    case(layer, wrap % options, leading + (inputs,), k and keras_dense,
         lambda x, w, b=None: t(F.linear(x, w.T, b)), weights)


def kept(made, training=None):
    """A layer of Keras without weights."""
    return lambda x: made(x, training=training) if training is not None else made(x)


def grid():
    for name in ACTIVATIONS:
        dense(3, 4, (2,), name)
        case("activation", '"%s"' % name, (3, 5), *ACTIVATIONS[name])
    for units, inputs, leading in ((1, 1, (1,)), (2, 1, (3,)), (1, 4, (2,)), (7, 9, (5,)),
                                   (3, 2, (2, 3)), (2, 3, (1, 2, 2))):
        dense(units, inputs, leading)
        dense(units, inputs, leading, "tanh", bias=False)
    for name in ("softmax", "log_softmax", "relu"):
        case("activation", '"%s"' % name, (2, 3, 4), *ACTIVATIONS[name])
        case("activation", '"%s"' % name, (1, 1), *ACTIVATIONS[name])
    for shape in ((2, 3), (2, 3, 4), (1, 2, 1, 3)):
        case("flatten", "", shape, kept(L.Flatten()), lambda x: torch.flatten(x, 1))
    case("reshape", "{ 2, 6 }", (2, 3, 4), kept(L.Reshape((2, 6))), lambda x: x.reshape(2, 2, 6))
    case("reshape", "{ -1, 2 }", (1, 6), kept(L.Reshape((-1, 2))), lambda x: x.reshape(1, -1, 2))
    case("repeat_vector", "3", (2, 4), kept(L.RepeatVector(3)),
         lambda x: x[:, None].repeat(1, 3, 1))
    case("repeat_vector", "1", (1, 1), kept(L.RepeatVector(1)))
    case("rescale", "{ 0.25, offset = -1 }", (2, 3), kept(L.Rescaling(0.25, -1)))
    case("rescale", "2", (1, 2, 2), kept(L.Rescaling(2)))
    case("normalization", "{ mean = { 1, -0.5, 0.25 }, variance = { 4, 0.25, 2 } }", (4, 3),
         kept(L.Normalization(mean=[1, -0.5, 0.25], variance=[4, 0.25, 2])))
    case("normalization", "{ mean = { 1, 0 }, variance = { 0, 1 } }", (2, 3, 2),
         kept(L.Normalization(mean=[1, 0], variance=[0, 1])))
    for name, made in (("dropout", L.Dropout(0.5)), ("spatial_dropout", L.SpatialDropout1D(0.5)),
                       ("gaussian_noise", L.GaussianNoise(0.5)),
                       ("gaussian_dropout", L.GaussianDropout(0.5)),
                       ("alpha_dropout", L.AlphaDropout(0.5))):
        case(name, "0.5", (2, 3, 2), kept(made, training=False))
    dense(2, 3, (2, 4), "relu", layer="time_distributed",
          wrap="nn.dense { %s }")
    case("residual", "{ nn.dense(3) }", (2, 3), lambda x, w, b: L.Add()([x, x @ w + b]),
         lambda x, w, b: x + F.linear(x, w.T, b), [(3, 3), (3,)])
    case("sequential", '{ nn.dense { 4, "tanh" }, nn.dense { 2, "softmax" } }', (3, 5),
         lambda x, a, b, c, d: K.softmax(K.tanh(x @ a + b) @ c + d),
         lambda x, a, b, c, d: F.softmax(torch.tanh(x @ a + b) @ c + d, -1),
         [(5, 4), (4,), (4, 2), (2,)])
    case("positional_embedding", "{ max_steps = 4 }", (2, 3, 2),
         lambda x, w: x + tf.gather(w, [0, 1, 2]),
         lambda x, w: x + F.embedding(torch.arange(3), w), [(4, 2)])
    case("permute", "{ 2, 1 }", (2, 3, 4), kept(L.Permute((2, 1))), lambda x: x.transpose(1, 2))
    case("permute", "{ 3, 1, 2 }", (1, 2, 1, 3), kept(L.Permute((3, 1, 2))),
         lambda x: x.permute(0, 3, 1, 2))
    case("masking", "0.234375", (2, 3, 1), kept(L.Masking(0.234375)))


if __name__ == "__main__":
    grid()
    golden.write_module("layers", ROWS, head='local nn = require("lossdbg").nn\n')
