--- Mutants of policy: every limit times ten and by ten, one at a time, and the changes of
--- policy_mutants.lua. A mutant that no spec notices survives; those known to be equivalent are
--- listed with the reason, and it is an error when one of them is killed after all.
---
---   lua5.4 spec/mutants/run.lua [--table FILE] [--only WORD]
--
--- --only takes the rules and modules whose name holds the word.
package.path = "./?.lua;" .. package.path

local registry = require "lossdbg.diagnose.registry"
local specs = require "spec.mutants.mutant_specs"

--- Limits of engines that are not rules: module and the specs that hold them.
local ENGINES = {
  { "diagnose.state", "spec/46_state_spec.lua", "spec/46_state_limits_spec.lua" },
  { "diagnose.movement", "spec/46_state_spec.lua", "spec/46_state_limits_spec.lua" },
  { "diagnose.trials", "spec/47_trial_breadth_spec.lua", "spec/47_promotion_spec.lua" },
  { "diagnose.proof", "spec/47_promotion_spec.lua", "spec/48_capacity_spec.lua" },
  { "experiment.trial.trial_outcome", "spec/41_trial_outcome_spec.lua" },
  { "diagnose.lost", "spec/75_curve_limits_spec.lua", "spec/rules/loop_falls_short_spec.lua" },
  { "diagnose.reference", "spec/48_reference_spec.lua", "spec/48_capacity_spec.lua" },
  { "diagnose.search", "spec/48_reference_spec.lua" },
  { "diagnose.curve", "spec/75_curve_shape_spec.lua", "spec/75_curve_verdict_spec.lua",
    "spec/75_curve_noise_spec.lua" },
  { "diagnose.curve.bands", "spec/75_curve_limits_spec.lua" },
  { "diagnose.curve.curve_skill", "spec/75_curve_limits_spec.lua",
    "spec/75_curve_noise_spec.lua" },
  { "diagnose.curve.curve_levels", "spec/75_curve_limits_spec.lua",
    "spec/75_curve_noise_spec.lua" },
  { "diagnose.curve.shape", "spec/75_curve_shape_spec.lua", "spec/75_curve_verdict_spec.lua",
    "spec/75_curve_noise_spec.lua" },
}

local EQUIVALENT = require "spec.mutants.equivalent_mutants"

local results = {}

