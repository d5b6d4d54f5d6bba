--- The systems that are compared, as commands of child processes.
local child = require "spec.bench.child"
local workload = require "lossdbg.cli.bench.workload"

local M = {}

local quoted = child.quoted

-- name, file and variant of the peers
local peers = {
  { name = "PyTorch eager", module = "torch", file = "peer_torch.py", variant = "eager" },
  { name = "PyTorch channels last", module = "torch", file = "peer_torch.py", variant = "last",
    only = { W4 = true, W8 = true } },
  { name = "torch.compile", module = "torch", file = "peer_torch.py", variant = "compile" },
  { name = "Keras fit", module = "tensorflow", file = "peer_keras.py", variant = "fit" },
  { name = "tf.function", module = "tensorflow", file = "peer_keras.py", variant = "function" },
  { name = "tf.function XLA", module = "tensorflow", file = "peer_keras.py", variant = "xla" },
  { name = "JAX jit", module = "jax", file = "peer_jax.py", variant = "jit" },
}

local function succeeds(command) return (os.execute(command .. " >/dev/null 2>&1")) == true end

---Which peers this machine has, by the module they need.
---@param python string
---@return table<string, boolean>
function M.installed(python)
  local found = {}
  for _, peer in ipairs(peers) do
    if found[peer.module] == nil then
      found[peer.module] = succeeds(("%s -c 'import importlib.util, sys; "
        .. "sys.exit(importlib.util.find_spec(\"%s\") is None)'"):format(quoted(python),
        peer.module))
    end
  end
  return found
end

-- The last n of the processors that this process may use.
local function processors(n)
  local file = io.open "/proc/self/status"
  if not file then return nil end
  local text = file:read("a"):match "Cpus_allowed_list:%s*([%d,%-]+)"
  file:close()
  local list = {}
  for first, last in (text or ""):gmatch "(%d+)%-?(%d*)" do
    for i = tonumber(first), tonumber(last) or tonumber(first) do list[#list + 1] = i end
  end
  if #list < n then return nil, #list end
  return table.concat(list, ",", #list - n + 1)
end

---What stands in front of a command so that it has n processors and no more.
---@param n integer
---@return string prefix
---@return boolean pinned
function M.pin(n)
  local vars = ("env OMP_NUM_THREADS=%d OPENBLAS_NUM_THREADS=%d MKL_NUM_THREADS=%d"):format(n, n, n)
  local list = processors(n)
  if list and succeeds "command -v taskset" then
    return vars .. " taskset -c " .. list, true
  end
  return vars, false
end

---@return integer|nil processors that this process may use
function M.count()
  local _, n = processors(math.maxinteger)
  return n
end

---The systems of a cell: name and command of each.
---@param options table see run.lua
---@param chosen table the workload
---@param threads integer
---@param installed table<string, boolean>
---@return { name: string, command: string, ours: boolean|nil, floor: boolean|nil }[]
function M.list(options, chosen, threads, installed)
  local list, data = {}, options.folder .. "/" .. chosen.id .. ".safetensors"
  local pin = M.pin(threads)
  local limited = succeeds "command -v timeout" and " timeout " .. options.limit * 4 .. " " or " "
  local function add(entry, command)
    entry.command = pin .. limited .. command
    list[#list + 1] = entry
  end
  for _, name in ipairs { "lossdbg", "lossdbg eager" } do
    add({ name = name, ours = true }, ("%s spec/bench/our_child.lua %s %d %s"):format(
      quoted(options.lua), chosen.id, threads, quoted(name)))
  end
  for _, peer in ipairs(options.peers and peers or {}) do
    if installed[peer.module] and (not peer.only or peer.only[chosen.id]) then
      add({ name = peer.name }, ("%s spec/bench/%s %s %d %s %s %d"):format(quoted(options.python),
        peer.file, chosen.id, threads, quoted(data), peer.variant, options.limit))
    end
  end
  if threads == 1 and options.floor then
    local words, n = {}, 0
    for _, p in ipairs(chosen.products) do words[#words + 1] = table.concat(p, " ") end
    for name, t in pairs(require("lossdbg.data.safetensors").load(data)) do
      if name:match "^p" and not name:match "/moving_" then n = n + t.numel end
    end
    local kind = chosen.optimizer.kind
    add({ name = "floor", floor = true }, ("%s %d %d %d %s"):format(quoted(options.floor), n,
      workload.update_space[kind], workload.update_bytes[kind], table.concat(words, " ")))
  end
  return list
end

return M
