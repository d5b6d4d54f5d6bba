#!/usr/bin/env python3
"""Writes optimizers.lua: ten steps of every optimiser of Keras 3 (TensorFlow backend) and PyTorch.

    python3 spec/parity/optimizers.py > spec/parity/optimizers.lua

Everything is float64; Python floats are handed to Keras as NumPy doubles, because TensorFlow would
round them to float32 on their way to a float64 tensor. Three parameters (a matrix, a vector, a stack of matrices) get gradients that
are functions of the step, not of the weights: sin and cos of integers, exact to the last digit in
every language that has IEEE doubles. A row holds the weights after steps 1, 5 and 10.
"""
import math
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import torch

keras.config.set_floatx("float64")
exact = keras.src.backend.tensorflow.core.cast


def cast(x, dtype):
    return exact(np.float64(x) if type(x) is float else x, dtype)


# the literals in the rules, such as Nadam's 0.96
keras.src.ops.cast = cast
keras.src.optimizers.nadam.ops.cast = cast
torch.set_default_dtype(torch.float64)

SHAPES = [(3, 4), (5,), (2, 3, 2)]
KEPT = [1, 5, 10]


def start(k):
    n = int(np.prod(SHAPES[k]))
    return np.array([math.sin(1.5 * (i + 1) + k) for i in range(n)]).reshape(SHAPES[k])


def gradient(k, step):
    n = int(np.prod(SHAPES[k]))
    # a row of zeros now and then, and steps of very different size
    g = [math.cos(0.7 * (i + 1) * step + k) * (0.1 + (step % 3)) for i in range(n)]
    if step % 4 == 0:
        g[0] = 0.0
    return np.array(g).reshape(SHAPES[k])