local function note(group, name, killer)
  local reason = EQUIVALENT[name]
  local how = killer and (reason and "stale" or "killed") or reason and "equivalent" or "survived"
  results[#results + 1] = { group = group, name = name, how = how, by = killer or reason }
  if how == "survived" or how == "stale" then
    io.stderr:write(how, ": ", name, "\n")
  end
end

local function sorted(set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  table.sort(list)
  return list
end

local FACTORS = { { "x 10", 10 }, { "/ 10", 0.1 } }

local limits_spec = specs.load "spec/44_limits_spec.lua"

local function mutate_rule(rule)
  local own = specs.load("spec/rules/" .. rule.id .. "_spec.lua")
  for _, name in ipairs(sorted(rule.limit)) do
    local value = rule.limit[name]
    for _, factor in ipairs(FACTORS) do
      rule.limit[name] = value * factor[2]
      local title = rule.id .. "." .. name .. " "
      note("rule", title .. factor[1], specs.red(limits_spec, title) or specs.red(own))
    end
    rule.limit[name] = value
  end
  for _, unit in ipairs(sorted(rule.least or {})) do
    local value = rule.least[unit]
    rule.least[unit] = value * 10
    note("least", rule.id .. " least " .. unit .. " x 10",
      specs.red(limits_spec, rule.id .. " judges") or specs.red(own))
    rule.least[unit] = value // 10
    note("least", rule.id .. " least " .. unit .. " / 10",
      specs.red(limits_spec, rule.id .. " judges") or specs.red(own))
    rule.least[unit] = value
  end
end

local function first_red(files)
  for _, file in ipairs(files) do
    local red = specs.red(file)
    if red then return red end
  end
  return nil
end

local function mutate_engine(module, paths)
  local engine, files = require("lossdbg." .. module), {}
  for i, path in ipairs(paths) do files[i] = specs.load(path) end
  for _, name in ipairs(sorted(engine.limits)) do
    local row = engine.limits[name]
    local value = row[1]
    for _, factor in ipairs(FACTORS) do
      row[1] = value * factor[2]
      note("engine", module .. "." .. name .. " " .. factor[1], first_red(files))
    end
    row[1] = value
  end
end

local function text_of(module)
  for _, path in ipairs { "lua/lossdbg/%s.lua", "lua/lossdbg/%s/init.lua" } do
    local file = io.open(path:format((module:gsub("%.", "/"))))
    if file then
      local text = file:read "a"
      file:close()
      return text
    end
  end
  error("no module " .. module)
end

local function replaced(text, from, to, title)
  local at, last = text:find(from, 1, true)
  assert(at, title .. ": the text is not there")
  assert(not text:find(from, last + 1, true), title .. ": the text is there twice")
  return text:sub(1, at - 1) .. to .. text:sub(last + 1)
end

local function mutate_policy(i, mutant)
  local module, from, to, path = table.unpack(mutant)
  local title = ("%s: %s"):format(module, from:match "[^\n]+":gsub("^%s+", ""))
  local text = replaced(text_of(module), from, to, title)
  note("policy", title .. " (" .. i .. ")", specs.with("lossdbg." .. module, text, function()
    local ok, file = pcall(specs.load, path)
    return not ok and "does not load" or specs.red(file)
  end))
end

local function count(group, how)
  local n = 0
  for _, r in ipairs(results) do
    if (not group or r.group == group) and (not how or r.how == how) then n = n + 1 end
  end
  return n
end

local GROUPS = { { "rule", "limits of rules" }, { "least", "least samples of rules" },
  { "engine", "limits of states and trials" }, { "policy", "changes of policy" } }

local function table_text()
  local out = { "# Mutants of policy", "",
    "Written by `make mutants`: every limit times ten and by ten, one at a time, and changes of",
    "policy, against the specs that should notice.", "",
    "| what is changed | mutants | killed | equivalent | survived |", "|---|---|---|---|---|" }
  for _, group in ipairs(GROUPS) do
    out[#out + 1] = ("| %s | %d | %d | %d | %d |"):format(group[2], count(group[1]),
      count(group[1], "killed"), count(group[1], "equivalent"),
      count(group[1], "survived") + count(group[1], "stale"))
  end
  out[#out + 1] = ""
  out[#out + 1] = "| change | what became of it |"
  out[#out + 1] = "|---|---|"
  for _, r in ipairs(results) do
    if r.group == "policy" or r.how ~= "killed" then
      out[#out + 1] = ("| `%s` | %s%s |"):format(r.name:gsub("|", "\\|"), r.how,
        r.by and ": " .. r.by or "")
    end
  end
  return table.concat(out, "\n") .. "\n"
end

local options = {}
for i = 1, #arg, 2 do options[arg[i]] = arg[i + 1] end
local only = options["--only"]

local function wanted(name) return not only or name:find(only, 1, true) ~= nil end

for _, rule in ipairs(registry.rules()) do
  if wanted(rule.id) then mutate_rule(rule) end
end
for _, engine in ipairs(ENGINES) do
  if wanted(engine[1]) then mutate_engine(engine[1], { table.unpack(engine, 2) }) end
end
for i, mutant in ipairs(require "spec.mutants.policy_mutants") do
  if wanted(mutant[1]) then mutate_policy(i, mutant) end
end

if options["--table"] then
  local file = assert(io.open(options["--table"], "wb"))
  file:write(table_text())
  file:close()
end
local bad = count(nil, "survived") + count(nil, "stale")
print(("mutants: %d killed, %d equivalent, %d survived of %d"):format(count(nil, "killed"),
  count(nil, "equivalent"), bad, #results))
print(("%d passed, %d failed"):format(#results - bad, bad))
os.exit(bad == 0 and 0 or 1)
