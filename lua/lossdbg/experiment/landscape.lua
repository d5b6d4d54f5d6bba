--- The loss around trained weights, along one random direction or over the plane of two.
-- A direction is normal noise whose every filter (the weights into one unit or channel; a row of an
-- embedding) is scaled to the length of that filter of the model, and 0 in biases and in the scales
-- and shifts of normalisation layers: H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein,
-- "Visualizing the loss landscape of neural nets" (2018). So pictures of different models can be
-- held beside each other: a network whose weights are ten times as large in front of a
-- normalisation looks ten times flatter otherwise. Weights as they are lie at 0; at 1 every filter
-- was moved by its own length. Statistics of normalisation layers stay as they are.

local core = require "lossdbg.core"
local number = require "lossdbg.support.number"
local file = require "lossdbg.support.file"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensor = require "lossdbg.tensor"
local upper = require "lossdbg.support.upper"

local M = {}

local schema = options.declare "landscape" {
  { name = "loss", type = "string|table|function", required = true,
    doc = "the loss of the training: a name, a table or a loss" },
  { name = "dimensions", type = "integer", min = 1, max = 2, default = 1,
    doc = "1: along one direction; 2: over a plane" },
  { name = "points", type = "integer", min = 3, max = 201, default = 25,
    doc = "places along a direction; an even number is raised, so that 0 is among them" },
  { name = "span", type = "number", open_min = 0, default = 1,
    doc = "from -span to span, in lengths of the filters" },
  { name = "seed", type = "integer", min = 0, default = 0, doc = "of the directions" },
  { name = "batch", type = "integer", min = 1, default = 256, doc = "rows computed at a time" },
}

---@class lossdbg.Landscape
---@field places number[] along each direction, from -span to span
---@field losses number[]|number[][] a row for every place of the second direction
---@field dimensions 1|2
---@field centre number the loss of the weights as they are
---@field least number lowest finite loss of all places
---@field span number
---@field seed integer
local Landscape = { __name = "lossdbg.landscape" }
Landscape.__index = Landscape

-- A kernel as rows of one filter each, and whether its filters were its last axis.
local function by_filter(t, kind)
  local shape = t.shape
  if kind == "embedding" then return t:reshape { shape[1], t.numel // shape[1] } end
  local filters = shape[#shape]
  return t:reshape { t.numel // filters, filters }:transpose()
end

local function back(rows, shape, kind)
  if kind ~= "embedding" then rows = rows:transpose() end
  return rows:contiguous():reshape(shape)
end

-- Noise with the length of every filter; nil for biases, scales and shifts.
local function direction_of(parameter, kind, seed, name)
  if #parameter.shape < 2 then return nil end
  local noise = tensor.zeros(parameter.shape, parameter.dtype)
  core.random.normal(noise, seed, core.random.stream("landscape/" .. name, 0, 0), 0, 1)
  local rows, own = by_filter(noise, kind), by_filter(parameter:detach(), kind)
  local length = (own * own):sum(2, true):sqrt()
  local scaled = rows * length / ((rows * rows):sum(2, true):sqrt() + 1e-10)
  return back(scaled, parameter.shape, kind)
end

local function directions(model, seed)
  local list = {}
  for _, item in ipairs(model.list) do
    for _, parameter in ipairs(item.parameters) do
      local name = item.path .. "/" .. parameter.name
      list[#list + 1] = { tensor = parameter.tensor, start = parameter.tensor:detach():clone(),
        direction = direction_of(parameter.tensor, item.kind, seed, name) }
    end
  end
  return list
end

-- Weights at a place: a along the first direction, b along the second.
local function move(first, second, a, b)
  for i, part in ipairs(first) do
    if part.direction then
      local place = part.start + part.direction * a
      if second then place = place + second[i].direction * b end
      part.tensor:copy_(place)
    end
  end
end

local function measure(model, data, o, first, second)
  local half = o.points // 2
  local places = {}
  for i = -half, half do places[#places + 1] = i * o.span / half end
  local function along(b)
    local losses = {}
    for i, a in ipairs(places) do
      tensor.no_grad(move, first, second, a, b)
      losses[i] = model:evaluate(data, { loss = o.loss, batch = o.batch }).loss
    end
    return losses
  end
  if not second then return places, along(0) end
  local rows = {}
  for i, b in ipairs(places) do rows[i] = along(b) end
  return places, rows
end

local function least_of(losses)
  local least = math.huge
  for _, row in ipairs(type(losses[1]) == "table" and losses or { losses }) do
    for _, loss in ipairs(row) do
      if loss < least then least = loss end
    end
  end
  return least
end

---The loss around the weights of a built model; the model itself is not touched.
---@param model lossdbg.Model
---@param data any as for model:evaluate
---@param given { loss: any, dimensions?: integer, points?: integer, span?: number, seed?: integer }
---@return lossdbg.Landscape
function M.of(model, data, given)
  if type(model) ~= "table" or not model.evaluate or not model.parameters then
    options.fail("landscape", "model", "a built model (run.model)", model, nil, source.level())
  end
  local o = options.check("landscape", given, schema, source.level())
  local twin = model:clone()
  local first = directions(twin, o.seed)
  local second = o.dimensions == 2 and directions(twin, o.seed + 1) or nil
  local places, losses = measure(twin, data, o, first, second)
  local middle = #places // 2 + 1
  return setmetatable({ places = places, losses = losses, dimensions = o.dimensions,
    centre = second and losses[middle][middle] or losses[middle], least = least_of(losses),
    span = o.span, seed = o.seed }, Landscape)
end

---One line: the loss as it is and the lowest around it.
---@return string
function Landscape:summary()
  local where = self.dimensions == 1 and "along a direction" or "over a plane"
  return ("loss %s here, lowest %s %s of %d places each way (filter-normalised, span %s, seed %d)")
    :format(number.format(self.centre), number.format(self.least), where, #self.places // 2,
      number.short(self.span), self.seed)
end

---The picture for a terminal: a curve, or shades over the plane with a legend.
---@param o? { width: integer, height: integer, color: boolean, ascii: boolean, log: boolean }
---@return string
function Landscape:plot(o) return upper.landscape.text(self, o or {}) end

---The picture as one SVG document.
---@param o? lossdbg.svg_options
---@return string
function Landscape:svg(o) return upper.landscape.svg(self, o or {}) end

---The picture as an SVG file.
---@param path string
---@param o? lossdbg.svg_options
---@return boolean|nil ok
---@return string|nil message
function Landscape:save_svg(path, o) return file.write(path, self:svg(o)) end

---One HTML page with the picture and its numbers.
---@param path string
---@return boolean|nil ok
---@return string|nil message
function Landscape:save_html(path) return file.write(path, upper.landscape.html(self)) end

---The numbers alone, as plain data.
---@return table
function Landscape:to_table()
  return { places = self.places, losses = self.losses, dimensions = self.dimensions,
    centre = self.centre, least = self.least, span = self.span, seed = self.seed }
end

function Landscape:__tostring() return self:summary() .. "\n" .. self:plot() end

return M