K = keras.optimizers
S = keras.optimizers.schedules
COMMON = [  # Keras: what surrounds the rule
    {"weight_decay": 0.1}, {"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.25},
    {"gradient_accumulation_steps": 3}, {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 4},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2,
     "gradient_accumulation_steps": 2},
    {"weight_decay": 0.1, "global_clipnorm": 1.0, "gradient_accumulation_steps": 2},
]
KERAS = {
    "sgd": (K.SGD, [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}] + COMMON
            + [dict(c, momentum=0.8) for c in COMMON]),
    "rmsprop": (K.RMSprop, [{}, {"centered": True}, {"momentum": 0.7}, {"rho": 0.5},
                            {"centered": True, "momentum": 0.7, "epsilon": 1e-3},
                            {"weight_decay": 0.1}]),
    "adam": (K.Adam, [{}, {"amsgrad": True}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}]
             + COMMON),
    "adamw": (K.AdamW, [{}, {"weight_decay": 0.2}, {"amsgrad": True}]),
    "adagrad": (K.Adagrad, [{}, {"initial_accumulator_value": 0.5}, {"weight_decay": 0.1},
                            {"learning_rate": 0.3, "epsilon": 1e-2}]),
    "adadelta": (K.Adadelta, [{}, {"learning_rate": 1.0}, {"rho": 0.5, "learning_rate": 1.0},
                              {"weight_decay": 0.1}, {"epsilon": 1e-3, "learning_rate": 0.5}]),
    "adamax": (K.Adamax, [{}, {"beta_1": 0.5, "beta_2": 0.9}, {"weight_decay": 0.1},
                          {"epsilon": 1e-2, "learning_rate": 0.1}]),
    "nadam": (K.Nadam, [{}, {"beta_1": 0.5, "beta_2": 0.9}, {"weight_decay": 0.1},
                        {"epsilon": 1e-2, "learning_rate": 0.1},
                        {"gradient_accumulation_steps": 2}]),
    "lion": (K.Lion, [{}, {"beta_1": 0.5, "beta_2": 0.9}, {"weight_decay": 0.1},
                      {"learning_rate": 0.05}]),
    "lamb": (K.Lamb, [{}, {"beta_1": 0.5, "beta_2": 0.9}, {"weight_decay": 0.1},
                      {"learning_rate": 0.1, "epsilon": 1e-2}]),
    "adafactor": (K.Adafactor, [{}, {"learning_rate": 0.5}, {"weight_decay": 0.1},
                                {"beta_2_decay": -0.5, "clip_threshold": 0.3},
                                {"epsilon_1": 1e-3, "epsilon_2": 0.5}]),
}
TORCH = {
    "sgd": (torch.optim.SGD, [{}, {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.5},
                              {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1},
                              {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}]),
    "rmsprop": (torch.optim.RMSprop, [{}, {"centered": True}, {"momentum": 0.7}, {"alpha": 0.5},
                                      {"centered": True, "momentum": 0.7, "eps": 1e-3},
                                      {"weight_decay": 0.1}]),
    "adam": (torch.optim.Adam, [{}, {"amsgrad": True}, {"betas": (0.5, 0.9), "eps": 1e-3},
                                {"weight_decay": 0.1}, {"weight_decay": 0.1, "amsgrad": True}]),
    "adamw": (torch.optim.AdamW, [{}, {"weight_decay": 0.2}, {"amsgrad": True}]),
    "adagrad": (torch.optim.Adagrad, [{}, {"initial_accumulator_value": 0.5}, {"lr_decay": 0.3},
                                      {"weight_decay": 0.1}, {"lr": 0.3, "eps": 1e-2}]),
    "adadelta": (torch.optim.Adadelta, [{}, {"rho": 0.5}, {"weight_decay": 0.1},
                                        {"eps": 1e-3, "lr": 0.5}]),
    "adamax": (torch.optim.Adamax, [{}, {"betas": (0.5, 0.9)}, {"weight_decay": 0.1},
                                    {"eps": 1e-2, "lr": 0.1}]),
    "nadam": (torch.optim.NAdam, [{}, {"betas": (0.5, 0.9)}, {"weight_decay": 0.1},
                                  {"momentum_decay": 0.1, "lr": 0.1},
                                  {"weight_decay": 0.1, "decoupled_weight_decay": True}]),
    "radam": (torch.optim.RAdam, [{}, {"betas": (0.5, 0.9)}, {"weight_decay": 0.1},
                                  {"betas": (0.8, 0.95), "eps": 1e-2, "lr": 0.1},
                                  {"weight_decay": 0.1, "decoupled_weight_decay": True}]),
    "adafactor": (torch.optim.Adafactor, [{}, {"lr": 0.5}, {"weight_decay": 0.1},
                                          {"beta2_decay": -0.5, "d": 2.0},
                                          {"eps": (1e-3, 0.5)}]),
}
# clipping as the functions of torch.nn.utils do it
TORCH_CLIP = [{"clip_norm_all": 0.5}, {"clip_value": 0.25}]
SCHEDULED = [("sgd", {"momentum": 0.9}), ("adam", {}), ("nadam", {}), ("adafactor", {})]


def run_keras(cls, options, schedule=None):
    options = dict(options)
    if schedule is not None:
        options["learning_rate"] = schedule
    opt = cls(**options)
    for key, value in list(vars(opt).items()):
        if type(value) is float:
            setattr(opt, key, np.float64(value))
    variables = [keras.Variable(start(k), dtype="float64") for k in range(3)]
    kept = []
    for step in range(1, 11):
        opt.apply([keras.ops.convert_to_tensor(gradient(k, step), dtype="float64")
                   for k in range(3)], variables)
        if step in KEPT:
            kept.append([v.numpy() for v in variables])
    if options.get("use_ema"):
        opt.finalize_variable_values(variables)
        kept.append([v.numpy() for v in variables])
    return kept


def run_torch(cls, options, groups=None):
    options = dict(options)
    total, value = options.pop("clip_norm_all", None), options.pop("clip_value", None)
    params = [torch.nn.Parameter(torch.tensor(start(k))) for k in range(3)]
    given = params if groups is None else [
        dict(g, params=[params[k] for k in g["params"]]) for g in groups]
    opt = cls(given, **options)
    scheduler = None
    if groups is not None:
        scheduler = torch.optim.lr_scheduler.ExponentialLR(opt, 0.8)
    kept = []
    for step in range(1, 11):
        for k, p in enumerate(params):
            p.grad = torch.tensor(gradient(k, step))
        if total:
            torch.nn.utils.clip_grad_norm_(params, total)
        if value:
            torch.nn.utils.clip_grad_value_(params, value)
        opt.step()
        if scheduler:
            scheduler.step()
        if step in KEPT:
            kept.append([p.detach().numpy().copy() for p in params])
    return kept


