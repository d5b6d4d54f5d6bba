-- A call of every function of the core that works: name -> function that returns its arguments,
-- made anew. M.functions() lists what the core has; a function without a sample fails the specs
-- that walk them. Ops take their inputs from op_samples.lua, those without a gradient from here.
local core = require "lossdbg.core"
local ld = require "lossdbg"
local op_samples = require "op_samples"

local M = {}

local pack = table.pack

local function ramp(shape, dtype)
  local t = core.tensor.full(shape, 0, dtype)
  if dtype == "i32" then return core.tensor.full(shape, 1, dtype) end
  for i = 1, t.numel do t:reshape { t.numel }[i] = (i * 7 % 5 + 1) / 4 end
  return t
end
M.ramp = ramp

local function leaf(shape)
  local t = ramp(shape)
  t.requires_grad = true
  return t
end

-- ---- plans: a step with an update --------------------------------------------------------------

local function tapes()
  local w, x = leaf { 3, 1 }, ramp { 4, 3 }
  local optimizer = { iterations = 0 }
  local function step(input)
    w.grad = nil
    local loss = (input:matmul(w)):square():mean()
    core.fit.mark(loss)
    loss:backward()
    core.plan.optimizer(optimizer, 0.1, 1)
    core.train.sgd(w, w.grad, {}, 0.1)
    core.plan.optimizer()
    optimizer.iterations = optimizer.iterations + 1
    return loss, loss
  end
  local first = core.plan.capture(step, nil, { x }, x)
  return first, core.plan.capture(step, nil, { x }, x), x
end

local function plan()
  local a, b, x = tapes()
  return assert(core.plan.build(a, b)), x
end

local function record() return core.train.recorder({ 1, 1 }, { 4 }, 1) end

local function fit_arguments()
  local p, x = plan()
  return pack(p, core.train.recorder({ 1 }, { 3 }, 0), { rows = { x }, batches = { false },
    first = 0, batch = 4, n = 1, step = 0, lr = 0.1, due = true, measured = true, places = { 1 },
    total = 0, data_total = 0 })
end

-- ---- samples -----------------------------------------------------------------------------------

