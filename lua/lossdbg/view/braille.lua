--- Line plots for the terminal in braille dots (2 × 4 per character) or plain ASCII; sparklines.
local number = require "lossdbg.support.number"
local series = require "lossdbg.view.series"
local text = require "lossdbg.support.text"

local M = {}

local floor = math.floor

-- Bit of the dot at [row 0..3][column 0..1] in U+2800.
local DOT = { [0] = { [0] = 0x01, 0x08 }, { [0] = 0x02, 0x10 }, { [0] = 0x04, 0x20 },
  { [0] = 0x40, 0x80 } }
-- Several curves differ by their dashes: drawn dots, period.
local DASH = { { 1, 1 }, { 2, 4 }, { 1, 3 }, { 5, 7 } }
local SAMPLE = { "⠤⠤⠤", "⠤ ⠤", "⠄⠄⠄", "⠤⠤⠄" }
local GLYPH = { "*", "o", "+", "#" }
local COLOURS = { "cyan", "yellow", "magenta", "green" }

---@class lossdbg.plot_options
---@field width integer|nil    columns of the whole plot, default 72, at least 24
---@field height integer|nil   rows of the drawing area, default 12, at least 3
---@field title string|nil
---@field xlabel string|nil    default none
---@field ylabel string|nil    default none
---@field log_y boolean|nil    default: when all values are positive and span more than 1000
---@field levels {value:number,label:string}[]|nil  horizontal reference lines
---@field log_x boolean|nil    logarithmic abscissa, when all are positive
---@field marks {x:number,label:string}[]|nil  vertical reference lines
---@field ascii boolean|nil    plain ASCII instead of braille and box drawing
---@field color boolean|nil    ANSI colours, default none

local function new_grid(columns, rows, ascii)
  local g = { columns = columns, rows = rows, ascii = ascii, cell = {}, owner = {} }
  g.dots_x, g.dots_y = ascii and columns or columns * 2, ascii and rows or rows * 4
  return g
end