NAMES = {"learning_rate": "lr", "clipnorm": "clip_norm", "global_clipnorm": "global_clip_norm",
         "clip_norm_all": "global_clip_norm", "clipvalue": "clip_value", "eps": "epsilon",
         "beta_1": "beta1", "beta_2": "beta2", "alpha": "rho", "d": "clip_threshold",
         "initial_accumulator_value": "initial_accumulator", "beta_2_decay": "beta2_decay"}


def lua_number(x):
    x = float(x)
    return repr(x) if not x.is_integer() else "%d" % x


def lua_options(options):
    parts = []
    for key, value in options.items():
        if key == "betas":
            parts += ["beta1 = %r" % value[0], "beta2 = %r" % value[1]]
        elif key == "eps" and isinstance(value, tuple):
            parts += ["epsilon_1 = %r" % value[0], "epsilon_2 = %r" % value[1]]
        elif isinstance(value, bool):
            parts.append("%s = %s" % (NAMES.get(key, key), str(value).lower()))
        elif isinstance(value, list):
            parts.append("%s = { %s }" % (key, ", ".join("{ %s }" % lua_options(v)
                                                       for v in value)))
        elif isinstance(value, str):
            parts.append('%s = "%s"' % (key, value))
        else:
            parts.append("%s = %s" % (NAMES.get(key, key), lua_number(value)))
    return ", ".join(parts)


def emit(name, flavor, options, kept, extra=""):
    print('  { name = "%s", flavor = "%s", options = { %s }%s,' % (
        name, flavor, lua_options(options), extra))
    rows = []
    for step in kept:
        flat = np.concatenate([np.ravel(a) for a in step])
        rows.append("{ " + ", ".join(lua_number(x) for x in flat) + " }")
    print("    kept = { " + ",\n      ".join(rows) + " } },")


print("-- Written by spec/parity/optimizers.py: Keras %s (TensorFlow) and PyTorch %s in float64."
      % (keras.__version__, torch.__version__.split("+")[0]))
print("-- Weights after steps 1, 5 and 10, and with an average of the weights after finalize.")
print("return {")
for name, (cls, sets) in KERAS.items():
    for options in sets:
        emit(name, "keras", options, run_keras(cls, options))
for name, options in SCHEDULED:
    decay = S.ExponentialDecay(np.float64(0.1), np.float64(4), np.float64(0.5))
    emit(name, "keras", options, run_keras(KERAS[name][0], options, decay),
         ', schedule = { name = "exponential", lr = 0.1, steps = 4, rate = 0.5 }')
for name in ("sgd", "adam"):
    options = {"gradient_accumulation_steps": 2}
    decay = S.ExponentialDecay(np.float64(0.1), np.float64(4), np.float64(0.5))
    emit(name, "keras", options, run_keras(KERAS[name][0], options, decay),
         ', schedule = { name = "exponential", lr = 0.1, steps = 4, rate = 0.5 }')
for name, (cls, sets) in TORCH.items():
    for options in sets:
        emit(name, "torch", options, run_torch(cls, options))
for name in ("sgd", "adam", "radam"):
    for options in TORCH_CLIP:
        emit(name, "torch", options, run_torch(TORCH[name][0], options))
for name in ("sgd", "adamw", "rmsprop"):
    cls = TORCH[name][0]
    groups = [{"params": [1], "lr": 0.5, "weight_decay": 0.3}, {"params": [0, 2]}]
    kept = run_torch(cls, {"lr": 0.1}, groups)
    shown = {"groups": [{"parameters": "b", "lr": 0.5, "weight_decay": 0.3}]}
    emit(name, "torch", shown, kept,
         ', schedule = { name = "exponential", lr = 0.1, steps = 1, rate = 0.8 }')
print("}")
