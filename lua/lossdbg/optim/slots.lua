--- What an optimiser keeps for each parameter: slots (tensors of its rule) and a row of statistics;
--- clipping, of which the row keeps the norm before.
local core = require "lossdbg.core"

local train, plan = core.train, core.plan
local M = {}

local function new_row(numel)
  return { numel = numel, grad_sq = 0, update_sq = 0, weight_sq = 0, nonfinite_grad = 0,
    nonfinite_weight = 0, unchanged = 0, underflow = 0, grad_zero = 0, grad_norm = 0,
    grad_sq_before = 0,
    update_norm = 0, weight_norm = 0, ratio = 0 }
end

---Slots of one parameter: name to start value, or { start, shape = } for a shape of its own.
---@param self lossdbg.Optimizer
---@param entry table
---@return table<string, number|table>
function M.wanted(self, entry)
  local o, slots = self.options, self.kind.slots(entry.options, entry.tensor)
  if o.gradient_accumulation_steps then slots.gradient_sum = 0 end
  if o.use_ema then slots.weight_average = 0 end
  return slots
end

local function slot_shape(entry, slot)
  return type(slot) == "table" and slot.shape or entry.tensor.shape
end

local function fill_slots(self, entry)
  for name, slot in pairs(M.wanted(self, entry)) do
    if not entry.slots[name] then
      local start = type(slot) == "table" and slot[1] or slot
      entry.slots[name] = core.tensor.full(slot_shape(entry, slot), start, entry.tensor.dtype)
    end
  end
end

---Everything that takes memory happens here, before the first weight moves.
---@param self lossdbg.Optimizer
---@param active table[] entries that this step updates
---@return table<string, table> statistics of this step by name
function M.prepare(self, active)
  local stats = {}
  for _, entry in ipairs(active) do
    fill_slots(self, entry)
    entry.row = entry.row or new_row(entry.tensor.numel)
    stats[entry.name] = entry.row
  end
  if self.options.use_ema then
    for _, entry in ipairs(self.list) do
      if entry.tensor.requires_grad ~= false then fill_slots(self, entry) end
    end
  end
  return stats
end

---Writes what an update returned into a row.
---@param row table
---@param norm number|nil of the gradient before clipping
function M.record(row, norm, grad_sq, update_sq, weight_sq, bad_grad, bad_weight, unchanged,
                  underflow, grad_zero)
  row.grad_sq, row.update_sq, row.weight_sq = grad_sq, update_sq, weight_sq
  row.nonfinite_grad, row.nonfinite_weight = bad_grad, bad_weight
  row.unchanged, row.underflow, row.grad_zero = unchanged, underflow, grad_zero
  row.grad_sq_before = norm and norm * norm or grad_sq
  row.grad_norm = norm or grad_sq ^ 0.5
  row.update_norm, row.weight_norm = update_sq ^ 0.5, weight_sq ^ 0.5
  row.ratio = weight_sq > 0 and row.update_norm / row.weight_norm or update_sq > 0 and 1 or 0
  row.waiting = nil
end

---A step that only adds to the sums of the gradients: no weight moves.
---@param active table[]
---@param gradients userdata[]
function M.wait(active, gradients)
  for i, entry in ipairs(active) do
    local norm = train.global_norm { gradients[i] }
    M.record(entry.row, norm, norm * norm, 0, train.global_norm { entry.tensor:detach() } ^ 2, 0, 0,
      0, 0, 0)
    entry.row.waiting = true
  end
end

-- What the plan that made the last step left: statistics in the order of the parameters.
local function read_back(self, pending, taped, place)
  local norms, n = plan.norms(pending, place), 0
  local function norm()
    n = n + 1
    return norms[n] and norms[n][1]
  end
  local o, stats = self.options, {}
  if taped.due then
    local before, updates = {}, plan.updates(pending, place)
    if o.clip_value or o.clip_norm or o.global_clip_norm then
      for i = 1, #taped.active do before[i] = norm() end
    end
    for i, entry in ipairs(taped.active) do
      M.record(entry.row, before[i], table.unpack(updates[i]))
    end
    if norms[n + 1] and norms[n + 1][2] then self.last_clip_factor = norms[n + 1][2] end
  else
    for _, entry in ipairs(taped.active) do
      local gradient, weights = norm(), norm()
      M.record(entry.row, gradient, gradient * gradient, 0, weights ^ 2, 0, 0, 0, 0, 0)
      entry.row.waiting = true
    end
  end
  for _, entry in ipairs(taped.active) do stats[entry.name] = entry.row end
  self.last_stats = stats
end

---After replays of a plan: statistics, and which gradients were used, as an eager step leaves them.
---@param self lossdbg.Optimizer
---@param done? boolean an eager step follows
function M.settle(self, done)
  local pending = rawget(self, "pending")
  if not pending then return end
  local kept = self.plans[pending]
  local replays = plan.replays(pending)
  if kept.replays ~= replays then
    read_back(self, pending, kept.taped, kept.place)
    kept.replays = replays
  end
  if not done then return end
  self.pending = false
  if not plan.shows(pending) then return end
  for _, entry in ipairs(kept.taped.active) do -- version 0: what was written since is new
    entry.used, entry.used_version = entry.tensor.grad, 0
  end
end

---Connects a plan to an optimiser that takes part in it.
---@param self lossdbg.Optimizer
---@param made userdata plan
---@param place integer of the optimiser in the plan
function M.connect(self, made, place)
  if not self.plans then self.plans = setmetatable({}, { __mode = "k" }) end
  self.plans[made] = { taped = self.taped, place = place, replays = 0 }
end

---Clips as the options say.
---@param self lossdbg.Optimizer
---@param gradients lossdbg.Tensor[]
---@return number[]? before norms before clipping, which telemetry shows
function M.clip(self, gradients)
  local o = self.options
  if not (o.clip_value or o.clip_norm or o.global_clip_norm) then return nil end
  local before = {}
  for i, gradient in ipairs(gradients) do before[i] = train.global_norm { gradient } end
  if o.clip_value then
    train.clip_value(gradients, o.clip_value)
  elseif o.clip_norm then
    train.clip_norm(gradients, o.clip_norm, o.flavor)
  else
    local _, factor = train.global_clip_norm(gradients, o.global_clip_norm, o.flavor)
    self.last_clip_factor = factor
  end
  return before
end

return M
