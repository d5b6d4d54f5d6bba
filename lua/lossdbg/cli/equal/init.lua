--- `lossdbg equal`: the first tensor, or step and series, in which two checkpoints or runs differ
-- beyond rounding.
local archive = require "lossdbg.interop.archive"
local cli = require "lossdbg.cli"
local core = require "lossdbg.core"
local number = require "lossdbg.support.number"
local read_file = require "lossdbg.data.read_file"

local M = {
  usage = "equal [OPTION ...] A B",
  about = "Two checkpoints (safetensors, NPZ, NPY): the first tensor that differs, where and by "
    .. "how much. Two runs: the first step at which a series differs. Differences within rounding "
    .. "of single precision do not count. Status 0 when they are equal, 1 when not.",
  options = {
    { name = "tolerance", value = "a number", number = true,
      doc = "relative difference that counts as rounding (default 1e-5)" },
    { name = "help", doc = "this text" },
  },
  examples = { "lossdbg equal first.safetensors second.safetensors",
    "lossdbg equal runs/7 runs/8" },
}

local ARRAYS = { npy = true, npz = true, safetensors = true, keras = false }

local function apart(a, b)
  if a == b or (a ~= a and b ~= b) then return 0 end
  if a ~= a or b ~= b or math.abs(a - b) == math.huge then return math.huge end
  return math.abs(a - b) / math.max(math.abs(a), math.abs(b))
end

local function arrays_of(path)
  local bytes, why = read_file(path)
  if not bytes then cli.stop(cli.status.unreadable, "%s", why) end
  local list
  if bytes:sub(1, 6) == "\x93NUMPY" then
    local t, trouble = core.io.npy(bytes)
    list, why = t and { { name = "array", tensor = t } }, trouble
  else
    list, why = archive.arrays(bytes)
  end
  if not list then cli.stop(cli.status.unreadable, "%s: %s", path, why) end
  local by_name = {}
  for _, item in ipairs(list) do by_name[item.name] = item.tensor end
  return list, by_name
end

local function place(index, shape)
  local out, rest = {}, index - 1
  for k = #shape, 1, -1 do
    table.insert(out, 1, tostring(rest % shape[k]))
    rest = rest // shape[k]
  end
  return "[" .. table.concat(out, ", ") .. "]"
end

-- The first difference of two tensors in words, and how many elements differ.
local function tensors_differ(a, b, tolerance)
  local shape_a, shape_b = table.concat(a.shape, " x "), table.concat(b.shape, " x ")
  if shape_a ~= shape_b then return ("[%s] against [%s]"):format(shape_a, shape_b) end
  local x, y = a:reshape { a.numel }:totable(), b:reshape { b.numel }:totable()
  local first, count = nil, 0
  for i = 1, #x do
    if apart(x[i], y[i]) > tolerance then
      first, count = first or i, count + 1
    end
  end
  if first then
    return ("%s against %s at %s; %d of %d differ"):format(number.format(x[first]),
      number.format(y[first]), place(first, a.shape), count, #x)
  end
end

local function compare_arrays(out, path_a, path_b, tolerance)
  local list, mine = arrays_of(path_a)
  local others, theirs = arrays_of(path_b)
  for _, item in ipairs(list) do
    local other = theirs[item.name]
    local what = not other and "is missing in " .. path_b
      or tensors_differ(item.tensor, other, tolerance)
    if what then
      out:write(("differ: %s: %s\n"):format(item.name, what))
      return cli.status.fault
    end
  end
  for _, item in ipairs(others) do
    if not mine[item.name] then
      out:write(("differ: %s: is missing in %s\n"):format(item.name, path_a))
      return cli.status.fault
    end
  end
  out:write(("equal: %d tensors\n"):format(#list))
  return cli.status.ok
end

-- The earliest place at which a series differs.
local function first_of(a, b, tolerance)
  local found
  for name, curve in pairs(a.curves) do
    local other = b.curves[name]
    for i = 1, other and math.min(#curve.y, #other.y) or 0 do
      if found and curve.x[i] > found.x then break end
      if apart(curve.y[i], other.y[i]) > tolerance then
        if not found or curve.x[i] < found.x or name < found.name then
          found = { name = name, x = curve.x[i], a = curve.y[i], b = other.y[i],
            axis = curve.axis }
        end
        break
      end
    end
  end
  return found
end

local function compare_runs(out, path_a, path_b, tolerance)
  local runs = {}
  for i, path in ipairs { path_a, path_b } do
    local run, why = require("lossdbg").open(path)
    if not run then cli.stop(cli.status.unreadable, "%s", why) end
    runs[i] = run
  end
  local found = first_of(runs[1], runs[2], tolerance)
  if found then
    out:write(("differ: %s at %s %s: %s against %s\n"):format(found.name, found.axis,
      number.short(found.x), number.format(found.a), number.format(found.b)))
    return cli.status.fault
  end
  local n, m = #runs[1].history.loss, #runs[2].history.loss
  if n ~= m then
    out:write(("differ: %d against %d points; the first %d are equal\n"):format(n, m,
      math.min(n, m)))
    return cli.status.fault
  end
  out:write(("equal: %d points\n"):format(n))
  return cli.status.ok
end

---@param args string[] "equal", ...
---@param out file*
---@return integer status
function M.run(args, out)
  local given, paths = cli.read(args, 2, M.options)
  if #paths ~= 2 then cli.stop(cli.status.usage, "equal takes two paths, got %d", #paths) end
  local tolerance = given.tolerance or 1e-5
  local kind = paths[1]:match "%.(%w+)$"
  local compare = kind and ARRAYS[kind:lower()] and compare_arrays or compare_runs
  return compare(out, paths[1], paths[2], tolerance)
end

return M
