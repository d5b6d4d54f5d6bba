"""Every kind of fix, pasted into a program of Keras and of PyTorch that has the fault it is for.

    python3 spec/interop/fixes.py

Each runs as it stands; where a fault is made first, the loss is lower with the fix than without it.
"""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = pathlib.Path(__file__).resolve().parent
RESULTS = []


def rendered(framework):
    out = subprocess.run([os.environ.get("LUA", "lua5.4"), str(HERE / "fixes.lua"), framework],
                         check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(128, 6)).astype("float32")
    return x, (x[:, 0] + x[:, 1] > 0).astype("int64")


def judge(framework, kind, code, train, fault):
    without = train(fault, "") if fault else None
    try:
        loss = train(fault, code)
    except Exception as e:
        told, good = f"{type(e).__name__}: {e}\n{code}", False
    else:
        told, good = f"{loss:.4g}", np.isfinite(loss)
        if fault:
            told += f" (without {without:.4g})"
            good = good and not loss >= 0.98 * without
    RESULTS.append(bool(good))
    print(f"{'ok' if good else 'FAILED'}: {framework} {kind}: {told}", flush=True)


def with_keras():
    import keras
    keras.config.disable_traceback_filtering()
    L = keras.layers

    def build(**o):
        return keras.Sequential([
            keras.Input((6,)), L.Dense(8, activation=o.get("activation", "relu"), name="first",
                                       kernel_initializer=o.get("init", "glorot_uniform"),
                                       kernel_regularizer=o.get("regularizer")),
            L.Dropout(o.get("rate", 0.0), name="drop"),
            L.Dense(8, activation=o.get("activation", "relu"), name="second",
                    kernel_initializer=o.get("init", "glorot_uniform")),
            L.Dense(2, activation=o.get("out", "softmax"), name="out")])

    def train(fault, code):
        keras.utils.set_random_seed(1)
        x, y = data()
        space = {"keras": keras, "build": build, "x": x, "y": y, "np": np, "rate": 0.1,
                 "x_val": x[::4].copy(), "y_val": y[::4].copy()}
        exec(fault or "", space)
        model = space.get("model") or build()
        if not space.get("compiled"):
            model.compile(keras.optimizers.SGD(space["rate"]), "sparse_categorical_crossentropy",
                          metrics=["accuracy"], run_eagerly=True)
        space["model"] = model
        if "model.fit(" not in code:
            code += "\nmodel.fit(x, y, batch_size=32, epochs=15)"
        exec(code.replace("model.fit(x, y", "model.fit(x, y, verbose=0" if "verbose=" not in code
                          else "model.fit(x, y"), space)
        model, xs, ys = space["model"], space["x"], space["y"]
        loss = float(model.evaluate(xs, ys, verbose=0, return_dict=True)["loss"])
        return loss / ys.var() if space.get("compiled") else loss  # of regressions the share left

    faults = {
        "optimizer": "rate = 1e-6", "optimizer new": "rate = 1e-6",
        "init": "model = build(init='zeros')", "insert normalization": "x = x * 100 + 500",
        "insert rescale": "x = x * 1000", "remove": "model = build(rate=0.95)",
        "layers": "model = build(activation='exponential'); x = x * 4",
        "output": "model = build(out='relu')", "loss": "model = build(out='relu')",
        "regularizer": "model = build(regularizer=keras.regularizers.L2(2.0))",
        "dropout": "model = build(rate=0.95)", "data": "x[3, 2] = np.nan",
        "data fill_gaps": "x[3, 2] = np.nan", "data drop_outlying": "x[3], x[70] = 1e6, 1e6; y[3], y[70] = 0, 1",
        "trainable": "model = build()\nfor l in model.layers: l.trainable = False",
        "epochs": "rate = 0.01", "target":
        "y = x[:, :1] * 1000 + 5000; compiled = True\nmodel = keras.Sequential([keras.Input((6,)), "
        "keras.layers.Dense(8, activation='relu'), keras.layers.Dense(1)])\n"
        "model.compile(keras.optimizers.SGD(0.01, clipnorm=1.0), 'mse', run_eagerly=True)",
    }
    for one in rendered("keras"):
        judge("keras", one["kind"], one["code"], train, faults.get(one["kind"]))


