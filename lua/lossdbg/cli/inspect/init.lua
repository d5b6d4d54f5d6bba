--- `lossdbg inspect`: what is in a file or folder, without a judgement.
local archive = require "lossdbg.interop.archive"
local cli = require "lossdbg.cli"
local core = require "lossdbg.core"
local number = require "lossdbg.support.number"
local read_file = require "lossdbg.data.read_file"

local M = {
  usage = "inspect PATH ...",
  about = "What is in a file or folder: the series of a log with their points and ranges, the "
    .. "arrays of NPY, NPZ, IDX and safetensors, the members of a ZIP, the columns of a CSV.",
  options = { { name = "help", doc = "this text" } },
  examples = { "lossdbg inspect logs/train/events.out.tfevents.1796", "lossdbg inspect x.npy" },
}

local function range_of(values)
  local lo, hi, bad = math.huge, -math.huge, 0
  for _, v in ipairs(values) do
    if v == v and math.abs(v) < math.huge then
      lo, hi = math.min(lo, v), math.max(hi, v)
    else
      bad = bad + 1
    end
  end
  local text = lo <= hi and ("%s .. %s"):format(number.format(lo), number.format(hi)) or "none"
  return bad > 0 and ("%s, %d NaN or infinite"):format(text, bad) or text
end

local function show_array(out, name, t)
  local flat = t:reshape { t.numel }:totable()
  out:write(("  %-24s %s [%s]  %s\n"):format(name, t.dtype, table.concat(t.shape, " x "),
    range_of(flat)))
end

local function show_members(out, bytes, members)
  for _, member in ipairs(members) do
    local inner = member.method == 0 and member.name:find "%.npy$"
      and core.io.npy(bytes:sub(member.offset, member.offset + member.size - 1))
    if inner then
      show_array(out, member.name, inner)
    else
      out:write(("  %-24s %d bytes%s\n"):format(member.name, member.size,
        member.method ~= 0 and ", compressed" or ""))
    end
  end
end

local function show_csv(out, bytes)
  local layout, why = core.io.csv(bytes)
  if not layout then return nil, why end
  out:write(("  CSV, %d rows, %d columns\n"):format(layout.rows, #layout.columns))
  for i, c in ipairs(layout.columns) do
    out:write(("  %-24s %d numbers, %d missing, %d texts, %s .. %s\n"):format(
      layout.names and layout.names[i] or ("column %d"):format(i), c.numbers, c.missing, c.text,
      number.format(c.min), number.format(c.max)))
  end
  return true
end

-- Arrays and archives by their first bytes; nil where it is none of them.
local function show_data(out, path, bytes)
  if bytes:sub(1, 6) == "\x93NUMPY" then
    local t, why = core.io.npy(bytes)
    if t then show_array(out, "array", t) end
    return t ~= nil, why
  elseif bytes:sub(1, 2) == "PK" then
    local members, why = core.io.zip(bytes)
    if members then show_members(out, bytes, members) end
    return members ~= nil, why
  elseif bytes:sub(1, 2) == "\0\0" and core.io.idx(bytes) then
    show_array(out, "array", core.io.idx(bytes))
    return true
  elseif path:find "%.safetensors$" then
    local arrays, why = archive.arrays(bytes)
    for _, item in ipairs(arrays or {}) do show_array(out, item.name, item.tensor) end
    return arrays ~= nil, why
  elseif path:find "%.csv$" or path:find "%.tsv$" then
    return show_csv(out, bytes)
  end
end

local function show_run(out, run)
  for _, file in ipairs(run.recorded.files) do
    out:write(("  %s: %s\n"):format(file.path, file.title))
    for _, s in ipairs(file.series) do
      out:write(("    %-28s %-20s %6d points%s\n"):format(s.name, s.measure, s.n,
        s.level and ", one per " .. s.level or ""))
    end
    if #file.left_out > 0 then
      out:write("    left out: ", table.concat(file.left_out, ", "), "\n")
    end
    for _, note in ipairs(file.notes) do out:write("    ", note, "\n") end
    if file.damage then out:write("    damaged: ", file.damage, "\n") end
  end
  local names = {}
  for name in pairs(run.curves) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    out:write(("  %-12s %s\n"):format(name, range_of(run.curves[name].y)))
  end
  for _, path in ipairs(run.recorded.companions) do out:write("  beside it: ", path, "\n") end
end

-- What stands on the path's own line, once something is told of it.
local function headed(out, path)
  local wrote = false
  return { write = function(_, ...)
    if not wrote then out:write(path, "\n") end
    wrote = true
    out:write(...)
  end }
end

local function show(out, err, path)
  out = headed(out, path)
  local run, why = require("lossdbg").open(path)
  if run then
    show_run(out, run)
    return cli.status.ok
  end
  local bytes = read_file(path)
  local ok, trouble
  if bytes then ok, trouble = show_data(out, path, bytes) end
  if ok then return cli.status.ok end
  err:write("lossdbg: ", trouble and path .. ": " .. trouble or why, "\n")
  return cli.status.unreadable
end

---@param args string[] "inspect", ...
---@param out file*
---@param err file*
---@return integer status
function M.run(args, out, err)
  local _, paths = cli.read(args, 2, M.options)
  if #paths == 0 then cli.stop(cli.status.usage, "inspect what?") end
  local status = cli.status.ok
  for _, path in ipairs(paths) do
    local own = show(out, err, path)
    if own ~= cli.status.ok then status = own end
  end
  return status
end

return M
