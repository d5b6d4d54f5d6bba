"""The recorders of examples/keras and examples/torch with the real frameworks.

    python3 spec/interop/recorders.py        prints one line a check; a missing framework is skipped

What must hold: the loss of every step is the one of its own batch; norms of gradients and updates are
those that the framework itself gives; shares of dead units and weights are as known from how the
model was made; the training is left as it is; measuring costs under 5 % of the time.
"""
import csv
import json
import os
import pathlib
import sys
import tempfile
import time

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = pathlib.Path(__file__).resolve().parent
for name in "keras", "torch":
    sys.path.insert(0, str(HERE.parent.parent / "examples" / name))
RESULTS = []


def check(what, good, told=""):
    RESULTS.append(bool(good))
    print(f"{'ok' if good else 'FAILED'}: {what} {told}")


def close(what, wanted, got, tolerance):
    wanted, got = np.asarray(wanted, "float64"), np.asarray(got, "float64")
    worst = np.max(np.abs(wanted - got) / np.maximum(np.abs(wanted), 1e-6))
    check(what, wanted.shape == got.shape and worst <= tolerance, f"({worst:.1e})")


def table(folder, name):
    with open(folder / name, newline="") as f:
        return list(csv.DictReader(f))


def column(rows, key, **where):
    return [float(r[key]) for r in rows if all(r[k] == v for k, v in where.items())]


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 6)).astype("float32")
    return x, (x[:, 0] + x[:, 1] > 0).astype("int64")


def common(folder, x):
    about = json.loads((folder / "lossdbg.json").read_text())
    check("schema", about["schema"] == "lossdbg-recording" and about["version"] == 1)
    check("settings", about["fit"]["batch_size"] == 32 and about["fit"]["epochs"] == 3)
    check("nothing is missing", about["missing"] == [], about["missing"])
    close("data", x, np.load(folder / "x.npy"), 0)
    return about


def with_keras(folder):
    import keras
    import tensorflow as tf
    from lossdbg_keras import Recorder

    def build(rate):
        keras.utils.set_random_seed(7)
        model = keras.Sequential([
            keras.Input((6,)), keras.layers.Dense(8, activation="relu", name="hidden"),
            keras.layers.Dense(4, activation="relu", name="dead"),
            keras.layers.Dense(2, activation="softmax", name="out")])
        model.get_layer("dead").bias.assign([-1e3, 0, 0, -1e3])
        model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["acc"])
        return model

    x, y = data()
    model, extra = build(0.25), {"batch_size": 32, "epochs": 3, "shuffle": False, "verbose": 0}
    twin, losses, norms = build(0.25), [], []
    for start in list(range(0, 100, 32)) * 3:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(
                y[start:start + 32], twin(x[start:start + 32], training=True)))
        grads = tape.gradient(loss, twin.trainable_variables)
        norms.append([float(np.sqrt(sum(np.sum(g.numpy() ** 2) for g in grads[i:i + 2])))
                      for i in (0, 2, 4)])
        losses.append(float(loss))
        twin.optimizer.apply_gradients(zip(grads, twin.trainable_variables))
    history = model.fit(x, y, callbacks=[Recorder(folder, budget=10)], **extra).history
    about = common(folder, x)
    check("seed", about["seed"] == 7, about["seed"])
    rows, layers = table(folder, "steps.csv"), table(folder, "layers.csv")
    close("losses of steps", losses, column(rows, "loss"), 2e-5)
    close("rates", [0.25] * 12, column(rows, "learning_rate"), 1e-6)
    for i, name in enumerate(("hidden", "dead", "out")):
        measured = [int(r["step"]) - 1 for r in layers if r["layer"] == name]
        check(f"steps measured of {name}", len(measured) >= 10 and measured[0] == 0, len(measured))
        close(f"gradients of {name}", [norms[s][i] for s in measured],
              column(layers, "gradient_norm", layer=name), 1e-4)
        close(f"updates of {name}", [0.25 * norms[s][i] for s in measured],
              column(layers, "update_norm", layer=name), 1e-3)
    check("dead units", set(column(layers, "zero_share", layer="dead")) == {0.5})
    check("constant units", set(column(layers, "constant_share", layer="dead")) == {0.5}
          and set(column(layers, "constant_share", layer="hidden")) == {0.0})
    close("history", history["loss"], json.loads((folder / "history.json").read_text())["loss"], 0)
    for name, weights in ("weights_first.npz", build(0.25)), ("weights_last.npz", twin):
        saved = np.load(folder / name)
        for w in weights.weights:
            key = [k for k in saved if k.split("/")[-2:] == w.path.split("/")[-2:]]
            close(f"{name} {w.path}", np.asarray(w.value), saved[key[0]], 1e-4)
    nested = keras.Sequential([keras.Input((6,)), keras.layers.Normalization(), build(0.1)])
    nested.compile("sgd", "sparse_categorical_crossentropy")  # as a pasted fix leaves it
    nested.fit(x, y, callbacks=[Recorder(folder / "nested")], **extra)
    check("a model in a model", len(table(folder / "nested", "steps.csv")) == 12)
    check("the model is a model", json.loads((folder / "model.json").read_text())["class_name"])
    many = np.repeat(x, 64, 0), np.repeat(y, 64)
    cost(lambda recorded: build(0.01).fit(*many, epochs=8, verbose=0, callbacks=[
        Recorder(folder / "cost")] if recorded else []))


