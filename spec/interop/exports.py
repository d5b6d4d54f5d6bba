"""Our ONNX files in ONNX Runtime: the numbers of every output, with another batch size too."""

import glob
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing.name} is missing")
    print("0 passed, 0 failed")
    sys.exit(0)

here = os.path.dirname(os.path.abspath(__file__))
passed, failed = 0, 0


def check(name, ok, text=""):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {name} {text}")


def arrays(path, letter):
    return [np.load(f) for f in sorted(glob.glob(f"{path}.{letter}?.npy"))]


with tempfile.TemporaryDirectory() as folder:
    script = os.path.join(here, "..", "support", "onnx_exports.lua")
    subprocess.run([os.environ.get("LUA", "lua5.4"), script, folder], check=True,
                   cwd=os.path.join(here, "..", ".."))
    for path in sorted(glob.glob(folder + "/*.onnx")):
        name = os.path.basename(path)[:-5]
        try:
            import onnx

            onnx.checker.check_model(onnx.load(path), full_check=True)
            check(name + " (onnx.checker)", True)
        except ImportError:
            pass
        except Exception as e:
            check(name + " (onnx.checker)", False, str(e)[:300])
        try:
            session = onnxruntime.InferenceSession(path)
        except Exception as e:
            check(name, False, str(e)[:300])
            continue
        xs, ys = arrays(path[:-5], "x"), arrays(path[:-5], "y")
        for rows in (len(xs[0]), 1):
            feed = {}
            for info, x in zip(session.get_inputs(), xs):
                feed[info.name] = x[:rows].astype(np.int64 if "int64" in info.type else np.float32)
            for i, (got, wanted) in enumerate(zip(session.run(None, feed), ys)):
                wanted = wanted[:rows]
                gap = np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max())
                check(f"{name} output {i} rows {rows}", got.shape == wanted.shape and gap <= 1e-5,
                      f"{got.shape} {gap}")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
