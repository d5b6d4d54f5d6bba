--- The loss around trained weights as pictures: a curve or shades in the terminal, a curve or a map
-- of colours as SVG, an HTML page with the numbers. Colours and shades are even steps of the
-- logarithm where all losses are positive and span more than a factor of ten.
local braille = require "lossdbg.view.braille"
local figure = require "lossdbg.view.figure"
local html = require "lossdbg.view.html"
local markup = require "lossdbg.view.markup"
local number = require "lossdbg.support.number"
local series = require "lossdbg.view.series"
local svg = require "lossdbg.view.svg"
local text = require "lossdbg.support.text"

local M = {}

local element, escape = markup.element, markup.escape

local AXIS = "along the direction, in lengths of the filters"
local DECADE = 10 -- highest over lowest, from which shades follow the logarithm
local SHADES = { " ", "░", "▒", "▓", "█" }
local LETTERS = { " ", ".", ":", "o", "#" }

local function values_of(landscape)
  local all = {}
  for _, row in ipairs(landscape.losses) do table.move(row, 1, #row, #all + 1, all) end
  return all
end

-- Place of a loss between the lowest and the highest, from 0 to 1; nil where it is not finite.
local function scale_of(landscape)
  local lo, hi = series.range(values_of(landscape))
  if not lo then return function() end end
  local scale = series.scale(lo, hi > lo and hi or lo + 1, lo > 0 and hi > DECADE * lo)
  return function(loss) return number.is_finite(loss) and scale(loss) or nil end, lo, hi
end

-- ---- terminal ----------------------------------------------------------------------------------

-- Of several places in one cell the highest counts: a ridge must stay.
local function highest(row, first, last)
  local top = -math.huge
  for i = first, last do
    if not number.is_finite(row[i]) then return row[i] end
    top = math.max(top, row[i])
  end
  return top
end

local function shaded_row(landscape, row, columns, wide, scale, signs, bad)
  local out, n = {}, #landscape.places
  for c = 1, columns do
    local t = scale(highest(row, (c - 1) * n // columns + 1, c * n // columns))
    out[c] = (t and signs[math.min(#signs, math.floor(t * #signs) + 1)] or bad):rep(wide)
  end
  return out
end

local function legend(lo, hi, signs, bad, scale, landscape)
  local out = { ("%s lowest %s"):format(signs[1] == " " and "blank" or signs[1],
    number.short(lo)), ("%s highest %s"):format(signs[#signs], number.short(hi)) }
  for _, loss in ipairs(values_of(landscape)) do
    if not scale(loss) then
      out[3] = bad .. " NaN or infinite"
      break
    end
  end
  out[#out + 1] = "+ the weights as they are"
  return out
end

local function plane(landscape, o)
  local width = math.max(24, o.width or 72)
  local n, margin = #landscape.places, 7
  local columns = math.min(n, width - margin - 2)
  local wide = 2 * columns + margin + 2 <= width and 2 or 1
  local rows = math.min(n, math.max(3, o.height or (n > 31 and 25 or n)))
  local signs, bad = o.ascii and LETTERS or SHADES, o.ascii and "!" or "×"
  local scale, lo, hi = scale_of(landscape)
  if not lo then return "  no finite loss" end
  local lines = {}
  for r = rows, 1, -1 do
    local at = (r - 1) * n // rows + 1
    local cells = shaded_row(landscape, landscape.losses[at], columns, wide, scale, signs, bad)
    if at <= n // 2 + 1 and r * n // rows >= n // 2 + 1 then
      cells[columns // 2 + 1] = "+" .. (" "):rep(wide - 1)
    end
    local shown = (r == 1 or r == rows or at == n // 2 + 1) and number.short(landscape.places[at])
    lines[#lines + 1] = text.pad(shown or "", margin - 1, "right") .. (o.ascii and "|" or "│")
      .. table.concat(cells) .. (o.ascii and "|" or "│")
  end
  local span = number.short(landscape.span)
  lines[#lines + 1] = (" "):rep(margin) .. text.ends("-" .. span, span, columns * wide)
  for _, line in ipairs(text.flow(legend(lo, hi, signs, bad, scale, landscape), "   ", width,
    "  ", "  ")) do
    lines[#lines + 1] = line
  end
  return table.concat(lines, "\n")
end

local function curve_options(landscape, o, given)
  local all = { xlabel = AXIS, marks = { { x = 0, label = "here" } } }
  for key, value in pairs(given) do all[key] = value end
  for key, value in pairs(o) do all[key] = value end
  return { { name = "loss", x = landscape.places, y = landscape.losses } }, all
end

---@param landscape lossdbg.Landscape
---@param o table width, height, ascii, color
---@return string no newline at its end
function M.text(landscape, o)
  if landscape.dimensions == 1 then
    return braille.plot(curve_options(landscape, o, { xlabel = "direction" }))
  end
  return plane(landscape, o)
end

-- ---- SVG and HTML ------------------------------------------------------------------------------

local function tiles(out, landscape, scale, left, top, size)
  local n = #landscape.places
  local side = size / n
  for r, row in ipairs(landscape.losses) do
    for c, loss in ipairs(row) do
      local t = scale(loss)
      local shown = ("%s, %s: %s"):format(number.short(landscape.places[c]),
        number.short(landscape.places[r]), t and number.format(loss) or "NaN or infinite")
      out[#out + 1] = element("rect", { "x", left + (c - 1) * side, "y", top + (n - r) * side,
        "width", side + 0.3, "height", side + 0.3, "fill", t and figure.viridis(t) or "#d00000" },
        element("title", {}, escape(shown)))
    end
  end
end

local function scale_bar(out, lo, hi, x, y, height)
  for i = 0, 31 do
    out[#out + 1] = element("rect", { "x", x, "y", y + height * (31 - i) / 32, "width", 12,
      "height", height / 32 + 0.3, "fill", figure.viridis(i / 31) })
  end
  out[#out + 1] = element("text", { "class", "tick", "x", x + 18, "y", y + 10 },
    escape(number.short(hi)))
  out[#out + 1] = element("text", { "class", "tick", "x", x + 18, "y", y + height },
    escape(number.short(lo)))
end

local function map(landscape, o)
  local size, left, top = o.height or 360, 58, 34
  local width = o.width or left + size + 110
  local scale, lo, hi = scale_of(landscape)
  local out = {}
  out[1] = element("text", { "class", "head", "x", left, "y", 18 }, escape(o.title or ""))
  tiles(out, landscape, scale, left, top, size)
  local x, y = left + size / 2, top + size / 2
  out[#out + 1] = element("path", { "stroke", "#fff", "stroke-width", 3, "d",
    ("M%g %gh12M%g %gv12"):format(x - 6, y, x, y - 6) })
  out[#out + 1] = element("path", { "stroke", "#000", "d",
    ("M%g %gh12M%g %gv12"):format(x - 6, y, x, y - 6) })
  local span = number.short(landscape.span)
  for _, tick in ipairs { { left, "start", "-" .. span }, { x, "middle", AXIS },
    { left + size, "end", span } } do
    out[#out + 1] = element("text", { "class", "tick", "x", tick[1], "y", top + size + 16,
      "text-anchor", tick[2] }, escape(tick[3]))
  end
  for _, tick in ipairs { { top + 8, span }, { top + size, "-" .. span } } do
    out[#out + 1] = element("text", { "class", "tick", "x", left - 6, "y", tick[1],
      "text-anchor", "end" }, escape(tick[2]))
  end
  if lo then scale_bar(out, lo, hi, left + size + 16, top, size) end
  return svg.wrap(o, width, top + size + 28, landscape:summary(), table.concat(out, "\n"))
end

---@param landscape lossdbg.Landscape
---@param o lossdbg.svg_options
---@return string
function M.svg(landscape, o)
  if landscape.dimensions == 2 then
    return map(landscape, setmetatable({ title = o.title or "loss around the weights" },
      { __index = o }))
  end
  return svg.plot(curve_options(landscape, o, { title = "loss along one direction",
    ylabel = "loss", smooth = 0, desc = landscape:summary() }))
end

---@param landscape lossdbg.Landscape
---@return string
function M.html(landscape)
  local picture = M.svg(landscape, { inline = true, id = "landscape" })
  local body = "<h1>Loss around the weights</h1>\n<p>" .. escape(landscape:summary())
    .. ".</p>\n<section><h2>Picture</h2>\n<figure class=\"card\">" .. picture
    .. "</figure></section>\n"
  return html.page("lossdbg: loss around the weights", body, landscape:to_table())
end

return M
