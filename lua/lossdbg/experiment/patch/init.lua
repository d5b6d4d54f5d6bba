--- Patches: small changes of an experiment, as data that people and machines can write.
-- `{ optimizer = { lr = 0.01 } }`, `{ insert = { at = 1, layer = "normalization" } }`,
-- `{ init = "he_normal" }`, ...; a list of patches is applied in order. Every kind is one function
-- of the recipe (a fresh table that it may change) and the value.
local data_rows = require "lossdbg.experiment.patch.data_rows"
local layers = require "lossdbg.experiment.patch.patch_layers"
local optim = require "lossdbg.optim"
local recode = require "lossdbg.experiment.patch.recode"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local kinds = {}

local function fail(name, expected, value, cause)
  options.fail("experiment:with", name, expected, value, cause, source.level())
end

-- ---- options that are taken over as they are
-- -----------------------------------------------------

for name in ([[train val batch epochs max_steps seed shuffle metrics callbacks early_stopping
    class_weight clip_norm clip_value global_clip_norm schedule task fuse terminate_on_nan dtype
    verbose name loss_weights]]):gmatch("%S+") do
  kinds[name] = function(recipe, value)
    local experiment = require "lossdbg.experiment"
    if value == false and type(recipe[name]) ~= "boolean" and name ~= "shuffle" and name ~= "fuse"
      and name ~= "terminate_on_nan" then
      recipe[name] = nil -- false clears an option
      return
    end
    for _, option in ipairs(experiment.schema) do
      if option.name == name then
        recipe[name] = options.check("experiment:with", { [name] = value }, { option },
          source.level())[name]
      end
    end
  end
end

-- A training that ends after so many steps would end there however many epochs it is given.
local take_epochs = kinds.epochs
function kinds.epochs(recipe, value)
  local before = recipe.epochs
  take_epochs(recipe, value)
  if recipe.max_steps and before and recipe.epochs then
    recipe.max_steps = math.max(1, math.ceil(recipe.max_steps * recipe.epochs / before))
  end
end

function kinds.model(recipe, value)
  recipe.model, recipe.initial = value, nil
end

-- ---- optimiser, loss, target, data
-- -----------------------------------------------------------------

-- { lr = 0.01 } changes, { name = "adam" } replaces (and keeps the rate only when it is given).
function kinds.optimizer(recipe, value)
  if type(value) == "table" and getmetatable(value) == nil and value.name == nil
    and value[1] == nil then
    recipe.optimizer = optim.with(recipe.optimizer, value, "experiment:with")
    if value.lr ~= nil or value.learning_rate ~= nil then recipe.schedule = nil end
  else
    recipe.optimizer = optim.resolve(value, "experiment:with")
  end
end

function kinds.loss(recipe, value)
  local losses = require "lossdbg.loss"
  if type(value) == "table" and getmetatable(value) == nil and value.name == nil
    and value[1] == nil then
    recipe.loss = recipe.loss:with(value)
  else
    recipe.loss = losses.resolve(value, "experiment:with")
  end
end

function kinds.target(recipe, value)
  if value ~= "standardize" and value ~= "as_is" then
    fail("target", "\"standardize\" or \"as_is\"", value)
  end
  recipe.target = value
end

function kinds.data(recipe, value)
  local change = data_rows.changes[value]
  if not change then
    fail("data", "\"" .. table.concat(data_rows.names, "\", \"") .. "\"", value)
  end
  recipe.train, recipe.val = change(recipe.train_rows, recipe.val_rows or nil)
end

-- The code of the targets; see recode.
function kinds.labels(recipe, value)
  local known = {}
  for _, code in ipairs(recode.codes) do known[code] = true end
  if not known[value] then
    fail("labels", "\"" .. table.concat(recode.codes, "\", \"") .. "\"", value)
  end
  local id, classes = recode.classes(recipe.train_rows.y)
  recipe.train = recode.rows(recipe.train_rows, value, id, classes)
  recipe.val = recipe.val_rows and recode.rows(recipe.val_rows, value, id, classes)
end

-- ---- layers ------------------------------------------------------------------------------------

for name, apply in pairs(layers) do
  kinds[name] = function(recipe, value)
    recipe.model = apply(recipe.model, value)
  end
end

local unfreeze = kinds.trainable
function kinds.trainable(recipe, value)
  unfreeze(recipe, value)
  if recipe.initial then
    local model = recipe.initial:clone()
    recipe.initial = value and model:unfreeze() or model:freeze()
  end
end

local names = {}
for name in pairs(kinds) do names[#names + 1] = name end
table.sort(names)
M.names = names

local function apply_one(recipe, patch)
  local keys = {}
  for key in pairs(patch) do
    if not kinds[key] then
      error(("lossdbg: experiment:with: unknown patch %s%s"):format(
        options.show(key), options.hint(key, names)), source.level())
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  if #keys == 0 then
    fail("patch", "a patch such as { optimizer = { lr = 0.01 } }", patch, "it is empty")
  end
  for _, key in ipairs(keys) do kinds[key](recipe, patch[key]) end
end

local function copy(recipe)
  local twin = {}
  for key, value in pairs(recipe) do twin[key] = value end
  return twin
end

-- A patch, or what carries one: a fix of a finding, a finding (its first fix), a list of these.
local function each(patch, visit, depth)
  if type(patch) ~= "table" or depth > 8 then
    fail("patch", "a patch such as { optimizer = { lr = 0.01 } }", patch)
  end
  if type(patch.patch) == "table" then
    each(patch.patch, visit, depth + 1)
  elseif type(patch.fixes) == "table" and patch.rule then
    if not (patch.fixes[1] and patch.fixes[1].patch) then
      fail("patch", "a finding with a fix that can be applied", "a finding without one")
    end
    each(patch.fixes[1], visit, depth + 1)
  elseif patch.text and patch.patch == nil then
    fail("patch", "a fix with a patch", "a fix that is advice only: " .. tostring(patch.text))
  elseif patch[1] ~= nil then
    for _, item in ipairs(patch) do each(item, visit, depth + 1) end
  else
    visit(patch)
  end
end

---A changed copy of a recipe.
---@param recipe table
---@param patch table
---@return table
function M.apply(recipe, patch)
  local changed = copy(recipe)
  each(patch, function(one)
    apply_one(changed, one)
  end, 1)
  return changed
end

return M
