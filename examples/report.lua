-- Reports: one HTML page, a curve as SVG, and JSON for other programs.
--
-- What you should see: the wine demo again, written as three files under the name of a temporary
-- file. Each is read back and checked: the page is complete and needs nothing from the network, the
-- curve is an SVG image, the JSON holds the verdict and the findings. Then the files are removed.
--
-- expected: wrote html %d+, svg %d+, json %d+ bytes, all as they should be

local ld = require "lossdbg"
local nn = ld.nn

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local train, test = assert(ld.data.csv(here .. "data/wine.csv", { label = "label" })):every(5)
local experiment = ld.experiment {
  train = train, val = test,
  model = nn.sequential { nn.dense { 32, "relu", init = "he_normal" }, nn.dense { 3, "softmax" } },
  loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = 0.1 },
  batch = 32, epochs = 30, seed = 1, name = "wine as it is",
}
local run = experiment:fit { verbose = 0 }
local diagnosis = experiment:diagnose { run = run }
print(diagnosis.verdict)

-- Saving returns true, or nil and a message.
local base = os.tmpname()
assert(diagnosis:save_html(base .. ".html"))
assert(run:save_svg(base .. ".svg"))
assert(diagnosis:save_json(base .. ".json"))

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end
local html, svg, json = read(base .. ".html"), read(base .. ".svg"), read(base .. ".json")

assert(html:find "^<!DOCTYPE html>" or html:find "^<!doctype html>", "not an HTML page")
assert(html:find("</html>%s*$"), "the page is not complete")
assert(html:find("unnormalised_inputs", 1, true), "the page does not name the cause")
assert(not html:find "src%s*=%s*\"http" and not html:find "href%s*=%s*\"http", "not self-contained")
assert(svg:find "<svg" and svg:find "</svg>%s*$", "not an SVG image")

local data = require("lossdbg.support.json").decode(json)
assert(data.schema == "lossdbg-diagnosis" and data.verdict.text == diagnosis.verdict)
assert(data.findings[1].rule == "unnormalised_inputs", "the JSON does not name the cause")
for i, finding in ipairs(data.findings) do
  print(("%2d  %-9s %s"):format(i, finding.severity, finding.title))
end

if arg and arg[1] == "keep" then
  print("kept as " .. base .. ".html, .svg, .json")
else
  for _, ending in ipairs { ".html", ".svg", ".json" } do os.remove(base .. ending) end
end
os.remove(base)
print(("wrote html %d, svg %d, json %d bytes, all as they should be"):format(#html, #svg, #json))