def with_torch(folder):
    import torch
    from lossdbg_torch import Recorder
    torch.set_num_threads(1)

    def build():
        torch.manual_seed(7)
        model = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 4),
                                    torch.nn.ReLU(), torch.nn.Linear(4, 2))
        model[2].bias.data = torch.tensor([-1e3, 0, 0, -1e3])
        return model, torch.optim.SGD(model.parameters(), 0.25)

    def loop(x, y, epochs, recorded):
        (model, optimizer), criterion = build(), torch.nn.CrossEntropyLoss()
        recorder = recorded and Recorder(folder / "cost", model, optimizer, x, y, criterion)
        for start in list(range(0, len(x), 32)) * epochs:
            loss = criterion(model(x[start:start + 32]), y[start:start + 32])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if recorded:
                recorder.step(loss)
        if recorded:
            recorder.close()

    def train(at, x, y, epochs, **settings):
        (model, optimizer), losses, norms = build(), [], []
        criterion = torch.nn.CrossEntropyLoss()
        recorder = Recorder(at, model, optimizer, x, y, criterion, batch_size=32, epochs=epochs,
                            **settings)
        for start in list(range(0, len(x), 32)) * epochs:
            loss = criterion(model(x[start:start + 32]), y[start:start + 32])
            optimizer.zero_grad()
            loss.backward()
            norms.append([float(torch.cat([p.grad.flatten() for p in model[i].parameters()]).norm())
                          for i in (0, 2, 4)])
            optimizer.step()
            recorder.step(loss)
            losses.append(loss.item())
        recorder.close()
        return model, losses, norms

    x, y = data()
    model, losses, norms = train(folder, torch.tensor(x), torch.tensor(y), 3, budget=10)
    about = common(folder, x)
    check("seed", about["seed"] == 7)
    check("loss and optimiser", about["loss"]["class_name"] == "CrossEntropyLoss"
          and about["optimizer"]["groups"][0]["lr"] == 0.25)
    rows, layers = table(folder, "steps.csv"), table(folder, "layers.csv")
    close("losses of steps", losses, column(rows, "loss"), 1e-7)
    for i, name in enumerate("024"):
        measured = [int(r["step"]) - 1 for r in layers if r["layer"] == name]
        check(f"steps measured of {name}", len(measured) >= 10 and measured[0] == 0, len(measured))
        close(f"gradients of {name}", [norms[s][i] for s in measured],
              column(layers, "gradient_norm", layer=name), 1e-4)
        close(f"updates of {name}", [0.25 * norms[s][i] for s in measured],
              column(layers, "update_norm", layer=name), 1e-3)
    check("dead units", set(column(layers, "zero_share", layer="3")) == {0.5})
    for name, state in ("weights_first.npz", build()[0]), ("weights_last.npz", model):
        saved = np.load(folder / name)
        for key, value in state.state_dict().items():
            close(f"{name} {key}", value.numpy(), saved[key], 0)
    nodes = json.loads((folder / "model.fx.json").read_text())["nodes"]
    check("the graph", [n.get("class_name") for n in nodes] == [
        None, "Linear", "ReLU", "Linear", "ReLU", "Linear", None])
    many = torch.tensor(np.repeat(x, 64, 0)), torch.tensor(np.repeat(y, 64))
    cost(lambda recorded: loop(*many, 20, recorded))


def cost(train, pairs=7):
    """Processor time of the training alone and recorded by turns: the median of the pairs' ratios,
    each pair in the other order than the one before. A busy machine slows both of a pair alike."""
    train(True)  # what is compiled and loaded once
    ratios, bare = [], []
    for i in range(pairs):
        seconds = {}
        for recorded in (False, True) if i % 2 == 0 else (True, False):
            start = time.process_time()
            train(recorded)
            seconds[recorded] = time.process_time() - start
        ratios.append(seconds[True] / seconds[False])
        bare.append(seconds[False])
    ratio = float(np.median(ratios))
    check("recording takes under 5 %", ratio < 1.05, f"({100 * (ratio - 1):.1f} %, median of "
          f"{pairs} pairs from {100 * (min(ratios) - 1):.1f} to {100 * (max(ratios) - 1):.1f} %, "
          f"of {np.median(bare):.1f} s)")


for test in with_keras, with_torch:
    with tempfile.TemporaryDirectory() as at:
        print(f"-- {test.__name__}")
        try:
            test(pathlib.Path(at) / "run")
        except ModuleNotFoundError as e:
            print(f"skipped: {test.__name__} ({e})")
print(f"{sum(RESULTS)} passed, {len(RESULTS) - sum(RESULTS)} failed")
sys.exit(not all(RESULTS))
