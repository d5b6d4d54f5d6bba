--- Curves as SVG: self-contained, readable without colour, described for screen readers.
local markup = require "lossdbg.view.markup"
local number = require "lossdbg.support.number"
local series = require "lossdbg.view.series"
local frame = require "lossdbg.view.svg_frame"

local M = { style = frame.style, describe = frame.describe, wrap = frame.wrap }

-- Up to so many points are drawn as dots; above, the curve is smoothed.
local MANY = 40

local element, escape, coordinate = markup.element, markup.escape, markup.coordinate

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
---@field log_x boolean|nil  logarithmic abscissa, when all are positive
---@field marks {x:number,label:string}[]|nil vertical reference lines
---@field id string|nil      prefix of element ids, needed when several stand on one page
---@field inline boolean|nil for use inside HTML that contains M.style already

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
      raw = path_of(f, c, series.ema(c.y, smooth, f.logarithmic))
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

local function draw_references(out, f, levels, marks)
  for _, level in ipairs(levels) do
    local y = f.y(level.value)
    if y then
      out[#out + 1] = element("line",
        { "class", "level", "x1", f.left, "y1", y, "x2", f.width - f.right, "y2", y })
    end
  end
  for _, mark in ipairs(marks) do
    local p = number.is_finite(mark.x) and f.xscale(mark.x)
    if p and p >= 0 and p <= 1 then
      local x = f.left + p * f.plot_width
      out[#out + 1] = element("line", { "class", "level", "x1", x, "y1", f.top, "x2", x, "y2",
        f.height - f.bottom })
      out[#out + 1] = element("text", { "class", "tick", "x", x + (p > 0.7 and -5 or 5),
        "y", f.top + 11, "text-anchor", p > 0.7 and "end" or "start" },
        escape((mark.label and mark.label .. " " or "") .. number.short(mark.x)))
    end
  end
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
  local log_x = opts.log_x and x_lo and x_lo > 0 and x_hi > x_lo
  x_lo, x_hi = x_lo or 0, x_hi or 1
  local left, right = x_lo, x_hi
  if right <= left then left, right = series.widen(left, right) end
  f.xscale = series.scale(left, right, log_x)
  f.yscale = series.scale(lo, hi, f.logarithmic)
  f.x = function(v)
    local p = f.xscale(v)
    return p and f.left + p * f.plot_width
  end
  f.y = function(v)
    local p = f.yscale(v)
    return p and p > -1e-6 and p < 1 + 1e-6 and f.height - f.bottom - p * f.plot_height or nil
  end
  local wanted = math.max(2, f.plot_width // 80)
  local xticks = { { value = x_lo, label = number.any(x_lo) } }
  if log_x then
    xticks = series.log_ticks(x_lo, x_hi, wanted)
  elseif x_hi > x_lo then
    xticks = series.ticks(x_lo, x_hi, wanted, series.whole_x(f.curves))
  end
  return xticks, (f.logarithmic and series.log_ticks or series.ticks)(lo, hi, count)
end

--- Curves as one SVG document (or an element for HTML with opts.inline). Accepts what
--- braille.plot accepts. Up to 40 points are dots with tooltips; longer curves show their moving
--- average over the raw values.
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
  local f = frame.new(opts, curves)
  local entries = frame.legend_entries(curves, levels, any_bad)
  frame.layout_legend(f, entries)
  local xticks, yticks = measure(f, opts, levels)
  local out = {}
  frame.draw_axes(out, f, opts, xticks, yticks)
  draw_references(out, f, levels, opts.marks or {})
  draw_curves(out, f, opts.smooth or 0.6)
  frame.draw_legend(out, f, entries)
  local desc = opts.desc or frame.describe(curves)
  return frame.wrap(opts, f.width, f.height, desc, table.concat(out, "\n"))
end

return M
