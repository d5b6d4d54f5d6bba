-- Every function of the core is called with hostile arguments: samples that work with one to three
-- of their places spoilt. Whatever happens is a result or an error of text; under `make asan` no
-- byte is touched that is not the call's own. The same seed makes the same calls:
--   LOSSDBG_FUZZ_CALLS=200000 LOSSDBG_FUZZ_SEED=7 make asan SPECS=spec/51_core_fuzz_spec.lua
package.path = "./spec/support/?.lua;" .. package.path
local core = require "lossdbg.core"
local ld = require "lossdbg"
local samples = require "core_samples"

local calls = tonumber(os.getenv("LOSSDBG_FUZZ_CALLS")) or 2500
local trace = os.getenv("LOSSDBG_FUZZ_TRACE") -- the last line before a crash is the call
local seed = tonumber(os.getenv("LOSSDBG_FUZZ_SEED")) or 1

-- Deterministic, and independent of math.random's seed.
local state = seed
local function draw(n)
  state = (state * 6364136223846793005 + 1442695040888963407)
  return (state >> 33) % n + 1
end

local function closed_file()
  local file = assert(io.tmpfile())
  file:close()
  return file
end

-- Sizes are small or larger than any memory: those between would be taken, and fill the machine.
local build = samples.samples["plan.build"]
local tape = build()[1]
local plan, x = samples.samples["plan.ready"]()[1], samples.ramp { 4, 3 }
local used_up = (ld.ones({ 2 }) * 2):sum()
local hostile = {
  0, 1, -1, 2, 3, 7, 1.5, -0.0, 0 / 0, math.huge, -math.huge, 1e300, 1e-300, 1 << 40, 1 << 53,
  1 << 61, 1 << 62, math.maxinteger, math.mininteger, -(1 << 31), -(1 << 32),
  false, true, "", "x", "f32", "keras", "\0", ("y"):rep(300), "7", "0x10",
  {}, { 1 }, { -1 }, { 0 / 0 }, { {} }, { x = 1 }, { 1 << 40, 1 << 40 }, { 0, 1 << 62 },
  { 1, 2, 3 },
  setmetatable({}, { __index = function() return 1 end }),
  setmetatable({}, { __index = function() error("from a metamethod") end,
    __len = function() return 1 << 40 end, __tostring = function() return nil end }),
  function() end, function(...) return ... end, function() error({}) end, print,
  coroutine.create(print), io.stdout, closed_file(),
  core.tensor.full({ 2 }, 1), core.tensor.full({ 2, 2 }, 1, "f64"),
  core.tensor.full({ 3 }, 1, "i32"),
  core.tensor.full({ 0 }, 1), core.tensor.full({ 0, 1 << 40 }, 1, "i32"), core.tensor.full({}, 1),
  core.tensor.full({ 3 }, -7, "i32"), core.tensor.full({ 3 }, 0 / 0),
  core.tensor.full({ 1, 1, 1, 1, 1, 1, 1, 1 }, 1), core.tensor.full({ 3, 4 }, 1):transpose(),
  samples.ramp({ 4, 4 }):slice(-1, 1, -1, 2), core.tensor.full({ 1 }, 1):expand { 3, 5 },
  core.tensor.full({ 1 << 9 }, 1), used_up, x,
  tape, build()[2], plan, core.train.recorder({ 1 }, { 3 }, 0),
}
local count = #hostile + 1 -- and nil

-- A plan may be run as often as somebody likes, a file replaced where it pleases: not hostile.
local spared = {
  ["plan.run"] = { [2] = function(v) return math.type(v) == "integer" and v > 9 end },
  ["io.replace"] = { function(v) return type(v) == "string" or type(v) == "number" end },
}

local function spoil(args, name)
  local at = draw(math.max(args.n, 1) + 1)
  local value = hostile[draw(count)]
  local old = args[at]
  local spare = spared[name] and spared[name][at]
  if spare and spare(value) then return end
  if type(old) == "table" and next(old) ~= nil and draw(2) == 1 then -- one field of it
    local copy, keys = {}, {}
    for key, v in pairs(old) do
      copy[key] = v
      keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    copy[keys[draw(#keys)]] = value
    args[at] = copy
  else
    args[at] = value
    args.n = math.max(args.n, at)
  end
  if draw(8) == 1 then args.n = draw(args.n + 1) - 1 end -- the last are missing
end

local function describe_call(name, args)
  local out = {}
  for i = 1, args.n do out[i] = tostring(select(2, pcall(tostring, args[i]))):sub(1, 40) end
  return ("%s(%s)"):format(name, table.concat(out, ", "))
end

-- What a call may have switched is switched back, and the core must still compute.
local function settle()
  core.autograd.check_finite(false)
  core.plan.optimizer()
  assert(core.plan.mode() == nil)
  assert(core.op.add(core.tensor.full({ 3 }, 2), 3):totable()[3] == 5)
end

describe("the core, with hostile arguments", function()
  local prefix = debug.getinfo(ld.tensor, "S").source:match("^(.*lossdbg/)")

  it("has a sample of every function", function()
    for _, entry in ipairs(samples.functions()) do
      assert(entry.sample, entry.name .. " has no sample in spec/support/core_samples.lua")
      local args = entry.sample()
      entry.fn(table.unpack(args, 1, args.n))
      if entry.name == "autograd.library" then core.autograd.library(prefix) end
    end
  end)

  it("answers or raises text", function()
    local list, raised = samples.functions(), 0
    for i = 1, calls do
      local entry = list[(i - 1) % #list + 1]
      local args = entry.sample()
      for _ = 1, draw(3) do spoil(args, entry.name) end
      if trace then io.stderr:write(describe_call(entry.name, args), "\n") end
      local ok, message = pcall(entry.fn, table.unpack(args, 1, args.n))
      if not ok then
        raised = raised + 1
        assert(type(message) == "string" or entry.name == "autograd.no_grad"
          or entry.name == "plan.capture" or entry.name == "plan.call",
          describe_call(entry.name, args) .. " raised " .. type(message))
      end
      core.autograd.library(prefix)
      core.threads(1)
      local sound, why = pcall(settle)
      assert(sound, ("after %s: %s"):format(describe_call(entry.name, args), why))
    end
    assert.is_true(raised > calls // 10 and raised < calls)
  end)
end)