-- Dot (x from the left, y from the bottom, both from 0).
local function set(g, x, y, which)
  if x < 0 or y < 0 or x >= g.dots_x or y >= g.dots_y then return end
  local column = g.ascii and x or x // 2
  local row = g.rows - 1 - (g.ascii and y or y // 4)
  local at = row * g.columns + column
  if g.ascii then
    g.cell[at] = g.cell[at] or GLYPH[(which - 1) % #GLYPH + 1]
  else
    g.cell[at] = (g.cell[at] or 0) | DOT[3 - y % 4][x % 2]
  end
  g.owner[at] = g.owner[at] or which
end

-- Bresenham's line with dashes that run on along the curve.
local function draw_line(g, x0, y0, x1, y1, which, pen)
  local dx, dy = math.abs(x1 - x0), -math.abs(y1 - y0)
  local sx, sy = x0 < x1 and 1 or -1, y0 < y1 and 1 or -1
  local err = dx + dy
  while true do
    if pen.count % pen.period < pen.on then set(g, x0, y0, which) end
    if x0 == x1 and y0 == y1 then return end
    pen.count = pen.count + 1
    local twice = 2 * err
    if twice >= dy then err, x0 = err + dy, x0 + sx end
    if twice <= dx then err, y0 = err + dx, y0 + sy end
  end
end

local function draw_curve(g, points, which, dashed)
  local dash = (dashed and not g.ascii) and DASH[(which - 1) % #DASH + 1] or DASH[1]
  local pen = { on = dash[1], period = dash[2], count = 0 }
  local px, py
  for _, p in ipairs(points) do
    if p.height then
      local x = math.min(g.dots_x - 1, floor(p.position * (g.dots_x - 1) + 0.5))
      local y = floor(p.height * (g.dots_y - 1) + 0.5)
      if px then
        draw_line(g, px, py, x, y, which, pen)
      else
        set(g, x, y, which)
      end
      px, py = x, y
    else
      px = nil
    end
  end
end

local function put_levels(g, levels, scale)
  for _, level in ipairs(levels) do
    local h = scale(level.value)
    if h then
      local y = floor(h * (g.dots_y - 1) + 0.5)
      local row = g.rows - 1 - (g.ascii and y or y // 4)
      for column = 0, g.columns - 1, 2 do
        local at = row * g.columns + column
        if not g.cell[at] then g.cell[at] = g.ascii and "." or DOT[3 - y % 4][0] end
      end
    end
  end
end

local function put_marks(g, marks, scale)
  for _, mark in ipairs(marks) do
    local p = scale(mark.x)
    if p and p >= 0 and p <= 1 then
      local x = math.min(g.dots_x - 1, floor(p * (g.dots_x - 1) + 0.5))
      local column = g.ascii and x or x // 2
      for row = 0, g.rows - 1 do
        local at = row * g.columns + column
        if not g.cell[at] then g.cell[at] = g.ascii and ":" or DOT[0][x % 2] | DOT[2][x % 2] end
      end
    end
  end
end

local function cells(g, row, paint)
  local out = {}
  for column = 0, g.columns - 1 do
    local at = row * g.columns + column
    local c = g.cell[at]
    if not c then
      c = " "
    elseif not g.ascii then
      c = utf8.char(0x2800 + c)
    end
    local owner = g.owner[at]
    out[column + 1] = owner and paint(c, COLOURS[(owner - 1) % #COLOURS + 1]) or c
  end
  return (table.concat(out):gsub(" +$", ""))
end

-- Labels of the rows: row (0 at the top) → text.
local function row_labels(ticks, scale, rows)
  local labels, wide = {}, 0
  for _, tick in ipairs(ticks) do
    local h = scale(tick.value)
    if h and h >= -1e-9 and h <= 1 + 1e-9 then
      local row = rows - 1 - math.min(rows - 1, floor(h * rows))
      if not labels[row] then
        labels[row] = tick.label
        wide = math.max(wide, #tick.label)
      end
    end
  end
  return labels, wide
end

local function axis_line(columns, breaks, ascii)
  local out = {}
  for i = 1, columns do out[i] = ascii and "-" or "─" end
  for column in pairs(breaks) do out[column + 1] = ascii and "x" or "×" end
  return (ascii and "+" or "└") .. table.concat(out)
end

-- Numbers under the axis: first, round ones between, and the axis title; never overlapping.
local function x_labels(lo, hi, columns, xlabel, whole, log_x)
  xlabel = xlabel and text.cut(text.clean(xlabel), columns // 2) or ""
  local stop = columns - text.width(xlabel)
  local first = log_x and number.short(lo, 2) or whole and number.count(lo) or number.format(lo)
  local scale, wanted = series.scale(lo, hi, log_x), math.max(2, columns // 10)
  local ticks = log_x and series.log_ticks(lo, hi, wanted) or series.ticks(lo, hi, wanted, whole)
  local out, used = hi > lo and first or "", hi > lo and #first + 2 or 0
  for _, tick in ipairs(ticks) do
    local h = hi > lo and scale(tick.value) or 0.5
    local at = math.floor(h * (columns - 1) + 0.5) - (#tick.label - 1) // 2
    if xlabel == "" then at = math.min(at, columns - #tick.label) end
    if at >= used and at + #tick.label + (xlabel ~= "" and 1 or 0) <= stop then
      out = text.pad(out, at) .. tick.label
      used = at + #tick.label + 2
    end
  end
  return xlabel == "" and out or text.pad(out, stop) .. xlabel
end

local function legend(curves, breaks, levels, opts, paint)
  local pieces = {}
  for i, c in ipairs(curves) do
    if c.name ~= "" then
      local lo, hi = series.range(c.y)
      local mark = opts.ascii and GLYPH[(i - 1) % #GLYPH + 1]
        or SAMPLE[#curves > 1 and (i - 1) % #SAMPLE + 1 or 1]
      local note = ""
      if lo then
        note = (" %s%s%s"):format(number.format(c.y[1]), opts.ascii and " -> " or " → ",
          number.format(c.y[c.n]))
        if hi > lo and c.n > 2 then note = note .. " (min " .. number.format(lo) .. ")" end
      end
      pieces[#pieces + 1] =
        paint(mark, COLOURS[(i - 1) % #COLOURS + 1]) .. " " .. text.clean(c.name) .. note
    end
  end
  for _, level in ipairs(levels) do
    pieces[#pieces + 1] = (opts.ascii and ". " or "⠄ ⠄ ")
      .. text.clean(level.label or "level") .. " " .. number.format(level.value, 5)
  end
  for _, mark in ipairs(opts.marks or {}) do
    pieces[#pieces + 1] = (opts.ascii and ": " or "⡇ ")
      .. text.clean(mark.label or "at") .. " " .. number.short(mark.x)
  end
  if next(breaks) then pieces[#pieces + 1] = (opts.ascii and "x" or "×") .. " NaN or Inf" end
  return pieces
end

local function usable_levels(levels, lo, hi)
  local out = {}
  for _, level in ipairs(levels or {}) do
    if number.is_finite(level.value) and lo and level.value > lo - 3 * (hi - lo) - 1e-3
      and level.value < hi + 3 * (hi - lo) + 1e-3 * math.abs(hi) then
      out[#out + 1] = level
    end
  end
  return out
end

local function header(opts, logarithmic)
  local words = {}
  if opts.title then words[1] = text.clean(opts.title) end
  if opts.ylabel or logarithmic then
    words[#words + 1] = (opts.ylabel and text.clean(opts.ylabel) or "")
      .. (logarithmic and (opts.ylabel and " (log scale)" or "(log scale)") or "")
  end
  return table.concat(words, "   ")
end

-- Draws all curves; returns the grid and the set of columns with gaps.
local function draw(curves, g, xscale, yscale)
  local breaks = {}
  for i, c in ipairs(curves) do
    local position, height = {}, {}
    for k = 1, c.n do
      position[k] = xscale(c.x[k]) or 0
      height[k] = yscale(c.y[k]) or false
    end
    local points, gaps = series.decimate(position, height, g.dots_x)
    draw_curve(g, points, i, #curves > 1)
    for _, column in ipairs(gaps) do breaks[g.ascii and column or column // 2] = true end
  end
  return breaks
end

--- Plot of one or several curves as text, lines joined by newlines, each at most opts.width wide.
--- Accepts a list of numbers, a list of {name=, y=, x=} or a map name → list. Gaps (NaN, Inf, and
--- values ≤ 0 on a logarithmic axis) are marked × on the axis.
---@param input table
---@param opts lossdbg.plot_options|nil
---@return string
function M.plot(input, opts)
  opts = opts or {}
  local curves = series.curves(input)
  local lo, hi = series.extent(curves, "y")
  local x_lo, x_hi = series.extent(curves, "x")
  local width, rows = math.max(24, opts.width or 72), math.max(3, opts.height or 12)
  if not x_lo then return header(opts, false) .. (opts.title and "\n" or "") .. "  no values" end
  local levels = usable_levels(opts.levels, lo, hi)
  if lo then lo, hi = series.extent(curves, "y", levels) end
  local logarithmic = opts.log_y
  if logarithmic == nil then logarithmic = series.wants_log(lo, hi) end
  if not lo or lo <= 0 then logarithmic = false end
  lo, hi = series.widen(lo or 0, hi or 1)
  local count = math.max(2, rows * 2 // 5)
  if not logarithmic then lo, hi = series.frame(lo, hi, count) end
  local log_x = opts.log_x and x_lo > 0 and x_hi > x_lo
  local left, right = x_lo, x_hi
  if right <= left then left, right = series.widen(left, right) end
  local yscale, xscale = series.scale(lo, hi, logarithmic), series.scale(left, right, log_x)
  local ticks = (logarithmic and series.log_ticks or series.ticks)(lo, hi, count)
  local labels, wide = row_labels(ticks, yscale, rows)
  local paint = text.painter(opts.color)
  local g = new_grid(width - wide - 2, rows, opts.ascii)
  local breaks = draw(curves, g, xscale, yscale)
  put_levels(g, levels, yscale)
  put_marks(g, opts.marks or {}, xscale)

  local lines = {}
  local head = header(opts, logarithmic)
  if head ~= "" then lines[1] = text.cut(head, width) end
  for row = 0, rows - 1 do
    local label = labels[row]
    lines[#lines + 1] = text.pad(label or "", wide, "right") .. " "
      .. (opts.ascii and "|" or label and "┤" or "│") .. cells(g, row, paint)
  end
  local margin = (" "):rep(wide + 1)
  lines[#lines + 1] = margin .. axis_line(g.columns, breaks, opts.ascii)
  lines[#lines + 1] = margin .. " "
    .. x_labels(x_lo, x_hi, g.columns, opts.xlabel, series.whole_x(curves), log_x)
  local pieces = legend(curves, breaks, levels, opts, paint)
  for _, line in ipairs(text.flow(pieces, "   ", width, margin .. " ", margin .. " ")) do
    lines[#lines + 1] = line
  end
  return table.concat(lines, "\n")
end


M.sparkline = require("lossdbg.view.sparkline").sparkline

return M
