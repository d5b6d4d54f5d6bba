--- lossdbg: why does the loss not go down?
-- The façade. Parts load when they are first used, so that `require` stays quick and a sandboxed
-- host pays only for what it calls.

if _VERSION ~= "Lua 5.4" then
  error("lossdbg needs Lua 5.4, this is " .. _VERSION .. " (on Debian: lua5.4 script.lua)")
end

local core = require "lossdbg.core"
local room = require "lossdbg.support.room"
local tensor = require "lossdbg.tensor"
local upper = require "lossdbg.support.upper"

if debug and debug.getinfo then -- chunks with this prefix are ours: messages name the user's line
  local prefix = debug.getinfo(1, "S").source:match("^(.*)init%.lua$")
  if prefix then core.autograd.library(prefix) end
end

---@class lossdbg
---@field nn table layers: dense, activation, dropout, normalization, …
---@field data table data sets: csv, idx, npy, arrays, lags
---@field loss table losses by name
---@field optim table optimisers by name
---@field schedule table learning-rate schedules
---@field init table initialisers
---@field metric table metrics
---@field callback table callbacks of fit
---@field regularizer table l1, l2, l1_l2, orthogonal
---@field constraint table max_norm, min_max_norm, unit_norm, non_neg
---@field interop table programs of Keras
local M = {
  _VERSION = "lossdbg " .. core.config().version,
  ops = core.op, -- every op as a function; tensors have them as methods
}

for name, fn in pairs(tensor) do M[name] = fn end

local modules = {
  nn = "lossdbg.nn", data = "lossdbg.data", loss = "lossdbg.loss", optim = "lossdbg.optim",
  schedule = "lossdbg.optim.schedule", init = "lossdbg.nn.initializer", metric = "lossdbg.metric",
  callback = "lossdbg.train.callback", regularizer = "lossdbg.nn.regularizer",
  constraint = "lossdbg.nn.constraint",
  rules = "lossdbg.diagnose.registry", safetensors = "lossdbg.data.safetensors",
  interop = "lossdbg.interop",
}

-- name = { module, function in it }
local functions = {
  experiment = { "lossdbg.experiment", "new" },
  open = { "lossdbg.interop.recorded", "open" },
  watch = { "lossdbg.experiment.watch", "new" },
  contract = { "lossdbg.experiment.contract", "new" },
  op = { "lossdbg.tensor.custom_op", "new" },
  gradcheck = { "lossdbg.train.gradient_check", "check" },
  landscape = { "lossdbg.experiment.landscape", "of" },
  lr_find = { "lossdbg.experiment.lr_find", "find" },
  explain = { "lossdbg.diagnose.explain", "text" },
  help = { "lossdbg.view.help", "text" },
  plan = { "lossdbg.train.step", "new" },
  load = { "lossdbg.nn.model_file", "load" },
}

-- What lower floors reach of higher ones, by the names they use (see support/upper.lua).
upper.wire {
  braille = "lossdbg.view.braille", diagnose = "lossdbg.diagnose",
  evaluate = "lossdbg.train.evaluate", html = "lossdbg.view.html",
  landscape = "lossdbg.view.landscape", library = "lossdbg",
  progress = "lossdbg.view.progress", record = "lossdbg.view.record",
  run = "lossdbg.experiment.run", svg = "lossdbg.view.svg", table = "lossdbg.view.table",
  terminal = "lossdbg.view.terminal",
}

--- What was linked and what it runs on: version, BLAS, how that was built to use threads ("serial",
--- "pthread", "openmp") and how many it uses, our own threads, and the processors of this process.
---@return { version: string, blas: string, blas_parallel: string, blas_threads: integer,
---  threads: integer, processors: integer }
function M.config() return core.config() end

--- Sets how many threads this state computes with, 1 at the start; "auto" is one a processor. The
--- results have the same bits for every number. Without an argument it only tells the number.
---@type fun(n: integer|"auto"|nil): integer, string? threads in force; why another number than n
M.threads = core.threads

-- What scripts cannot know: how many processors are theirs to use.
do
  local wanted = os and os.getenv and os.getenv "LOSSDBG_THREADS"
  if wanted and wanted ~= "" then
    local ok, message = pcall(core.threads, tonumber(wanted) or wanted)
    if not ok then
      error((message:gsub("threads: argument 'n'", "environment variable LOSSDBG_THREADS")), 0)
    end
  end
end

local function names()
  local list = {}
  for _, known in ipairs { M, modules, functions } do
    for name in pairs(known) do
      if type(name) == "string" and name:find "^%l" then list[#list + 1] = name end
    end
  end
  table.sort(list)
  return list
end

return setmetatable(M, {
  __index = function(self, key)
    local value
    if modules[key] then
      value = room.of("ld." .. key, require(modules[key]))
    elseif functions[key] then
      value = require(functions[key][1])[functions[key][2]]
    elseif type(key) == "string" then
      room.unknown("lossdbg", key, names())
    end
    rawset(self, key, value)
    return value
  end,
})
