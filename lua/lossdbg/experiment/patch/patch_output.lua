--- The patch of the output: activation and number of units of what the network answers, whatever
-- its last layers are. Where the last weights have no such options, a dense layer is put behind.
local edit = require "lossdbg.nn.graph_edit"
local layers = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local function fail(expected, got, cause)
  options.fail("experiment:with", "output", expected, got, cause, source.level())
end

local function set(text)
  local out = {}
  for word in text:gmatch "%S+" do out[word] = true end
  return out
end

-- Kinds whose options name what they answer, and the option that holds how many.
local size_option = { dense = "units", conv1d = "filters", conv2d = "filters",
  conv1d_transpose = "filters", conv2d_transpose = "filters", separable_conv1d = "filters",
  separable_conv2d = "filters" }
local recurrent = set "lstm gru simple_rnn"
-- Behind the last weights: values pass as they are, place by place, or in another shape.
local passing = set [[dropout spatial_dropout alpha_dropout gaussian_dropout gaussian_noise
  activation]]
local reshaping = set "flatten reshape"

-- The last layer with weights of its own that the output comes from, and what stands behind it.
local function last_weights(leaves)
  local tail = { passes = true, reshapes = false }
  for i = #leaves, 1, -1 do
    local kind = leaves[i].description.kind
    if size_option[kind] or recurrent[kind] then return leaves[i], tail end
    if reshaping[kind] then tail.reshapes = true
    elseif not passing[kind] then tail.passes = false end
  end
  return nil, tail
end

local function drop_activations(leaves, first)
  for i = #leaves, 1, -1 do
    if leaves[i] == first then return end
    if leaves[i].description.kind == "activation" then
      local leaf = leaves[i]
      if leaf.block.kind == "graph" then
        edit.remove(leaf.block, leaf.index, leaf.path)
      else
        table.remove(leaf.list, leaf.index)
      end
    end
  end
end

local function put_last(block, description)
  if block.kind == "graph" then return edit.insert_last(block, description) end
  table.insert(block, description)
end

local function append(twin, given, units)
  if not units then
    if given.activation and given.activation ~= "linear" then
      return put_last(twin, layers.describe("activation", given.activation, "patch"))
    end
    fail("a model whose last layer has weights", nil,
      "give units as well: a dense layer is put behind what ends it now")
  end
  put_last(twin, layers.describe("dense", { units, given.activation or "linear" }, "patch"))
end

---{ activation = "softmax", units = 3 } on the leaves of an opened model.
---@param twin table the copy that is changed
---@param leaves table[]
---@param given { activation: string|table|nil, units: integer|nil }
---@param change fun(leaf: table, changes: table)
function M.apply(twin, leaves, given, change)
  local last, tail = last_weights(leaves)
  local size = last and size_option[last.description.kind]
  if not last or not size or not tail.passes or (given.units and tail.reshapes) then
    local own = last and tail.passes and not tail.reshapes and last.description.options.units
    return append(twin, given, given.units or own)
  end
  if given.activation then
    drop_activations(leaves, last)
    change(last, { activation = given.activation })
  end
  if given.units then change(last, { [size] = given.units }) end
end

return M
