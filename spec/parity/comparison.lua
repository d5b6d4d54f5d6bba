-- Runs the suites of suites.lua: counts, failures, and the table of primitives with their peers.
local measure = require "measure"
local primitives = require "primitives"
local safetensors = require "lossdbg.data.safetensors"
local suites = require "suites"

local M = {}

local function load_golden(path)
  if path:find "%.safetensors$" then
    local tensors, metadata = safetensors.load(path)
    assert(tensors, metadata)
    return { tensors = tensors, metadata = metadata }
  end
  return dofile(path)
end

local function run_case(suite, case, state)
  local row = {}
  for _, dtype in ipairs(case.dtypes or { "f64", "f32" }) do
    local worst, failure = measure.run(case, dtype)
    row[dtype] = worst
    if failure then
      state.failures[#state.failures + 1] = ("%s: %s (%s), %s: %s"):format(suite.name, case.title,
        case.peers, dtype, failure)
    end
  end
  local limits = {}
  for dtype in pairs(row) do limits[dtype] = (case.limits or measure.limits)[dtype] end
  for _, name in ipairs(case.covers) do
    primitives.record(state.seen, name, case.peers, limits)
  end
  return row
end

local function run_suite(suite, golden, state)
  local cases, notes = require(suite.runner)(load_golden(golden .. "/" .. suite.golden))
  local worst = { f64 = 0, f32 = 0 }
  for _, case in ipairs(cases) do
    local row = run_case(suite, case, state)
    for dtype, so_far in pairs(worst) do worst[dtype] = math.max(so_far, row[dtype] or 0) end
  end
  state.count = state.count + #cases
  state.lines[#state.lines + 1] = ("%-14s %5d cases  f64 %7.1e  f32 %7.1e  %s"):format(suite.name,
    #cases, worst.f64, worst.f32, suite.about)
  for _, note in ipairs(notes or {}) do state.notes[#state.notes + 1] = note end
  state.suites[#state.suites + 1] = { suite = suite, count = #cases, worst = worst }
end

--- Compares the suites with their golden numbers.
---@param options? { golden?: string, suites?: table<string, boolean> } folder; names, default all
---@return { count: integer, failures: string[], lines: string[], table: string }
function M.compare(options)
  options = options or {}
  local wanted = options.suites and next(options.suites) and options.suites
  local state = { count = 0, failures = {}, lines = {}, notes = {}, seen = {}, suites = {} }
  for _, suite in ipairs(suites) do
    if not wanted or wanted[suite.name] then
      run_suite(suite, options.golden or "spec/parity", state)
    end
  end
  if not wanted then primitives.missing(state.seen, state.failures) end
  state.table = primitives.table(state)
  return state
end

return M
