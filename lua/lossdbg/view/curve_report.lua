--- The verdict on a recorded curve as text: what was read, what it shows, what speaks for which
-- cause, what it cannot decide.

local braille = require "lossdbg.view.braille"
local number = require "lossdbg.support.number"
local sparkline = require("lossdbg.view.sparkline").sparkline
local text = require "lossdbg.support.text"

local M = {}

local MOST_CAUSES = 5

local function add(page, lines, style)
  for _, line in ipairs(lines) do
    page[#page + 1] = style and page.paint(line, style) or line
  end
end

local function flag(d)
  if d.fault then return "FAULT", "red" end
  if d.fault == nil then return "CANNOT JUDGE", "yellow" end
  return "SOUND", "green"
end

local function base(path, root)
  if root and path:sub(1, #root) == root then path = path:sub(#root + 1):gsub("^/+", "") end
  return path ~= "" and path or root
end

-- One line a file: what it was taken for, what of it, what was left out, what to know.
local function files_block(page, run)
  local recorded = run.recorded
  for _, file in ipairs(recorded.files) do
    local measures, seen = {}, {}
    for _, s in ipairs(file.series) do
      local label = s.measure:gsub("^train ", "")
      if not seen[label] then
        seen[label] = true
        measures[#measures + 1] = label
      end
    end
    local pieces = { file.title .. ": " .. table.concat(measures, ", ") }
    if file.path == recorded.loss_path then pieces[1] = pieces[1] .. " (the loss)" end
    if #file.left_out > 0 then
      pieces[#pieces + 1] = "left out: " .. table.concat(file.left_out, ", ")
    end
    for _, note in ipairs(file.notes) do pieces[#pieces + 1] = note end
    if file.damage then pieces[#pieces + 1] = "damaged: " .. file.damage end
    add(page, text.wrap(text.clean(table.concat(pieces, "; ")), page.width,
      "  " .. text.clean(base(file.path, recorded.path)) .. "  ", "      "), "dim")
  end
  for _, trouble in ipairs(recorded.troubles) do
    add(page, text.wrap("not read: " .. text.clean(trouble), page.width, "  ", "      "), "yellow")
  end
end

-- Where sources agree; where they do not, is worth its own line.
local function agree_block(page, run)
  local same = {}
  for _, a in ipairs(run.recorded.agree) do
    if a.differs_at then
      add(page, text.wrap(("%s differs at %s: %s there, %s in %s"):format(a.what,
        number.short(a.differs_at), number.format(a.b), number.format(a.a),
        base(a.kept, run.recorded.path)), page.width,
        "  ! " .. base(a.other, run.recorded.path) .. ": ", "      "), "yellow")
    elseif a.what == "loss" then
      same[#same + 1] = base(a.other, run.recorded.path)
    end
  end
  if #same > 0 then
    add(page, text.wrap("the same losses in " .. table.concat(same, ", "), page.width, "  ",
      "      "), "dim")
  end
end

local function curve_block(page, run, o)
  local names = { "loss", "val_loss" }
  for _, name in ipairs(names) do
    local curve = run.curves and run.curves[name]
    if curve then
      local room = math.min(26, page.width - 31)
      local spark = sparkline(curve.y, room, { ascii = o.ascii, flat = 0.01 })
      page[#page + 1] = ("  %s %s %s %s"):format(text.pad(name, 8), number.format(curve.y[1]),
        page.paint(spark, "cyan"), number.format(curve.y[#curve.y]))
    end
  end
end

local function causes_block(page, d, most)
  if #d.causes == 0 then return end
  page[#page + 1] = "  likeliest causes, in order:"
  for i = 1, math.min(most, #d.causes) do
    local c = d.causes[i]
    local words = c.cause .. (c.speaks and ": " .. c.speaks or "")
    add(page, text.wrap(words, page.width, ("  %d  "):format(i), "     "), not c.speaks and "dim"
      or nil)
  end
  if #d.causes > most then
    page[#page + 1] = ("     and %d more: see --all"):format(#d.causes - most)
  end
end

local function new_page(o)
  return { width = o.width or 80, paint = text.painter(o.color) }
end

---@param run lossdbg.Run recorded
---@param d lossdbg.CurveDiagnosis
---@param o? { width: integer, color: boolean, ascii: boolean, all: boolean, short: boolean }
---  short: without causes, for a report that goes on
---@return string no newline at its end
function M.text(run, d, o)
  o = o or {}
  local page = new_page(o)
  local word, style = flag(d)
  add(page, { text.ends("lossdbg diagnose: " .. text.clean(run.recorded.path),
    ("%d %ss"):format(#run.history.loss, run.axis), page.width)
    or text.cut("lossdbg diagnose: " .. text.clean(run.recorded.path), page.width) })
  files_block(page, run)
  agree_block(page, run)
  page[#page + 1] = ""
  curve_block(page, run, o)
  page[#page + 1] = ""
  add(page, text.wrap(d.text, page.width, ("  %s  %s: "):format(word, d.state), "     "), style)
  if o.short then return table.concat(page, "\n") end
  page[#page + 1] = ""
  causes_block(page, d, o.all and #d.causes or MOST_CAUSES)
  add(page, text.wrap(d.undecided .. " is not to be seen in a curve", page.width, "  ?  ", "     "))
  add(page, text.wrap("log or pass next: " .. d.next, page.width, "  >  ", "     "))
  if d.causes[1] then page[#page + 1] = "     lossdbg explain " .. d.causes[1].cause end
  return table.concat(page, "\n")
end

---Ten lines at most, for people in a hurry and for programs that read.
---@param run lossdbg.Run
---@param d lossdbg.CurveDiagnosis
---@return string
function M.brief(run, d)
  local lines = { "run: " .. text.clean(run.recorded.path),
    "fault: " .. (d.fault == nil and "cannot judge" or d.fault and "yes" or "no"),
    "state: " .. d.state, "verdict: " .. d.text }
  for i = 1, math.min(3, #d.causes) do
    local c = d.causes[i]
    lines[#lines + 1] = ("cause %d: %s%s"):format(i, c.cause, c.speaks and " - " .. c.speaks or "")
  end
  lines[#lines + 1] = "loss: " .. text.clean(run.recorded.loss_path)
  lines[#lines + 1] = "next: " .. d.next
  return table.concat(lines, "\n")
end

---Both losses in one plot.
---@param run lossdbg.Run
---@param o? lossdbg.plot_options
---@return string
function M.plot(run, o)
  local curves = { { name = "loss", y = run.history.loss } }
  local val = run.history.val_loss
  if val then curves[2] = { name = "val_loss", y = val } end
  return braille.plot(curves, o)
end

return M
