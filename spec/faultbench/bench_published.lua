--- What published tools were reported to answer on the same programs, beside our answers there.
local grid = require "lossdbg.view.table"
local score = require "bench_score"

local M = {}

-- Names of the flags by study: what counts as seen, and as rightly named.
local studies = {
  DeepFD_paper = { "detected", "diagnosed" },
  DEFault_paper = { "detected", "categorised" },
  DeepDiagnosis_paper = { "identified", "symptom" },
}

local function flat(truth)
  local rows, of = {}, {}
  for _, id in ipairs(score.ids(truth, false, "all")) do
    for study, tools in pairs(truth[id].published or {}) do
      local names = studies[study]
      for tool, told in pairs(names and tools or {}) do
        local key = study .. " " .. tool
        local row = of[key] or { study = study, tool = tool, ids = {}, seen = 0, named = 0 }
        if not of[key] then of[key], rows[#rows + 1] = row, row end
        row.ids[#row.ids + 1] = id
        row.seen = row.seen + (told[names[1]] == true and 1 or 0)
        row.named = row.named + (told[names[2]] == true and 1 or 0)
      end
    end
  end
  table.sort(rows, function(a, b)
    return a.study ~= b.study and a.study < b.study or a.study == b.study and a.tool < b.tool
  end)
  return rows
end

local function ours(ids, truth, causes, answers)
  local seen, named = 0, 0
  for _, id in ipairs(ids) do
    local given = answers[id] or {}
    seen = seen + (#given > 0 and 1 or 0)
    named = named + (given[1] and score.right(truth[id], causes, given[1], 2) and 1 or 0)
  end
  return seen, named
end

--- A table of tools: seen and named, theirs and ours on the same programs.
function M.text(truth, causes, answers)
  local rows = {}
  for i, row in ipairs(flat(truth)) do
    local n = #row.ids
    local seen, named = ours(row.ids, truth, causes, answers)
    rows[i] = { row.study:gsub("_", " "), row.tool, ("%d/%d"):format(row.seen, n),
      ("%d/%d"):format(row.named, n), ("%d/%d"):format(seen, n), ("%d/%d"):format(named, n) }
    rows[i][1] = row.study:gsub("_", " ")
  end
  if #rows == 0 then return "no published answers on these programs" end
  return grid.render(rows, { width = 110, header = { "study", "tool", "seen", "named",
    "lossdbg seen", "first named" } })
end

return M
