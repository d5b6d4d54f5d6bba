"""Leaves a folder from which lossdbg rebuilds, replays and diagnoses a PyTorch training.

    from lossdbg_torch import Recorder
    recorder = Recorder("run", model, optimizer, x, y, criterion, batch_size=32, epochs=20)
    ...                          # in the loop, behind optimizer.step(): recorder.step(loss)
    recorder.close()                                             # then: lossdbg diagnose run
What is in it: examples/README.md. Measuring takes at most `budget`, a share of the time.
"""
import json, pathlib, platform, time, numpy as np, torch  # noqa: E401

HEADS = {"steps.csv": "step loss learning_rate", "layers.csv":
         "step layer gradient_norm weight_norm update_norm zero_share constant_share"}

def array(value):
    return value.detach().cpu().numpy() if torch.is_tensor(value) else np.asarray(value)

def plain(value):  # options of modules and arguments of calls, as JSON
    if isinstance(value, torch.fx.Node):
        return {"node": value.name}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    value = array(value).tolist() if torch.is_tensor(value) else value
    simple = value is None or isinstance(value, (int, float, str, list))
    return value if simple else getattr(value, "__name__", str(value))

def described(thing):
    config = {k: v for k, v in vars(thing).items() if k[0] != "_" and k != "training"}
    return {"class_name": getattr(thing, "__name__", type(thing).__name__), "config": plain(config)}

class Recorder:
    def __init__(self, folder, model, optimizer, x, y, criterion, megabytes=64, budget=0.02,
                 seed=None, **settings):
        self.folder, self.model, self.optimizer = pathlib.Path(folder), model, optimizer
        self.budget, self.missing, self.steps, self.old = budget, [], [], None
        self.due, self.spent = 0, 0.0
        self.rows = {name: [head.split()] for name, head in HEADS.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, data in ("x", array(x)), ("y", array(y)):
            n = max(1, (megabytes << 20) // max(1, data[:1].nbytes))
            np.save(self.folder / (name + ".npy"), data[:n])
            self.missing += [f"{name}: the first {n} of {len(data)} rows"] if n < len(data) else []
        self.sample = torch.as_tensor(array(x)[:64]).to(next(model.parameters()).device)
        self.describe()
        self.save("weights_first.npz")
        name_of = {id(p): name for name, p in model.named_parameters()}
        groups = [{k: [name_of.get(id(p)) for p in v] if k == "params" else plain(v)
                   for k, v in group.items()} for group in optimizer.param_groups]
        self.about = {
            "schema": "lossdbg-recording", "version": 1, "framework": "torch", "versions": {
                "torch": torch.__version__, "numpy": np.__version__,
                "python": platform.python_version()},
            "seed": torch.initial_seed() if seed is None else seed, "fit": settings,
            "loss": described(criterion), "missing": self.missing,
            "optimizer": {"class_name": type(optimizer).__name__, "groups": groups},
            "frozen": [k for k, p in model.named_parameters() if not p.requires_grad]}
        self.hook, self.began = optimizer.register_step_pre_hook(self.before), time.perf_counter()

    def save(self, name):
        np.savez(self.folder / name, **{k: array(v) for k, v in self.model.state_dict().items()})

    def describe(self):
        modules = dict(self.model.named_modules())
        try:
            nodes = torch.fx.symbolic_trace(self.model).graph.nodes
            graph = [{"name": n.name, "op": n.op, "target": plain(n.target), "args": plain(n.args),
                      "kwargs": plain(n.kwargs), **(described(modules[n.target])
                                                    if n.op == "call_module" else {})} for n in nodes]
            text = json.dumps({"schema": "lossdbg-fx", "version": 1, "nodes": graph})
            (self.folder / "model.fx.json").write_text(text)
        except Exception as e:  # a way through the model that depends on values
            self.missing.append(f"model.fx.json: {e}")

    def before(self, *_):
        if len(self.steps) >= self.due:
            self.spent -= time.perf_counter()
            self.old = {k: p.detach().clone() for k, p in self.model.named_parameters()}
            self.spent += time.perf_counter()

    def step(self, loss):
        self.steps.append((loss.detach(), self.optimizer.param_groups[0]["lr"]))
        if self.old is not None:  # the third step again, then when the budget allows it
            n, self.spent = len(self.steps), self.spent - time.perf_counter()
            self.note_layers(n)
            self.spent += time.perf_counter()
            share = self.spent / self.budget / (time.perf_counter() - self.began)
            self.due, self.old = 2 if n == 1 else max(n, int(n * share)), None

    def note_layers(self, n):
        sizes, shares, nan = {}, self.units(), [np.nan] * 3
        for name, p in self.model.named_parameters():
            row = sizes.setdefault(name.rpartition(".")[0], np.zeros(3))
            parts = torch.zeros_like(p) if p.grad is None else p.grad, p, p - self.old[name]
            row += [float(torch.linalg.vector_norm(part.detach())) ** 2 for part in parts]
        self.rows["layers.csv"] += [[n, k, *np.sqrt(sizes.get(k, nan)), *shares.get(k, nan[1:])]
                                    for k in dict.fromkeys([*sizes, *shares])]

    def units(self):  # shares of units that are 0, and that do not vary, over the first rows
        outputs, modes = {}, {m: m.training for m in self.model.modules()}
        hooks = [m.register_forward_hook(lambda _, __, out, name=name: outputs.update({name: out}))
                 for name, m in self.model.named_modules() if not list(m.children())]
        with torch.no_grad():
            self.model.eval()(self.sample)
        _ = [hook.remove() for hook in hooks]
        _ = [setattr(module, "training", mode) for module, mode in modes.items()]
        flat = {k: array(v.transpose(1, -1)).reshape(-1, v.shape[1]) for k, v in outputs.items()
                if torch.is_tensor(v) and v.dim() > 1}
        return {k: [np.mean((f == 0).all(0)), np.mean(np.ptp(f, 0) == 0)] for k, f in flat.items()}

    def close(self):
        seconds = {"training": time.perf_counter() - self.began, "recording": self.spent}
        self.hook.remove()
        self.save("weights_last.npz")
        self.about.update(steps=len(self.steps), seconds=seconds)
        (self.folder / "lossdbg.json").write_text(json.dumps(self.about, indent=1))
        self.rows["steps.csv"] += [[i, *map(float, step)] for i, step in enumerate(self.steps, 1)]
        for name, rows in self.rows.items():
            (self.folder / name).write_text("".join(",".join(map(str, r)) + "\n" for r in rows))
