"""HTML reports in headless Chromium, over chromedriver's own protocol: python3 pages.py [PAGE...]

Sections, console, requests, contrast (WCAG 2.1, 4.5 to 1) in both colour schemes, width of a phone,
keyboard, hover values, print. Pictures go to PICTURES, where that is set. Without a page: those of a script with a fault, of a
recorded run that is sound, and of one that is constant.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

passed, failed = 0, 0


def check(name, ok, text=""):
    global passed, failed
    passed, failed = passed + (1 if ok else 0), failed + (0 if ok else 1)
    if not ok:
        print(f"FAILED {name} {str(text)[:400]}")


class Driver:
    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.process = subprocess.Popen(["chromedriver", f"--port={port}"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.base = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                self.call("GET", "/status")
                break
            except OSError:
                time.sleep(0.1)
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": args},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.base += "/session/" + made["sessionId"]

    def call(self, method, path, body=None):
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def js(self, code, *args):
        return self.call("POST", "/execute/sync", {"script": code, "args": list(args)})

    def cdp(self, command, **given):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": given})

    def log(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.process.terminate()
            self.process.wait()


CONTRAST = """
const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
const lum = c => { const f = c.slice(0, 3).map(v => { v /= 255;
  return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
const under = e => { for (; e; e = e.parentElement) {
  const c = parse(getComputedStyle(e).backgroundColor);
  if (c.length === 3 || c[3] > 0.99) return c; } return [255, 255, 255]; };
const bad = [];
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  if (!own || !e.getClientRects().length) continue;
  if (['TITLE', 'DESC', 'SCRIPT', 'STYLE'].includes(e.tagName.toUpperCase())) continue;
  const s = getComputedStyle(e), ink = parse(e.ownerSVGElement ? s.fill : s.color);
  if (ink.length < 3) continue;
  const a = lum(ink), b = lum(under(e.ownerSVGElement ? e.ownerSVGElement : e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) bad.push([ratio.toFixed(2), e.tagName, e.textContent.trim().slice(0, 40)]);
}
return bad;
"""


def picture(driver, name):
    folder = os.environ.get("PICTURES")
    if folder:
        shot = driver.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        with open(os.path.join(folder, name + ".png"), "wb") as f:
            f.write(base64.b64decode(shot["data"]))


def size(driver, width, height):
    driver.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
               deviceScaleFactor=1, mobile=width < 500)


def page(driver, path):
    name = os.path.splitext(os.path.basename(path))[0]
    url = "file://" + os.path.abspath(path)
    driver.log("performance"), driver.log("browser")
    size(driver, 1000, 1400)
    driver.call("POST", "/url", {"url": url})
    check(name + ": one heading, and sections", driver.js(
        "return document.querySelectorAll('h1').length === 1 && "
        "document.querySelectorAll('h2').length >= 3"))
    errors = [e["message"] for e in driver.log("browser")]
    check(name + ": a silent console", not errors, errors)
    asked = []
    for entry in driver.log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    check(name + ": no request but the page", all(u in (url,) or u.startswith("data:")
                                                  for u in asked), asked)
    for scheme in "light", "dark":
        driver.cdp("Emulation.setEmulatedMedia", media="screen",
                   features=[{"name": "prefers-color-scheme", "value": scheme}])
        driver.js("for (const d of document.querySelectorAll('details')) d.open = true")
        bad = driver.js(CONTRAST)
        check(f"{name}: contrast, {scheme}", not bad, bad)
        picture(driver, f"{name}_{scheme}")
    size(driver, 360, 740)
    wide = driver.js("return [document.documentElement.scrollWidth, innerWidth]")
    check(name + ": fits a phone", wide[0] <= wide[1], wide)
    picture(driver, name + "_phone")
    size(driver, 1000, 1400)
    pictures = driver.js("""return [...document.querySelectorAll('svg')].filter(s =>
      !(s.querySelector(':scope > title') && (s.getAttribute('role') || '') === 'img')).length""")
    check(name + ": every picture has a name", pictures == 0, pictures)
    points = driver.js("return document.querySelectorAll('svg g title, svg rect > title, "
                       "svg circle > title, svg path > title').length")
    check(name + ": values on hover", points > 0, points)
    driver.js("for (const d of document.querySelectorAll('details')) d.open = false;"
              "window.scrollTo(0, 0); document.activeElement.blur()")
    if driver.js("return document.querySelectorAll('details').length"):
        opened = False
        for _ in range(40):
            driver.call("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": [
                {"type": "keyDown", "value": "\ue004"}, {"type": "keyUp", "value": "\ue004"}]}]})
            if driver.js("return document.activeElement.tagName === 'SUMMARY'"):
                driver.call("POST", "/actions", {"actions": [{"type": "key", "id": "k",
                            "actions": [{"type": "keyDown", "value": "\ue007"},
                                        {"type": "keyUp", "value": "\ue007"}]}]})
                opened = driver.js("return document.activeElement.parentElement.open")
                break
        check(name + ": folds open by keyboard", opened)
    driver.cdp("Emulation.setEmulatedMedia", media="print", features=[])
    pdf = base64.b64decode(driver.cdp("Page.printToPDF")["data"])
    check(name + ": prints", pdf[:5] == b"%PDF-" and len(pdf) > 10000, len(pdf))


SCRIPT = """
local ld = require "lossdbg"
local nn = ld.nn
local train, val = assert(ld.data.csv("examples/data/wine.csv",
  { label = "label" })):split(0.8, { seed = 1 })
return ld.experiment { train = train, val = val, loss = "sparse_crossentropy", batch = 32,
  model = nn.sequential { nn.dense { 32, "relu" }, nn.dense { 3, "softmax" } },
  optimizer = ld.optim.sgd { lr = 0.1 }, epochs = 30, seed = 7 }
"""


def make_pages(folder):
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    script, flat = os.path.join(folder, "faulty.lua"), os.path.join(folder, "flat.csv")
    with open(script, "w") as f:
        f.write(SCRIPT)
    with open(flat, "w") as f:
        f.write("epoch,loss,val_loss\n" + "".join(f"{i},0.5,0.6\n" for i in range(12)))
    pages = []
    for name, source in (("faulty", script), ("flat", flat), ("sound", "spec/recorded/keras")):
        pages.append(os.path.join(folder, name + ".html"))
        code = "os.exit(require('lossdbg.cli').main(arg))"
        subprocess.run([os.environ.get("LUA", "lua5.4"), "-e", code, "/dev/null", "diagnose",
                        source, "--budget", "3", "--html", pages[-1]], cwd=here,
                       stdout=subprocess.DEVNULL)
    return pages


if not shutil.which("chromedriver"):
    print("skipped: chromedriver is missing")
else:
    with tempfile.TemporaryDirectory() as made:
        pages = sys.argv[1:] or make_pages(made)
        browser = Driver()
        try:
            for one in pages:
                page(browser, one)
        finally:
            browser.close()
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
