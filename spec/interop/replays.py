"""Recorded Keras trainings replayed by lossdbg, beside Keras itself on the same data.

    LOSSDBG_RUNS=/folder/of/runs python3 spec/interop/replays.py

Every folder in it with model.json, x.npy and y.npy is trained by Keras with three seeds. The last loss
of the replay (median of three seeds of ours) must lie within the losses of Keras' seeds, or as far
beside them as they are apart (at least 2 % of the way that the loss went).
"""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = pathlib.Path(__file__).resolve().parent
SEEDS = 3


def ours(folder):
    lua = os.environ.get("LUA", "lua5.4")
    out = subprocess.run([lua, str(HERE / "replay.lua"), str(folder), str(SEEDS)], check=True,
                         capture_output=True, text=True)
    return json.loads(out.stdout)


def theirs(folder, settings):
    import keras
    last, first = [], None
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    for seed in range(SEEDS):
        keras.utils.set_random_seed(seed + 11)
        text = json.loads((folder / "model.json").read_text())
        model = keras.models.model_from_json(json.dumps(text))
        model.compile_from_config(text["compile_config"])
        losses = model.fit(x, y, batch_size=settings["batch"], epochs=settings["epochs"],
                           verbose=0).history["loss"]
        last.append(losses[-1])
        first = losses[0] if first is None else first
    return np.array(last, "float64"), first


def judge(folder):
    mine = ours(folder)
    keras_losses, first = theirs(folder, mine)
    if not np.isfinite(keras_losses).any():
        return mine["replayed"] is None, f"Keras NaN, replayed {mine['replayed']}"
    if mine["replayed"] is None:
        return not np.isfinite(keras_losses).all(), f"Keras {keras_losses}, replayed NaN"
    keras_losses = keras_losses[np.isfinite(keras_losses)]
    low, high = keras_losses.min(), keras_losses.max()
    beside = max(high - low, 0.02 * abs(first - np.median(keras_losses)), 1e-6 * abs(high))
    good = low - beside <= mine["replayed"] <= high + beside
    return good, (f"Keras {low:.4g} .. {high:.4g}, replayed {mine['replayed']:.4g} ({mine['least']:.4g}"
                  f" .. {mine['most']:.4g}), recorded {mine['recorded']:.4g}")


def main():
    root = pathlib.Path(os.environ.get("LOSSDBG_RUNS", HERE / "kept"))
    folders = [f for f in sorted(root.glob("*")) if all((f / name).exists() for name in
               ("model.json", "x.npy", "y.npy"))]
    if not folders:
        print(f"skipped: no recorded runs with data in {root}")
    try:
        import keras  # noqa: F401
    except ModuleNotFoundError as e:
        folders = []
        print(f"skipped: replays ({e})")
    results = []
    for folder in folders:
        good, told = judge(folder)
        results.append(bool(good))
        print(f"{'ok' if good else 'FAILED'}: {folder.name}: {told}", flush=True)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(not all(results))


main()
