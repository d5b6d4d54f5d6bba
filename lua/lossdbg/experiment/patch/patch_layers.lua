--- Patches of the layers: each takes a model description and returns a changed copy.
local edit = require "lossdbg.nn.graph_edit"
local nn = require "lossdbg.nn.sequential"
local layers = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local output = require "lossdbg.experiment.patch.patch_output"
local source = require "lossdbg.support.source"

local M = {}

local where = "experiment:with"

local function fail(name, expected, value, cause)
  options.fail(where, name, expected, value, cause, source.level())
end

-- Leaves of a copy, in order: { description, path, list, index, block }; block holds the list.
local function open(model)
  local twin, leaves = model:copy(), {}
  twin:walk(function(description, path, list, index, block)
    leaves[#leaves + 1] = { description = description, path = path, list = list, index = index,
      block = block }
  end, "")
  return twin, leaves
end

local function take_out(leaf)
  if leaf.block.kind == "graph" then return edit.remove(leaf.block, leaf.index, leaf.path) end
  table.remove(leaf.list, leaf.index)
end

local function put_before(leaf, layer)
  if leaf.block.kind == "graph" then return edit.insert_before(leaf.block, leaf.index, layer) end
  table.insert(leaf.list, leaf.index, layer)
end

local function put_after(leaf, layer)
  if leaf.block.kind == "graph" then return edit.insert_after(leaf.block, leaf.index, layer) end
  table.insert(leaf.list, leaf.index + 1, layer)
end

