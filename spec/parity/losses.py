#!/usr/bin/env python3
"""Writes losses.lua: losses and their gradients from Keras 3 (TensorFlow) and PyTorch, in float64.

    python3 spec/parity/losses.py > spec/parity/losses.lua

Each case: name and options for ld.loss, prediction, target, sample weights or mask when there are
any, the loss and d loss / d prediction.
"""
import os
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as F

keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)
warnings.simplefilter("ignore")
keras.src.ops.cast = (lambda inner: lambda x, dtype: inner(
    np.float64(x) if type(x) is float else x, dtype))(keras.src.backend.tensorflow.core.cast)
keras.src.ops.log = (lambda inner: lambda x: inner(
    np.float64(x) if type(x) is float else x))(keras.src.backend.tensorflow.numpy.log)
L = keras.losses
rng = np.random.default_rng(7)
ROWS = []


def add(peer, name, options, prediction, target, value, gradient, weight=None, mask=None):
    ROWS.append((peer, name, options, prediction, target, weight, mask, value, gradient))


def by_keras(name, options, loss, prediction, target, weight=None, mask=None):
    p = tf.Variable(prediction)
    with tf.GradientTape() as tape:
        out = loss.call(tf.constant(target), p)
        held = keras.src.backend.get_keras_mask(out)
        use = mask if mask is not None else held
        value = keras.src.losses.loss.reduce_weighted_values(
            out, sample_weight=weight, mask=use, reduction=loss.reduction, dtype="float64")
    gradient = tape.gradient(value, p)
    add("keras", name, options, prediction, target, value.numpy(),
        tf.convert_to_tensor(gradient).numpy(), weight, mask)


def by_torch(name, options, fn, prediction, target):
    p = torch.tensor(prediction, requires_grad=True)
    value = fn(p, torch.tensor(target))
    value.sum().backward()
    add("torch", name, options, prediction, target, value.detach().numpy(), p.grad.numpy())


real, real_target = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
positive, positive_target = np.abs(real) + 0.1, np.abs(real_target) + 0.05
weights = np.array([0.5, 2.0, 0.0, 1.25])
mask = np.array([1.0, 0.0, 1.0, 1.0])
logits = rng.normal(size=(5, 4)) * 2
probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
ids = np.array([0, 3, 1, 1, 2])
holes = np.array([0, 3, -1, 1, -1])
one_hot = np.eye(4)[ids]
soft = rng.random((5, 4))
soft /= soft.sum(1, keepdims=True)
zero_one = (rng.random((5, 4)) < 0.4).astype(float)
sigmoid = 1 / (1 + np.exp(-logits))
one = logits[:, :1].copy()
one_target = np.array([[1.0], [0.0], [0.0], [1.0], [1.0]])
w5 = np.array([0.5, 2.0, 0.0, 1.25, 3.0])
sequence = rng.normal(size=(2, 3, 4))
sequence_ids = np.array([[0, 3, -1], [2, -1, -1]])
K = np.array([1.0, 2.0, 0.5, 3.0])
KL = "class_weight = { [0] = 1, [1] = 2, [2] = .5, [3] = 3 }"
D = np.float64

for name, cls in [("mse", L.MeanSquaredError), ("mae", L.MeanAbsoluteError),
                  ("mape", L.MeanAbsolutePercentageError), ("log_cosh", L.LogCosh),
                  ("huber", L.Huber), ("cosine_similarity", L.CosineSimilarity)]:
    by_keras(name, "", cls(), real, real_target)
    by_keras(name, "", cls(), real, real_target, weights)
    by_keras(name, "", cls(), real, real_target, None, mask)
    by_keras(name, "", cls(), real, real_target, weights, mask)
    by_keras(name, 'reduction = "sum"', cls(reduction="sum"), real, real_target, weights, mask)
    by_keras(name, 'reduction = "mean_with_sample_weight"',
             cls(reduction="mean_with_sample_weight"), real, real_target, weights)
