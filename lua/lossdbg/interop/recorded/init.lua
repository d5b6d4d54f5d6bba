--- Runs that other programs recorded: `ld.open "runs/7"`, a file, or "-" for standard input.

local assemble = require "lossdbg.interop.recorded.assemble"
local event_file = require "lossdbg.interop.recorded.event_file"
local folder_facts = require "lossdbg.interop.recorded.folder_facts"
local folder_walk = require "lossdbg.interop.recorded.folder_walk"
local formats = require "lossdbg.interop.recorded.formats"
local names = require "lossdbg.interop.recorded.metric_names"
local options = require "lossdbg.support.options"
local segments = require "lossdbg.interop.recorded.segments"
local source = require "lossdbg.support.source"

local M = {}

local schema = options.declare "open" {
  { name = "loss", type = "string", doc = "name of the loss, where the log holds several" },
  { name = "classes", type = "integer", min = 2, doc = "number of classes" },
  { name = "counts", type = "table", doc = "rows of each class" },
  { name = "task", type = "string", choices = { "classification", "binary", "regression" },
    doc = "what the training predicts; default: by the log" },
}

local HEAD = 4096
local LOG = { json = true, jsonl = true, ndjson = true, csv = true, tsv = true, txt = true,
  log = true, out = true, err = true, console = true }

-- Folders that are named after a part of the data or after the logger belong to the run above.
local INNER = { logs = true, log = true, tb = true, tensorboard = true, lightning_logs = true,
  csv_logs = true, events = true, summaries = true, output = true }

local function read_head(path)
  local handle, why = io.open(path, "rb")
  if not handle then return nil, why end
  local head, trouble = handle:read(HEAD)
  handle:close()
  if not head and trouble then return nil, path .. ": " .. trouble end
  return head or ""
end

local function read_all(path)
  local handle, why = io.open(path, "rb")
  if not handle then return nil, why end
  local bytes, trouble = handle:read "a"
  handle:close()
  return bytes, trouble
end

-- One file by what is in it.
local function read_one(path, part, alone)
  local head, why = read_head(path)
  if not head then return nil, why end
  local file = { path = path, head = head, part = part, alone = alone }
  if not event_file.fits(head) then
    file.bytes, why = read_all(path)
    if not file.bytes then return nil, why end
  end
  local read, trouble = formats.read(file)
  if trouble then return nil, ("%s: %s"):format(path, trouble) end
  return read
end

local function is_log(name)
  if name:find "tfevents" then return true end
  return LOG[(name:match "%.([%w]+)$" or ""):lower()] or false
end

-- The part of the data after which the innermost folder is named.
local function part_of(name)
  local folder = name:match "([^/]+)/[^/]*$"
  return folder and names.part(folder)
end

