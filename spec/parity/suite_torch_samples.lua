-- Cases of torch_samples.safetensors: PyTorch's own samples of its operators, result and gradients.
-- What cannot be expressed is counted by operator and reason and told in PARITY.md.
local draw = require "draw"
local json = require "lossdbg.support.json"
local torch = require "torch_arguments"

local adapters = {}
for _, file in ipairs { "torch_pointwise", "torch_layout", "torch_layers", "torch_losses" } do
  for name, adapter in pairs(require(file)) do adapters[name] = adapter end
end

-- Operands that PyTorch differentiates by and that are data here: targets of losses.
local constant = { huber = true, mse = true, mae = true, binary_crossentropy = true, kl = true,
  cosine_similarity = true, sparse_crossentropy = true }

-- Operators of the same name that mean something else here.
local other_meaning = {
  { "gather", "picks element by element there, whole rows along an axis here" },
  { "nn.functional.poisson_nll_loss", "epsilon 1e-8 and logarithmic input there, Keras's 1e-7" },
  { "nn.functional.dropout", "another generator of random numbers" },
}

-- Differences that are PyTorch's, with the limit that holds instead of 1e-10.
local known = {
  ["nn.functional.hardsigmoid"] = { f64 = 1e-7, why = "its gradient rounds 1/6 to f32" },
}

local function backward(sample, results)
  local total
  for i, y in ipairs(results) do
    if y.requires_grad then
      local part = (y * draw(y.shape, sample.seed + i - 1, y.dtype)):sum()
      total = total and total + part or part
    end
  end
  if total then total:backward() end
end

-- The largest number of a sample. Gradients a million times smaller are 0 in theory, and rounding
-- is all there is of them.
local function size_of(sample, tensors)
  local size = 0
  for _, list in ipairs { sample.out, sample.grads or {} } do
    for _, ref in ipairs(list) do
      local t = torch.tensor(tensors, ref)
      local own = t.numel > 0 and t:abs():max():item() or 0
      if own < math.huge then size = math.max(size, own) end
    end
  end
  return size
end

local function check(sample, tensors, dtype, near)
  local ours, run = table.unpack(adapters[sample.op])
  local a = torch.arguments(sample, tensors, dtype)
  local results = run(a)
  for i, y in ipairs(results) do
    local expected = torch.tensor(tensors, sample.out[i])
    near("shape of result " .. i, expected.shape, y.shape)
    near("result " .. i, expected, y)
  end
  backward(sample, results)
  local whole = size_of(sample, tensors)
  for i, ref in ipairs(sample.grads or {}) do
    local got = a.leaves[i].grad
    if got or not (constant[ours] and i > 1) then
      local expected = torch.tensor(tensors, ref)
      local own = expected.numel > 0 and expected:abs():max():item() or 0
      near("gradient " .. i, expected, got or expected * 0, own < 1e-6 * whole and whole or 0)
    end
  end
end

-- Numbers past the range of f32, on either side, are compared in f64 alone.
local function out_of_range(sample, tensors)
  for _, list in ipairs { sample.out, sample.grads or {} } do
    for _, ref in ipairs(list) do
      local t = torch.tensor(tensors, ref)
      local size = t.dtype == "f64" and t.numel > 0 and t:abs():max():item() or 0
      if size > 1e37 and size < math.huge or size > 0 and size < 1e-35 then return true end
    end
  end
  return false
end

-- Where the problem itself is ill-conditioned, f32 may be off by twice what PyTorch's f32 is, and f64
-- by that much in its own, 2^29 times finer steps.
local function limits_of(sample)
  local own = 2 * (sample.f32 or 0)
  return { f64 = known[sample.op] and known[sample.op].f64 or math.max(1e-10, 2 * own / 2 ^ 29),
    f32 = math.min(math.max(2e-5, own), 1e-3) }
end

local function reason_of(sample, tensors)
  local ok, message = pcall(adapters[sample.op][2], torch.arguments(sample, tensors, "f64"))
  if not ok and type(message) == "table" then return message.left_out end
end

local function sorted(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function notes_of(counts, left_out, metadata)
  local lines = { "", "## PyTorch's own operator samples", "",
    "Sample inputs of `torch.testing._internal.common_methods_invocations`; made by "
      .. metadata.made_by .. ". Gradients by the targets of losses are not compared: targets are "
      .. "data here.", "", "| operator | here | compared | left out, and why |",
    "|---|---|---:|---|" }
  for _, name in ipairs(sorted(adapters)) do
    local reasons = { known[name] and ("none; f64 within %g: %s"):format(known[name].f64,
      known[name].why) }
    for _, reason in ipairs(sorted(left_out[name] or {})) do
      reasons[#reasons + 1] = ("%d: %s"):format(left_out[name][reason], reason)
    end
    lines[#lines + 1] = ("| %s | %s | %d | %s |"):format(name:gsub("|", " (") ..
      (name:find("|", 1, true) and ")" or ""), (adapters[name][1]:gsub("^loss ", "")),
      counts[name] or 0, table.concat(reasons, "; "))
  end
  for _, row in ipairs(other_meaning) do
    lines[#lines + 1] = ("| %s | | 0 | another meaning: %s |"):format(row[1], row[2])
  end
  return lines
end

return function(golden)
  local tensors, cases, counts = golden.tensors, {}, {}
  local samples = json.decode(golden.metadata.samples)
  local left_out = json.decode(golden.metadata.left_out)
  for _, sample in ipairs(samples) do
    assert(adapters[sample.op], "no adapter for " .. sample.op)
    local ours, reason = adapters[sample.op][1], reason_of(sample, tensors)
    if reason then
      local reasons = left_out[sample.op] or {}
      left_out[sample.op] = reasons
      reasons[reason] = (reasons[reason] or 0) + 1
    else
      counts[sample.op] = (counts[sample.op] or 0) + 1
      cases[#cases + 1] = {
        title = ("%s, sample %d"):format(sample.op, sample.seed // 10), peers = "torch",
        covers = { ours:find(" ", 1, true) and ours or "op " .. ours },
        dtypes = out_of_range(sample, tensors) and { "f64" } or nil, limits = limits_of(sample),
        check = function(dtype, near) check(sample, tensors, dtype, near) end,
      }
    end
  end
  return cases, notes_of(counts, left_out, golden.metadata)
end
