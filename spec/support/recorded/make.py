#!/usr/bin/env python3
"""Folders that the recorders of examples/keras and examples/torch wrote, and .keras archives.

    python3 make.py FOLDER     with keras 3, tensorflow, torch

Rows keep their order and nothing is drawn after the first weights, so that a replay must give every
loss again.
"""
import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

OUT = pathlib.Path(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[3]
for name in "keras", "torch":
    sys.path.insert(0, str(ROOT / "examples" / name))


def data(rows, features, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype("float32")
    return x, (x[:, 0] + 0.5 * x[:, 1] > 0.3).astype("int32")


def with_keras():
    import keras
    from lossdbg_keras import Recorder
    L = keras.layers
    x, y = data(48, 4, 1)
    keras.utils.set_random_seed(3)
    m = keras.Sequential([
        keras.Input((4,)), L.Dense(6, activation="relu", kernel_regularizer="l2",
                                   kernel_constraint=keras.constraints.MaxNorm(1.2), name="hidden"),
        L.BatchNormalization(name="norm"), L.Dense(2, activation="softmax", name="out")])
    m.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    m.fit(x, y, batch_size=16, epochs=30, shuffle=False, verbose=0, class_weight={0: 1.0, 1: 3.0},
          validation_data=data(20, 4, 2), callbacks=[
              keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_delta=0.01),
              keras.callbacks.EarlyStopping(patience=5, min_delta=1e-3), Recorder(OUT / "plateau")])

    keras.utils.set_random_seed(4)
    m = keras.Sequential([keras.Input((4,)), L.Dense(5, activation="relu"),
                          L.Dense(1, activation="softmax")])
    m.compile(keras.optimizers.SGD(0.2, momentum=0.9), "binary_crossentropy", metrics=["accuracy"])
    m.fit(x, y.astype("float32"), batch_size=20, epochs=8, shuffle=False, verbose=0,
          sample_weight=np.linspace(0.5, 2, 48), callbacks=[Recorder(OUT / "softmax_unit")])

    keras.utils.set_random_seed(5)
    a, b = keras.Input((4,), name="left"), keras.Input((3,), name="right")
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3, activation="tanh")], name="inner")
    h = L.Concatenate()([inner(a), L.Dense(2, trainable=False, name="frozen")(b)])
    m = keras.Model([a, b], L.Dense(1, name="score")(h))
    m.compile(keras.optimizers.RMSprop(keras.optimizers.schedules.ExponentialDecay(0.02, 5, 0.7)),
              keras.losses.Huber(0.3))
    m.fit([x, x[:, 1:]], x[:, :1] * 2, batch_size=16, epochs=6, shuffle=False, verbose=0,
          callbacks=[Recorder(OUT / "two_inputs")])


def archive():
    import keras
    L = keras.layers
    keras.utils.set_random_seed(6)
    ids = keras.Input((5,), name="ids")
    h = L.Embedding(7, 4, mask_zero=True)(ids)
    h = L.Bidirectional(L.LSTM(3, return_sequences=True))(h)
    h = L.GRU(4, return_sequences=True)(h)
    h = L.LayerNormalization()(L.Add()([h, L.Dense(4)(h)]))
    h = L.Dense(3)(L.Flatten()(L.Permute((2, 1))(h)))
    inner = keras.Sequential([keras.Input((3,)), L.Dense(4, activation="relu"),
                              L.BatchNormalization()])
    m = keras.Model(ids, L.Dense(2, activation="softmax", name="first")(inner(h)))
    m.compile("adam", "categorical_crossentropy")
    x = np.array([[1, 2, 3, 0, 0], [6, 5, 4, 3, 2], [1, 0, 0, 0, 0]])
    m.fit(x, np.eye(2)[[0, 1, 0]], epochs=3, verbose=0)  # statistics and weights that moved
    m.save(OUT / "layers.keras")
    s = keras.Input((4, 2))
    steps = L.Masking(-1.0)(s)
    steps = L.TimeDistributed(L.Dense(4, kernel_constraint="non_neg"))(steps)
    attended = L.MultiHeadAttention(2, 3)(steps, steps, use_causal_mask=False)
    n = keras.Model(s, L.SimpleRNN(2)(L.RMSNormalization()(attended)))
    n.compile("sgd", "mse")
    n.save(OUT / "attention.keras")
    z = np.linspace(-1, 1, 16, dtype="float32").reshape(2, 4, 2)
    expected = {"layers": {"x": x.tolist(), "y": m.predict(x, verbose=0).astype(float).tolist()},
                "attention": {"x": z.tolist(), "y": n.predict(z, verbose=0).astype(float).tolist()}}
    (OUT / "expected.json").write_text(json.dumps(expected) + "\n")


def with_torch():
    import torch
    from lossdbg_torch import Recorder
    torch.manual_seed(3)
    torch.set_num_threads(1)
    x, y = data(48, 4, 1)
    x, y = torch.tensor(x), torch.tensor(y, dtype=torch.long)
    net = torch.nn
    model = net.Sequential(net.Linear(4, 6), net.BatchNorm1d(6), net.ReLU(), net.Linear(6, 2))
    optimizer = torch.optim.Adam(model.parameters(), 0.02, weight_decay=0.01)
    criterion = net.CrossEntropyLoss(label_smoothing=0.1)
    recorder = Recorder(OUT / "torch_mlp", model, optimizer, x, y, criterion, batch_size=16,
                        epochs=8, shuffle=False)
    for start in list(range(0, 48, 16)) * 8:
        loss = criterion(model(x[start:start + 16]), y[start:start + 16])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        recorder.step(loss)
    recorder.close()


with_keras()
archive()
with_torch()
