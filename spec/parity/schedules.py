#!/usr/bin/env python3
"""Writes schedules.lua: learning rates of the schedules of Keras 3 and PyTorch, in float64.

    python3 spec/parity/schedules.py > spec/parity/schedules.lua
"""
import os
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import torch
from torch.optim import lr_scheduler as L

keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)
warnings.simplefilter("ignore")
S = keras.optimizers.schedules
D = np.float64
STEPS = list(range(0, 25))


def keras_rates(schedule):
    return "keras", [float(schedule(D(s))) for s in STEPS]


def torch_rates(make, lr=0.1):
    opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)
    scheduler = make(opt)
    rates = []
    for _ in STEPS:
        rates.append(float(opt.param_groups[0]["lr"]))
        opt.step()
        scheduler.step()
    return "torch", rates


def cycle(up, down, mode="triangular", gamma=1.0):
    return lambda o: L.CyclicLR(o, 0.01, 0.1, up, down, mode=mode, gamma=gamma)


ROWS = [
    ("exponential", "{ .1, 10, .5 }", keras_rates(S.ExponentialDecay(D(.1), D(10), D(.5)))),
    ("exponential", "{ .1, 7, .5, staircase = true }",
     keras_rates(S.ExponentialDecay(D(.1), D(7), D(.5), staircase=True))),
    ("exponential", "{ .1, 1, .8 }", torch_rates(lambda o: L.ExponentialLR(o, .8))),
    ("inverse_time", "{ .1, 10, .5 }", keras_rates(S.InverseTimeDecay(D(.1), D(10), D(.5)))),
    ("inverse_time", "{ .1, 4, .5, staircase = true }",
     keras_rates(S.InverseTimeDecay(D(.1), D(4), D(.5), staircase=True))),
    ("polynomial", "{ .1, 10 }", keras_rates(S.PolynomialDecay(D(.1), D(10), D(1e-4)))),
    ("polynomial", "{ .1, 10, power = 2, cycle = true }",
     keras_rates(S.PolynomialDecay(D(.1), D(10), D(1e-4), D(2), cycle=True))),
    ("polynomial", "{ .1, 8, power = .5, end_lr = 0 }",
     torch_rates(lambda o: L.PolynomialLR(o, 8, .5))),
    ("cosine", "{ .1, 12 }", keras_rates(S.CosineDecay(D(.1), D(12)))),
    ("cosine", "{ .01, 10, alpha = .1, warmup_target = .1, warmup_steps = 5 }",
     keras_rates(S.CosineDecay(D(.01), D(10), D(.1), warmup_target=D(.1), warmup_steps=5))),
    ("cosine_restarts", "{ .1, 4, m_mul = .5 }",
     keras_rates(S.CosineDecayRestarts(D(.1), D(4), D(2), D(.5)))),
    ("cosine_restarts", "{ .1, 3, t_mul = 1, m_mul = .9, alpha = .2 }",
     keras_rates(S.CosineDecayRestarts(D(.1), D(3), D(1), D(.9), D(.2)))),
    ("cosine_restarts", "{ .1, 5, t_mul = 1, alpha = .1 }",
     torch_rates(lambda o: L.CosineAnnealingWarmRestarts(o, 5, 1, .01))),
    ("cosine_annealing", "{ .1, 6 }", torch_rates(lambda o: L.CosineAnnealingLR(o, 6))),
    ("cosine_annealing", "{ .1, 10, eta_min = .02 }",
     torch_rates(lambda o: L.CosineAnnealingLR(o, 10, .02))),
    ("piecewise", "{ { 5, 12 }, { .1, .05, .01 } }",
     keras_rates(S.PiecewiseConstantDecay([5, 12], [D(.1), D(.05), D(.01)]))),
    ("step", "{ .1, 4, .5 }", torch_rates(lambda o: L.StepLR(o, 4, .5))),
    ("multi_step", "{ .1, { 3, 8, 20 } }", torch_rates(lambda o: L.MultiStepLR(o, [3, 8, 20]))),
    ("multi_step", "{ .1, { 1, 2 }, gamma = .3 }",
     torch_rates(lambda o: L.MultiStepLR(o, [1, 2], .3))),
    ("linear", "{ .1 }", torch_rates(lambda o: L.LinearLR(o))),
    ("linear", "{ .1, 8, start_factor = 1, end_factor = .1 }",
     torch_rates(lambda o: L.LinearLR(o, 1, .1, 8))),
    ("constant_lr", "{ .1 }", torch_rates(lambda o: L.ConstantLR(o))),
    ("constant_lr", "{ .1, 9, factor = .5 }", torch_rates(lambda o: L.ConstantLR(o, .5, 9))),
    ("one_cycle", "{ .1, 26 }", torch_rates(lambda o: L.OneCycleLR(o, .1, 26))),
    ("one_cycle", "{ .1, 26, pct_start = .5, div = 10, final_div = 100 }",
     torch_rates(lambda o: L.OneCycleLR(o, .1, 26, pct_start=.5, div_factor=10,
                                        final_div_factor=100))),
    ("cyclic", "{ .01, .1, steps_up = 4 }", torch_rates(cycle(4, None))),
    ("cyclic", "{ .01, .1, steps_up = 2, steps_down = 5 }", torch_rates(cycle(2, 5))),
    ("cyclic", '{ .01, .1, steps_up = 3, mode = "triangular2" }',
     torch_rates(cycle(3, None, "triangular2"))),
    ("cyclic", '{ .01, .1, steps_up = 3, steps_down = 4, mode = "exp_range", gamma = .9 }',
     torch_rates(cycle(3, 4, "exp_range", .9))),
    ("sequential", '{ { { name = "constant_lr", lr = .1, steps = 100, factor = .1 }, '
     '{ name = "exponential", lr = .1, steps = 1, rate = .9 } }, { 6 } }',
     torch_rates(lambda o: L.SequentialLR(o, [L.ConstantLR(o, .1, 100), L.ExponentialLR(o, .9)],
                                          [6]))),
    ("sequential", '{ { { name = "linear", lr = .1, steps = 4 }, '
     '{ name = "cosine_annealing", lr = .1, steps = 8 }, { name = "step", lr = .1, steps = 3 } }, '
     "{ 4, 12 } }",
     torch_rates(lambda o: L.SequentialLR(
         o, [L.LinearLR(o, total_iters=4), L.CosineAnnealingLR(o, 8), L.StepLR(o, 3)], [4, 12]))),
    ("chain", '{ { name = "constant_lr", lr = .1, steps = 5, factor = .1 }, '
     '{ name = "exponential", lr = .1, steps = 1, rate = .9 } }',
     torch_rates(lambda o: L.ChainedScheduler([L.ConstantLR(o, .1, 5), L.ExponentialLR(o, .9)]))),
    ("chain", '{ { name = "linear", lr = .1, steps = 6 }, { name = "step", lr = .1, steps = 4, '
     'rate = .5 }, { name = "multi_step", lr = .1, milestones = { 7, 9 } } }',
     torch_rates(lambda o: L.ChainedScheduler([L.LinearLR(o, total_iters=6), L.StepLR(o, 4, .5),
                                               L.MultiStepLR(o, [7, 9])]))),
    ("warmup", '{ 5, { name = "cosine", lr = .1, steps = 12 } }',
     keras_rates(S.CosineDecay(D(0), D(12), warmup_target=D(.1), warmup_steps=5))),
    ("warmup", '{ steps = 4, from = .02, schedule = { name = "cosine", lr = .1, steps = 9, '
     "alpha = .3 } }",
     keras_rates(S.CosineDecay(D(.02), D(9), D(.3), warmup_target=D(.1), warmup_steps=4))),
]

print("-- Written by spec/parity/schedules.py: Keras %s and PyTorch %s; rates of steps 0 to %d."
      % (keras.__version__, torch.__version__.split("+")[0], STEPS[-1]))
print("return {")
for name, options, (peer, rates) in ROWS:
    print('  { "%s", %s,\n    { %s }, peer = "%s" },'
          % (name, options, ", ".join("%r" % r for r in rates), peer))
print("}")
