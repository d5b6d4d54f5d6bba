--- The text form of a diagnosis; called through lossdbg.view.terminal, whose page it writes on.
local front = require "lossdbg.view.front"
local number = require "lossdbg.support.number"
local phrase = require "lossdbg.view.phrase"
local sparkline = require("lossdbg.view.sparkline").sparkline
local text = require "lossdbg.support.text"

local M = {}

local format, clean = number.format, text.clean

local function loss_line(P, page, run)
  local history, signals = run.history or {}, run.signals or {}
  local loss = history.loss or signals.epoch_loss or signals.loss
  local pieces = {}
  if type(loss) == "table" and #loss > 0 then
    local spark = sparkline(loss, 10, { ascii = page.opts.ascii, flat = 0.01 })
    pieces[1] = ("loss  %s %s %s"):format(format(loss[1]), page.paint(spark, "cyan"),
      format(loss[#loss]))
  end
  local val = P.last_of(history.val_loss or signals.val_loss)
  if val then pieces[#pieces + 1] = "val " .. format(val) end
  local accuracy = P.last_of(history.accuracy) or signals.accuracy
  if accuracy then
    local majority = P.majority_words(signals)
    pieces[#pieces + 1] = "acc " .. format(accuracy, 3)
      .. (majority and " (" .. majority .. ")" or "")
  elseif signals.baseline and signals.baseline_name then
    pieces[#pieces + 1] = clean(signals.baseline_name) .. " " .. format(signals.baseline)
  end
  if #pieces > 0 then P.add_all(page, text.flow(pieces, "   ", page.width, "  ", "        ")) end
end

local function gradient_line(P, page, run)
  local signals = run.signals or {}
  local gradient = P.ends_of(signals.grad_norm or run.steps and run.steps.grad_norm)
  local ratio = P.ratio_words(signals)
  if gradient then
    local left = "  |g|   " .. gradient
    local line = ratio and text.pad(left, 34) .. "  " .. ratio or left
    if text.width(line) <= page.width then return P.add(page, line) end
    P.add(page, left)
  end
  if ratio then P.add(page, "  " .. ratio) end
end

-- How sure: the measured probability, else the class of the evidence.
local function certainty(finding)
  local p = finding.probability
  return number.is_finite(p) and number.fixed(p, 2) or finding.class
end

-- A paragraph whose first line carries `right` at the right edge.
local function titled(P, page, first, words, indent, right, style)
  local room = page.width - (right and text.width(right) + 2 or 0)
  local lines = text.wrap(words, room, first, indent)
  if lines[1] and right then lines[1] = text.ends(lines[1], right, page.width) or lines[1] end
  P.add_all(page, lines, style)
end

local function show_fix(P, page, fix)
  local all = page.opts.all
  P.add_all(page, text.wrap(clean(fix.text or "apply the patch"), page.width, "     fix  ",
    (" "):rep(10)))
  if all and type(fix.patch) == "table" then
    P.add_all(page, text.wrap("experiment:with " .. phrase.patch(fix.patch), page.width,
      (" "):rep(10), (" "):rep(12)), "dim")
  end
  if type(fix.trial) == "table" then
    P.add_all(page, text.flow(phrase.trial_pieces(fix.trial), ", ", page.width, (" "):rep(10),
      (" "):rep(12)), fix.trial.verified and "green" or "dim")
  end
end

local function shown_fixes(finding, all)
  local fixes = finding.fixes or {}
  if all or #fixes <= 2 then return fixes end
  -- Verified fixes first, otherwise the order of the rule.
  local out = {}
  for pass = 1, 2 do
    for _, fix in ipairs(fixes) do
      local verified = type(fix.trial) == "table" and fix.trial.verified or false
      if #out < 2 and verified == (pass == 1) then out[#out + 1] = fix end
    end
  end
  return out
end

local function show_finding(P, page, shown)
  local i, finding = shown.index, shown.finding
  local severity = clean(finding.severity or "")
  local rule = clean(finding.rule or finding.cause or "finding")
  local head, title = ("  %d  %s %s"):format(i, rule, severity), clean(finding.title or rule)
  local style, right = phrase.severity_style[finding.severity], certainty(finding)
  if text.ends(head .. "  " .. title, right or "", page.width) then
    titled(P, page, head .. "  ", title, "       ", right, style)
  else
    P.header(page, page.paint(head, style), right or "")
    P.add_all(page, text.wrap(title, page.width, "       "))
  end
  local place = phrase.where(finding.where)
  local pieces = { place and "at " .. place or nil }
  for _, e in ipairs(finding.evidence or {}) do pieces[#pieces + 1] = phrase.evidence(e) end
  local indent = (" "):rep(7)
  if #pieces > 0 then P.add_all(page, text.flow(pieces, " · ", page.width, indent, indent)) end
  local links = page.opts.all and phrase.links(finding, true) or front.consequences(shown)
  for _, link in ipairs(links) do
    link = clean(link)
    P.add_all(page, text.wrap(link, page.width, indent, "         "))
  end
  for _, fix in ipairs(shown_fixes(finding, page.opts.all)) do show_fix(P, page, fix) end
end

-- Cuts a list of lines to `most`, the last one telling how many names were left out.
local function names_block(P, page, mark, names, most)
  local indent, shown = "      ", #names
  local function lines_of(n)
    local pieces = {}
    for i = 1, n do pieces[i] = clean(names[i]) end
    if n < #names then pieces[#pieces + 1] = (#names - n) .. " more" end
    return text.flow(pieces, " · ", page.width, "  " .. mark .. "  ", indent)
  end
  local lines = lines_of(shown)
  while #lines > most and shown > 1 and not page.opts.all do
    shown = shown - 1
    lines = lines_of(shown)
  end
  P.add_all(page, lines, "dim")
end

local function unjudged_block(P, page, unjudged)
  local order, by_why = {}, {}
  for _, u in ipairs(unjudged) do
    local why = clean(u.why or "not measured")
    if not by_why[why] then
      by_why[why] = {}
      order[#order + 1] = why
    end
    table.insert(by_why[why], clean(u.rule or "?"))
  end
  local most = page.opts.all and #order or 3
  for i = 1, math.min(most, #order) do
    local rules = by_why[order[i]]
    local shown = page.opts.all and #rules or math.min(#rules, 3)
    local names = table.concat(rules, ", ", 1, shown)
    if shown < #rules then names = names .. " and " .. (#rules - shown) .. " more" end
    P.add_all(page, text.wrap(names .. ": not judged, " .. order[i], page.width, "  --  ",
      "      "), "dim")
  end
  if #order > most then
    local rest = 0
    for i = most + 1, #order do rest = rest + #by_why[order[i]] end
    P.add_all(page, { ("  --  %d more rules not judged, see all"):format(rest) }, "dim")
  end
end

--- What a program should end with: the diagnosis' own answer, else 2 when it is not healthy or a
--- finding is an error, else 0.
---@param diagnosis table
---@return integer
function M.exit_code(diagnosis)
  if type(diagnosis.exit_code) == "function" then return diagnosis:exit_code() end
  if diagnosis.healthy == false then return 2 end
  for _, finding in ipairs(diagnosis) do
    if finding.severity == "error" then return 2 end
  end
  return 0
end

local function footer(P, page, diagnosis)
  local words = {}
  local first = diagnosis[1]
  if first and first.rule then words[1] = ("ld.explain %q"):format(clean(first.rule)) end
  if page.opts.report then words[#words + 1] = "report: " .. clean(page.opts.report) end
  words[#words + 1] = "exit " .. (page.opts.exit or M.exit_code(diagnosis))
  P.add(page, "")
  local lead = #words > 1 and "  next:  " or "  " -- nothing is next to a bare exit code
  P.add_all(page, text.flow(words, "    ", page.width, lead, "         "))
end

--- See lossdbg.view.terminal.
---@param P table the page functions of lossdbg.view.terminal
---@param diagnosis table
---@param opts lossdbg.terminal_options|nil
---@return string
function M.diagnosis(P, diagnosis, opts)
  local page = P.new(opts)
  local run = diagnosis.run or {}
  local name = P.run_name(run, page.opts)
  local extent = phrase.extent(run)
  P.header(page, "lossdbg diagnose" .. (extent ~= "" and ": " .. extent or ""),
    name and "run: " .. name or "")
  loss_line(P, page, run)
  gradient_line(P, page, run)
  P.add(page, "")
  titled(P, page, "  VERDICT  ", clean(diagnosis.verdict or "no verdict"), (" "):rep(11),
    certainty(diagnosis), "bold")
  P.add(page, "")
  local fronts, left = front.arrange(diagnosis, { all = page.opts.all, limit = page.opts.limit })
  for n, shown in ipairs(fronts) do
    shown.index = n
    show_finding(P, page, shown)
  end
  if left > 0 then P.add(page, ("     and %d more: see all"):format(left)) end
  if #(diagnosis.checked or {}) > 0 then names_block(P, page, "ok", diagnosis.checked, 2) end
  for i, m in ipairs(diagnosis.missing_tests or {}) do
    if i > 3 and not page.opts.all then break end
    P.add_all(page, text.wrap(("%s: not made, %s"):format(clean(m.test), clean(m.why)),
      page.width, "  --  ", "      "), "dim")
  end
  if #(diagnosis.unjudged or {}) > 0 then unjudged_block(P, page, diagnosis.unjudged) end
  footer(P, page, diagnosis)
  return P.render(page)
end

return M