by_keras("huber", "delta = .4", L.Huber(D(.4)), real, real_target)
by_keras("msle", "", L.MeanSquaredLogarithmicError(), positive, positive_target)
by_keras("msle", "", L.MeanSquaredLogarithmicError(), real, real_target)
by_keras("poisson", "", L.Poisson(), positive, positive_target)
by_keras("mape", "", L.MeanAbsolutePercentageError(), real, np.zeros((4, 3)))
by_keras("cosine_similarity", "", L.CosineSimilarity(), real, np.zeros((4, 3)))
for cls, name in ((L.Hinge, "hinge"), (L.SquaredHinge, "squared_hinge"),
                  (L.CategoricalHinge, "categorical_hinge")):
    by_keras(name, "", cls(), logits, one_hot)
    by_keras(name, "", cls(), logits, one_hot, w5)
by_keras("hinge", "", L.Hinge(), logits, 2 * zero_one - 1)
by_keras("kl", "", L.KLDivergence(), probability, soft)
for s, text in ((0.0, ""), (0.2, "label_smoothing = .2")):
    join = (", " if text else "") + text
    by_keras("binary_crossentropy", text, L.BinaryCrossentropy(label_smoothing=s), sigmoid, zero_one)
    by_keras("binary_crossentropy", "from_logits = true" + join,
             L.BinaryCrossentropy(True, label_smoothing=s), logits, zero_one)
    by_keras("categorical_crossentropy", text, L.CategoricalCrossentropy(label_smoothing=s),
             probability, one_hot)
    by_keras("categorical_crossentropy", "from_logits = true" + join,
             L.CategoricalCrossentropy(True, label_smoothing=s), logits, soft)
    by_keras("binary_focal", text, L.BinaryFocalCrossentropy(label_smoothing=s, gamma=D(2)),
             sigmoid, zero_one)
    by_keras("binary_focal", "from_logits = true, gamma = 1.5, alpha = .3, balance = true" + join,
             L.BinaryFocalCrossentropy(True, from_logits=True, label_smoothing=s, gamma=D(1.5),
                                       alpha=D(.3)), logits, zero_one)
    by_keras("binary_focal", "gamma = 3" + join,
             L.BinaryFocalCrossentropy(gamma=D(3), label_smoothing=s), sigmoid, zero_one, w5)
    by_keras("categorical_focal", text,
             L.CategoricalFocalCrossentropy(label_smoothing=s, gamma=D(2), alpha=D(.25)),
             probability, one_hot)
    by_keras("categorical_focal", "from_logits = true, gamma = 1.5, alpha = .6" + join,
             L.CategoricalFocalCrossentropy(from_logits=True, gamma=D(1.5), alpha=D(.6),
                                            label_smoothing=s), logits, one_hot)
by_keras("binary_focal", "", L.BinaryFocalCrossentropy(gamma=D(2)), sigmoid[:, :1].copy(),
         one_target)
by_keras("sparse_crossentropy", "from_logits = true", L.SparseCategoricalCrossentropy(True),
         logits, ids)
by_keras("sparse_crossentropy", "from_logits = true", L.SparseCategoricalCrossentropy(True),
         logits, ids, w5)
by_keras("sparse_crossentropy", "from_logits = true, ignore_class = -1",
         L.SparseCategoricalCrossentropy(True, ignore_class=-1), logits, holes)
by_keras("sparse_crossentropy", "from_logits = true, ignore_class = -1",
         L.SparseCategoricalCrossentropy(True, ignore_class=-1), logits, holes, w5)
by_keras("sparse_crossentropy", "from_logits = true, ignore_class = -1",
         L.SparseCategoricalCrossentropy(True, ignore_class=-1), sequence, sequence_ids)
by_keras("sparse_crossentropy", 'from_logits = true, ignore_class = 1, reduction = "sum"',
         L.SparseCategoricalCrossentropy(True, ignore_class=1, reduction="sum"), logits, ids)

by_torch("mse", "", F.mse_loss, real, real_target)
by_torch("mae", "", F.l1_loss, real, real_target)
by_torch("smooth_l1", "", F.smooth_l1_loss, real, real_target)
for beta in (0.3, 2.0):
    by_torch("smooth_l1", "beta = %r" % beta, lambda p, y: F.smooth_l1_loss(p, y, beta=beta),
             real, real_target)
    by_torch("huber", "delta = %r" % beta, lambda p, y: F.huber_loss(p, y, delta=beta),
             real, real_target)
