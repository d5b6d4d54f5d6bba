#!/usr/bin/env python3
"""Models of PyTorch as its exporters write them, and what ONNX Runtime computes with them.

    python3 make.py FOLDER     with torch, onnx, onnxscript, onnxruntime
"""
import json
import pathlib
import sys

import numpy as np
import onnxruntime
import torch

OUT = pathlib.Path(sys.argv[1])
N = torch.nn
EXPECTED = {}


class Attention(N.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.qkv, self.out = N.LayerNorm(8), N.Linear(8, 24), N.Linear(8, 8)
        self.up, self.down = N.Linear(8, 16), N.Linear(16, 8)

    def forward(self, x):
        b, t, d = x.shape[0], 5, 8
        q, k, v = self.qkv(self.norm(x)).chunk(3, dim=-1)
        q, k, v = (z.reshape(b, t, 2, 4).transpose(1, 2) for z in (q, k, v))
        a = torch.softmax(q @ k.transpose(-2, -1) / 2.0, dim=-1)
        x = x + self.out((a @ v).transpose(1, 2).reshape(b, t, d))
        return x + self.down(N.functional.gelu(self.up(x)))


class Recurrent(N.Module):
    def __init__(self, cell):
        super().__init__()
        self.embed, self.cell, self.out = N.Embedding(9, 4), cell(4, 3, batch_first=True), N.Linear(3, 2)

    def forward(self, ids):
        return self.out(self.cell(self.embed(ids))[0][:, -1])


def mlp():
    return N.Sequential(N.Linear(4, 6), N.BatchNorm1d(6), N.ReLU(), N.Dropout(0.2), N.Linear(6, 5),
                        N.Tanh(), N.Linear(5, 3), N.Softmax(-1))


def cnn():
    return N.Sequential(N.Conv2d(2, 4, 3, padding=1), N.BatchNorm2d(4), N.ReLU(), N.MaxPool2d(2),
                        N.Conv2d(4, 6, 3, stride=2, bias=False), N.LeakyReLU(0.1), N.Flatten(),
                        N.Linear(6 * 1 * 2, 3))


class Residual(N.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = N.Conv2d(3, 3, 3, padding=1, groups=3), N.Conv2d(3, 3, 1), N.Linear(3, 2)

    def forward(self, x):
        y = torch.relu(x + self.b(torch.sigmoid(self.a(x))))
        return self.c(y.mean((2, 3)))


def keep(name, model, x, dynamo, training=False):
    for module in model.modules():  # statistics that are not the initial ones
        if isinstance(module, (N.BatchNorm1d, N.BatchNorm2d)):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 1.5)
    model.train(training)
    path = OUT / f"{name}.onnx"
    if dynamo:
        batch = torch.export.Dim("batch")
        torch.onnx.export(model, (x,), path, dynamo=True, dynamic_shapes=({0: batch},),
                          external_data=False)
    else:
        mode = torch.onnx.TrainingMode
        torch.onnx.export(model, (x,), path, dynamo=False, input_names=["x"], output_names=["y"],
                          dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
                          do_constant_folding=not training,
                          training=mode.TRAINING if training else mode.EVAL)
    session = onnxruntime.InferenceSession(str(path))
    if training:  # dropout draws: only the structure and the weights are checked
        model.eval()
        y = model(x).detach().numpy()
    else:
        y = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    EXPECTED[name] = {"x": x.numpy().tolist(), "y": y.astype(float).tolist()}


torch.manual_seed(1)
ids = torch.tensor([[1, 2, 3, 4], [8, 0, 5, 5], [7, 7, 1, 0]])
for dynamo in False, True:
    end = "_dynamo" if dynamo else ""
    for name, model, x in (("mlp", mlp(), torch.randn(3, 4)), ("cnn", cnn(), torch.randn(2, 2, 8, 10)),
                           ("residual", Residual(), torch.randn(2, 3, 4, 4)),
                           ("attention", Attention(), torch.randn(2, 5, 8)),
                           ("lstm", Recurrent(N.LSTM), ids), ("gru", Recurrent(N.GRU), ids)):
        try:
            keep(name + end, model, x, dynamo)
        except Exception as e:
            print(name + end, type(e).__name__, str(e)[:300])
try:
    keep("mlp_training", mlp(), torch.randn(3, 4), False, True)
except Exception as e:
    print("training", str(e)[:300])
(OUT / "expected.json").write_text(json.dumps(EXPECTED) + "\n")
