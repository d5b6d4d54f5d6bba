--- Gradients against central differences, in f64.
-- numeric_i = (f(x + h e_i) - f(x - h e_i)) / 2h; error = |analytic - numeric| over
-- max(|analytic|, |numeric|, floor). Where the two one-sided slopes disagree and go on disagreeing
-- as h shrinks, the point stands on a kink (ReLU, max, clip): it is counted and left out of the
-- verdict.

local core = require "lossdbg.core"
local several = require "lossdbg.data.inputs"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensor = require "lossdbg.tensor"

local M = {}

local schema = options.declare "gradcheck" {
  { name = "eps", type = "number", open_min = 0, default = 1e-5,
    doc = "step, relative to max(1, |x|)" },
  { name = "tolerance", type = "number", open_min = 0, default = 1e-6,
    doc = "largest error that passes" },
  { name = "samples", type = "integer", min = 1, default = 200,
    doc = "entries checked per tensor" },
  { name = "seed", type = "integer", default = 0, doc = "of the choice of entries" },
  { name = "loss", type = "any", doc = "models: the loss, a name or an object" },
}

---@class lossdbg.GradcheckReport
---@field passed boolean
---@field max_error number
---@field worst string? name of the entry with the largest error
---@field checked integer
---@field skipped integer entries on a kink
---@field tolerance number
---@field reason string? why nothing could be compared
---@field rows { name: string, max_error: number, checked: integer, skipped: integer }[]

local report_meta = {
  __name = "lossdbg.gradcheck",
  __tostring = function(r)
    local head = "gradient check %s: largest relative error %.2g (limit %.0e)%s; %d entries%s"
    local lines = { head:format(r.passed and "passed" or "FAILED", r.max_error, r.tolerance,
      r.worst and " at " .. r.worst or "", r.checked,
      r.skipped > 0 and (", %d on kinks left out"):format(r.skipped) or "") }
    if r.reason then lines[1] = "gradient check FAILED: " .. r.reason end
    for _, row in ipairs(r.rows) do
      lines[#lines + 1] = ("  %-24s %.2g over %d entries"):format(row.name, row.max_error,
        row.checked)
    end
    return table.concat(lines, "\n")
  end,
}

-- Up to `count` different flat positions of a tensor with n elements.
local function positions(n, count, seed, stream)
  local ids = tensor.zeros(n, "i32")
  core.random.permutation(ids, seed, stream)
  local list = {}
  for i = 1, math.min(n, count) do list[i] = ids[i] + 1 end
  table.sort(list)
  return list
end

local function at_offset(evaluate, flat, i, x, h)
  flat[i] = x + h
  local value = evaluate()
  flat[i] = x
  return value
end

-- The central difference, and whether the point is a kink.
local function numeric_slope(evaluate, flat, i, eps, center)
  local x = flat[i]
  local h = eps * math.max(1, math.abs(x))
  local up, down = at_offset(evaluate, flat, i, x, h), at_offset(evaluate, flat, i, x, -h)
  local slope = (up - down) / (2 * h)
  local bend = math.abs((up - center) - (center - down)) / h
  local scale = math.max(math.abs(slope), 1e-6)
  if bend > 1e-3 * scale then -- smooth curvature shrinks with h, a kink does not
    local g = h / 16
    local up2, down2 = at_offset(evaluate, flat, i, x, g), at_offset(evaluate, flat, i, x, -g)
    local bend2 = math.abs((up2 - center) - (center - down2)) / g
    if bend2 > 0.25 * bend then return slope, true end
  end
  return slope, false
end

-- The error at a step, beyond what rounding of f alone can do to it.
local function error_at(a, numeric, center, eps, floor)
  local noise = 4 * 2 ^ -52 * math.max(1, math.abs(center)) / eps
  local difference = math.abs(a - numeric) - noise
  if not (difference < math.huge) then return math.huge end -- NaN, too, is no agreement
  return math.max(0, difference) / math.max(math.abs(a), math.abs(numeric), floor)
end

local function check_leaf(leaf, evaluate, center, o, index)
  local flat = leaf.tensor:reshape { -1 }
  local grad = leaf.tensor.grad
  local analytic = grad and grad:reshape { -1 }
  local row = { name = leaf.name, max_error = 0, checked = 0, skipped = 0 }
  local floor = 1e-8 * math.max(1, math.abs(center))
  for _, i in ipairs(positions(flat.numel, o.samples, o.seed, index)) do
    local numeric, kink = numeric_slope(evaluate, flat, i, o.eps, center)
    if kink then
      row.skipped = row.skipped + 1
    else
      local a = analytic and analytic[i] or 0
      local err = error_at(a, numeric, center, o.eps, floor)
      if err > o.tolerance then -- strong curvature: a shorter step tells a bend from a mistake
        local short = numeric_slope(evaluate, flat, i, o.eps / 8, center)
        err = math.min(err, error_at(a, short, center, o.eps / 8, floor))
      end
      row.checked = row.checked + 1
      if err > row.max_error then
        row.max_error, row.worst = err, ("%s[%d]"):format(leaf.name, i)
      end
    end
  end
  return row
end

