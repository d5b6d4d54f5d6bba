local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "padding_dominates", cause = "padding_dominates", family = "data", class = "measured",
  needs = { "data.padding|data.target_padding|labels.padding", "description.layers" },
  cost = "free",
  limits = {
    tail = { 0.5, "half of the steps say nothing, and a recurrence forgets over them" },
    rows = { 0.5, "in most rows" },
    targets = { 0.5, "filling is the commonest answer" },
    skill = { 0.5, "over the majority, on what is no filling: the rest is learnt all the same" },
  },
  doc = {
    what = "Sequences are filled up to one length with a constant. A recurrence that answers at its"
      .. " last step has seen nothing else for a long time; in targets, filling is what is learnt"
      .. " and what accuracy counts.",
    formula = "share of the steps behind the last other value, mean over the rows, before a"
      .. " recurrence that answers once, without a mask; the same share of the targets of a loss on"
      .. " every step that ignores no class; in loops of one's own the share of an id whose inputs"
      .. " are all the same, while accuracy elsewhere is hardly over the majority there",
    source = "public question threads; DALLE-pytorch issue 57",
    false_alarms = "filling at the front, masks, both directions and pooling over the steps are"
      .. " silent",
  },
}

local RECURRENT = { lstm = true, gru = true, simple_rnn = true }

-- The recurrence that reads the sequence to its end and answers once, without a mask.
local function forgetful(layers)
  local masked = false
  for _, layer in ipairs(layers) do
    local options = layer.options or {}
    if layer.kind == "embedding" then masked = options.mask_zero == true end
    if RECURRENT[layer.kind] then
      if masked or options.go_backwards then return nil end
      if not options.return_sequences then return layer end
    elseif layer.kind ~= "embedding" and layer.kind ~= "dropout" then
      return nil
    end
  end
end

local function input_finding(case, limits)
  local pad, facts = case.signals.data and case.signals.data.padding, case.facts
  if not pad or pad.share <= limits.tail or pad.rows <= limits.rows then return nil end
  local layer = forgetful(facts.net.layers)
  if not layer then return nil end
  local fixes = { { text = "fill up at the front", patch = { data = "pad_front" } } }
  local first = facts.net.layers[1]
  if first.kind == "embedding" and pad.value == 0 then
    table.insert(fixes, 1, { text = "mask the steps that are filled up",
      patch = { layers = { kind = "embedding", options = { mask_zero = true } } } })
  end
  return finding.new(M, {
    title = ("the last %s of the steps that %s reads are filled up with %s"):format(
      numfmt.percent(pad.share), layer.path, numfmt.number(pad.value)),
    where = facts:where(layer.path), strength = pad.share / limits.tail,
    evidence = { finding.evidence("steps behind the last value, mean share", pad.share,
      finding.under(limits.tail)), finding.evidence("rows that end so", pad.rows,
      finding.under(limits.rows)) },
    fixes = fixes,
  })
end

local function left_out(id)
  return { { text = ("leave class %s out of the loss"):format(numfmt.number(id)),
    patch = { loss = { ignore_class = math.tointeger(id) } } } }
end

local function target_finding(case, limits)
  local pad, facts = case.signals.data and case.signals.data.target_padding, case.facts
  local loss = facts:loss()
  if not pad or pad.share <= limits.targets or loss.ignore_class or loss.class_weight
    or loss.name ~= "sparse_crossentropy" or pad.value ~= math.floor(pad.value) then
    return nil
  end
  return finding.new(M, {
    title = ("%s of the steps whose answers count are filled up with %s"):format(
      numfmt.percent(pad.share), numfmt.number(pad.value)),
    evidence = { finding.evidence("steps behind the last target, mean share", pad.share,
      finding.under(limits.targets)), finding.evidence("rows that end so", pad.rows) },
    fixes = left_out(pad.value),
  })
end

-- The same as a watch saw it: with what was learnt of the rest.
local function watched_finding(case, limits)
  local pad = (case.signals.labels or {}).padding
  if not pad or pad.share <= limits.targets then return nil end
  local skill = pad.majority < 1 and (pad.accuracy - pad.majority) / (1 - pad.majority) or 1
  if skill >= limits.skill then return nil end
  return finding.new(M, {
    title = ("%s of the steps whose answers count are filled up with %d"):format(
      numfmt.percent(pad.share), pad.class), part = "lost", strength = pad.share / limits.targets,
    evidence = { finding.evidence("share of filling", pad.share, finding.under(limits.targets)),
      finding.evidence("skill on the rest", skill, finding.over(limits.skill)) },
    fixes = left_out(pad.class),
  })
end

function M.check(case, limits)
  return watched_finding(case, limits) or input_finding(case, limits)
    or target_finding(case, limits)
end

return M
