-- A wish to stop (Ctrl-C, a host's callback) is no failure: it ends whatever runs, at once.
local attempt = require "lossdbg.support.attempt"
local ld = require "lossdbg"
local nn = ld.nn

describe("an interruption", function()
  it("is told from a failure by its text", function()
    for _, text in ipairs { "interrupted!", "script.lua:3: interrupted!",
      "lossdbg: fit: interrupted", "x.lua:1: lossdbg: dense: interrupted\nstack traceback:" } do
      assert.is_true(attempt.is_interruption(text), text)
      assert.is_true(attempt.is_fatal(text), text)
    end
    for _, text in ipairs { "the download was interrupted by a fault", "interrupted! again",
      "not enough memory", { "interrupted!" }, 3 } do
      assert.is_false(attempt.is_interruption(text), text)
    end
    assert.is_true(attempt.is_fatal "not enough memory")
    assert.is_false(attempt.is_fatal "lossdbg: dense: argument 'units': expected an integer")
  end)
end)

-- As lua's own handler does it: a hook that raises once, at the n-th of `what`.
-- Whether it came so far, and what pcall said.
local function stopped(what, n, fn, ...)
  local left = n
  debug.sethook(function()
    left = left - 1
    if left > 0 then return end
    debug.sethook()
    error("interrupted!", 0)
  end, what, what == "" and 1000 or nil)
  local result = table.pack(pcall(function(...)
    fn(...)
    debug.sethook()
  end, ...))
  debug.sethook()
  return left <= 0, result
end

local function experiment()
  ld.seed(2)
  local x = ld.randn { 60, 3 }
  return ld.experiment { train = { x, (x:sum(2, true) * 0.1) }, loss = "mse", batch = 10, seed = 1,
    model = nn.sequential { nn.dense { 8, "sigmoid" }, nn.dense(1) }, epochs = 3,
    optimizer = ld.optim.sgd { lr = 1e-6 } }
end

local function ends(what, points, fn)
  local reached = 0
  for _, n in ipairs(points) do
    local fired, result = stopped(what, n, fn)
    if fired then
      reached = reached + 1
      assert.is_false(result[1], ("stopped at %d, and went on"):format(n))
      assert.equal("interrupted!", result[2])
    end
  end
  assert.is_true(reached >= #points - 1, "only " .. reached .. " points were reached")
end

describe("an interruption ends", function()
  it("a diagnosis, wherever it comes", function()
    local made = experiment()
    ends("", { 3, 400, 1600, 2900 }, function() made:diagnose() end)
  end)

  it("fit and a planned step, in the middle of a capture too", function()
    local made = experiment()
    ends("c", { 900, 1500, 2000, 2500, 3001, 3500 }, function() made:fit { verbose = 0 } end)
    local model = nn.sequential { nn.dense(2) }:build({ 3 }, { seed = 1 })
    local optimizer = ld.optim.adam { model, lr = 0.01 }
    ends("c", { 40, 80, 120, 160, 200, 240, 280 }, function()
      local step = ld.plan(function(x)
        optimizer:zero_grad()
        local loss = model(x):square():mean()
        loss:backward()
        optimizer:step()
        return loss
      end)
      for _ = 1, 20 do step(ld.ones { 4, 3 }) end
    end)
  end)
end)

describe("pcall in the library", function()
  -- where every error is raised again (also by the parent of a worker), turned into another, or of
  -- no consequence
  local allowed = { ["support/attempt.lua"] = 3, ["support/json_reader.lua"] = 1,
    ["support/observers.lua"] = 2, ["cli/user_script.lua"] = 1,
    ["train/train_step.lua"] = 1, ["train/trainer.lua"] = 2, ["init.lua"] = 1,
    ["cli/init.lua"] = 1, ["support/workers.lua"] = 2 }

  it("stands only where it swallows no interruption", function()
    local found = {}
    for path in io.popen("find lua/lossdbg -name '*.lua'"):lines() do
      local _, n = io.open(path):read("a"):gsub("%f[%w]x?pcall%(", "")
      local name = path:gsub("^lua/lossdbg/", "")
      if n > 0 then found[name] = n end
    end
    for name, n in pairs(found) do
      assert.is_true(n <= (allowed[name] or 0), name .. ": use support/attempt.lua")
    end
  end)
end)
