--- Findings of programs whose fault is known, as samples of the probability that a finding prints.
local files = require "bench_files"
local logistic = require "bench_logistic"
local probability = require "lossdbg.diagnose.probability"
local score = require "bench_score"

local M = {}

function M.stop(who, message)
  io.stderr:write(who, ": ", message, "\n")
  os.exit(2)
end

---Arguments RESULTS.json:FOLDER, and one option.
---@param who string
---@param option? string
---@return boolean given
---@return { results: string, folder: string }[]
function M.arguments(who, option)
  local given, sources = false, {}
  for _, word in ipairs(arg) do
    local results, folder = word:match "^(.+):(.+)$"
    if word == option then
      given = true
    elseif results then
      sources[#sources + 1] = { results = results, folder = folder }
    else
      M.stop(who, "expected RESULTS.json:FOLDER, got '" .. word .. "'")
    end
  end
  if #sources == 0 then M.stop(who, "expected RESULTS.json:FOLDER") end
  return given, sources
end

local function tolerated(truth, cause)
  for _, one in ipairs(truth.tolerated or {}) do
    if one == cause then return true end
  end
  return false
end

---One sample a finding: its features, whether it was right, where it comes from. A finding is right
---when its cause is one of the program's (equivalents count); what the truth tolerates is left out.
---@param sources { results: string, folder: string }[]
---@return { x: table<string, number>, y: 0|1, group: string, severity: string, case: string,
---  cause: string, rank: integer }[]
---@return table<string, table> truth by case
---@return table<string, table> causes
function M.read(sources)
  local list, truths, vocabulary = {}, {}, {}
  for _, source in ipairs(sources) do
    local truth = files.need_json(source.folder .. "/truth.json")
    local causes = files.json(source.folder .. "/causes.json") or {}
    for id, cause in pairs(causes) do vocabulary[id] = cause end
    for _, case in ipairs(files.need_json(source.results).cases) do
      local t = truth[case.id]
      truths[case.id] = t and t.scored and t or nil
      for _, f in ipairs(t and t.scored and case.findings or {}) do
        local right = not t.healthy and score.right(t, causes, f.cause, 2)
        if right or not tolerated(t, f.cause) then
          list[#list + 1] = { x = f.features, y = right and 1 or 0, group = t.group or case.id,
            severity = f.severity, case = case.id, cause = f.cause, rank = f.rank }
        end
      end
    end
  end
  return list, truths, vocabulary
end

---Names of the features.
---@return string[]
function M.names()
  local list = {}
  for i, row in ipairs(probability.FEATURES) do list[i] = row[1] end
  return list
end

---Gives every sample, as `p`, what weights say that saw nothing of its source.
---@param samples table[]
---@return integer sources
function M.held_out(samples)
  local groups, order = {}, {}
  for _, s in ipairs(samples) do
    if not groups[s.group] then
      groups[s.group], order[#order + 1] = {}, s.group
    end
  end
  for _, group in ipairs(order) do
    local rest = {}
    for _, s in ipairs(samples) do
      if s.group ~= group then rest[#rest + 1] = s end
    end
    local weights = logistic.fit(rest, M.names())
    for _, s in ipairs(samples) do
      if s.group == group then s.p = probability.of(s.x, weights) end
    end
  end
  return #order
end

---Gives every sample, as `p`, what weights say that were fitted to all of them.
---@param samples table[]
function M.fitted(samples)
  local weights = logistic.fit(samples, M.names())
  for _, s in ipairs(samples) do s.p = probability.of(s.x, weights) end
end

return M
