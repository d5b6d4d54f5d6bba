"""Leaves a folder from which lossdbg rebuilds, replays and diagnoses a Keras training.

    from lossdbg_keras import Recorder
    model.fit(x, y, epochs=20, callbacks=[Recorder("run")])      # then: lossdbg diagnose run

What is in it: examples/README.md. Measuring takes at most `budget`, a share of the time.
"""
import inspect, json, pathlib, platform, time, keras, numpy as np  # noqa: E401

SETTINGS = "batch_size epochs initial_epoch shuffle class_weight steps_per_epoch".split()
HEADS = {"steps.csv": "step epoch loss learning_rate", "layers.csv":
         "step layer gradient_norm weight_norm update_norm zero_share constant_share"}

def array(value):
    return np.asarray(keras.ops.convert_to_numpy(getattr(value, "value", value)))

class Recorder(keras.callbacks.Callback):
    def __init__(self, folder, x=None, y=None, megabytes=64, budget=0.03, seed=None):
        super().__init__()
        self.folder, self.given, self.bytes = pathlib.Path(folder), (x, y), megabytes << 20
        self.budget, self.seed, self.missing, self.step = budget, seed, [], 0
        self.rows, self.means, self.old = {k: [v.split()] for k, v in HEADS.items()}, [], None

    def read_fit(self):  # the arguments of fit, from the frame that called us
        frame, simple = inspect.currentframe(), (int, float, str, bool, type(None))
        while frame and (frame.f_code.co_name, frame.f_locals.get("self")) != ("fit", self.model):
            frame = frame.f_back
        fit = dict(frame.f_locals) if frame else {}
        self.settings = {**{k: fit.get(k) for k in SETTINGS}, "callbacks": [{
            "class_name": type(c).__name__, "config": {k: v for k, v in vars(c).items() if
            type(v) in simple}} for c in getattr(fit.get("callbacks"), "callbacks", [])]}
        x, y = (fit.get(k) if g is None else g for k, g in zip("xy", self.given))
        for name, data in (("x", x), ("y", y), ("w", fit.get("sample_weight")),
                           *zip(("x_val", "y_val", "w_val"), fit.get("validation_data") or ())):
            for key, part in data.items() if isinstance(data, dict) else enumerate(
                    data if isinstance(data, (list, tuple)) else [data]):
                self.keep(name if part is data else f"{name}_{key}", part)

    def keep(self, name, data):
        if hasattr(data, "shape"):
            data = array(data)
            n = max(1, self.bytes // max(1, data[:1].nbytes))
            np.save(self.folder / (name + ".npy"), data[:n])
            self.missing += [f"{name}: the first {n} of {len(data)} rows"] if n < len(data) else []
        elif data is not None or name in "xy":
            self.missing.append(f"{name}: give Recorder(folder, x, y) an array")

    def on_train_begin(self, logs=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.read_fit()
        (self.folder / "model.json").write_text(self.model.to_json())
        self.save = lambda f: np.savez(f, **{w.path: array(w) for w in self.model.weights})
        self.save(self.folder / "weights_first.npz")
        ops, has_x = keras.ops, (self.folder / "x.npy").exists()
        self.inside = [c for c in self.model.layers if has_x and hasattr(c, "activation")]
        self.look = self.inside and keras.Model(*self.model.inputs, [c.output for c in self.inside])
        self.optimizer, self.weights = self.model.optimizer, self.model.trainable_variables
        self.on = keras.Variable(0, dtype="int32", trainable=False)
        self.norms = keras.Variable(np.full(len(self.weights), np.nan, "float32"))
        def apply(grads, variables=None):  # inside the compiled step; measures where `on` is set
            self.norms.assign(ops.cond(self.on > 0, lambda: ops.stack([
                0.0 if g is None else ops.norm(ops.reshape(ops.convert_to_tensor(g), (-1,)))
                for g in grads]), lambda: self.norms + 0.0))
            return type(self.optimizer).apply(self.optimizer, grads, variables)
        self.missing += ["gradients: jax hides them"] * (keras.backend.backend() == "jax")
        self.optimizer.apply, self.spent, self.began = apply, 0.0, time.perf_counter()
        self.model.make_train_function(force=True)

    def on_train_batch_begin(self, batch, logs=None):
        start = time.perf_counter()
        if self.step in (0, 2) or self.step and self.spent < self.budget * (start - self.began):
            self.old, _ = [array(v) for v in self.weights], self.on.assign(1)
            self.spent += time.perf_counter() - start

    def on_train_batch_end(self, batch, logs=None):
        self.step, start = self.step + 1, time.perf_counter()
        self.means.append((logs or {}).get("loss", np.nan))
        self.batch = self.batch if batch else float(array(self.model._loss_tracker.count))
        if self.old is not None:
            self.note_layers(self.old)
            self.old, self.spent = None, self.spent + time.perf_counter() - start

    def note_layers(self, old):
        self.on.assign(0)
        sizes, shares, nan = {}, {}, [np.nan] * 3
        out = self.look(np.load(self.folder / "x.npy")[:64]) if self.inside else []
        for c, o in zip(self.inside, out if isinstance(out, list) else [out]):
            flat = array(o).reshape(-1, o.shape[-1])
            shares[c.name] = [np.mean((flat == 0).all(0)), np.mean(np.ptp(flat, 0) == 0)]
        for v, a, b, g in zip(self.weights, old, map(array, self.weights), array(self.norms)):
            row = sizes.setdefault(v.path.rpartition("/")[0].split("/")[-1], np.zeros(3))
            row += np.square([g, np.linalg.norm(b), np.linalg.norm(b - a)])
        self.rows["layers.csv"] += [[self.step, k, *np.sqrt(sizes.get(k, nan)), *shares.get(
            k, nan[1:])] for k in dict.fromkeys([*sizes, *shares])]

    def on_epoch_end(self, epoch, logs=None):  # Keras' mean weighs every batch by its rows
        means, self.means = np.array(self.means, "float64"), []
        rows = np.full(len(means), self.batch)
        rows[-1] = float(array(self.model._loss_tracker.count)) - rows[:-1].sum()
        rate, first = float(array(self.optimizer.learning_rate)), self.step - len(means) + 1
        self.rows["steps.csv"] += [[first + i, epoch, loss, rate] for i, loss in enumerate(
            np.diff(means * np.cumsum(rows), prepend=0) / rows)]

    def on_train_end(self, logs=None):
        backend, seconds = keras.backend.backend(), time.perf_counter() - self.began
        seed = self.seed or getattr(keras.src.utils.rng_utils, "get_random_seed", int)()
        versions = {m.__name__: m.__version__ for m in (keras, np, __import__(backend))}
        about = {"schema": "lossdbg-recording", "version": 1, "framework": "keras",
                 "versions": {**versions, "python": platform.python_version()}, "steps": self.step,
                 "seed": seed, "fit": self.settings, "backend": backend, "missing": self.missing,
                 "seconds": {"training": seconds, "recording": self.spent}, "optimizer":
                 self.optimizer.get_config(), "loss": getattr(self.model.loss, "_fn_kwargs", {})}
        del self.optimizer.apply
        self.model.make_train_function(force=True)
        self.save(self.folder / "weights_last.npz")
        for name, data in ("history.json", self.model.history.history), ("lossdbg.json", about):
            self.rows[name] = [[json.dumps(data, indent=1, default=lambda v: array(v).tolist())]]
        for name, rows in self.rows.items():
            (self.folder / name).write_text("\n".join([",".join(map(str, r)) for r in rows]) + "\n")
