--- Changes of policy, one at a time, each of which some spec has to notice:
---   { module, text, what stands there instead, spec files that should turn red }
--- A text that is not found exactly once is an error: the list ages with the code.
local RANK, SEVERITY = "spec/43_ranking_spec.lua", "spec/43_severity_spec.lua"
local REGISTRY, LIMITS = "spec/44_registry_spec.lua", "spec/44_limits_spec.lua"
local STATE, PROOF = "spec/46_state_spec.lua", "spec/47_promotion_spec.lua"
local TRIAL, STATE_LIMITS = "spec/41_trial_outcome_spec.lua", "spec/46_state_limits_spec.lua"
local PROBABILITY, SKILL = "spec/43_probability_spec.lua", "spec/46_task_skill_spec.lua"
local BENCH, EYES = "spec/41_trial_spec.lua", "spec/38_watch_eyes_spec.lua"

return {
  -- how grave a finding is
  { "diagnose.severity", [[local failed = { exact = "error", measured = "error"]],
    [[local failed = { exact = "error", measured = "warning"]], SEVERITY },
  { "diagnose.severity", [[local failed = { exact = "error"]],
    [[local failed = { exact = "warning"]],
    SEVERITY },
  { "diagnose.severity", [[measured = "error", suggestive = "warning" }
local open]], [[measured = "error", suggestive = "error" }
local open]], SEVERITY },
  { "diagnose.severity", [[local open = { exact = "error", measured = "warning"]],
    [[local open = { exact = "error", measured = "error"]], SEVERITY },
  { "diagnose.severity", [[local open = { exact = "error"]], [[local open = { exact = "warning"]],
    SEVERITY },
  { "diagnose.severity", [[still_falling = { exact = "error", measured = "warning"]],
    [[still_falling = { exact = "error", measured = "info"]], SEVERITY },
  { "diagnose.severity", [[still_falling = { exact = "error"]],
    [[still_falling = { exact = "warning"]], SEVERITY },
  { "diagnose.severity", [[healthy = { exact = "warning"]], [[healthy = { exact = "error"]],
    SEVERITY },
  { "diagnose.severity", [[measured = "info", suggestive = "info" },
}]], [[measured = "warning", suggestive = "info" },
}]], SEVERITY },
  { "diagnose.severity", [[overfitting = { exact = "error", measured = "error"]],
    [[overfitting = { exact = "error", measured = "warning"]], SEVERITY },
  { "diagnose.severity", [[state == "overfitting" and "healthy" or state]], [[state]], SEVERITY },
  { "diagnose.severity", [[and state or "cannot_tell"]], [[and state or "healthy"]], SEVERITY },
  { "diagnose.severity", [[if part == "validation" then]], [[if part == "training" then]],
    SEVERITY },
  { "diagnose.severity", [[info = 1, warning = 2, error = 3]], [[info = 1, warning = 3, error = 2]],
    SEVERITY },

  -- what comes first
  { "diagnose.rank", [[return g.role ~= "symptom"
    and]], [[return true
    and]], RANK },
  { "diagnose.rank", [[CLASS[g.class] >= CLASS.measured or CLASS[f.class] < CLASS.measured]],
    [[true]],
    RANK },
  { "diagnose.rank",
    [[LADDER[g.severity] >= LADDER.warning or LADDER[f.severity] <= LADDER.warning]],
    [[true]], RANK },
  { "diagnose.rank", [[error = { cause = 1, consequence = 3, symptom = 5 }]],
    [[error = { cause = 1, consequence = 5, symptom = 3 }]], RANK },
  { "diagnose.rank", [[error = { cause = 1, consequence = 3]],
    [[error = { cause = 3, consequence = 1]], RANK },
  { "diagnose.rank",
    [[if bucket[i] == 6 and leads_to_error(findings, out, i) then bucket[i] = 2 end]],
    [[]], RANK },
  { "diagnose.rank", [[if ca ~= cb then return ca > cb end]],
    [[if ca ~= cb then return ca < cb end]],
    RANK },
  { "diagnose.rank",
    [[if explained[a] ~= explained[b] then return explained[a] > explained[b] end]],
    [[if explained[a] ~= explained[b] then return explained[a] < explained[b] end]], RANK },
  { "diagnose.rank", [[if f.strength ~= g.strength then return f.strength > g.strength end]],
    [[if f.strength ~= g.strength then return f.strength < g.strength end]], RANK },
  { "diagnose.rank", [[if f.role ~= "symptom" then f.role = #f.explained_by]],
    [[if true then f.role = #f.explained_by]], RANK },
  { "diagnose.rank", [[if causal.explains(f, g) then]], [[if causal.explains(g, f) then]], RANK },
  { "diagnose.causal", [[unnormalised_inputs = { "Signal", "Still",]],
    [[unnormalised_inputs = { "Still",]], RANK },
  { "diagnose.causal", [[dying_relu = { "Blind", "Still",]],
    [[dying_relu = { "Blind",]], REGISTRY },
  { "diagnose.causal", [[  if place[f.rule] then return f.rule end
]], [[]], RANK },
  { "diagnose.causal", [[if not nxt:find "^%u" then found[nxt] = true end]], [[found[nxt] = true]],
    REGISTRY },
  { "diagnose.causal", [[        walk(nxt)
]], [[]], REGISTRY },

  -- what is judged
  { "diagnose.registry", [[if least[unit] and have[unit] < least[unit] then]],
    [[if least[unit] and have[unit] > least[unit] then]], LIMITS },
  { "diagnose.registry", [[if not present(case, path) then]], [[if false then]], RANK },
  { "diagnose.registry", [[if why then complain(rule, "needs " .. why) end]], [[]], REGISTRY },
  { "diagnose.registry", [[elseif why:find("^not applicable") then]], [[elseif false then]],
    "spec/rules/dying_relu_spec.lua" },
  { "diagnose.registry", [[if by_id[rule.id] then complain(rule, "the id is taken") end]], [[]],
    REGISTRY },
  { "diagnose.finding", [[local strength = fields.strength or 1]], [[local strength = 1]],
    "spec/43_finding_spec.lua" },
  { "diagnose.finding", [[if fields.cause ~= nil then cause = fields.cause or nil end]], [[]],
    LIMITS },
  { "diagnose.finding", [[part = fields.part or rule.part]],
    [[part = nil]], "spec/43_finding_spec.lua" },

  -- what a run shows
  { "diagnose.state", [[if i.nonfinite or m.verdict == "nonfinite" then return "nan" end]], [[]],
    STATE },
  { "diagnose.state", [[m.verdict == "rising") and not good]],
    [[m.verdict == "rising")]], STATE_LIMITS },
  { "diagnose.state", [[and skill < limit "fitted" and "still_falling" or "healthy"]],
    [[and "still_falling" or "healthy"]], STATE },
  { "diagnose.state", [[if m.verdict == "still" then return "constant" end]], [[]], STATE },
  { "diagnose.state",
    [[if (good or not skill) and overfits(i, task) then return "overfitting" end]],
    [[]], STATE },
  { "diagnose.state", [[if m.verdict == "swinging" then return "oscillating" end
  if skill]], [[if skill]], STATE },
  { "diagnose.state", [[and not i.pretrained then]], [[then]], STATE_LIMITS },
  { "diagnose.state", [[math.min(train, val) or train]], [[math.max(train, val) or train]], STATE },
  { "diagnose.state", [[local honest = not best or best > 0 or by_curve and by_curve > 0]],
    [[local honest = true]], STATE },

  -- what a trial proves
  { "diagnose.proof", [[if not (t and t.verified and t.gain) then return false end]],
    [[if not (t and t.gain) then return false end]], PROOF },
  { "diagnose.proof", [[return t.gain >= limit "gain" and]], [[return]], PROOF },
  { "diagnose.proof", [[lower >= states.limits.fitted[1] then return false end]],
    [[false then return false end]], PROOF },
  { "diagnose.proof", [[weight[f.severity] < weight.error and M.proves(fix, status)]],
    [[M.proves(fix, status)]],
    PROOF },
  { "diagnose.proof", [[if f.cause == "too_few_epochs" then f.tuning]], [[if true then f.tuning]],
    PROOF },
  { "diagnose.proof", [[f.role ~= "symptom" and not f.tuning]], [[f.role ~= "symptom"]], PROOF },
  { "diagnose.proof", [[reference.skill < outcome.limits.constant[1] then return end]],
    [[false then return end]], PROOF },
  { "diagnose.proof", [[if named and named.cause ~= f.cause then return end]], [[]], PROOF },
  { "diagnose.proof", [[if f.role ~= "symptom" then place(findings, i) end]], [[]], PROOF },
  { "experiment.trial.trial_outcome",
    [[if gain <= 0 then return refused("no better than as it is"]],
    [[if false then return refused("no better than as it is"]], TRIAL },
  { "experiment.trial.trial_outcome", [[if beyond and beyond <= 0 then]],
    [[if false then]], TRIAL },
  { "experiment.trial.trial_outcome", [[if gain < limit "least" or beyond < limit "least" then]],
    [[if gain < limit "least" then]], TRIAL },
  { "experiment.trial.trial_outcome", [[if #over < #seeds or not (whole or clear) then]],
    [[if not (whole or clear) then]], TRIAL },
  { "experiment.trial.trial_outcome", [[not (whole or clear) then]], [[false then]], TRIAL },
  { "experiment.trial.trial_outcome", [[< limit "constant" then]], [[< -1e9 then]], TRIAL },

  -- how sure a finding is
  { "diagnose.probability", [[if trial and trial.verified then]], [[if trial then]], PROBABILITY },
  { "diagnose.probability", [[elseif trial and not trial.reason then]], [[elseif trial then]],
    PROBABILITY },
  { "diagnose.probability", [[if LADDER[g.severity] >= LADDER[f.severity] then]], [[if true then]],
    PROBABILITY },
  { "diagnose.probability", [[if before then rank = rank + 1 end]], [[rank = rank + 1]],
    PROBABILITY },
  { "diagnose.probability", [[math.exp(-z)]], [[math.exp(z)]], PROBABILITY },
  { "diagnose.probability", [[known.skill and 1 - clamp(known.skill) or 0.5]],
    [[known.skill and clamp(known.skill) or 0.5]], PROBABILITY },
  { "diagnose.probability", [[f.probability = f.cause and]], [[f.probability = true and]],
    PROBABILITY },

  -- how much of the task is learnt
  { "train.task_skill", [[(accuracy - majority) / (1 - majority)]], [[accuracy]], SKILL },
  { "train.task_skill", [[if id ~= loss.ignore_class then]], [[if true then]], SKILL },
  { "train.task_skill", [[if loss.family == "margin" then return 0 end]], [[]], SKILL },
  { "train.task_skill", [[if loss.from_logits and not squashed then return 0 end]],
    [[if loss.from_logits then return 0 end]], SKILL },
  { "train.task_skill", [[skill.value < worst.value]], [[skill.value > worst.value]], SKILL },
  { "train.task_skill", [[if loss.name == "cosine_similarity" then return nil end]], [[]], SKILL },
  { "train.task_skill", [[if loss.parts or has_weights(loss) then return nil end]],
    [[if loss.parts then return nil end]], SKILL },

  -- how a trial is made
  { "experiment.trial", [[local placebo_offset = 7919]], [[local placebo_offset = 0]], BENCH },
  { "experiment.trial", [[self.experiment.recipe.epochs and epochs or self.epochs]],
    [[self.experiment.recipe.epochs and self.epochs]], BENCH },
  { "experiment.trial", [[experiment:with({ seed = seed })]], [[experiment]], BENCH },

  -- what a watch looks at
  { "experiment.watch.look", [[if close(value, own) then return "same" end]], [[]], EYES },
  { "experiment.watch.look", [[if close(value, -own) then return "negative" end]], [[]], EYES },
  { "experiment.watch.look", [[if n <= 8 then return true end]], [[]], EYES },
}