def with_torch():
    import torch
    torch.set_num_threads(1)
    net = torch.nn

    def build(rate=0.0, act=net.ReLU, out=None):
        return net.Sequential(net.Linear(6, 8), act(), net.Dropout(rate), net.Linear(8, 8), act(),
                              net.Linear(8, 2), out or net.Softmax(-1))

    def train(fault, code):
        torch.manual_seed(1)
        x, y = data()
        space = {"torch": torch, "net": net, "build": build, "lr": 0.5, "decay": 0.0, "epochs": 15,
                 "x": torch.tensor(x), "y": torch.tensor(y), "x_val": torch.tensor(x[::4]),
                 "y_val": torch.tensor(y[::4]), "max_steps": None, "batch": 32,
                 "criterion": lambda p, t: net.functional.nll_loss(p.clamp_min(1e-7).log(), t)}
        exec(fault or "", space)
        model = space.setdefault("model", None) or build()
        space.update(model=model, optimizer=torch.optim.SGD(
            model.parameters(), space["lr"], weight_decay=space["decay"]))
        one_epoch = "for i in range(0, len(x), 32):\n    loss = criterion(model(x[i:i + 32]), " \
            "y[i:i + 32])\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()"
        if "for x_batch" in code:  # the loop itself is the fix
            space["loader"] = [(space["x"][i:i + 32], space["y"][i:i + 32])
                               for i in range(0, 128, 32)]
            one_epoch, code = code, ""
        elif "zero_grad" in (fault or ""):
            one_epoch = one_epoch.replace("    optimizer.zero_grad()\n", "")
        exec(code, space)
        for _ in range(space["epochs"]):
            exec(one_epoch, space)
        with torch.no_grad():
            out = space["model"].eval()(space["x"])
            loss = float(space["criterion"](out, space["y"]))
            return loss / float(space["y"].var()) if space["y"].dtype.is_floating_point else loss

    faults = {
        "optimizer": "lr = 1e-6", "optimizer new": "lr = 1e-6",
        "init": "model = build()\nfor p in model.parameters(): torch.nn.init.zeros_(p)",
        "insert normalization": "x = x * 100 + 500", "insert rescale": "x = x * 1000",
        "remove": "model = build(0.95)", "dropout": "model = build(0.95)",
        "layers": "model = build(act=net.Hardsigmoid)",
        "output": "model = build(out=net.Sequential(net.ReLU(), net.Softmax(0)))",
        "regularizer": "decay = 1.0",
        "loss": "criterion = net.CrossEntropyLoss()  # behind a softmax",
        "trainable": "model = build(); [p.requires_grad_(False) for p in list(model.parameters())[1:]]",
        "data": "x[3, 2] = float('nan')",
        "data fill_gaps": "x[3, 2] = float('nan')", "data drop_outlying": "x[3], x[70] = 1e6, 1e6; y[3], y[70] = 0, 1", "epochs": "lr = 0.05", "loop": "lr = 2.0  # no zero_grad",
        "target": "lr = 0.01\ny = x[:, :1] * 1000 + 5000; criterion = net.MSELoss()\n"
        "model = net.Sequential(net.Linear(6, 8), net.ReLU(), net.Linear(8, 1))",
    }
    for one in rendered("torch"):
        judge("torch", one["kind"], one["code"], train, faults.get(one["kind"]))


for test in (with_torch, with_keras):
    try:
        test()
    except ModuleNotFoundError as e:
        print(f"skipped: {test.__name__} ({e})")
print(f"{sum(RESULTS)} passed, {len(RESULTS) - sum(RESULTS)} failed")
sys.exit(not all(RESULTS))
