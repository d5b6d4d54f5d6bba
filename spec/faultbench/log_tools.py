"""What small tools of the package index say of recorded curves, where they are installed.

    python3 spec/faultbench/log_tools.py FOLDER > ANSWERS.json

FOLDER holds ID.epochs.jsonl and ID.steps.jsonl. The answer: {tool: null} where it is not installed,
else {tool: {"version": ..., "cases": {ID: [finding, ...] or null}}}, null where the tool failed.
Findings are those that a user would act on: FAIL and WARN, warnings and worse, MEDIUM and HIGH.
Each tool gets the log that it is made for: trainpulse steps, the others epochs.
"""
import importlib.metadata
import json
import os
import subprocess
import sys


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def answer_of(module, arguments):
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True,
                          timeout=60)
    return json.loads(done.stdout)


def trainproof(epochs, _steps):
    report = answer_of("trainproof", ["doctor", epochs, "--format", "jsonl", "--json"])
    if report.get("error"):
        raise ValueError(report["error"])
    return [f["id"] for r in report["reports"] for f in r["findings"]
            if f["level"] in ("FAIL", "WARN")]


def runmedic(epochs, _steps):
    report = answer_of("runmedic", ["diagnose", epochs, "--json"])
    return [f["check"] for r in report for f in r["findings"]
            if f["severity"] in ("critical", "warning")]


def trainpulse(_epochs, steps):
    from trainpulse import Monitor
    monitor = Monitor()
    for i, row in enumerate(rows(steps)):  # the loss alone, as the others have it
        monitor.log("loss", i, float(row["loss"]))
    return sorted({a.detector for a in monitor.report().alerts
                   if a.severity.value in ("warning", "critical", "error")})


def sk_autod(epochs, _steps):
    from sk_autod import diagnose
    table = rows(epochs)
    train = [row["loss"] for row in table]
    held_out = [row.get("val_loss", row["loss"]) for row in table]  # it asks for both
    report = diagnose(train, held_out)
    return [f.detector_name for f in report.findings if f.severity.name in ("HIGH", "MEDIUM")]


TOOLS = {"trainproof": trainproof, "runmedic": runmedic, "trainpulse": trainpulse,
         "sk-autod": sk_autod}


def said(tool, folder, case):
    try:
        return tool(*(os.path.join(folder, case + end) for end in (".epochs.jsonl", ".steps.jsonl")))
    except Exception as error:  # what a tool does with odd curves is part of its answer
        print(f"{tool.__name__}: {case}: {error!r}"[:300], file=sys.stderr)
        return None


def main(folder):
    cases = sorted(name[:-len(".epochs.jsonl")] for name in os.listdir(folder)
                   if name.endswith(".epochs.jsonl"))
    answers = {}
    for name, tool in TOOLS.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            answers[name] = None
            continue
        answers[name] = {"version": version,
                         "cases": {case: said(tool, folder, case) for case in cases}}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
