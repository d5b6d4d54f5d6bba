--- The sections of the HTML report; each returns markup, empty when nothing was measured.
local figure = require "lossdbg.view.figure"
local markup = require "lossdbg.view.markup"
local front = require "lossdbg.view.front"
local number = require "lossdbg.support.number"
local phrase = require "lossdbg.view.phrase"
local series = require "lossdbg.view.series"
local svg = require "lossdbg.view.svg"
local text = require "lossdbg.support.text"

local M = {}

local escape, format = markup.escape, number.format

-- Columns that hold something in a row.
local function filled(rows)
  local keep = {}
  for _, row in ipairs(rows) do
    for c, cell in ipairs(row) do keep[c] = keep[c] or cell ~= "" end
  end
  return keep
end

local function is_number(cell)
  if type(cell) == "number" then return true end
  return type(cell) == "string" and cell:find("^[<>]? ?%-?[%d%.]+e?%-?%d* ?%%?$") ~= nil
end

--- Table with numbers and shares to the right (without a header: names and values, to the left);
--- columns without any content are left out.
---@param header string[]|nil
---@param rows (string|number)[][]
---@return string
function M.grid(header, rows)
  local out = { "<div class=\"scroll\"><table>" }
  local keep = filled(rows)
  local function row_of(cells, tag)
    local line = { "<tr>" }
    for c, cell in ipairs(cells) do
      if keep[c] then
        local shown = tag == "th" and rows[1][c] or cell
        local class = header and is_number(shown) and " class=\"num\"" or ""
        line[#line + 1] = ("<%s%s>%s</%s>"):format(tag, class,
          escape(type(cell) == "number" and number.any(cell) or cell), tag)
      end
    end
    out[#out + 1] = table.concat(line) .. "</tr>"
  end
  if header then row_of(header, "th") end
  for _, row in ipairs(rows) do row_of(row, "td") end
  out[#out + 1] = "</table></div>"
  return table.concat(out)
end

local function section(title, content)
  if content == "" then return "" end
  return "<section><h2>" .. escape(title) .. "</h2>\n" .. content .. "</section>\n"
end

local function card(content) return "<div class=\"card\">" .. content .. "</div>\n" end

function M.subtitle(run, opts)
  local words = { phrase.extent(run) }
  if opts.date then words[#words + 1] = tostring(opts.date) end
  local model = phrase.model(run.description or {})
  return "<p class=\"dim\">" .. escape(table.concat(words, " · ")) .. "</p>\n"
    .. (model and "<p>" .. escape(model) .. "</p>\n" or "")
end

local CLASS = { error = "bad", warning = "warn", info = "info" }

function M.verdict(diagnosis)
  local worst = "good"
  for _, finding in ipairs(diagnosis) do
    local class = CLASS[finding.severity]
    if class == "bad" or (class == "warn" and worst == "good") then worst = class end
  end
  local probability = diagnosis.probability
  return ("<div class=\"card verdict %s\" role=\"status\">%s%s</div>\n"):format(
    diagnosis.mood or worst,
    escape(diagnosis.verdict or "no verdict"), number.is_finite(probability)
      and "<div class=\"dim\">probability " .. number.fixed(probability, 2) .. "</div>" or "")
end

function M.outcome(_, sentence)
  return sentence and "<div class=\"card verdict\" role=\"status\">" .. escape(sentence)
    .. "</div>\n" or ""
end

local function tile(value, label)
  return "<div class=\"tile\"><b>" .. escape(value) .. "</b><span>" .. escape(label)
    .. "</span></div>"
end

--- The few numbers one looks for first.
function M.tiles(run)
  local h, s, out = run.history or {}, run.signals or {}, {}
  local function last(list) return type(list) == "table" and list[#list] or nil end
  local loss = h.loss
  if type(loss) == "table" and #loss > 0 then
    out[1] = tile(format(loss[#loss]), "loss, first " .. format(loss[1]))
  end
  local val = last(h.val_loss)
  if val then out[#out + 1] = tile(format(val), "validation loss") end
  if s.baseline then
    out[#out + 1] = tile(format(s.baseline, 5), s.baseline_name or "best constant answer")
  end
  local of_val = last(h.val_accuracy)
  local accuracy, label = of_val or last(h.accuracy) or s.accuracy,
    of_val and "validation accuracy" or "accuracy"
  if accuracy then
    out[#out + 1] = tile(number.percent(accuracy), s.majority
      and label .. ", majority class " .. number.percent(s.majority) or label)
  end
  if run.seconds then out[#out + 1] = tile(number.duration(run.seconds), "training time") end
  return #out > 0 and "<div class=\"tiles\">" .. table.concat(out) .. "</div>\n" or ""
end

local function trial_pictures(trial, id)
  local c = trial.curves
  if type(c) == "table" then
    local curves = {}
    for _, pair in ipairs { { "before", "before" }, { "placebo", "placebo" },
      { "after", "with the fix" } } do
      if type(c[pair[1]]) == "table" then
        curves[#curves + 1] = { name = pair[2], y = c[pair[1]] }
      end
    end
    if #curves > 0 then
      return svg.plot(curves, { inline = true, id = id, width = 560, height = 190, smooth = 0,
        title = "trial: " .. tostring(trial.metric or "loss"), xlabel = "epoch" })
    end
  end
  return figure.strip(trial, { inline = true, id = id, width = 560, title = "trial" }) or ""
end

local function fix_markup(fix, id)
  local out = { "<div class=\"fix\"><b>Fix.</b> " .. escape(fix.text or "") }
  if type(fix.patch) == "table" then
    out[#out + 1] = "<code class=\"patch\">experiment:with " .. escape(phrase.patch(fix.patch))
      .. "</code>"
  end
  if type(fix.trial) == "table" then
    local verified = fix.trial.verified
    out[#out + 1] = ("<p><span class=\"tag %s\">%s</span> %s</p>"):format(
      verified and "good" or "info", verified and "verified" or "tried",
      escape((phrase.trial(fix.trial):gsub("^%a+: ", ""):gsub("%->", "→"))))
    out[#out + 1] = trial_pictures(fix.trial, id)
  end
  return table.concat(out, "\n") .. "</div>\n"
end

local function finding_markup(i, finding, links)
  local class = CLASS[finding.severity] or "info"
  local out = { ("<article class=\"card finding %s\"><header><h3>%d. %s</h3>"):format(class, i,
    escape(finding.title or finding.rule or "")) }
  out[#out + 1] = ("<span class=\"tag %s\">%s</span>"):format(class,
    escape(finding.severity or ""))
  local p = finding.probability
  local sure = number.is_finite(p) and number.fixed(p, 2) or finding.class
  if sure then
    out[#out + 1] = "<span class=\"dim num\">" .. escape(sure) .. "</span>"
  end
  local place = phrase.where(finding.where)
  out[#out + 1] = "</header><p class=\"dim\"><code>" .. escape(finding.rule or "") .. "</code>"
    .. (place and " at " .. escape(place) or "") .. "</p>"
  local rows = {}
  for _, e in ipairs(finding.evidence or {}) do
    rows[#rows + 1] = { e.name or "", type(e.value) == "number" and e.value
      or e.value ~= nil and number.any(e.value) or "",
      e.reference == nil and "" or number.any(e.reference), e.note or "" }
  end
  if #rows > 0 then
    out[#out + 1] = M.grid({ "evidence", "value", "reference", "" }, rows)
  end
  for _, link in ipairs(links or phrase.links(finding)) do
    out[#out + 1] = "<p class=\"dim\">" .. escape(link) .. "</p>"
  end
  for k, fix in ipairs(finding.fixes or {}) do
    out[#out + 1] = fix_markup(fix, ("trial-%d-%d"):format(i, k))
  end
  return table.concat(out, "\n") .. "</article>\n"
end

--- At most three causes in front, with what follows from each; everything else behind a fold.
function M.findings(diagnosis)
  local out, shown, rest = {}, {}, {}
  for i, one in ipairs((front.arrange(diagnosis))) do
    local links = #one.folded > 0 and front.consequences(one) or nil
    out[i], shown[one.index] = finding_markup(one.index, one.finding, links), true
  end
  for i, finding in ipairs(diagnosis) do
    if not shown[i] then rest[#rest + 1] = finding_markup(i, finding) end
  end
  if #rest > 0 then
    out[#out + 1] = ("<details><summary>%d more: what follows, and remarks</summary>%s</details>")
      :format(#rest, table.concat(rest))
  end
  return section("Findings", table.concat(out))
end

--- A picture with its numbers as a table for those who cannot see it; linear and logarithmic form
--- side by side with a switch when both make sense.
local function curve_figure(curves, opts)
  local lo, hi = series.extent(series.curves(curves), "y")
  local picture
  if lo and lo > 0 and hi / lo > 4 then
    local first_log = series.wants_log(lo, hi)
    local id = opts.id
    opts.log_y, opts.id = false, id .. "-linear"
    local linear = svg.plot(curves, opts)
    opts.log_y, opts.id = true, id .. "-log"
    picture = ("<div class=\"toggle\"><input type=\"checkbox\" id=\"%s-switch\"%s/>"
      .. "<label for=\"%s-switch\">log scale</label><div class=\"linear\">%s</div>"
      .. "<div class=\"log\">%s</div></div>"):format(id, first_log and " checked=\"checked\"" or "",
      id, linear, svg.plot(curves, opts))
  else
    opts.log_y = false
    picture = svg.plot(curves, opts)
  end
  local header, rows, n = { opts.xlabel or "" }, {}, 0
  for _, c in ipairs(curves) do
    header[#header + 1] = c.name
    n = math.max(n, #c.y)
  end
  local every = math.max(1, math.ceil(n / 60))
  for i = 1, n do
    if i == 1 or i == n or i % every == 0 then
      local row = { i }
      for _, c in ipairs(curves) do row[#row + 1] = c.y[i] == nil and "" or c.y[i] end
      rows[#rows + 1] = row
    end
  end
  return card("<figure>" .. picture .. "</figure><details><summary>numbers</summary>"
    .. M.grid(header, rows) .. "</details>")
end

M.curve_figure = curve_figure

local function pair_of(h, name)
  local curves = { { name = name, y = h[name] } }
  if type(h["val_" .. name]) == "table" then
    curves[2] = { name = "val_" .. name, y = h["val_" .. name] }
  end
  return curves
end

local function metric_names(h)
  local names = {}
  for name, list in pairs(h) do
    local base = name:gsub("^val_", "")
    if type(list) == "table" and #list > 0 and name ~= "lr"
      and (base == name or type(h[base]) ~= "table") then
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b)
    if (a == "loss") ~= (b == "loss") then return a == "loss" end
    return text.before(a, b)
  end)
  return names
end

function M.curves(run)
  local h, s, out = run.history or {}, run.signals or {}, {}
  for i, name in ipairs(metric_names(h)) do
    local levels
    if name == "loss" and s.baseline then
      levels = { { value = s.baseline, label = s.baseline_name or "best constant answer" } }
    elseif name == "accuracy" and s.majority then
      levels = { { value = s.majority, label = "majority class" } }
    end
    out[#out + 1] = curve_figure(pair_of(h, name), { inline = true, id = "metric-" .. i,
      width = 860, title = name, xlabel = "epoch", levels = levels })
  end
  local steps = run.steps and run.steps.loss or s.loss
  if type(steps) == "table" and #steps > math.max(1, #(h.loss or {})) then
    out[#out + 1] = curve_figure({ { name = "loss per step", y = steps } }, { inline = true,
      id = "steps-loss", width = 860, title = "loss per step", xlabel = "step" })
  end
  local lr_steps = run.steps and run.steps.lr
  local lr = lr_steps or h.lr
  local lo, hi = series.range(type(lr) == "table" and lr or {})
  if lo and hi > lo then
    out[#out + 1] = curve_figure({ { name = "lr", y = lr } }, { inline = true, id = "rate",
      width = 860, height = 200, title = "learning rate", smooth = 0,
      xlabel = lr_steps and "step" or "epoch" })
  end
  return section("Learning curves", table.concat(out))
end

for _, name in ipairs { "layers", "tests", "checks", "data", "configuration", "environment" } do
  M[name] = function(...)
    return require("lossdbg.view.html_tables")[name](M, section, card, ...)
  end
end

return M
