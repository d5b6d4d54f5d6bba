--- The files of a recording: a folder and what lies in it, down to a depth that no log needs.

local core = require "lossdbg.core"

local M = {}

local DEPTH, MOST = 8, 5000 -- levels and files of one folder; beyond that it is no run

---The entries of a folder, sorted by name; nil where the path is no folder.
---@param path string
---@return { name: string, directory: boolean, regular: boolean, size: integer }[]|nil
function M.entries(path)
  local handle = io.open(path, "rb")
  if not handle then return nil end
  local list = core.io.entries(handle)
  handle:close()
  if list then table.sort(list, function(a, b) return a.name < b.name end) end
  return list
end

---@class lossdbg.FoundFile
---@field path string
---@field name string relative to the folder
---@field size integer

---All files under a folder, in the order of their names; nil where the path is no folder.
---@param path string
---@return lossdbg.FoundFile[]|nil files
---@return string|nil message when it holds too much
function M.files(path)
  local top = M.entries(path)
  if not top then return nil end
  local found, too_deep = {}, false
  local function walk(list, base, relative, depth)
    for _, entry in ipairs(list) do
      local here, name = base .. "/" .. entry.name, relative .. entry.name
      if entry.directory then
        if depth >= DEPTH then
          too_deep = true
        elseif not entry.name:find "^%." then
          walk(M.entries(here) or {}, here, name .. "/", depth + 1)
        end
      elseif entry.regular and #found <= MOST then
        found[#found + 1] = { path = here, name = name, size = entry.size }
      end
    end
  end
  walk(top, path:gsub("(.)/+$", "%1"), "", 1)
  if #found > MOST then
    return nil, ("more than %d files: name the run's own folder"):format(MOST)
  end
  return found, too_deep and ("folders below %d levels were not looked into"):format(DEPTH) or nil
end

return M
