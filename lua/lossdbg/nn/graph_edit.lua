--- Changes of a copied graph description, for patches: layers put in, layers taken out.
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local function fail(name, expected, value, cause)
  options.fail("experiment:with", name, expected, value, cause, source.level())
end

-- Makes room for (by = 1) or closes up (by = -1) a place in the list of layers.
local function renumber(graph, place, by)
  for _, call in ipairs(graph.calls) do
    if call.layer >= place then call.layer = call.layer + by end
  end
end

local function fresh(graph)
  graph.last_id = graph.last_id + 1
  return graph.last_id
end

-- Lets everything from call `first` on, and the outputs, use another value.
local function redirect(graph, old, new, first)
  for i = first, #graph.calls do
    local from = graph.calls[i].from
    for k, id in ipairs(from) do
      if id == old then from[k] = new end
    end
  end
  for _, output in ipairs(graph.outputs) do
    if output.id == old then output.id = new end
  end
end

-- Enters a layer as number `place`, with a call behind call `behind` on the value `id`; all later
-- uses of the value go through it.
local function splice(graph, place, description, behind, id)
  local to = fresh(graph)
  redirect(graph, id, to, behind + 1)
  table.insert(graph.calls, behind + 1, { layer = place, from = { id }, to = { to },
    source = description.source })
end

---Puts a layer behind every call of layer number `place`.
---@param graph lossdbg.Graph a copy
---@param place integer
---@param description lossdbg.LayerDescription
function M.insert_after(graph, place, description)
  table.insert(graph.layers, place + 1, description)
  renumber(graph, place + 1, 1)
  for i = #graph.calls, 1, -1 do
    local call = graph.calls[i]
    if call.layer == place then
      if #call.to ~= 1 then fail("insert", "a place behind a block with one output", nil) end
      splice(graph, place + 1, description, i, call.to[1])
    end
  end
end

---Puts a layer before every call of layer number `place`; other uses of its input stay.
---@param graph lossdbg.Graph a copy
---@param place integer
---@param description lossdbg.LayerDescription
function M.insert_before(graph, place, description)
  table.insert(graph.layers, place, description)
  renumber(graph, place, 1)
  for i = #graph.calls, 1, -1 do
    local call = graph.calls[i]
    if call.layer == place + 1 then
      if #call.from ~= 1 then
        fail("insert", "a place before a layer with one input", nil,
          "use { after = ... } to choose one of the values that it joins")
      end
      local to = fresh(graph)
      table.insert(graph.calls, i, { layer = place, from = { call.from[1] }, to = { to },
        source = description.source })
      call.from[1] = to
    end
  end
end

---Puts a layer behind every input: one of its own for each, made by `make`.
---@param graph lossdbg.Graph a copy
---@param make fun(): lossdbg.LayerDescription
function M.insert_first(graph, make)
  local n = #graph.inputs
  renumber(graph, 1, n)
  for i = n, 1, -1 do
    local description = make()
    table.insert(graph.layers, 1, description)
    splice(graph, i, description, 0, graph.inputs[i].id)
  end
end

---Puts a layer behind the output.
---@param graph lossdbg.Graph a copy
---@param description lossdbg.LayerDescription
function M.insert_last(graph, description)
  if #graph.outputs ~= 1 then
    fail("insert", "a place: after = path of a layer", nil, "the model has several outputs")
  end
  graph.layers[#graph.layers + 1] = description
  splice(graph, #graph.layers, description, #graph.calls, graph.outputs[1].id)
end

---Takes a layer out; what it fed is fed by its input.
---@param graph lossdbg.Graph a copy
---@param place integer
---@param path string for messages
function M.remove(graph, place, path)
  for i = #graph.calls, 1, -1 do
    local call = graph.calls[i]
    if call.layer == place then
      if #call.from ~= 1 or #call.to ~= 1 then
        fail("remove", "a layer with one input", path, "it joins several values")
      end
      table.remove(graph.calls, i)
      redirect(graph, call.to[1], call.from[1], 1)
    end
  end
  table.remove(graph.layers, place)
  renumber(graph, place, -1)
end

return M
