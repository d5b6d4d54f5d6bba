--- Sections of the HTML report that are mostly tables: layers, side tests, checks, data,
--- configuration, environment. Called through lossdbg.view.html_sections.
local figure = require "lossdbg.view.figure"
local markup = require "lossdbg.view.markup"
local number = require "lossdbg.support.number"
local phrase = require "lossdbg.view.phrase"
local svg = require "lossdbg.view.svg"
local text = require "lossdbg.support.text"

local M = {}

local escape = markup.escape

local function sorted_keys(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    if type(a) == "number" then return a < b end
    return text.before(tostring(a), tostring(b))
  end)
  return keys
end

-- Layer paths in the order of the description, then those it does not know.
local function layer_order(run, measured)
  local out, known = {}, {}
  for _, layer in ipairs(run.description and run.description.layers or {}) do
    if measured[layer.path] then
      out[#out + 1], known[layer.path] = layer.path, true
    end
  end
  for _, path in ipairs(sorted_keys(measured)) do
    if not known[path] then out[#out + 1] = path end
  end
  return out
end

local function heat_of(order, measured, field, title, id)
  local rows, stride = {}, nil
  for _, path in ipairs(order) do
    local values = measured[path] and measured[path][field]
    if type(values) == "table" then
      rows[#rows + 1] = { name = path, values = values }
      stride = measured[path].stride or stride
    end
  end
  local xlabel = stride and stride > 1 and ("one step in %d"):format(stride) or "step"
  return figure.heat(rows, { inline = true, width = 860, title = title, id = id, xlabel = xlabel })
end

local function share(value)
  return value ~= nil and number.percent(value) or ""
end

local function last_finite(list)
  return type(list) == "table" and list[#list] or nil
end

local function layer_rows(run, order, measured)
  local final = run.signals.final and run.signals.final.layers or {}
  local rows = {}
  for _, path in ipairs(order) do
    local m, f = measured[path], final[path] or {}
    local gradient, weight = last_finite(m.grad_norm), last_finite(m.weight_norm)
    rows[#rows + 1] = { path, gradient or "", last_finite(m.update_norm) or "", weight or "",
      m.ratio_median and number.short(m.ratio_median, 2) or "",
      share(m.zero_grad), share(f.dead_share), share(f.saturated_share) }
  end
  return rows
end

-- What the probe rows make of each layer before and after training.
local function state_rows(run)
  local rows, signals = {}, run.signals
  local function cells(path, when, s)
    if not s then return end
    local function value(name) return s[name] and number.short(s[name]) or "" end
    rows[#rows + 1] = { path, when,
      s.act_mean and ("%s ± %s"):format(value "act_mean", value "act_std") or "",
      s.act_min and ("%s … %s"):format(value "act_min", value "act_max") or "",
      share(s.zero_share), share(s.saturated_units), value "weight_rms",
      (s.weight_nonfinite or 0) > 0 and s.weight_nonfinite .. " not finite"
        or value "weight_max", value "grad_rms" }
  end
  local first, last = (signals.init or {}).layers or {}, (signals.final or {}).layers or {}
  for _, path in ipairs(layer_order(run, first)) do
    cells(path, "before", first[path])
    cells(path, "after", last[path])
  end
  return rows
end

function M.layers(H, section, card, run)
  local measured = run.signals and run.signals.layers
  if type(measured) ~= "table" or next(measured) == nil then return "" end
  local order = layer_order(run, measured)
  local out = {}
  local outputs = run.signals.outputs or {}
  for _, f in ipairs { { "grad_norm", "gradient norm", measured },
    { "ratio", "update / weight", measured }, { "std", "spread of the output", outputs },
    { "zero_share", "zeros in the output", outputs } } do
    local picture = heat_of(f[3] == outputs and layer_order(run, outputs) or order, f[3], f[1],
      f[2] .. ", layer by step", "heat-" .. markup.id(f[1]))
    if picture then out[#out + 1] = card("<figure>" .. picture .. "</figure>") end
  end
  out[#out + 1] = card(H.grid({ "layer", "|gradient|", "|update|", "|weights|", "update/weight",
    "steps without gradient", "dead", "saturated" }, layer_rows(run, order, measured))
    .. "<p class=\"dim\">Healthy update/weight: 1e-4 … 1e-2. Last measured values; the ratio is a "
    .. "median.</p>")
  local state = state_rows(run)
  if #state > 0 then
    out[#out + 1] = card(H.grid({ "layer", "when", "output", "range", "zeros", "units saturated",
      "weights, RMS", "largest weight", "gradient, RMS" }, state)
      .. "<p class=\"dim\">On the probe rows, in evaluation: mean ± standard deviation.</p>")
  end
  return section("Layers", table.concat(out))
end

local function lr_range(card, t)
  return card(svg.plot({ { name = "loss", y = t.losses, x = t.lrs } }, { inline = true,
    id = "lr-range", width = 860, height = 240, title = "learning rate range test", smooth = 0,
    log_x = true, xlabel = "learning rate (log scale)",
    marks = t.suggestion and { { x = t.suggestion, label = "suggested" } } or nil })
    .. (t.suggestion and "<p>suggested lr <b>" .. escape(number.short(t.suggestion)) .. "</b></p>"
      or ""))
end

function M.tests(H, section, card, run)
  local t = run.signals and run.signals.tests
  if type(t) ~= "table" then return "" end
  local out, rows = {}, {}
  if t.lr_range and type(t.lr_range.lrs) == "table" and type(t.lr_range.losses) == "table" then
    out[1] = lr_range(card, t.lr_range)
  end
  local function verdict(passed) return passed and "passed" or "failed" end
  if t.overfit_batch then
    local o = t.overfit_batch
    rows[#rows + 1] = { "fit one batch", verdict(o.passed),
      ("loss %s after %s steps, from %s"):format(number.format(o.loss), number.any(o.steps),
        number.format(o.start)) }
  end
  if t.gradcheck then
    local g = t.gradcheck
    rows[#rows + 1] = { "gradient check", verdict(g.passed),
      ("largest relative error %s%s"):format(number.format(g.max_error),
        g.worst and " in " .. tostring(g.worst) or "") }
  end
  if t.data_independence then
    local d = t.data_independence
    rows[#rows + 1] = { "depends on the data", verdict(not d.independent),
      ("loss %s, with shuffled labels %s"):format(number.format(d.real),
        number.format(d.shuffled)) }
  end
  if t.line and t.line.best_median then
    rows[#rows + 1] = { "step along the update", "", "best multiple of the step, median "
      .. number.format(t.line.best_median) }
  end
  if #rows > 0 then out[#out + 1] = card(H.grid({ "test", "", "numbers" }, rows)) end
  return section("Side tests", table.concat(out))
end

function M.checks(H, section, card, diagnosis)
  local out = {}
  local checked = diagnosis.checked or {}
  if #checked > 0 then
    local items = {}
    for i, rule in ipairs(checked) do items[i] = "<li><code>" .. escape(rule) .. "</code></li>" end
    out[1] = card("<h3>Passed: " .. #checked .. "</h3><ul class=\"plain\">" .. table.concat(items)
      .. "</ul>")
  end
  local unjudged = diagnosis.unjudged or {}
  if #unjudged > 0 then
    local rows = {}
    for i, u in ipairs(unjudged) do rows[i] = { u.rule or "", u.why or "" } end
    out[#out + 1] = card("<h3>Not judged: " .. #unjudged .. "</h3>"
      .. H.grid({ "rule", "why" }, rows))
  end
  local skipped = diagnosis.skipped or {}
  if #skipped > 0 then
    local rows = {}
    for i, u in ipairs(skipped) do rows[i] = { u.rule or "", u.why or "" } end
    out[#out + 1] = card("<details><summary>Not for this network: " .. #skipped .. "</summary>"
      .. H.grid({ "rule", "why" }, rows) .. "</details>")
  end
  return section("Checks", table.concat(out))
end

local function class_rows(y)
  local rows = {}
  for _, id in ipairs(sorted_keys(y.counts)) do
    local prior = y.prior and y.prior[id]
    rows[#rows + 1] = { number.any(id), y.counts[id], prior and number.percent(prior) or "" }
    if #rows == 50 then break end
  end
  return rows
end

local function feature_rows(x, names)
  local rows, f = {}, x.feature
  for j = 1, math.min(#f.mean, 60) do
    rows[j] = { names and names[j] or "column " .. j, f.mean[j], f.std and f.std[j] or "",
      f.min and f.min[j] or "", f.max and f.max[j] or "" }
  end
  return rows
end

function M.data(H, section, card, run)
  local d = run.signals and run.signals.data
  if type(d) ~= "table" then return "" end
  local out, rows = {}, {}
  local function put(name, value)
    if value ~= nil then rows[#rows + 1] = { name, number.any(value) } end
  end
  local x, y = d.x or {}, d.y or {}
  put("rows", d.n)
  put("features", d.d)
  put("inputs", x.min and ("%s … %s, mean %s, sd %s"):format(number.format(x.min),
    number.format(x.max), number.format(x.mean), number.format(x.std)) or nil)
  put("values that are not finite", x.nonfinite and x.nonfinite.count)
  put("constant features", x.constant and x.constant.count)
  put("largest feature", x.largest and ("%s in %s"):format(number.format(x.largest.max_abs),
    x.largest.name or "column " .. number.any(x.largest.column)) or nil)
  put("targets", y.kind)
  put("classes", y.classes)
  put("entropy of the classes", y.entropy)
  put("middle target", y.kind == "real" and y.median and ("%s, middle distance from it %s"):format(
    number.format(y.median), number.format(y.mad)) or nil)
  put("variance of the target", y.kind == "real" and y.var or nil)
  put("duplicate rows", d.duplicates and number.percent(d.duplicates.share))
  put("validation rows also in training", d.val and d.val.leak_share
    and number.percent(d.val.leak_share))
  out[1] = card(H.grid(nil, rows))
  if type(y.counts) == "table" and next(y.counts) ~= nil then
    out[2] = card(H.grid({ "class", "rows", "share" }, class_rows(y)))
  end
  if type(x.feature) == "table" and type(x.feature.mean) == "table" then
    out[#out + 1] = card("<details><summary>features</summary>" .. H.grid({ "feature", "mean",
      "sd", "min", "max" }, feature_rows(x, d.names)) .. "</details>")
  end
  return section("Data", table.concat(out))
end

function M.configuration(H, section, card, run)
  local d = run.description
  if type(d) ~= "table" then return "" end
  local rows = {}
  for i, layer in ipairs(d.layers or {}) do
    rows[i] = { layer.path or "", layer.kind or "", phrase.shape(layer.output_shape),
      layer.activation or "", layer.n_parameters or 0, layer.init or "", layer.source or "" }
  end
  local out = {}
  if #rows > 0 then
    out[1] = card(H.grid({ "layer", "kind", "output", "activation", "parameters", "initialiser",
      "written at" }, rows))
  end
  local settings = {}
  for _, key in ipairs(sorted_keys(d)) do
    local value = d[key]
    if key ~= "layers" and type(key) == "string" then
      settings[#settings + 1] = { key, type(value) == "table" and phrase.patch(value)
        or number.any(value) }
    end
  end
  if #settings > 0 then out[#out + 1] = card(H.grid(nil, settings)) end
  return section("Configuration", table.concat(out))
end

function M.environment(H, section, card, environment)
  if type(environment) ~= "table" or next(environment) == nil then return "" end
  local rows = {}
  for i, key in ipairs(sorted_keys(environment)) do
    local value = environment[key]
    rows[i] = { tostring(key), type(value) == "table" and phrase.patch(value)
      or number.any(value) }
  end
  return section("Environment", card(H.grid(nil, rows)))
end

return M
