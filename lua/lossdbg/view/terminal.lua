--- Runs and diagnoses as text for the terminal: 80 columns, no colour needed.
local metric = require "lossdbg.metric"
local number = require "lossdbg.support.number"
local phrase = require "lossdbg.view.phrase"
local sparkline = require("lossdbg.view.sparkline").sparkline
local text = require "lossdbg.support.text"

local M = {}

local format, clean = number.format, text.clean

---@class lossdbg.terminal_options
---@field width integer|nil   columns, default 80
---@field color boolean|nil   ANSI colours, default off
---@field ascii boolean|nil   no block characters in the sparklines
---@field all boolean|nil     all findings, all fixes with their patches, all rules
---@field limit integer|nil   most findings shown, default 3
---@field name string|nil     name of the run, default run.name
---@field report string|nil   path of the HTML report, for the last line
---@field exit integer|nil    status that the program ends with, default the diagnosis' own

local function new_page(opts)
  opts = opts or {}
  return { width = opts.width or 80, opts = opts, lines = {}, paint = text.painter(opts.color) }
end

local function add(page, line) page.lines[#page.lines + 1] = line end

local function add_all(page, lines, style)
  for _, line in ipairs(lines) do add(page, style and page.paint(line, style) or line) end
end

local function render(page) return table.concat(page.lines, "\n") end

local function last_of(list)
  if type(list) ~= "table" then return nil end
  return list[#list]
end

local function header(page, left, right)
  add(page, text.ends(left, right, page.width) or text.cut(left, page.width))
end

local function run_name(run, opts)
  local name = opts.name or run.name or run.description and run.description.name
  return name and clean(name) or nil
end

-- "3.1e-09 … 2.8e-09" of a measured list, or nil.
local function ends_of(list)
  if type(list) ~= "table" or #list == 0 then return nil end
  return format(list[1], 2) .. " … " .. format(list[#list], 2)
end

--- Smallest and largest of the layers' median update/weight ratios, in words; nil if not measured.
local function ratio_words(signals)
  local lo, hi
  for _, layer in pairs(signals and signals.layers or {}) do
    local r = layer.ratio_median
    if number.is_finite(r) then
      lo, hi = math.min(lo or r, r), math.max(hi or r, r)
    end
  end
  if not lo then return nil end
  local value = number.short(lo, 2)
  if hi > lo * 1.5 then value = value .. " … " .. number.short(hi, 2) end
  return "update/weight " .. value .. " (healthy 1e-4 … 1e-2)"
end

local function majority_words(signals)
  local majority = signals and (signals.majority
    or signals.data and signals.data.y and signals.data.y.majority)
  return majority and "majority class " .. format(majority, 3) or nil
end

-- One history line: label, first, sparkline, last, note.
local function curve_line(page, label, wide, values, columns, note)
  local spark = sparkline(values, columns, { ascii = page.opts.ascii, flat = 0.01 })
  local left = "  " .. text.pad(label, wide) .. "  "
  local line = left .. format(values[1]) .. " " .. page.paint(spark, "cyan") .. " "
    .. format(values[#values])
  add_all(page, text.flow({ line:sub(3), note }, "   ", page.width, "  ",
    (" "):rep(wide + 4)))
end

local function best_note(name, values, better)
  local higher = metric.direction(name, better) == "max"
  local best, at
  for i, v in ipairs(values) do
    if number.is_finite(v) and (not best or (higher and v > best) or (not higher and v < best)) then
      best, at = v, i
    end
  end
  if not best or at == #values then return nil end
  if math.abs(best - values[#values]) <= 0.001 * math.abs(best) then return nil end
  return ("best %s (epoch %d)"):format(format(best), at)
end

local RANK = { loss = 1, val_loss = 2 }

local function history_names(history)
  local names = {}
  for name, values in pairs(history or {}) do
    if type(values) == "table" and #values > 0 and name ~= "lr" then names[#names + 1] = name end
  end
  table.sort(names, function(a, b)
    local x, y = RANK[a] or 3, RANK[b] or 3
    if x ~= y then return x < y end
    local p, q = a:gsub("^val_", ""), b:gsub("^val_", "")
    if p ~= q then return text.before(p, q) end
    return #a < #b
  end)
  return names
end

local function card_curves(page, run, wide)
  for _, name in ipairs(history_names(run.history)) do
    local values = run.history[name]
    local note = best_note(name, values, run.better)
    if name:find("accuracy", 1, true) and not name:find("^val_") then
      local majority = majority_words(run.signals)
      if majority then note = (note and note .. "   " or "") .. majority end
    end
    curve_line(page, clean(name), wide, values, 26, note)
  end
end

local function card_rates(page, run, wide)
  local pieces = {}
  local lr = run.history and run.history.lr or run.steps and run.steps.lr
  if type(lr) == "table" and #lr > 0 then
    local first, last = number.short(lr[1]), number.short(lr[#lr])
    pieces[1] = first == last and first or first .. " … " .. last
  elseif run.description and run.description.optimizer and run.description.optimizer.lr then
    pieces[1] = number.short(run.description.optimizer.lr)
  end
  if pieces[1] then add(page, "  " .. text.pad("lr", wide) .. "  " .. pieces[1]) end
  local signals, steps = run.signals or {}, run.steps or {}
  local gradient = ends_of(signals.grad_norm or steps.grad_norm)
  local words = { gradient, (ratio_words(run.signals)) }
  if not gradient then words = { ratio_words(run.signals) } end
  if #words > 0 then
    local label = gradient and "|g|" or ""
    add_all(page, text.flow(words, "   ", page.width, "  " .. text.pad(label, wide) .. "  ",
      (" "):rep(wide + 4)))
  end
end

--- The card of a run, printed by tostring(run): model, curves, rates, one sentence on the outcome,
--- why it stopped. No trailing newline; every line at most opts.width columns.
---@param run table
---@param opts lossdbg.terminal_options|nil
---@return string
function M.card(run, opts)
  local page = new_page(opts)
  opts = page.opts
  local wide = 5
  for _, name in ipairs(history_names(run.history)) do
    wide = math.max(wide, math.min(24, text.width(clean(name))))
  end
  local name = run_name(run, opts)
  header(page, "lossdbg run" .. (name and ": " .. name or ""), phrase.extent(run))
  local indent = (" "):rep(wide + 4)
  local description = run.description or {}
  local model = phrase.model(description)
  if model then
    local n = description.n_parameters
    local pieces = { model, n and number.count(n) .. " parameters" or nil }
    add_all(page, text.flow(pieces, ", ", page.width, "  " .. text.pad("model", wide) .. "  ",
      indent))
  end
  local recipe = phrase.recipe(description)
  if #recipe > 0 then
    add_all(page, text.flow(recipe, " · ", page.width, "  " .. text.pad("with", wide) .. "  ",
      indent))
  end
  card_curves(page, run, wide)
  card_rates(page, run, wide)
  local stop = phrase.stop(run)
  if stop then
    add_all(page, text.wrap(stop, page.width, "  " .. text.pad("ended", wide) .. "  ", indent))
  end
  local outcome = phrase.outcome(run)
  if outcome then
    add_all(page, text.wrap(outcome, page.width, "  => ", "     "), "bold")
  end
  return render(page)
end

M.page = { new = new_page, add = add, add_all = add_all, render = render, header = header,
  last_of = last_of, run_name = run_name, ends_of = ends_of, ratio_words = ratio_words,
  majority_words = majority_words }

--- A diagnosis as text, printed by tostring(diagnosis): verdict first, at most three findings, what
--- was tried, what passed, what could not be judged.
---@param diagnosis table
---@param opts lossdbg.terminal_options|nil
---@return string
function M.diagnosis(diagnosis, opts)
  return require("lossdbg.view.verdict").diagnosis(M.page, diagnosis, opts)
end

return M
