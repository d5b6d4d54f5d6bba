#!/usr/bin/env python3
"""Writes plateau.lua: learning rates by ReduceLROnPlateau of Keras 3 and of PyTorch, each epoch.

    python3 spec/parity/plateau.py > spec/parity/plateau.lua
"""
import os

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import keras
import numpy as np
import torch

import golden

ROWS = []
METRICS = {
    "constant": [1.0] * 16,
    "slow": [100 - 0.005 * i for i in range(16)],
    "waves": [1, 0.5, 0.7, 0.6, 0.5, 0.49995, 0.4, 0.6, 0.6, 0.6, 0.6, 0.3, 0.31, 0.32, 0.33, 0.29],
    "rising": [0.1 * (i % 5) + 0.02 * i for i in range(16)],
    "broken": [1.0, float("nan"), 0.9, float("nan"), float("nan"), 0.95, 0.8, 0.8, 0.8, 0.8],
}


def by_keras(options, values):
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    made = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", **options)
    made.set_model(model)
    made.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        rates.append(float(np.asarray(model.optimizer.learning_rate)))
        made.on_epoch_end(epoch, {"val_loss": value})
    return rates


def by_torch(options, values):
    opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    made = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, **options)
    rates = []
    for value in values:
        rates.append(float(opt.param_groups[0]["lr"]))
        opt.step()
        made.step(value)
    return rates


SETS = [dict(patience=2), dict(patience=1, factor=0.5), dict(patience=3, factor=0.2, cooldown=2),
        dict(patience=1, factor=0.5, min_lr=0.02), dict(patience=2, factor=0.3, mode="max")]
for name, values in METRICS.items():
    for options in SETS:
        for peer, run in (("keras", by_keras), ("torch", by_torch)):
            ROWS.append(dict(peer=peer, options=dict(options, flavor=peer), metrics=values,
                             rates=run(options, values)))
    ROWS.append(dict(peer="keras", options=dict(patience=1, min_delta=0.01, flavor="keras"),
                     metrics=values, rates=by_keras(dict(patience=1, min_delta=0.01), values)))
    given = dict(patience=1, threshold=0.01, threshold_mode="abs")
    ROWS.append(dict(peer="torch", options=dict(given, flavor="torch"), metrics=values,
                     rates=by_torch(given, values)))

if __name__ == "__main__":
    golden.write_module("plateau", ROWS)