by_torch("smooth_l1", 'reduction = "sum", beta = .5',
         lambda p, y: F.smooth_l1_loss(p, y, beta=.5, reduction="sum") / 3, real, real_target)
for s, text in ((0.0, ""), (0.1, ", label_smoothing = .1")):
    for w, weighing in ((None, ""), (torch.tensor(K), ", " + KL)):
        by_torch("sparse_crossentropy", "from_logits = true" + text + weighing,
                 lambda p, y: F.cross_entropy(p, y, weight=w, label_smoothing=s), logits, ids)
        by_torch("sparse_crossentropy", "from_logits = true, ignore_class = -1" + text + weighing,
                 lambda p, y: F.cross_entropy(p, y, weight=w, label_smoothing=s, ignore_index=-1),
                 logits, holes)
        by_torch("sparse_crossentropy", 'from_logits = true, reduction = "sum"' + text + weighing,
                 lambda p, y: F.cross_entropy(p, y, weight=w, label_smoothing=s, reduction="sum"),
                 logits, ids)
        by_torch("sparse_crossentropy", 'from_logits = true, reduction = "none"' + text + weighing,
                 lambda p, y: F.cross_entropy(p, y, weight=w, label_smoothing=s, reduction="none"),
                 logits, ids)
        by_torch("categorical_crossentropy", "from_logits = true" + text + weighing,
                 lambda p, y: F.cross_entropy(p, y, weight=w, label_smoothing=s), logits, soft)
        by_torch("sparse_crossentropy", "from_logits = true, ignore_class = -1" + text + weighing,
                 lambda p, y: F.cross_entropy(p.transpose(1, 2), y, weight=w, label_smoothing=s,
                                              ignore_index=-1), sequence, sequence_ids)
for w, weighing in ((None, ""), (torch.tensor(K), KL)):
    join = ", " if weighing else ""
    by_torch("nll", weighing, lambda p, y: F.nll_loss(p, y, weight=w), np.log(probability), ids)
    by_torch("nll", "ignore_class = -1" + join + weighing,
             lambda p, y: F.nll_loss(p, y, weight=w, ignore_index=-1), np.log(probability), holes)
    by_torch("nll", 'reduction = "sum"' + join + weighing,
             lambda p, y: F.nll_loss(p, y, weight=w, reduction="sum"), np.log(probability), ids)
by_torch("binary_crossentropy", "from_logits = true", F.binary_cross_entropy_with_logits, logits,
         zero_one)
by_torch("binary_crossentropy", "from_logits = true, pos_weight = 3",
         lambda p, y: F.binary_cross_entropy_with_logits(p, y, pos_weight=torch.tensor(3.0)),
         logits, zero_one)
by_torch("binary_crossentropy", "from_logits = true, pos_weight = { 1, 2, .5, 3 }",
         lambda p, y: F.binary_cross_entropy_with_logits(p, y, pos_weight=torch.tensor(K)),
         logits, zero_one)
by_torch("binary_crossentropy", "pos_weight = 3",
         lambda p, y: F.binary_cross_entropy_with_logits(torch.log(p / (1 - p)), y,
                                                         pos_weight=torch.tensor(3.0)),
         sigmoid, zero_one)
by_torch("binary_crossentropy", "", F.binary_cross_entropy, sigmoid, zero_one)
by_torch("categorical_hinge", "", lambda p, y: (((1 - y) * p).max(1).values - (y * p).sum(1) + 1)
         .clamp(min=0).mean(), logits, one_hot)


def table(a):
    a = np.asarray(a)
    if a.ndim == 0:
        return repr(a.item())
    return "{ " + ", ".join(table(x) for x in a) + " }"


print("-- Written by spec/parity/losses.py: Keras %s (TensorFlow) and PyTorch %s in float64."
      % (keras.__version__, torch.__version__.split("+")[0]))
print("return {")
for peer, name, options, p, y, weight, held, value, gradient in ROWS:
    print('  { peer = "%s", name = "%s", options = { %s },' % (peer, name, options))
    print("    prediction = %s," % table(p))
    print("    target = %s," % table(y))
    if weight is not None:
        print("    weight = %s," % table(weight))
    if held is not None:
        print("    mask = %s," % table(held))
    print("    value = %s," % table(value))
    print("    gradient = %s }," % table(gradient))
print("}")