-- leaves: { { name, tensor (f64, requires_grad) } }; forward() -> scalar tensor
local function compare(leaves, forward, o)
  for _, leaf in ipairs(leaves) do leaf.tensor.grad = nil end
  local value = forward()
  value:backward()
  local center = value:item()
  local function evaluate() return tensor.no_grad(forward):item() end
  local report = { max_error = 0, checked = 0, skipped = 0, tolerance = o.tolerance, rows = {} }
  tensor.no_grad(function()
    for index, leaf in ipairs(leaves) do
      local row = check_leaf(leaf, evaluate, center, o, index)
      report.rows[index] = row
      report.checked = report.checked + row.checked
      report.skipped = report.skipped + row.skipped
      if row.max_error > report.max_error then
        report.max_error, report.worst = row.max_error, row.worst
      end
    end
  end)
  report.passed = report.checked > 0 and report.max_error <= o.tolerance
  if center ~= center or math.abs(center) == math.huge then
    report.passed = false
    report.reason = ("the value itself is %s: there is no slope to compare with"):format(
      center ~= center and "NaN" or "infinite")
  end
  return setmetatable(report, report_meta)
end

-- One number out of any result: a fixed random projection, so that no gradient cancels by symmetry.
local function project(out, seed)
  if not tensor.is_tensor(out) then
    error(("lossdbg: gradcheck: argument 1: expected a function that returns a tensor, it returned "
      .. "%s"):format(options.show(out)), source.level())
  end
  if out.numel == 1 then return out:reshape {} end
  local weights = tensor.zeros(out.shape, "f64")
  core.random.normal(weights, seed, core.random.stream("gradcheck", 0, 0), 0, 1)
  return (out * weights):sum()
end

local function check_function(fn, ...)
  local given, o = table.pack(...), nil
  local last = given[given.n]
  if given.n > 0 and not tensor.is_tensor(last) and type(last) == "table" then
    given.n = given.n - 1
    o = last
  end
  o = options.check("gradcheck", o or {}, schema, source.level())
  local inputs, leaves = {}, {}
  for i = 1, given.n do
    local x = given[i]
    if not tensor.is_tensor(x) then
      error(("lossdbg: gradcheck: input %d: expected a tensor, got %s"):format(i, type(x)),
        source.level())
    end
    if x.dtype == "i32" then
      inputs[i] = x
    else
      inputs[i] = x:detach():cast("f64"):clone()
      inputs[i].requires_grad = true
      leaves[#leaves + 1] = { name = "input " .. i, tensor = inputs[i] }
    end
  end
  if #leaves == 0 then
    error("lossdbg: gradcheck: no floating-point input to differentiate by", source.level())
  end
  local function value() return project(fn(table.unpack(inputs, 1, given.n)), o.seed) end
  return compare(leaves, value, o)
end

-- f64 of everything but ids.
local function widened(x)
  local function widen(part) return part.dtype == "i32" and part or part:cast "f64" end
  return tensor.is_tensor(x) and widen(x) or several.read(x, widen)
end

local function check_model(model, x, y, given)
  local o = options.check("gradcheck", given or {}, schema, source.level())
  for _, part in ipairs { x or false, y or false } do
    if not tensor.is_tensor(part) and not several.looks_several(part) then
      error("lossdbg: gradcheck: a model needs inputs x and targets y (tensors)", source.level())
    end
  end
  if o.loss == nil then
    error("lossdbg: gradcheck: argument 'loss' is missing (for example loss = \"mse\")",
      source.level())
  end
  local loss_several = require "lossdbg.train.loss_set"
  local loss, keys = o.loss, loss_several.keys(model.description)
  if not keys then
    loss = require("lossdbg.loss").resolve(loss, "gradcheck")
  elseif not (type(loss) == "table" and loss.parts) then
    loss = loss_several.resolve(loss, nil, keys, "gradcheck")
  end
  local twin = model:clone():to "f64"
  x, y = widened(x), widened(y)
  local leaves = {}
  for name, p in twin:parameters() do
    if p.requires_grad then leaves[#leaves + 1] = { name = name, tensor = p } end
  end
  if #leaves == 0 then
    error("lossdbg: gradcheck: all parameters of the model are frozen", source.level())
  end
  -- What training differentiates: a softmax before its cross-entropy is computed from the logits.
  local judge = require("lossdbg.train.evaluate").judge(twin, loss, {}, true)
  local context = { training = false, logits = judge.logits }
  return compare(leaves, function()
    local value = judge.loss:reduce(judge.loss:compute(twin:forward(x, context), y))
    return value.rank > 0 and value:mean() or value
  end, o)
end

--- Compares the gradients of a function or a built model with central differences.
-- gradcheck(fn, x1, x2, …, options?): fn gets f64 copies of the inputs and returns a tensor.
-- gradcheck(model, x, y, { loss = … }): an f64 copy of the model in evaluation mode.
---@param subject function|table a function, a custom op, or a built model
---@return lossdbg.GradcheckReport
function M.check(subject, ...)
  if type(subject) == "table" and subject.parameters then return check_model(subject, ...) end
  if type(subject) == "function" then return check_function(subject, ...) end
  error("lossdbg: gradcheck: argument 1: expected a function or a built model, got "
    .. type(subject), source.level())
end

return M
