--- Pictures of the report besides curves: heat map (layer × step) and strip of a trial's outcomes.
local markup = require "lossdbg.view.markup"
local number = require "lossdbg.support.number"
local series = require "lossdbg.view.series"
local svg = require "lossdbg.view.svg"
local text = require "lossdbg.support.text"

local M = {}

local element, escape = markup.element, markup.escape

-- Viridis at 0, 1/8 … 1: even steps of lightness, safe for all kinds of colour vision.
local VIRIDIS = { { 68, 1, 84 }, { 71, 45, 123 }, { 59, 82, 139 }, { 44, 114, 142 },
  { 33, 145, 140 }, { 40, 174, 128 }, { 94, 201, 98 }, { 173, 220, 48 }, { 253, 231, 37 } }

--- Colour of the viridis map at t in [0, 1] as "#rrggbb".
---@param t number
---@return string
function M.viridis(t)
  t = math.min(1, math.max(0, t)) * (#VIRIDIS - 1)
  local i = math.min(#VIRIDIS - 1, math.floor(t) + 1)
  local f, a, b = t - (i - 1), VIRIDIS[i], VIRIDIS[i + 1]
  local rgb = {}
  for k = 1, 3 do rgb[k] = math.floor(a[k] + f * (b[k] - a[k]) + 0.5) end
  return ("#%02x%02x%02x"):format(rgb[1], rgb[2], rgb[3])
end

-- Column value: "nan" beats all, else the largest (a spike must stay), 0 when all are 0.
local function bin(values, first, last)
  local top = 0
  for i = first, last do
    local v = values[i]
    if not number.is_finite(v) then return nil end
    if v > top then top = v end
  end
  return top
end

local function binned(rows, columns)
  local grid, lo, hi = {}, math.huge, -math.huge
  for r, row in ipairs(rows) do
    local n = #row.values
    local width = math.min(columns, n)
    grid[r] = { n = n }
    for c = 1, width do
      local first, last = (c - 1) * n // width + 1, c * n // width
      local v = bin(row.values, first, last)
      grid[r][c] = { value = v, first = first, last = last }
      if v and v > 0 then lo, hi = math.min(lo, v), math.max(hi, v) end
    end
  end
  return grid, lo, hi
end

local function legend_of(x, y, lo, hi)
  local out = {}
  for i = 0, 31 do
    out[#out + 1] = element("rect", { "x", x + i * 5, "y", y, "width", 5.5, "height", 10,
      "fill", M.viridis(i / 31) })
  end
  out[#out + 1] = element("text", { "class", "tick", "x", x - 6, "y", y + 9, "text-anchor", "end" },
    escape(number.short(lo, 2)))
  out[#out + 1] = element("text", { "class", "tick", "x", x + 166, "y", y + 9 },
    escape(number.short(hi, 2)))
  local after = x + 166 + 7 * #number.short(hi, 2) + 14
  for i, item in ipairs { { "#808080", "zero" }, { "#d00000", "NaN or Inf" } } do
    out[#out + 1] = element("rect", { "x", after + (i - 1) * 60, "y", y, "width", 10,
      "height", 10, "fill", item[1] })
    out[#out + 1] = element("text", { "class", "tick", "x", after + (i - 1) * 60 + 15, "y", y + 9 },
      item[2])
  end
  return table.concat(out)
end

local function cell(opts, row, c, x, y, w, h, t)
  local fill, shown = "#d00000", "NaN or infinite"
  if c.value == 0 then
    fill, shown = "#808080", "exactly 0"
  elseif c.value then
    fill, shown = M.viridis(t), number.format(c.value, 3)
  end
  local span = c.first == c.last and number.any(c.first) or c.first .. " to " .. c.last
  return element("rect", { "x", x, "y", y, "width", w + 0.3, "height", h, "fill", fill },
    element("title", {}, escape(("%s, %s %s: %s"):format(row.name, opts.xlabel or "sample", span,
      shown))))
end

