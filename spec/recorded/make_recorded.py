"""Writes the golden recordings beside this file with the real programs: Keras on TensorFlow (History,
CSVLogger, TensorBoard, console), torch.utils.tensorboard, and what TensorBoard's own loader reads
from the event files (expected.json).

    python spec/recorded/make_recorded.py          needs keras, tensorflow, torch, tensorboard
"""
import glob
import io
import json
import os
import pty
import shutil
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras
import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

HERE = os.path.dirname(os.path.abspath(__file__))


def bits(x):
    """Doubles as 16 hexadecimal digits: JSON loses nothing, NaN included."""
    return struct.pack(">d", float(x)).hex()


def console_of(train):
    """What train() prints to a terminal."""
    main, side = pty.openpty()
    saved = os.dup(1)
    os.dup2(side, 1)
    train()
    sys.stdout.flush()
    os.dup2(saved, 1)
    os.close(side)
    out = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    return out.replace(b"\r\n", b"\n")


def keras_run():
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(48, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    folder = os.path.join(HERE, "keras")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy",
                  metrics=["accuracy"])
    history = []

    def train():
        calls = [
            keras.callbacks.CSVLogger(os.path.join(folder, "training.csv")),
            keras.callbacks.TensorBoard(os.path.join(folder, "logs"), histogram_freq=2,
                                        write_graph=False),
        ]
        fit = model.fit(x, y, batch_size=8, epochs=4, validation_split=0.25, callbacks=calls,
                        verbose=1)
        history.append(fit.history)

    out = console_of(train)
    with open(os.path.join(folder, "console.txt"), "wb") as f:
        f.write(out)
    with open(os.path.join(folder, "history.json"), "w") as f:
        json.dump(history[0], f)
    text = io.StringIO()
    kept, sys.stdout = sys.stdout, text
    model.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=2)
    sys.stdout = kept
    with open(os.path.join(HERE, "verbose2.txt"), "w") as f:
        f.write(text.getvalue())
    return history[0]


def torch_run():
    from torch.utils.tensorboard import SummaryWriter
    folder = os.path.join(HERE, "torch")
    shutil.rmtree(folder, ignore_errors=True)
    writer = SummaryWriter(folder)
    rng = np.random.default_rng(2)
    for step in range(5):
        writer.add_scalar("Loss/train", 1.0 / (step + 1), step)
        writer.add_scalar("Loss/val", float("nan") if step == 4 else 1.5 / (step + 1), step)
    writer.add_histogram("weights", rng.normal(size=100), 3)
    writer.add_text("note", "text of a run", 0)
    writer.close()


def scalars_of(pattern):
    """tag -> [[step, bits]] by TensorBoard's own loader (which turns simple values into tensors)."""
    out = {}
    for path in sorted(glob.glob(pattern)):
        for event in EventFileLoader(path).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    x = tensor_util.make_ndarray(value.tensor).item()
                    out.setdefault(value.tag, []).append([event.step, bits(x)])
                if value.metadata.plugin_data.plugin_name == "histograms":
                    rows = tensor_util.make_ndarray(value.tensor)
                    out.setdefault(value.tag, []).append(
                        [event.step, [bits(v) for v in rows.reshape(-1)]])
    return out


def main():
    history = keras_run()
    torch_run()
    for path in glob.glob(os.path.join(HERE, "**", "*tfevents*"), recursive=True):
        folder, name = os.path.split(path)
        os.rename(path, os.path.join(folder, "events.out.tfevents.1.v2"))
    expected = {
        "made_with": {"keras": keras.__version__, "tensorflow": tf.__version__},
        "history": {name: [bits(x) for x in list] for name, list in history.items()},
        "train": scalars_of(os.path.join(HERE, "keras", "logs", "train", "*")),
        "validation": scalars_of(os.path.join(HERE, "keras", "logs", "validation", "*")),
        "torch": scalars_of(os.path.join(HERE, "torch", "*")),
    }
    with open(os.path.join(HERE, "expected.json"), "w") as f:
        json.dump(expected, f, separators=(",", ":"))


main()