local function pair() return ramp { 3 }, ramp { 3 } end
M.samples = {
  ["tensor.full"] = function() return pack({ 2, 3 }, 1.5, "f64") end,
  ["tensor.range"] = function() return pack(0, 1, 5, "i32") end,
  ["tensor.from_table"] = function() return pack({ { 1, 2 }, { 3, 4 } }, "f32") end,
  ["tensor.is_tensor"] = function() return pack(ramp { 2 }) end,
  ["methods.totable"] = function() return pack(ramp { 2, 2 }) end,
  ["methods.item"] = function() return pack(ramp { 1 }) end,
  ["methods.get"] = function() return pack(ramp { 2, 2 }, 1, 2) end,
  ["methods.set"] = function() return pack(ramp { 2, 2 }, 4, 1, 2) end,
  ["methods.fill_"] = function() return pack(ramp { 2, 2 }, 4) end,
  ["methods.copy_"] = function() return pack(ramp { 2, 3 }, ramp { 3 }) end,
  ["methods.clone"] = function() return pack(ramp { 2, 2 }) end,
  ["methods.detach"] = function() return pack(ramp { 2, 2 }) end,
  ["methods.is_contiguous"] = function() return pack(ramp { 2, 2 }) end,
  ["methods.has_nonfinite"] = function() return pack(ramp { 2, 2 }) end,
  ["metatable.__len"] = function() return pack(ramp { 2, 2 }) end,
  ["metatable.__index"] = function() return pack(ramp { 2, 2 }, 1) end,
  ["metatable.__newindex"] = function() return pack(ramp { 2, 2 }, 1, 3) end,
  ["op.argmax"] = function() return pack(ramp { 2, 3 }, { axis = 2 }) end,
  ["op.argmin"] = function() return pack(ramp { 2, 3 }, { axis = 2 }) end,
  ["op.one_hot"] = function() return pack(ramp({ 3 }, "i32"), { classes = 4 }) end,
  ["op.moments"] = function() return pack(ramp { 3, 2 }) end,
  ["op.sign"] = function() return pack(ramp { 3 }) end,
  ["op.floor"] = function() return pack(ramp { 3 }) end,
  ["autograd.backward"] = function() return pack((leaf { 3 } * 2):sum()) end,
  ["autograd.no_grad"] = function() return pack(function(a) return a + 1 end, 1) end,
  ["autograd.attach"] = function()
    return pack(ramp { 3 }, { backward = function(_, g) return g end }, leaf { 3 })
  end,
  ["autograd.check_finite"] = function() return pack(false) end,
  ["autograd.scope"] = function() return pack("layer") end,
  ["autograd.library"] = function() return pack("@no such file") end,
  ["random.seed"] = function() return pack(7) end,
  ["random.next"] = function() return pack() end,
  ["random.uniform"] = function() return pack(ramp { 5 }, 1, 2, -1, 1) end,
  ["random.normal"] = function() return pack(ramp { 5 }, 1, 2, 0, 1) end,
  ["random.truncated_normal"] = function() return pack(ramp { 5 }, 1, 2, 0, 1) end,
  ["random.permutation"] = function() return pack(ramp({ 5 }, "i32"), 1, 2) end,
  ["random.stream"] = function() return pack("purpose", 1, 2) end,
  ["random.block"] = function() return pack(1, 2, 3) end,
  ["train.check"] = function() return pack(pair()) end,
  ["train.clip_value"] = function() return pack({ ramp { 3 } }, 0.5) end,
  ["train.clip_norm"] = function() return pack({ ramp { 3 } }, 0.5, "torch") end,
  ["train.global_clip_norm"] = function() return pack({ ramp { 3 }, ramp { 2 } }, 0.5, "keras") end,
  ["train.global_norm"] = function() return pack { ramp { 3 }, ramp { 2 } } end,
  ["train.version"] = function() return pack(ramp { 3 }) end,
  ["train.orthogonal"] = function() return pack(ramp { 3, 4 }, 1, 2, 1) end,
  ["train.recorder"] = function() return pack({ 1, 1 }, { 4 }, 1) end,
  ["record.set"] = function() return pack(record(), 1, { grad_sq = 1, unchanged = 2 }) end,
  ["record.see"] = function() return pack(record(), 1, ramp { 4 }) end,
  ["record.add"] = function() return pack(record(), 1.5, 0.1, true) end,
  ["record.history"] = function() return pack(record(), "loss") end,
  ["record.last"] = function() return pack(record(), "lr") end,
  ["record.series"] = function() return pack(record(), 1, "ratio") end,
  ["record.output_series"] = function() return pack(record(), 1, "std") end,
  ["record.layer"] = function() return pack(record(), 1) end,
  ["record.output"] = function() return pack(record(), 1) end,
  ["record.load"] = function() return pack(record(), record():state()) end,
  ["score.size"] = function() return pack("sparse", ramp { 4, 3 }) end,
  ["score.fits"] = function() return pack("square", ramp { 4, 3 }, ramp { 4, 3 }) end,
  ["score.add"] = function()
    return pack({ core.tensor.full({ 2 }, 0, "f64"), "square", 0.5 }, ramp { 4, 3 }, ramp { 4, 3 })
  end,
  ["io.is_terminal"] = function() return pack(io.stderr) end,
  ["io.terminal_width"] = function() return pack(io.stderr) end,
  ["diagnose.trend"] = function() return pack({ 3, 2, 1 }, { block = 1 }) end,
  ["diagnose.median"] = function() return pack { 1, 2, 3 } end,
  ["diagnose.student_p"] = function() return pack(1.5, 3) end,
  ["diagnose.normal_cdf"] = function() return pack(1.5) end,
  ["diagnose.stats"] = function() return pack(ramp { 3 }) end,
  ["diagnose.lean_stats"] = function() return pack(ramp { 3 }) end,
  ["diagnose.unit_activity"] = function() return pack(ramp { 3, 2 }, 0.5) end,
  ["diagnose.unit_saturation"] = function() return pack(ramp { 3, 2 }, 0.1, 0.5) end,
  ["diagnose.columns"] = function() return pack(ramp { 3, 2 }) end,
  ["diagnose.row_sums"] = function() return pack(ramp { 3, 2 }) end,
  ["diagnose.symmetric"] = function() return pack(ramp { 3, 2 }, 1e-6) end,
  ["diagnose.fingerprints"] = function()
    return pack { family = "cross_entropy", classes = 3, mean = 1.1, prior = { 0.5, 0.3, 0.2 } }
  end,
  ["diagnose.row_hashes"] = function() return pack(ramp { 5, 2 }, 3, 1) end,
  ["diagnose.audit"] = function()
    return pack(ramp { 5, 2 }, ramp({ 5 }, "i32"), { classes = 3, val_x = ramp { 2, 2 } })
  end,
  ["plan.call"] = function()
    local p, x = plan()
    return pack({ p, function() end }, x)
  end,
  ["plan.capture"] = function()
    local x = ramp { 2 }
    return pack(function(a) return a * 2 end, 1, { x }, x)
  end,
  ["plan.build"] = function()
    local a, b = tapes()
    return pack(a, b)
  end,
  ["plan.reason"] = function() return pack((tapes())) end,
  ["plan.optimizers"] = function() return pack((plan())) end,
  ["plan.optimizer"] = function() return pack({}, 0.1, 1) end,
  ["plan.own_rate"] = function() return pack(0.1) end,
  ["plan.signature"] = function() return pack { ramp { 2 } } end,
  ["plan.ready"] = function()
    local p, x = plan()
    return pack(p, { x })
  end,
  ["plan.run"] = function()
    local p, x = plan()
    return pack(p, 1, { x }, 0)
  end,
  ["plan.rate"] = function() return pack((plan()), 1, 0.1) end,
  ["plan.settled"] = function() return pack((plan()), true) end,
  ["plan.updates"] = function() return pack((plan()), 1) end,
  ["plan.norms"] = function() return pack((plan()), 1) end,
  ["fit.steps"] = fit_arguments,
  ["fit.abandon"] = function() return pack((plan())) end,
  ["fit.result"] = function() return pack((plan()), 1) end,
  ["fit.mark"] = function() return pack(ramp { 1 }) end,
  ["core.threads"] = function() return pack(1) end,
}

