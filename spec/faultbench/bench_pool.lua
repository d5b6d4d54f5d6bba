--- One process per case, N at a time: `xargs -P` deals them out, a file per case brings the result
-- back. What a process did not write is an error of its case.
local files = require "bench_files"
local json = require "lossdbg.support.json"

local M = {}

local longest = 300 -- seconds for one case, whatever its budget says

local function interpreter()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return arg[first]
end

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1") == true
end

local function command(list, folder, o)
  local words = { files.quoted(interpreter()), files.quoted(o.script), files.quoted(o.dir) }
  for _, word in ipairs(o.options) do words[#words + 1] = files.quoted(word) end
  local one = ("%s%s --child {} --out %s/{} >%s/{}.log 2>&1; echo {} $?"):format(
    has "timeout" and "timeout " .. longest .. " " or "", table.concat(words, " "), folder, folder)
  -- One thread of BLAS per process: the processes are the parallelism.
  return ("OPENBLAS_NUM_THREADS=1 xargs -P %d -I{} sh -c %s <%s"):format(o.jobs,
    files.quoted(one), list)
end

local function lost(id, status, folder)
  local log = (files.text(folder .. "/" .. id .. ".log") or ""):gsub("%s+$", "")
  local why = status == 124 and ("no answer within %d s"):format(longest)
    or "the process ended with status " .. status
  if log ~= "" then why = why .. ": " .. log:sub(-300) end
  return { id = id, causes = json.array(), error = why }
end

--- Runs every case. The results come in the order of the ids.
---@param ids string[]
---@param o { script: string, dir: string, jobs: integer, options: string[] }
---@return table[]
function M.run(ids, o)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. files.quoted(folder)), "cannot make a folder for results")
  local list = folder .. "/list"
  local file = assert(io.open(list, "wb"))
  file:write(table.concat(ids, "\n"), "\n")
  file:close()
  local by_id, done = {}, 0
  local pipe = assert(io.popen(command(list, folder, o)))
  for line in pipe:lines() do
    local id, status = line:match "^(%S+) (%d+)$"
    if id then
      local result = tonumber(status) == 0 and files.json(folder .. "/" .. id)
      by_id[id] = result or lost(id, tonumber(status), folder)
      done = done + 1
      local why = by_id[id].error
      io.stderr:write(("%3d/%d %s %5.1f s%s\n"):format(done, #ids, id, by_id[id].seconds or 0,
        why and "  " .. why or ""))
    end
  end
  pipe:close()
  os.execute("rm -r " .. files.quoted(folder))
  local results = {}
  for i, id in ipairs(ids) do
    results[i] = by_id[id]
      or { id = id, causes = json.array(), error = "its process was never heard of" }
  end
  return results
end

return M
