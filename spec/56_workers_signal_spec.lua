-- Real signals, sent to a program that diagnoses with workers: it ends at once, and so do they.

-- Every worker notes its number in the file that the program is told.
local program = [[
local core = require "lossdbg.core"
local ld = require "lossdbg"
local nn = ld.nn
local start = core.process.start
core.process.start = function(fn, others)
  return start(function()
    local note = io.open(arg[1], "a")
    note:write(io.open("/proc/self/stat"):read("a"):match "^%d+", "\n")
    note:close()
    return fn()
  end, others)
end
local x = ld.randn { 400, 20 }
local e = ld.experiment { train = { x, (x:sum(2, true) * 1000) }, loss = "mse", batch = 4,
  model = nn.sequential { nn.dense { 64, "sigmoid" }, nn.dense(1) }, epochs = 100000,
  optimizer = ld.optim.sgd { lr = 1e-9 } }
local run = e:fit { verbose = 0, max_steps = 30 }
e:diagnose { jobs = 2, run = run, budget = math.huge }
]]

-- Starts the program, waits for a worker, sends a signal: its status, and how many workers are left
-- a little later.
local script = [[
%s %s %s >/dev/null 2>&1 &
pid=$!
i=0
while [ ! -s %s ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
kill -%s $pid
wait $pid
status=$?
left() { n=0; for w in $(cat %s); do kill -0 $w 2>/dev/null && n=$((n + 1)); done; echo $n; }
i=0
while [ $(left) -gt 0 ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
echo "status $status, left $(left)"
]]

local function interpreter()
  local lua, i = "lua5.4", -1
  while arg and arg[i] do lua, i = arg[i], i - 1 end
  return lua
end

local function sent(signal)
  local path, shell, notes = os.tmpname(), os.tmpname(), os.tmpname()
  for name, text in pairs { [path] = program, [shell] = script:format(interpreter(), path, notes,
    notes, signal, notes) } do
    local file = assert(io.open(name, "w"))
    file:write(text)
    file:close()
  end
  local pipe = assert(io.popen("bash " .. shell .. " 2>/dev/null"))
  local text = pipe:read "a"
  pipe:close()
  local noted = io.open(notes):read "a"
  for _, name in ipairs { path, shell, notes } do os.remove(name) end
  return text, noted
end

describe("a diagnosis with workers", function()
  local has_proc = io.open "/proc/self/stat"
  for signal, status in pairs { INT = 1, TERM = 143, KILL = 137 } do
    it("ends with SIG" .. signal .. ", and its workers with it", function()
      if not has_proc then pending "no /proc here" return end
      local text, noted = sent(signal)
      assert.matches("%d", noted)
      assert.equal(("status %d, left 0\n"):format(status), text)
    end)
  end
end)