-- Place `index` of the outermost block; in a graph, 1 is behind every input.
local function put_at(block, index, layer, given)
  local is_graph = block.kind == "graph"
  local list = is_graph and block.layers or block
  if index < 0 then index = #list + 2 + index end
  if index < 1 or index > #list + 1 then
    fail("insert", ("at from 1 to %d"):format(#list + 1), given)
  elseif not is_graph then
    table.insert(list, index, layers.from(layer, where))
  elseif index == 1 then
    edit.insert_first(block, function() return layers.from(layer, where) end)
  elseif index == #list + 1 then
    edit.insert_last(block, layers.from(layer, where))
  else
    edit.insert_before(block, index, layers.from(layer, where))
  end
end

local function change(leaf, changes)
  local ok = layers.with(leaf.description, changes)
  leaf.list[leaf.index], leaf.description = ok, ok
end

local function find(leaves, path, name)
  local paths = {}
  for _, leaf in ipairs(leaves) do
    if leaf.path == path then return leaf end
    paths[#paths + 1] = leaf.path
  end
  error(("lossdbg: %s: argument '%s': unknown layer %s%s"):format(where, name, options.show(path),
    options.hint(path, paths)), source.level())
end

local function of_kind(leaves, kind)
  local found = {}
  for _, leaf in ipairs(leaves) do
    if leaf.description.kind == kind then found[#found + 1] = leaf end
  end
  return found
end

local function check(value, name, schema)
  if type(value) ~= "table" then fail(name, "a table", value) end
  return options.check(where .. ": " .. name, value, schema, source.level())
end

---{ insert = { at = 1, layer = "normalization" } }; `after = path` or `before = path` instead of
---at.
function M.insert(model, value)
  local given = check(value, "insert", {
    { name = "at", type = "integer" }, { name = "after", type = "string" },
    { name = "before", type = "string" },
    { name = "layer", type = "string|table", required = true },
  })
  local layer = given.layer
  if layer == "normalization" then layer = { kind = "normalization", adapt = true } end
  if type(layer) == "table" and layer.kind == nil and type(layer[1]) == "string" then
    layer = { kind = layer[1] }
  end
  local twin, leaves = open(model)
  if given.after then
    put_after(find(leaves, given.after, "insert"), layers.from(layer, where))
  elseif given.before then
    put_before(find(leaves, given.before, "insert"), layers.from(layer, where))
  elseif given.at then
    put_at(twin, given.at, layer, given.at)
  else
    fail("insert", "a place: at, after or before", nil)
  end
  return twin
end

---{ remove = { path = "dropout_1" } } or { remove = "dropout_1" } or { remove = { kind = "dropout"
---} }
function M.remove(model, value)
  if type(value) == "string" then value = { path = value } end
  local given = check(value, "remove",
    { { name = "path", type = "string" }, { name = "kind", type = "string" } })
  local twin, leaves = open(model)
  local doomed = given.path and { find(leaves, given.path, "remove") }
    or of_kind(leaves, given.kind)
  if #doomed == 0 then fail("remove", "the path or kind of a layer", given.kind) end
  if #doomed == #leaves then fail("remove", "a layer to stay", given.path or given.kind) end
  for i = #doomed, 1, -1 do take_out(doomed[i]) end
  return twin
end

---{ layer = { path = "dense_1", options = { activation = "relu" } } }
function M.layer(model, value)
  local given = check(value, "layer", {
    { name = "path", type = "string", required = true },
    { name = "options", type = "table", required = true },
  })
  local twin, leaves = open(model)
  change(find(leaves, given.path, "layer"), given.options)
  return twin
end

---{ layers = { kind = "dense", hidden = true, options = { activation = "relu" } } }
function M.layers(model, value)
  local given = check(value, "layers", {
    { name = "kind", type = "string", default = "dense" },
    { name = "hidden", type = "boolean", default = false, doc = "all but the last of the kind" },
    { name = "options", type = "table", required = true },
  })
  local twin, leaves = open(model)
  local found = of_kind(leaves, given.kind)
  if #found == 0 then fail("layers", "a kind that is in the model", given.kind) end
  for i, leaf in ipairs(found) do
    if not (given.hidden and i == #found) then change(leaf, given.options) end
  end
  return twin
end

---{ init = "he_normal" }: of every kernel
function M.init(model, value)
  local twin, leaves = open(model)
  for _, leaf in ipairs(leaves) do
    if leaf.description.options.init ~= nil then change(leaf, { init = value }) end
  end
  return twin
end

---{ bias_init = "zeros" }
function M.bias_init(model, value)
  local twin, leaves = open(model)
  for _, leaf in ipairs(leaves) do
    if leaf.description.options.bias_init ~= nil then change(leaf, { bias_init = value }) end
  end
  return twin
end

---{ output = { activation = "softmax", units = 3 } }: of the last layer with weights
function M.output(model, value)
  local given = check(value, "output",
    { { name = "activation", type = "string|table" },
      { name = "units", type = "integer", min = 1 } })
  local twin, leaves = open(model)
  output.apply(twin, leaves, given, change)
  return twin
end

---{ regularizer = "none" } or { regularizer = { l2 = 1e-4 } }: of every kernel; "none" also of
---biases and activities
function M.regularizer(model, value)
  local twin, leaves = open(model)
  for _, leaf in ipairs(of_kind(leaves, "dense")) do
    if value == "none" or value == false then
      change(leaf, { kernel_regularizer = "none", bias_regularizer = "none",
        activity_regularizer = "none", l1 = false, l2 = false })
    else
      change(leaf, { kernel_regularizer = value, l1 = false, l2 = false })
    end
  end
  return twin
end

---{ dropout = 0.2 }: the rate of every dropout layer; without one, a dropout before the last dense
---layer; 0 takes them out
function M.dropout(model, value)
  if type(value) ~= "number" then fail("dropout", "a rate from 0 to 1", value) end
  local twin, leaves = open(model)
  local found = of_kind(leaves, "dropout")
  for i = #found, 1, -1 do
    if value == 0 then
      take_out(found[i])
    else
      change(found[i], { rate = value })
    end
  end
  if #found == 0 and value > 0 then
    local dense = of_kind(leaves, "dense")
    local last = dense[#dense]
    if not last then fail("dropout", "a model with a dense layer", value) end
    put_before(last, layers.describe("dropout", value, "patch"))
  end
  return twin
end

---{ trainable = true }: every layer, every block
function M.trainable(model, value)
  if type(value) ~= "boolean" then fail("trainable", "true or false", value) end
  local twin, leaves = open(model)
  for _, leaf in ipairs(leaves) do change(leaf, { trainable = value }) end
  local function blocks(block)
    for _, item in ipairs(block:children()) do
      if nn.is_block(item) then
        item.options = { name = item.options.name, trainable = value }
        blocks(item)
      end
    end
  end
  blocks(twin)
  if twin.kind == "graph" then twin.options = { name = twin.options.name, trainable = value } end
  return twin
end

return M
