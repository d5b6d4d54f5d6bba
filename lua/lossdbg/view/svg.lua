--- Curves as SVG: self-contained, readable without colour, described for screen readers.
local markup = require "lossdbg.view.markup"
local number = require "lossdbg.view.number"
local series = require "lossdbg.view.series"
local text = require "lossdbg.view.text"

local M = {}

-- Up to so many points are drawn as dots; above, the curve is smoothed.
local MANY = 40

local element, escape, coordinate = markup.element, markup.escape, markup.coordinate

-- Okabe and Ito's colours for all kinds of colour vision, with lighter ones on dark ground; dashes
-- tell the curves apart in print.
M.style = [[
.ldb{font:12px system-ui,Helvetica,Arial,sans-serif;--ink:#333;--grid:#e3e3e3;--paper:#fff;
--c1:#0072b2;--c2:#d55e00;--c3:#009e73;--c4:#b0578d;--c5:#8a6d00;--c6:#4d4d4d;--bad:#d00000}
@media(prefers-color-scheme:dark){.ldb{--ink:#ddd;--grid:#3c3c3c;--paper:#1b1b1d;
--c1:#56b4e9;--c2:#ff9d4d;--c3:#2fc79a;--c4:#e9a2cb;--c5:#e6c229;--c6:#bbb;--bad:#ff5c5c}}
.ldb .paper{fill:var(--paper)}.ldb text{fill:var(--ink)}.ldb .head{font-weight:600;font-size:13px}
.ldb .grid{stroke:var(--grid)}.ldb .axis{stroke:var(--ink);fill:none}.ldb .tick{font-size:11px}
.ldb .curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.ldb .ghost{fill:none;stroke-width:1;opacity:.35}
.ldb .level{stroke:var(--ink);stroke-width:1;stroke-dasharray:1 4;stroke-linecap:round;opacity:.8}
.ldb .bad{stroke:var(--bad);stroke-width:1.5}
.ldb .s1{stroke:var(--c1)}.ldb .s2{stroke:var(--c2);stroke-dasharray:7 4}
.ldb .s3{stroke:var(--c3);stroke-dasharray:2 4}.ldb .s4{stroke:var(--c4);stroke-dasharray:9 3 2 3}
.ldb .s5{stroke:var(--c5);stroke-dasharray:12 4}.ldb .s6{stroke:var(--c6);stroke-dasharray:4 2}
.ldb .ghost{stroke-dasharray:none}
.ldb .f1{fill:var(--c1)}.ldb .f2{fill:var(--c2)}.ldb .f3{fill:var(--c3)}.ldb .f4{fill:var(--c4)}
.ldb .f5{fill:var(--c5)}.ldb .f6{fill:var(--c6)}
]]

---@class lossdbg.svg_options
---@field width number|nil   default 640
---@field height number|nil  default 300
---@field title string|nil
---@field desc string|nil    default: made from the numbers
---@field xlabel string|nil
---@field ylabel string|nil
---@field log_y boolean|nil  default: when all values are positive and span more than 1000
---@field smooth number|nil  weight of the past in the moving average, default 0.6; 0 turns it off
---@field levels {value:number,label:string}[]|nil horizontal reference lines
---@field id string|nil      prefix of element ids, needed when several stand on one page
---@field inline boolean|nil for use inside HTML that contains M.style already

local function new_frame(opts, curves)
  local f = { width = opts.width or 640, height = opts.height or 300 }
  f.left, f.right, f.top = 58, 14, opts.title and 30 or 12
  f.bottom = (opts.xlabel and 44 or 30)
  f.legend_rows = f.legend_rows or 0
  f.curves = curves
  return f
end

-- Legend entries laid out in rows; each {x=, row=, …}.
local function layout_legend(f, entries)
  local x, row = f.left, 0
  for _, e in ipairs(entries) do
    local wide = 34 + 6.4 * text.width(e.label)
    if x > f.left and x + wide > f.width - f.right then x, row = f.left, row + 1 end
    e.x, e.row = x, row
    x = x + wide + 14
  end
  f.legend_rows = #entries > 0 and row + 1 or 0
  f.bottom = f.bottom + 18 * f.legend_rows
end

local function legend_entries(curves, levels, any_bad)
  local entries = {}
  for i, c in ipairs(curves) do
    if c.name ~= "" then
      entries[#entries + 1] = { label = c.name, class = "curve s" .. (i - 1) % 6 + 1 }
    end
  end
  for _, level in ipairs(levels) do
    entries[#entries + 1] = { class = "level",
      label = (level.label or "level") .. " " .. number.format(level.value, 5) }
  end
  if any_bad then entries[#entries + 1] = { label = "NaN or Inf", class = "bad" } end
  return entries
end

local function draw_legend(out, f, entries)
  local base = f.height - 18 * f.legend_rows + 8
  for _, e in ipairs(entries) do
    local y = base + 18 * e.row
    if e.class == "bad" then
      out[#out + 1] = element("line",
        { "class", "bad", "x1", e.x + 12, "y1", y - 6, "x2", e.x + 12, "y2", y + 5 })
    else
      out[#out + 1] = element("line",
        { "class", e.class, "x1", e.x, "y1", y, "x2", e.x + 26, "y2", y })
    end
    out[#out + 1] = element("text", { "x", e.x + 32, "y", y + 4 }, escape(e.label))
  end
end

local function draw_axes(out, f, opts, xticks, yticks)
  for _, t in ipairs(yticks) do
    local y = f.y(t.value)
    if y then
      out[#out + 1] = element("line",
        { "class", "grid", "x1", f.left, "y1", y, "x2", f.width - f.right, "y2", y })
      out[#out + 1] = element("text", { "class", "tick", "x", f.left - 6, "y", y + 4,
        "text-anchor", "end" }, escape(t.label))
    end
  end
  local floor_y = f.height - f.bottom
  for _, t in ipairs(xticks) do
    local x = f.x(t.value)
    if x then
      out[#out + 1] = element("line",
        { "class", "axis", "x1", x, "y1", floor_y, "x2", x, "y2", floor_y + 4 })
      out[#out + 1] = element("text", { "class", "tick", "x", x, "y", floor_y + 16,
        "text-anchor", "middle" }, escape(t.label))
    end
  end
  out[#out + 1] = element("path", { "class", "axis", "d", ("M%s %sV%sH%s"):format(
    coordinate(f.left), coordinate(f.top), coordinate(floor_y), coordinate(f.width - f.right)) })
  if opts.title then
    out[#out + 1] = element("text", { "class", "head", "x", f.left, "y", 18 }, escape(opts.title))
  end
  if opts.xlabel then
    out[#out + 1] = element("text", { "x", (f.left + f.width - f.right) / 2, "y", floor_y + 32,
      "text-anchor", "middle" }, escape(opts.xlabel))
  end
  local ylabel = (opts.ylabel or "") .. (f.logarithmic and " (log scale)" or "")
  if ylabel ~= "" then
    local middle = (f.top + floor_y) / 2
    out[#out + 1] = element("text", { "x", 14, "y", middle, "text-anchor", "middle",
      "transform", "rotate(-90 14 " .. coordinate(middle) .. ")" },
      escape((ylabel:gsub("^ ", ""))))
  end
end

-- Path data of one curve; the columns (pixels) with gaps.
local function path_of(f, c, y)
  local position, height = {}, {}
  for k = 1, c.n do
    position[k] = f.xscale(c.x[k]) or 0
    height[k] = f.yscale(y[k]) or false
  end
  local points, gaps = series.decimate(position, height, math.floor(f.plot_width))
  local d, down = {}, false
  for i, p in ipairs(points) do
    if p.height then
      local next_point = points[i + 1]
      local lonely = not down and not (next_point and next_point.height)
      d[#d + 1] = (down and "L" or "M") .. coordinate(f.left + p.position * f.plot_width) .. " "
        .. coordinate(f.height - f.bottom - p.height * f.plot_height) .. (lonely and "h0" or "")
      down = true
    else
      down = false
    end
  end
  return table.concat(d), gaps
end

local function draw_dots(out, f, c, class)
  for k = 1, c.n do
    local x, y = f.x(c.x[k]), f.y(c.y[k])
    if x and y then
      out[#out + 1] = element("circle", { "class", class, "cx", x, "cy", y, "r", 2.2 },
        element("title", {}, escape(("%s at %s: %s"):format(c.name ~= "" and c.name or "value",
          number.any(c.x[k]), number.format(c.y[k], 5)))))
    end
  end
end

local function draw_curves(out, f, smooth)
  local bad = {}
  for i, c in ipairs(f.curves) do
    local style = " s" .. (i - 1) % 6 + 1
    local raw, gaps = path_of(f, c, c.y)
    for _, column in ipairs(gaps) do bad[column] = true end
    if smooth > 0 and c.n > MANY then
      out[#out + 1] = element("path", { "class", "ghost" .. style, "d", raw })
      raw = path_of(f, c, series.ema(c.y, smooth))
    end
    if raw ~= "" then out[#out + 1] = element("path", { "class", "curve" .. style, "d", raw }) end
    if c.n <= MANY then draw_dots(out, f, c, "f" .. (i - 1) % 6 + 1) end
  end
  local columns = {}
  for column in pairs(bad) do columns[#columns + 1] = column end
  table.sort(columns)
  local floor_y = f.height - f.bottom
  for _, column in ipairs(columns) do
    local x = f.left + math.min(column + 0.5, f.plot_width)
    out[#out + 1] = element("line",
      { "class", "bad", "x1", x, "y1", floor_y - 10, "x2", x, "y2", floor_y })
  end
end

--- One sentence per curve, for <desc> and for captions.
---@param curves lossdbg.curve[]
---@return string
function M.describe(curves)
  local out = {}
  for _, c in ipairs(curves) do
    local lo, hi, bad = series.range(c.y)
    local words = (c.name ~= "" and c.name .. ": " or "") .. number.count(c.n) .. " values"
    if lo then
      words = ("%s, first %s, last %s, lowest %s, highest %s"):format(words,
        number.format(c.y[1]), number.format(c.y[c.n]), number.format(lo), number.format(hi))
    end
    if bad > 0 then words = words .. ", " .. number.count(bad) .. " NaN or infinite" end
    out[#out + 1] = words .. "."
  end
  return table.concat(out, " ")
end

--- The outer element with title, description, ground and style; used by every picture.
---@param opts lossdbg.svg_options
---@param width number
---@param height number
---@param desc string
---@param content string
---@return string
function M.wrap(opts, width, height, desc, content)
  local id = markup.id(opts.id or "ldb")
  local box = "0 0 " .. coordinate(width) .. " " .. coordinate(height)
  return element("svg", { "xmlns", "http://www.w3.org/2000/svg", "class", "ldb", "viewBox", box,
    "width", width, "height", height, "role", "img",
    "aria-labelledby", id .. "-title " .. id .. "-desc" },
    element("title", { "id", id .. "-title" }, escape(opts.title or "curves"))
    .. element("desc", { "id", id .. "-desc" }, escape(desc))
    .. (opts.inline and "" or "<style>" .. M.style .. "</style>")
    .. element("rect", { "class", "paper", "width", width, "height", height })
    .. content)
end

local function measure(f, opts, levels)
  local lo, hi = series.extent(f.curves, "y", levels)
  local x_lo, x_hi = series.extent(f.curves, "x")
  local logarithmic = opts.log_y
  if logarithmic == nil then logarithmic = series.wants_log(lo, hi) end
  f.logarithmic = logarithmic and lo ~= nil and lo > 0
  lo, hi = series.widen(lo or 0, hi or 1)
  f.plot_width, f.plot_height = f.width - f.left - f.right, f.height - f.top - f.bottom
  local count = math.max(2, math.floor(f.plot_height / 42))
  if not f.logarithmic then lo, hi = series.frame(lo, hi, count) end
  f.xscale = series.scale(series.widen(x_lo or 0, x_hi or 1))
  f.yscale = series.scale(lo, hi, f.logarithmic)
  f.x = function(v)
    local p = f.xscale(v)
    return p and f.left + p * f.plot_width
  end
  f.y = function(v)
    local p = f.yscale(v)
    return p and p > -1e-6 and p < 1 + 1e-6 and f.height - f.bottom - p * f.plot_height or nil
  end
  local xticks = x_hi and x_hi > x_lo
    and series.ticks(x_lo, x_hi, math.max(2, f.plot_width // 80), series.whole_x(f.curves))
    or { { value = x_lo or 0, label = number.any(x_lo or 0) } }
  return xticks, (f.logarithmic and series.log_ticks or series.ticks)(lo, hi, count)
end

--- Curves as one SVG document (or an element for HTML with opts.inline). Accepts what braille.plot
--- accepts. Up to 40 points are dots with tooltips; longer curves show their moving average over the
--- raw values.
---@param input table
---@param opts lossdbg.svg_options|nil
---@return string
function M.plot(input, opts)
  opts = opts or {}
  local curves = series.curves(input)
  local levels, any_bad = {}, false
  for _, level in ipairs(opts.levels or {}) do
    if number.is_finite(level.value) then levels[#levels + 1] = level end
  end
  for _, c in ipairs(curves) do
    local _, _, bad = series.range(c.y)
    any_bad = any_bad or bad > 0
  end
  local f = new_frame(opts, curves)
  local entries = legend_entries(curves, levels, any_bad)
  layout_legend(f, entries)
  local xticks, yticks = measure(f, opts, levels)
  local out = {}
  draw_axes(out, f, opts, xticks, yticks)
  for _, level in ipairs(levels) do
    local y = f.y(level.value)
    if y then
      out[#out + 1] = element("line",
        { "class", "level", "x1", f.left, "y1", y, "x2", f.width - f.right, "y2", y })
    end
  end
  draw_curves(out, f, opts.smooth or 0.6)
  draw_legend(out, f, entries)
  local desc = opts.desc or M.describe(curves)
  return M.wrap(opts, f.width, f.height, desc, table.concat(out, "\n"))
end

return M
