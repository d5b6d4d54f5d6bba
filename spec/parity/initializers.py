#!/usr/bin/env python3
"""Writes initializers.lua: what each initialiser of Keras 3 and PyTorch draws, for kernels of every
layer.

    python3 spec/parity/initializers.py > spec/parity/initializers.lua

Their draws are caught: stored are the distribution and its parameters as the peer passed them to its
generator, or the values where nothing is drawn. PyTorch's kernels [out, in, ...] are those of the
same layer; `shape` is always ours.
"""
import os
from unittest import mock

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import keras
import numpy as np
import torch

import golden

I = keras.initializers
ROWS = []
# dense, conv1d, conv2d, depthwise (one channel in the filter), one unit, large
SHAPES = [(4, 9), (5, 4, 6), (3, 3, 16, 32), (3, 3, 8, 1), (1, 1), (300, 100)]


def row(name, options, shape, peer, **what):
    ROWS.append(dict(name=name, options=golden.Source("{ %s }" % options), shape=list(shape),
                     peer=peer, **what))


def by_keras(name, options, made, shape):
    caught = {}

    def catch(kind, *names):
        def draw(shape, *args, dtype=None, seed=None, **kwargs):
            caught.update(kind=kind, **dict(zip(names, args)), **kwargs)
            return np.zeros(shape)
        return draw

    random = "keras.src.initializers.random_initializers.random."
    with mock.patch(random + "uniform", catch("uniform", "low", "high")), \
            mock.patch(random + "normal", catch("normal", "mean", "std")), \
            mock.patch(random + "truncated_normal", catch("truncated", "mean", "std")):
        value = made(shape)
    if caught:
        renamed = {"minval": "low", "maxval": "high", "stddev": "std"}
        row(name, options, shape, "keras",
            **{renamed.get(k, k): v if k == "kind" else float(v) for k, v in caught.items()})
    else:
        row(name, options, shape, "keras", kind="values", values=np.asarray(value, float).ravel())


def by_torch(name, options, fn, shape):
    theirs = torch.empty((shape[-1], shape[-2]) + tuple(shape[:-2]), dtype=torch.float64)
    caught = {}

    def uniform(self, low=0.0, high=1.0, generator=None):
        caught.update(kind="uniform", low=float(low), high=float(high))
        return self

    def normal(self, mean=0.0, std=1.0, generator=None):
        caught.update(kind="normal", mean=float(mean), std=float(std))
        return self

    with mock.patch.object(torch.Tensor, "uniform_", uniform), \
            mock.patch.object(torch.Tensor, "normal_", normal):
        fn(theirs)
    if caught:
        row(name, options, shape, "torch", **caught)
    else:
        values = theirs.permute(*range(2, theirs.dim()), 1, 0)
        row(name, options, shape, "torch", kind="values", values=values.numpy().ravel())


def linear_weights(t):
    with mock.patch.object(torch.nn.Linear, "reset_parameters", lambda self: None):
        net = torch.nn.Linear(t.shape[1], t.shape[0])
    net.weight = torch.nn.Parameter(t)
    net.bias = None
    torch.nn.Linear.reset_parameters(net)


def orthogonal(shape, gain):
    """Only that Q'Q = gain^2 is the peers' promise: the smaller side's Gram matrix."""
    q = np.asarray(I.Orthogonal(gain=gain, seed=1)(shape), float).reshape(-1, shape[-1])
    gram = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    side = min(q.shape)
    assert np.allclose(gram, gain**2 * np.eye(side), atol=1e-5)
    row("orthogonal", "gain = %r" % gain, shape, "keras", kind="gram",
        values=(gain**2 * np.eye(side)).ravel())


N = torch.nn.init
for shape in SHAPES:
    for name, made in (("glorot_uniform", I.GlorotUniform()), ("glorot_normal", I.GlorotNormal()),
                       ("he_uniform", I.HeUniform()), ("he_normal", I.HeNormal()),
                       ("lecun_uniform", I.LecunUniform()), ("lecun_normal", I.LecunNormal()),
                       ("random_uniform", I.RandomUniform()), ("random_normal", I.RandomNormal()),
                       ("truncated_normal", I.TruncatedNormal())):
        by_keras(name, "", made, shape)
    for mode in ("fan_in", "fan_out", "fan_avg"):
        for kind in ("uniform", "truncated_normal", "untruncated_normal"):
            by_keras("variance_scaling", 'scale = 0.7, mode = "%s", distribution = "%s"'
                     % (mode, kind), I.VarianceScaling(0.7, mode, kind), shape)
    for kind in ("uniform", "normal"):
        by_torch("xavier_" + kind, "gain = 1.5", lambda t: getattr(N, "xavier_%s_" % kind)(t, 1.5),
                 shape)
        for mode in ("fan_in", "fan_out"):
            for act, a in (("relu", 0), ("leaky_relu", 0.2), ("tanh", 0), ("selu", 0),
                           ("linear", 0)):
                by_torch("kaiming_" + kind, 'a = %r, mode = "%s", nonlinearity = "%s"'
                         % (a, mode, act),
                         lambda t: getattr(N, "kaiming_%s_" % kind)(t, a, mode, act), shape)
for shape in SHAPES:
    if len(shape) == 2:
        by_torch("torch_linear", "", linear_weights, shape)
for shape in ((2, 3), (3, 1, 2), (1, 1)):
    by_keras("zeros", "", I.Zeros(), shape)
    by_keras("ones", "", I.Ones(), shape)
    by_keras("constant", "value = 0.25", I.Constant(0.25), shape)
    by_torch("constant", "value = -3", lambda t: N.constant_(t, -3), shape)
for shape in ((3, 3), (2, 4), (4, 1)):
    by_keras("identity", "", I.Identity(), shape)
    by_keras("identity", "gain = 0.5", I.Identity(0.5), shape)
for shape in ((4, 4), (3, 7), (6, 2), (3, 3, 2, 5), (1, 1)):
    orthogonal(shape, 1.0)
    orthogonal(shape, 1.7)
by_keras("random_uniform", "low = -2, high = 3", I.RandomUniform(-2.0, 3.0), (4, 9))
by_keras("random_normal", "mean = 1, std = 2", I.RandomNormal(1.0, 2.0), (4, 9))
by_keras("truncated_normal", "mean = 1, std = 2", I.TruncatedNormal(1.0, 2.0), (4, 9))

if __name__ == "__main__":
    golden.write_module("initializers", ROWS)
