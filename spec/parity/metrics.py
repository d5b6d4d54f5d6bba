#!/usr/bin/env python3
"""Writes metrics.lua: metrics of Keras 3 (float64) and formulas in NumPy, on three batches of rows.

    python3 spec/parity/metrics.py > spec/parity/metrics.lua
"""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np

keras.config.set_floatx("float64")
M = keras.metrics
rng = np.random.default_rng(5)
N, K = 60, 4
CUTS = [0, 17, 40, 60]
logits = rng.normal(size=(N, K)) * 1.5
probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
ids = np.where(rng.random(N) < 0.5, logits.argmax(1), rng.integers(0, K, N))
one_hot = np.eye(K)[ids]
labels = (rng.random((N, K)) < 0.35).astype(float)
sigmoid = 1 / (1 + np.exp(-logits))
one = sigmoid[:, :1].copy()
one_label = (rng.random((N, 1)) < one).astype(float)
tied = np.round(one * 8) / 8
real, real_label = rng.normal(size=(N, 3)), rng.normal(size=(N, 3)) + 2
DATA = {"probability": probability, "logits": logits, "ids": ids, "one_hot": one_hot,
        "labels": labels, "sigmoid": sigmoid, "one": one, "one_label": one_label, "tied": tied,
        "real": real, "real_label": real_label}
ROWS = []


def by_keras(name, options, metric, p, y, extra=None):
    metric = metric(dtype="float64")
    for a, b in zip(CUTS, CUTS[1:]):
        rows = DATA[p][a:b]
        if name == "top_k_accuracy":  # TensorFlow's in_top_k has no other type
            rows = rows.astype("float32")
        metric.update_state(DATA[y][a:b], rows)
    value = float(metric.result())
    ROWS.append((name, options, p, y, (extra or (lambda v: v))(value)))


def by_numpy(name, options, p, y, value):
    ROWS.append((name, options, p, y, float(value)))


by_keras("accuracy", "", M.BinaryAccuracy, "one", "one_label")
by_keras("binary_accuracy", "threshold = .3", lambda dtype: M.BinaryAccuracy(
    threshold=.3, dtype=dtype), "one", "one_label")
by_keras("binary_accuracy", "", M.BinaryAccuracy, "sigmoid", "labels")
by_keras("accuracy", "", M.SparseCategoricalAccuracy, "probability", "ids")
by_keras("sparse_accuracy", "", M.SparseCategoricalAccuracy, "logits", "ids")
by_keras("categorical_accuracy", "", M.CategoricalAccuracy, "probability", "one_hot")
for k in (1, 2, 3, 4):
    by_keras("top_k_accuracy", "k = %d" % k, lambda dtype: M.SparseTopKCategoricalAccuracy(
        k=k, dtype=dtype), "probability", "ids")
    by_keras("top_k_accuracy", "k = %d" % k, lambda dtype: M.TopKCategoricalAccuracy(
        k=k, dtype=dtype), "logits", "one_hot")
for name, cls in (("precision", M.Precision), ("recall", M.Recall)):
    by_keras(name, "", cls, "one", "one_label")
    by_keras(name, "threshold = .7", lambda dtype: cls(thresholds=.7, dtype=dtype), "one",
             "one_label")
    by_keras(name, 'kind = "multilabel", average = "micro"', cls, "sigmoid", "labels")
for name, cls in (("mse", M.MeanSquaredError), ("mae", M.MeanAbsoluteError), ("r2", M.R2Score),
                  ("rmse", M.RootMeanSquaredError)):
    by_keras(name, "", cls, "real", "real_label")
by_keras("auc", "", M.AUC, "one", "one_label")
by_keras("auc", "thresholds = 20", lambda dtype: M.AUC(num_thresholds=20, dtype=dtype), "one",
         "one_label")
by_keras("auc", "", M.AUC, "tied", "one_label")
by_keras("auc", "", M.AUC, "sigmoid", "labels")
by_keras("auc", "", M.AUC, "probability", "one_hot")
by_keras("log_loss", "", M.BinaryCrossentropy, "one", "one_label")
by_keras("log_loss", "", M.CategoricalCrossentropy, "probability", "one_hot")
by_keras("log_loss", "", M.SparseCategoricalCrossentropy, "probability", "ids")
by_keras("perplexity", "", M.SparseCategoricalCrossentropy, "probability", "ids", np.exp)
by_keras("perplexity", "", M.CategoricalCrossentropy, "probability", "one_hot", np.exp)


def counts(said, truth):
    return ((said * truth).sum(0), (said * (1 - truth)).sum(0), ((1 - said) * truth).sum(0))


def averages(name, options, p, y, said, truth):
    tp, fp, fn = counts(said, truth)
    rule = {"precision": lambda t, a, m: t / (t + a) if t + a else 0.0,
            "recall": lambda t, a, m: t / (t + m) if t + m else 0.0,
            "f1": lambda t, a, m: 2 * t / (2 * t + a + m) if t + a + m else 0.0}[name]
    each = np.array([rule(*c) for c in zip(tp, fp, fn)])
    join = ", " + options if options else ""
    by_numpy(name, 'average = "macro"' + join, p, y, each.mean())
    by_numpy(name, 'average = "micro"' + join, p, y, rule(tp.sum(), fp.sum(), fn.sum()))
    support = truth.sum(0)
    by_numpy(name, 'average = "weighted"' + join, p, y, (each * support).sum() / support.sum())


for name in ("precision", "recall", "f1"):
    averages(name, "", "probability", "ids", np.eye(K)[probability.argmax(1)], one_hot)
    averages(name, "", "logits", "one_hot", np.eye(K)[probability.argmax(1)], one_hot)
    averages(name, 'kind = "multilabel"', "sigmoid", "labels", (sigmoid > .5) * 1.0, labels)
    averages(name, "", "one", "one_label", (one > .5) * 1.0, one_label)


def exact_auc(p, y):
    a, b = p[y == 1], p[y == 0]
    return ((a[:, None] > b).sum() + 0.5 * (a[:, None] == b).sum()) / (len(a) * len(b))


for p, y in (("one", "one_label"), ("tied", "one_label"), ("sigmoid", "labels")):
    by_numpy("auc", "exact = true", p, y, exact_auc(DATA[p].ravel(), DATA[y].ravel()))
by_numpy("confusion_matrix", "", "probability", "ids", (probability.argmax(1) == ids).mean())
matrix = np.zeros((K, K), int)
np.add.at(matrix, (ids, probability.argmax(1)), 1)
binary = np.zeros((2, 2), int)
np.add.at(binary, (one_label.ravel().astype(int), (one.ravel() > .5).astype(int)), 1)


def lua(a):
    a = np.asarray(a)
    if a.ndim == 0:
        return repr(a.item())
    return "{ " + ", ".join(lua(x) for x in a) + " }"


print("-- Written by spec/parity/metrics.py: Keras %s (TensorFlow) in float64 and NumPy."
      % keras.__version__)
print("return {\n  cuts = %s,\n  data = {" % lua(CUTS))
for name, values in DATA.items():
    print("    %s = %s," % (name, lua(values)))
print("  },\n  matrix = %s,\n  binary_matrix = %s,\n  rows = {" % (lua(matrix), lua(binary)))
for name, options, p, y, value in ROWS:
    print('    { "%s", { %s }, "%s", "%s", %r },' % (name, options, p, y, float(value)))
print("  },\n}")