-- The run's own folder: without what is named after parts and loggers.
local function root_of(name)
  local list = {}
  for folder in name:gmatch "([^/]+)/" do list[#list + 1] = folder end
  while #list > 0 and (INNER[list[#list]:lower()] or names.part(list[#list])) do
    list[#list] = nil
  end
  return table.concat(list, "/")
end

-- Reads what of a folder's files looks like a log; the others are companions: model, data, weights.
local function read_folder(files)
  local sources, companions, troubles = {}, {}, {}
  for _, file in ipairs(files) do
    local read, why
    if is_log(file.name) then read, why = read_one(file.path, part_of(file.name)) end
    if why then troubles[#troubles + 1] = why end
    if read and not read:is_empty() then
      read.root, read.name = root_of(file.name), file.name
      sources[#sources + 1] = read
    else
      companions[#companions + 1] = file.path
    end
  end
  return sources, companions, troubles
end

-- Several runs lie beside each other where two roots hold a loss and neither holds the other.
local function roots_of(sources)
  local with_loss, list = {}, {}
  for _, read in ipairs(sources) do
    for _, series in ipairs(read.series) do
      if series.key == "loss" then with_loss[read.root] = true end
    end
  end
  for root in pairs(with_loss) do list[#list + 1] = root end
  table.sort(list)
  return list
end

local function one_run(sources)
  local roots = roots_of(sources)
  local below = {}
  for _, root in ipairs(roots) do
    if root ~= "" then below[#below + 1] = root end
  end
  if #below > 1 then return nil, below end
  return true
end

local function told(sources)
  local files = {}
  for i, read in ipairs(sources) do
    local series = {}
    for k, s in ipairs(read.series) do
      series[k] = { name = s.raw, measure = s.part .. " " .. s.key, level = s.level, n = #s.y }
    end
    files[i] = { path = read.path, format = read.format, title = formats.get(read.format).title,
      series = series, left_out = read.left_out, notes = read.notes, damage = read.damage }
  end
  return files
end

local function seconds_of(sources)
  local first, last
  for _, read in ipairs(sources) do
    if read.first_wall then
      first = math.min(first or read.first_wall, read.first_wall)
      last = math.max(last or read.last_wall, read.last_wall)
    end
  end
  return first and last - first or nil
end

local function build(path, sources, companions, troubles, o)
  for _, read in ipairs(sources) do segments.settle(read) end
  local fields, why = assemble.run(sources, o.loss)
  if not fields then return nil, ("%s: %s"):format(path, why) end
  fields.recorded = { path = path, files = told(sources), companions = companions,
    troubles = troubles, agree = fields.agree, loss_name = fields.loss_name,
    loss_path = fields.loss_path, only_val = fields.only_val, rivals = fields.rivals }
  fields.rivals = nil
  fields.agree, fields.loss_name, fields.loss_path, fields.only_val = nil, nil, nil, nil
  fields.name = path
  fields.seconds = seconds_of(sources)
  fields.signals, fields.stopped = {}, "recorded"
  fields.histograms = {}
  for _, read in ipairs(sources) do
    for tag, list in pairs(read.histograms or {}) do fields.histograms[tag] = list end
  end
  fields.facts = folder_facts.read(companions)
  require("lossdbg.diagnose.curve.curve_levels").tell(fields.facts, o)
  fields.description = { recorded = true, name = path, task = o.task, layers = {},
    classes = fields.facts.classes }
  return require("lossdbg.experiment.run").new(fields)
end

local function open_folder(path, files, o)
  local sources, companions, troubles = read_folder(files)
  if #sources == 0 then
    return nil, troubles[1] or ("%s: no log of a training in %d files"):format(path, #files)
  end
  local single, roots = one_run(sources)
  if not single then
    return nil, ("%s: %d runs lie here (%s): name one of them"):format(path, #roots,
      table.concat(roots, ", ")), roots
  end
  return build(path, sources, companions, troubles, o)
end

local function open_text(path, bytes, o)
  local read, why = formats.read { path = path, head = bytes:sub(1, HEAD), bytes = bytes,
    alone = true }
  if not read or read:is_empty() then
    return nil, ("%s: %s"):format(path, why or read and read.damage or "no log of a training")
  end
  return build(path, { read }, {}, {}, o)
end

---Opens a recorded run.
---@param path string a folder, a file, or "-" for standard input
---@param given? { loss: string, classes: integer, counts: integer[], task: string }
---@return lossdbg.Run|nil
---@return string|nil message with file and place
---@return string[]|nil folders of the runs, where there are several
function M.open(path, given)
  if type(path) ~= "string" or path == "" then
    options.fail("open", "path", "a folder, a file or \"-\"", path, nil, source.level())
  end
  local o = options.check("open", given or {}, schema, source.level())
  if not (io and io.open) then return nil, "this host gives no access to files (no io library)" end
  if path == "-" then return open_text("standard input", io.stdin:read "a", o) end
  local files, why = folder_walk.files(path)
  if files then return open_folder(path, files, o) end
  if why then return nil, ("%s: %s"):format(path, why) end
  local read
  read, why = read_one(path, nil, true)
  if not read or read:is_empty() then
    why = why or ("%s: %s"):format(path, read and read.damage or "no log of a training")
    return nil, why
  end
  return build(path, { read }, {}, {}, o)
end

return M
