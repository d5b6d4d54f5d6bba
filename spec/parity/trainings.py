#!/usr/bin/env python3
"""Writes trainings/*.safetensors: whole trainings by Keras 3 (TensorFlow) and PyTorch, in float32.

    python3 spec/parity/trainings.py

Each file holds the initial weights by the names of this library's parameters, the rows x and y in
the order of the batches, and the losses of 100 steps (float64), one series an optimiser:
`losses_NAME`. Step i takes the rows (i BATCH) mod N onwards. Data: examples/data, and for the
transformer a chain of symbols drawn here.
"""
import csv
import os
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
import torch
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "examples", "data")
BATCH, STEPS = 16, 100
L = keras.layers

KERAS = {
    "sgd": lambda lr: keras.optimizers.SGD(lr, momentum=0.9),
    "adam": lambda lr: keras.optimizers.Adam(lr),
    "rmsprop": lambda lr: keras.optimizers.RMSprop(lr),
}
TORCH = {
    "sgd": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "adam": lambda p, lr: torch.optim.Adam(p, lr),
    "rmsprop": lambda p, lr: torch.optim.RMSprop(p, lr),
}


def rows_of(step, n):
    first = step * BATCH % n
    return slice(first, first + BATCH)


# ---- data ----------------------------------------------------------------------------------------


def wine():
    with open(os.path.join(DATA, "wine.csv")) as f:
        table = np.array([[float(v) for v in row] for row in list(csv.reader(f))[1:]])
    table = table[np.random.default_rng(1).permutation(len(table))[:64]]
    x = table[:, :-1]
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), table[:, -1].astype(np.int32)


def idx(name):
    with open(os.path.join(DATA, "digits", name), "rb") as f:
        rank = struct.unpack(">I", f.read(4))[0] & 255
        shape = struct.unpack(f">{rank}I", f.read(4 * rank))
        return np.frombuffer(f.read(), np.uint8).reshape(shape)


def digits():
    x = idx("digits-images-idx3-ubyte")[:96, :, :, None] / np.float32(16)
    return x.astype(np.float32), idx("digits-labels-idx1-ubyte")[:96].astype(np.int32)


def sunspots():
    with open(os.path.join(DATA, "sunspots.csv")) as f:
        level = np.array([float(row[-1]) for row in list(csv.reader(f))[1:]])
    level = ((level - level.mean()) / level.std()).astype(np.float32)
    order = np.random.default_rng(2).permutation(len(level) - 12)[:96]
    x = np.stack([level[i:i + 12] for i in order])[:, :, None]
    return x, np.array([level[i + 12] for i in order])[:, None]


def chain():
    """The next symbol is one of two that follow the last two: a bigram model cannot know it."""
    rng = np.random.default_rng(3)
    follow = rng.integers(0, 20, (20, 20, 2))
    text = [0, 1]
    for choice in rng.random(96 * 13) < 0.8:
        text.append(follow[text[-2], text[-1], int(choice)])
    text = np.array(text[2:], np.int32).reshape(96, 13)
    return text[:, :-1].copy(), text[:, 1:].copy()


# ---- models: the names of the layers are their paths here, with . for / ---------------------------


def mlp(x):
    return keras.Sequential([
        L.Input(x.shape[1:]), L.Dense(32, "relu", name="dense_1"),
        L.Dense(16, "tanh", name="dense_2"), L.Dense(3, "softmax", name="dense_3")])


def cnn(x):
    """LeNet in small. Smooth where its units are many: of 1e5 sums in a training one may lie within
    rounding of the kink of ReLU, and the two sides of it are two trainings."""
    return keras.Sequential([
        L.Input(x.shape[1:]),
        L.Conv2D(6, 3, padding="same", activation="tanh", name="conv2d_1"), L.AveragePooling2D(2),
        L.Conv2D(12, 3, activation="gelu", name="conv2d_2"), L.MaxPooling2D(2), L.Flatten(),
        L.Dense(24, "relu", name="dense_1"), L.Dense(10, name="dense_2")])


def lstm(x):
    return keras.Sequential([
        L.Input(x.shape[1:]), L.LSTM(12, return_sequences=True, name="lstm_1"),
        L.LSTM(8, name="lstm_2"), L.Dense(1, name="dense_1")])


class Positions(L.Layer):
    def build(self, shape):
        self.table = self.add_weight(name="embeddings", shape=shape[1:],
                                     initializer=keras.initializers.RandomUniform(seed=5))

    def call(self, x):
        return x + self.table