--- Heat map of positive measurements on a logarithmic colour scale; one row per layer, columns are
--- steps (binned by their maximum). Zero is grey, NaN and infinities red. nil without values.
---@param rows {name:string, values:number[]}[]
---@param opts lossdbg.svg_options
---@return string|nil
function M.heat(rows, opts)
  local kept = {}
  for _, row in ipairs(rows) do
    if #row.values > 0 then kept[#kept + 1] = row end
  end
  if #kept == 0 then return nil end
  local width, left, top, row_height = opts.width or 640, 110, 30, 20
  local plot = width - left - 14
  local grid, lo, hi = binned(kept, 96)
  if lo > hi then lo, hi = 1e-9, 1 end
  local scale = series.scale(lo, math.max(hi, lo * 1.001), true)
  local out = { element("text", { "class", "head", "x", 0, "y", 18 }, escape(opts.title or "")) }
  for r, row in ipairs(kept) do
    local y = top + (r - 1) * row_height
    out[#out + 1] = element("text", { "class", "tick", "x", left - 8, "y", y + 14,
      "text-anchor", "end" }, escape(text.cut(text.clean(row.name), 17)))
    local w = plot / #grid[r]
    for i, c in ipairs(grid[r]) do
      local t = c.value and c.value > 0 and scale(c.value) or 0
      out[#out + 1] = cell(opts, row, c, left + (i - 1) * w, y, w, row_height - 2, t)
    end
  end
  local floor_y = top + #kept * row_height
  local last = 0
  for _, row in ipairs(kept) do last = math.max(last, #row.values) end
  out[#out + 1] = element("text", { "class", "tick", "x", left, "y", floor_y + 14 }, "1")
  out[#out + 1] = element("text", { "class", "tick", "x", width - 14, "y", floor_y + 14,
    "text-anchor", "end" }, escape(number.count(last)))
  out[#out + 1] = element("text", { "class", "tick", "x", left + plot / 2, "y", floor_y + 14,
    "text-anchor", "middle" }, escape(opts.xlabel or "sample"))
  out[#out + 1] = legend_of(left + 60, floor_y + 26, lo, hi)
  local desc = ("%d layers, values from %s to %s on a logarithmic scale"):format(#kept,
    number.short(lo, 2), number.short(hi, 2))
  return svg.wrap(opts, width, floor_y + 44, opts.desc or desc, table.concat(out, "\n"))
end

local function strip_row(out, label, values, y, left, x_of, class, width)
  out[#out + 1] = element("text", { "class", "tick", "x", left - 10, "y", y + 4,
    "text-anchor", "end" }, escape(label))
  out[#out + 1] = element("line",
    { "class", "grid", "x1", left, "y1", y, "x2", width - 130, "y2", y })
  local finite = {}
  for _, v in ipairs(values) do
    local x = x_of(v)
    if x then
      finite[#finite + 1] = v
      out[#out + 1] = element("circle", { "class", class, "cx", x, "cy", y, "r", 4.5 },
        element("title", {}, escape(label .. ": " .. number.format(v))))
    end
  end
  local lo, hi = series.range(finite)
  local shown = not lo and "nan" or lo == hi and number.format(lo)
    or number.format(lo) .. " … " .. number.format(hi)
  out[#out + 1] = element("text", { "class", "tick", "x", width - 124, "y", y + 4 }, escape(shown))
end

--- Outcomes of a trial on one axis: before, placebo, after with one dot per seed.
---@param trial table before, after, placebo, seeds
---@param opts lossdbg.svg_options
---@return string|nil nil when nothing is finite
function M.strip(trial, opts)
  local rows = { { "before", { trial.before }, "f2" }, { "placebo", { trial.placebo }, "f6" },
    { "with the fix", type(trial.seeds) == "table" and #trial.seeds > 0 and trial.seeds
      or { trial.after }, "f1" } }
  local all = {}
  for _, row in ipairs(rows) do
    for _, v in ipairs(row[2]) do all[#all + 1] = v end
  end
  local lo, hi = series.range(all)
  if not lo then return nil end
  if not (opts.log_y and lo > 0) then lo = math.min(0, lo) end
  lo, hi = series.widen(lo, hi)
  local width, left = opts.width or 640, 90
  local scale = series.scale(lo, hi, opts.log_y and lo > 0)
  local function x_of(v)
    local t = scale(v)
    return t and left + 6 + t * (width - 130 - left - 12)
  end
  local out = {}
  for i, row in ipairs(rows) do
    strip_row(out, row[1], row[2], 16 + (i - 1) * 22, left, x_of, row[3], width)
  end
  local desc = ("before %s, placebo %s, with the fix %s"):format(number.format(trial.before),
    number.format(trial.placebo), number.format(trial.after))
  return svg.wrap(opts, width, 78, desc, table.concat(out, "\n"))
end

return M
