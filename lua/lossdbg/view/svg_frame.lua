--- What surrounds the curves of an SVG picture: style, title and description, axes, legend.
local markup = require "lossdbg.view.markup"
local number = require "lossdbg.support.number"
local series = require "lossdbg.view.series"
local text = require "lossdbg.support.text"

local M = {}

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
.ldb .curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
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

--- Margins of a picture and its curves; completed by svg.plot with the scales x and y.
---@param opts lossdbg.svg_options
---@param curves lossdbg.curve[]
---@return table
function M.new(opts, curves)
  local f = { width = opts.width or 640, height = opts.height or 300 }
  f.left, f.right, f.top = 58, 14, opts.title and 30 or 12
  f.bottom = (opts.xlabel and 44 or 30)
  f.legend_rows = 0
  f.curves = curves
  return f
end

--- Lays the legend entries out in rows and makes room for them at the bottom.
---@param f table
---@param entries table[]
function M.layout_legend(f, entries)
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

--- Entries of the legend: curves with a name, reference levels, marks, the sign for gaps.
---@param curves lossdbg.curve[]
---@param levels table[]
---@param any_bad boolean
---@return {label:string, class:string}[]
function M.legend_entries(curves, levels, any_bad)
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

--- Draws the legend below the axes.
---@param out string[]
---@param f table
---@param entries table[]
function M.draw_legend(out, f, entries)
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

--- Draws grid, ticks, axes and their titles.
---@param out string[]
---@param f table
---@param opts lossdbg.svg_options
---@param xticks {value:number, label:string}[]
---@param yticks {value:number, label:string}[]
function M.draw_axes(out, f, opts, xticks, yticks)
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

return M