def transformer(x):
    inputs = L.Input(x.shape[1:], dtype="int32")
    h = L.Embedding(20, 16, name="embedding_1")(inputs)
    h = Positions(name="positional_embedding_1")(h)
    for block in (1, 3):
        a = L.LayerNormalization(name=f"residual_{block}.layer_norm_1")(h)
        h = h + L.MultiHeadAttention(2, 8, name=f"residual_{block}.multi_head_attention_1")(
            a, a, use_causal_mask=True)
        a = L.LayerNormalization(name=f"residual_{block + 1}.layer_norm_1")(h)
        a = L.Dense(32, "gelu", name=f"residual_{block + 1}.dense_1")(a)
        h = h + L.Dense(16, name=f"residual_{block + 1}.dense_2")(a)
    h = L.LayerNormalization(name="layer_norm_1")(h)
    return keras.Model(inputs, L.Dense(20, name="dense_1")(h))


def name_of(weight):
    parts = weight.path.split("/")
    if parts[0].startswith(("sequential", "functional")):
        del parts[0]
    head, tail = parts[0].replace(".", "/"), parts[-1]
    if "multi_head_attention" in head:
        part = parts[-2].replace("attention_output", "output")
        return f"{head}/{part}_{tail}"
    return f"{head}/{tail}"


# ---- training ------------------------------------------------------------------------------------


def train_keras(model, start, loss, optimizer, x, y):
    model.set_weights(start)
    losses, n = [], len(x)

    @tf.function
    def step(xb, yb):
        with tf.GradientTape() as tape:
            value = loss(yb, model(xb, training=True))
        # Dense, as in Keras' other backends: of an embedding TensorFlow has a list of rows, of which
        # Keras squares each by itself where an id occurs more than once in the batch.
        gradients = [tf.convert_to_tensor(g)
                     for g in tape.gradient(value, model.trainable_variables)]
        optimizer.apply(gradients, model.trainable_variables)
        return value

    optimizer.build(model.trainable_variables)
    for i in range(STEPS):
        rows = rows_of(i, n)
        losses.append(float(step(tf.constant(x[rows]), tf.constant(y[rows]))))
    return losses


def by_keras(name, data, build, loss, rates):
    keras.utils.set_random_seed(11)
    x, y = data
    model = build(x)
    start = model.get_weights()
    out = {name_of(w): np.array(v) for w, v in zip(model.weights, start)}
    assert len(out) == len(start), list(out)
    for optimizer, lr in rates.items():
        out["losses_" + optimizer] = train_keras(model, start, loss, KERAS[optimizer](lr), x, y)
    write(name, out, x, y, rates)


def by_torch(name, data, rates):
    x, y = (torch.from_numpy(part) for part in data)

    def build():
        torch.manual_seed(12)
        return torch.nn.Sequential(
            torch.nn.Linear(13, 32), torch.nn.ReLU(), torch.nn.Linear(32, 16), torch.nn.Tanh(),
            torch.nn.Linear(16, 3))

    out = {}
    for i, layer in enumerate([m for m in build() if hasattr(m, "weight")], 1):
        out[f"dense_{i}/kernel"] = layer.weight.detach().numpy().T.copy()
        out[f"dense_{i}/bias"] = layer.bias.detach().numpy().copy()
    for optimizer, lr in rates.items():
        model, losses = build(), []
        opt = TORCH[optimizer](model.parameters(), lr)
        for i in range(STEPS):
            rows = rows_of(i, len(x))
            value = torch.nn.functional.cross_entropy(model(x[rows]), y[rows].long())
            opt.zero_grad()
            value.backward()
            opt.step()
            losses.append(value.item())
        out["losses_" + optimizer] = losses
    write(name, out, x.numpy(), y.numpy(), rates)


def write(name, out, x, y, rates):
    for key, value in out.items():
        if key.startswith("losses_"):
            out[key] = np.array(value)
            print(f"{name:12} {key:16} {value[0]:.4f} .. {value[-1]:.4f}", file=sys.stderr)
    made = f"Keras {keras.__version__}, TensorFlow {tf.__version__}, PyTorch {torch.__version__}"
    meta = {"lr_" + key: repr(lr) for key, lr in rates.items()}
    save_file({**out, "x": x, "y": y}, os.path.join(HERE, "trainings", name + ".safetensors"),
              {"made_by": made, "batch": str(BATCH), **meta})


if __name__ == "__main__":
    entropy = keras.losses.SparseCategoricalCrossentropy()
    logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rates = {"sgd": 0.05, "adam": 2e-3, "rmsprop": 1e-3}
    by_keras("mlp", wine(), mlp, entropy, rates)
    by_keras("cnn", digits(), cnn, logits, {**rates, "rmsprop": 3e-3})
    by_keras("lstm", sunspots(), lstm, keras.losses.MeanSquaredError(), rates)
    by_keras("transformer", chain(), transformer, logits, rates)
    by_torch("mlp_torch", wine(), rates)
