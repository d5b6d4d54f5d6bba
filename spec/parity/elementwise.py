#!/usr/bin/env python3
"""Writes elementwise.lua: functions of one variable at 500 digits (mpmath), rounded to float64.

    python3 spec/parity/elementwise.py > spec/parity/elementwise.lua

The arguments are exact in float32, so that one table serves both float types.
Also the dropout mask from Philox4x32-10 as published (Salmon et al., SC 2011), key = seed,
counter = (block, stream), both as two 32-bit words, low word first.
"""
from mpmath import mp, mpf, exp, log, log1p, expm1, sqrt, sin, cos, tan, erf, erfc, tanh, pi, floor

mp.dps = 500
ARGUMENTS = [-90.0, -20.0, -3.5, -1.0, -0.3125, -(2.0**-10), -(2.0**-33), 0.0,
             2.0**-33, 0.3125, 1.0, 2.5, 6.5, 20.0, 80.0]
ALPHA, SCALE = mpf("1.6732632423543772848170429916717"), mpf("1.0507009873554804934193349852946")


def softplus(x):
    return log1p(exp(x))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def elu(alpha):
    return lambda x: x if x > 0 else alpha * expm1(x)


def relu6(x):
    return min(max(x, mpf(0)), mpf(6))


FUNCTIONS = {
    "neg": lambda x: -x, "exp": exp, "expm1": expm1, "square": lambda x: x * x, "abs": abs,
    "sin": sin, "cos": cos, "tan": tan, "floor": floor, "erf": erf,
    "relu": lambda x: max(x, mpf(0)), "leaky_relu": lambda x: x if x > 0 else x * mpf(0.2),
    "elu": elu(1), "celu": elu(1), "selu": lambda x: SCALE * elu(ALPHA)(x),
    "gelu": lambda x: x * erfc(-x / sqrt(mpf(2))) / 2,
    "silu": lambda x: x * sigmoid(x), "mish": lambda x: x * tanh(softplus(x)),
    "softplus": softplus, "softsign": lambda x: x / (1 + abs(x)), "tanh": tanh,
    "sigmoid": sigmoid, "hard_sigmoid": lambda x: relu6(x + 3) / 6,
    "hard_silu": lambda x: x * relu6(x + 3) / 6, "relu6": relu6,
    "log_sigmoid": lambda x: -softplus(-x),
}
POSITIVE = {"log": log, "sqrt": sqrt, "reciprocal": lambda x: 1 / x, "log1p": log1p}


def gelu_tanh(x):
    return x * (1 + tanh(sqrt(2 / pi) * (x + mpf("0.044715") * x**3))) / 2


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def mask(seed, stream, rate, n):
    low = 0xFFFFFFFF
    words = []
    for block in range((n + 3) // 4):
        words += philox((block & low, block >> 32, stream & low, stream >> 32),
                        (seed & low, seed >> 32))
    return [int(w >= rate * 2**32) for w in words[:n]]


def row(name, values):
    print(f"  {name} = {{ {', '.join(float(v).hex() for v in values)} }},")


assert philox((0, 0, 0, 0), (0, 0)) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
print("-- Written by elementwise.py beside it (mpmath, 500 digits); not by hand.")
print("-- luacheck: no max line length")
print("local M = {}")
print("M.arguments = {", ", ".join(x.hex() for x in ARGUMENTS), "}")
print("M.values = {")
for name, f in FUNCTIONS.items():
    row(name, [f(mpf(x)) for x in ARGUMENTS])
print("}\nM.gelu_tanh = {", ", ".join(float(gelu_tanh(mpf(x))).hex() for x in ARGUMENTS), "}")
print("M.positive_arguments = {", ", ".join(x.hex() for x in ARGUMENTS if x > 0), "}")
print("M.positive_values = {")
for name, f in POSITIVE.items():
    row(name, [f(mpf(x)) for x in ARGUMENTS if x > 0])
print("}")
print("M.dropout = { seed = 7, stream = 3, rate = 0.4, mask = {",
      ", ".join(str(b) for b in mask(7, 3, 0.4, 26)), "} }")
print("return M")