local function several(room, names, sample)
  for name in names:gmatch("%S+") do M.samples[room .. "." .. name] = sample end
end
several("op", "eq ne lt le gt ge", function() return pack(pair()) end)
several("diagnose", "paired_t skill sign_test spearman", function()
  return pack({ 1, 2, 3 }, { 1, 3, 2 })
end)
several("plan", "taping mode stamp changed rate_changed", pack)
several("plan", "replays repeatable shows info", function() return pack((plan())) end)
several("core", "op_rows config shared_runs clock", pack)
several("record", "clear steps state", function() return pack(record()) end)

-- An optimiser with every slot that it can have.
for _, row in ipairs(core.train.rules()) do
  M.samples["train." .. row.name] = function()
    local shapes = { like = { 2, 3 }, rows = { 2 }, columns = { 3 } }
    local slots, given = {}, { flavor = row.torch and "torch" or "keras", weight_decay = 0.01 }
    for _, hyper in ipairs(row.hypers) do
      if hyper.type == "boolean" then given[hyper.name] = true end
      if hyper.name == "momentum" then given[hyper.name] = 0.5 end
    end
    for _, slot in ipairs(row.slots) do slots[slot.name] = ramp(shapes[slot.shape]) end
    return pack(ramp { 2, 3 }, ramp { 2, 3 }, slots, 0.1, given, 1)
  end
end
M.samples["train.rules"] = pack

local function digest() return core.digest.make({ { a = 1 }, pack }, { false, false }) end
M.samples["digest.make"] = function() return pack({ { a = 1 }, pair }, { { "a" }, false }) end
M.samples["digest.changed"] = function() return pack(digest()) end
M.samples["digest.upvalue"] = function() return pack(digest, 1) end
M.samples["plan.reads"] = function() return pack((plan()), digest()) end
several("digest", "metatable names source", function() return pack(digest) end)
require("core_samples_io")(M.samples, ramp)

-- The first case of an op whose inputs are no views; i32 ids stay within their case's values.
local function from_op_samples(row)
  return function()
    local case, args = op_samples[row.name][1], {}
    for i, input in ipairs(case) do
      local t = ld.zeros(input.shape, input.dtype or "f32")
      if not input.values and input.dtype ~= "i32" then t = ramp(input.shape, input.dtype) end
      for k = 1, input.values and t.numel or 0 do
        t:reshape { t.numel }[k] = input.values[(k - 1) % #input.values + 1]
      end
      args[i] = t
    end
    local _, n = row.inputs:gsub("%S+", "")
    if row.inputs:find("*", 1, true) then n = #args end
    local attrs = next(case.attrs) and case.attrs
    if attrs then args[n + 1] = attrs end
    return pack(table.unpack(args, 1, attrs and n + 1 or #args))
  end
end

---Every function of the core as a sorted list of { name, fn, sample }; sample nil where there is
---none. Methods of tensors that are ops stand under the op.
function M.functions()
  local list, is_op = {}, { [core.autograd.backward] = true }
  local function add(room, t)
    for key, fn in pairs(t) do
      local name = room .. "." .. key
      if type(fn) == "function" and debug.getinfo(fn, "S").what == "C" and not is_op[fn] then
        list[#list + 1] = { name = name, fn = fn, sample = M.samples[name] }
      end
    end
  end
  for key, value in pairs(core) do
    if type(value) == "table" then add(key, value) end
  end
  for _, fn in pairs(core.op) do is_op[fn] = true end -- tensors have them as methods
  is_op[core.autograd.backward] = true
  add("core", core)
  add("record", getmetatable(record()).__index)
  add("metatable", core.tensor.metatable)
  add("methods", core.tensor.methods)
  for _, row in ipairs(core.op_rows()) do
    if op_samples[row.name] then M.samples["op." .. row.name] = from_op_samples(row) end
  end
  for _, entry in ipairs(list) do entry.sample = M.samples[entry.name] end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

return M
