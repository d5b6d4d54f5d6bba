--- Where reference trainings find their data, and how they say what came out.
local M = {}

-- Directory of the sets that licences or size keep out of the repository; see examples/data.
local own, extra = "examples/data/", os.getenv "LOSSDBG_DATA"

local function exists(path)
  local file = io.open(path, "rb")
  return file ~= nil and file:close()
end

--- The path of a data file, or nil.
---@param name string
---@param larger? boolean $LOSSDBG_DATA first: the repository holds a small part of the set only
---@return string?
function M.path(name, larger)
  local there = extra and exists(extra .. "/" .. name) and extra .. "/" .. name or nil
  if larger then return there end
  return exists(own .. name) and own .. name or there
end

local missed = 0

local sides = {
  [">="] = function(figure, bound) return figure >= bound end,
  ["<"] = function(figure, bound) return figure < bound end,
}

--- Runs one training and prints `name figure: value (bound) ok|missed, seconds` for every bound.
--- With an argument on the command line only the trainings whose names contain it.
---@param name string
---@param bounds { [1]: string, [2]: ">="|"<", [3]: number }[] figure, side, bound
---@param train fun(): table<string, number>?, string? its figures, or nil and the missing file
function M.case(name, bounds, train)
  local only = arg and arg[1]
  if only and not name:find(only, 1, true) then return end
  local wall, cpu = os.time(), os.clock()
  local figures, file = train()
  if not figures then
    print(("%s: skipped, no %s (set LOSSDBG_DATA)"):format(name, file))
    return
  end
  wall, cpu = os.time() - wall, os.clock() - cpu
  for _, bound in ipairs(bounds) do
    local figure = figures[bound[1]]
    local ok = sides[bound[2]](figure, bound[3])
    missed = missed + (ok and 0 or 1)
    print(("%s, %s: %.4f (%s %g) %s, %d s (%.1f s of CPU)"):format(name, bound[1], figure,
      bound[2], bound[3], ok and "ok" or "missed", wall, cpu))
  end
  io.stdout:flush()
end

--- Ends the script: with status 1 when a bound was missed.
function M.close() os.exit(missed == 0, true) end

return M
