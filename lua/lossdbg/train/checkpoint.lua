--- Checkpoints: everything that a training needs to go on as if it had never stopped, in one
-- safetensors file: weights and statistics, optimiser, callbacks, history, position. Random numbers
-- need no state: they are counted from the seed and the position.
-- Taken at the end of an epoch; a resumed run equals the uninterrupted one bit for bit.
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local json = require "lossdbg.support.json"
local safetensors = require "lossdbg.data.safetensors"

local M = {}

local version = 3

-- ---- nested state <-> tensors by name and plain data --------------------------------------------

-- Every tensor of a nested table goes into `tensors` under its path; what is left is plain data
-- with the tensor's name in its place.
local function pack(value, path, tensors)
  if core.tensor.is_tensor(value) then
    tensors[path] = value
    return json.object { tensor = path }
  elseif type(value) ~= "table" then
    return value
  end
  local out, list = {}, #value > 0
  for key, item in pairs(value) do
    out[key] = pack(item, path .. "/" .. tostring(key), tensors)
  end
  return list and json.array(out) or json.object(out)
end

local function unpack_state(value, tensors)
  if type(value) ~= "table" then return value end
  if type(value.tensor) == "string" and next(value, next(value)) == nil then
    local tensor = tensors[value.tensor]
    if not tensor then error(("tensor '%s' is missing"):format(value.tensor), 0) end
    return tensor
  end
  local out = {}
  for key, item in pairs(value) do out[key] = unpack_state(item, tensors) end
  return out
end

-- ---- a session's state --------------------------------------------------------------------------

local function callback_states(session)
  local states = {}
  for i, item in ipairs(session.callbacks) do
    states[i] = item.save_state and item:save_state() or {}
  end
  return states
end

-- The counts of a schedule that waits for a plateau; nil for any other rate.
local function plateau_state(session)
  local p = session.optimizer.rate.plateau
  return p and { best = p.best, wait = p.wait, cooling = p.cooling } or nil
end

local function restore_plateau(session, state)
  local p = session.optimizer.rate.plateau
  for key, value in pairs(p and state or {}) do p[key] = value end
end

local function identity(session)
  local description = session.run.description
  local paths = {}
  for i, layer in ipairs(description.layers) do paths[i] = layer.path .. ":" .. layer.kind end
  local parameters = {}
  for name, tensor in session.model:parameters() do
    parameters[#parameters + 1] = name .. "[" .. table.concat(tensor.shape, "x") .. "]"
  end
  return { layers = table.concat(paths, " "), parameters = table.concat(parameters, " "),
    seed = description.seed, batch = description.batch, n_train = description.n_train,
    optimizer = session.optimizer.name }
end

--- Writes the state of a running training.
---@param path string
---@param session lossdbg.Session
---@return true|nil
---@return string? message
function M.save(path, session)
  local run, tensors = session.run, {}
  local model = {}
  for _, entry in ipairs(session.model:state()) do model[entry.name] = entry.tensor end
  local state = pack({
    version = version, identity = identity(session), epoch = run.n_epochs, step = session.step,
    history = run.history, stopped = run.stopped, model = model,
    optimizer = session.optimizer:state(), plateau = plateau_state(session),
    callbacks = callback_states(session),
    recorder = session.recorder:state(), nonfinite = run.signals.nonfinite,
  }, "state", tensors)
  return safetensors.save(path, tensors, {
    format = "lossdbg.checkpoint", state = json.encode(state, { nonfinite = "bare" }),
  }, true)
end

local function read(path)
  local tensors, metadata = safetensors.load_sealed(path, "lossdbg.checkpoint",
    "a checkpoint of lossdbg")
  if not tensors then return nil, metadata end
  local state, why = json.decode(metadata.state)
  if not state then return nil, path .. ": " .. why end
  if state.version ~= version then
    return nil, ("%s: written by another version (%s)"):format(path, tostring(state.version))
  end
  local ok, unpacked = attempt.call(unpack_state, state, tensors)
  if not ok then return nil, ("%s: %s"):format(path, unpacked) end
  return unpacked
end

local function mismatch(saved, session)
  local mine = identity(session)
  for _, key in ipairs { "layers", "parameters", "seed", "batch", "n_train",
    "optimizer" } do
    if saved[key] ~= mine[key] then
      return ("%s was %s there and is %s here"):format(key, tostring(saved[key]),
        tostring(mine[key]))
    end
  end
end

--- Brings a fresh session to the state of a file. Nothing is changed when it does not fit.
---@param path string
---@param session lossdbg.Session
---@return integer|nil epoch the last one that is done
---@return string? message
function M.restore(path, session)
  local state, why = read(path)
  if not state then return nil, why end
  local different = mismatch(state.identity, session)
  if different then
    return nil, ("%s: the checkpoint of another experiment: %s"):format(path, different)
  end
  local model = {}
  for name, tensor in pairs(state.model) do model[#model + 1] = { name = name, tensor = tensor } end
  table.sort(model, function(a, b) return a.name < b.name end)
  session.model:load_state(model)
  session.optimizer:load_state(state.optimizer)
  restore_plateau(session, state.plateau)
  for i, item in ipairs(session.callbacks) do
    if item.load_state then item:load_state(state.callbacks[i]) end
  end
  local run = session.run
  run.history, run.n_epochs, run.n_steps, run.stopped = state.history, state.epoch, state.step,
    "completed"
  run.signals.nonfinite = state.nonfinite
  session.step, session.resumed = state.step, state.epoch
  session.recorder:load(state.recorder)
  return state.epoch
end

return M
