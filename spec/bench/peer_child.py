"""What the peers share: initial numbers from the file that lossdbg wrote, and the child's side of
the protocol of child.lua (one JSON line when ready, then one JSON line per command)."""
import json
import math
import os
import resource
import signal
import sys
import time

import numpy as np

STEPS = 20  # whose losses are compared


def read_safetensors(path):
    """name -> array; see https://github.com/huggingface/safetensors"""
    kinds = {"F32": np.float32, "I32": np.int32}
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            part = np.frombuffer(data[8 + size + first:8 + size + last], kinds[entry["dtype"]])
            arrays[name] = part.reshape(entry["shape"]).copy()
    return arrays


def initial(path):
    """Inputs, targets and parameters in lossdbg's order, without moving statistics (0 and 1)."""
    arrays = read_safetensors(path)
    inputs = [arrays[name] for name in sorted(arrays) if name.startswith("x")]
    weights = [arrays[name] for name in sorted(arrays)
               if name.startswith("p") and "/moving_" not in name]
    return inputs, arrays["y"], weights


def answer(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def peak_mb():
    unit = 1024 ** 2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def serve(prepare):
    """prepare(workload, threads, path, variant) -> one(), many(n), version. one() gives the loss of
    one step as a float; many(n) does n steps and waits until the last is done."""
    workload, threads, path, variant, limit = sys.argv[1:6]
    if hasattr(signal, "alarm"):
        signal.alarm(int(limit))  # compilers that do not end
    try:
        one, many, version = prepare(workload, int(threads), path, variant)
        losses = [one() for _ in range(STEPS)]
        if not all(math.isfinite(loss) for loss in losses):
            raise ValueError("a loss is not finite")
    except Exception as error:  # a peer that fails is a note, whatever the reason
        answer(error=(type(error).__name__ + ": " + str(error)).split("\n")[0][:200])
        return
    if hasattr(signal, "alarm"):
        signal.alarm(0)
    answer(loss_first=losses[0], loss_last=losses[-1], version=version, rss_mb=peak_mb(),
           cpu=time.process_time())
    per_step = None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            break
        budget = float(words[1])
        n = 1 if per_step is None else max(1, math.ceil(budget / per_step))
        while True:
            start = time.perf_counter()
            many(n)
            spent = time.perf_counter() - start
            if per_step is not None or spent >= budget / 2:
                break
            n = max(n + 1, min(n * 10, math.ceil(n * budget / max(spent, 1e-9))))
        per_step = spent / n
        answer(us=per_step * 1e6, steps=n, rss_mb=peak_mb(), cpu=time.process_time())


def pinned(threads):
    """The environment of every library here, before it is loaded."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                 "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
