-- Worker processes: what they compute is what is computed here, and whatever happens to one of them
-- is told, tried once more, and leaves nothing behind.
local core = require "lossdbg.core"
local ld = require "lossdbg"
local workers = require "lossdbg.support.workers"

local process = core.process

-- Children of this process by state, where the system tells: "Z" is a zombie.
local function children()
  local own = io.open("/proc/self/stat"):read("a"):match "^(%d+)"
  local list = {}
  for line in io.popen("cat /proc/[0-9]*/stat 2>/dev/null"):lines() do
    local pid, state, parent = line:match "^(%d+) %b() (%a) (%d+)"
    if parent == own and not line:find("(sh)", 1, true) then list[#list + 1] = pid .. state end
  end
  return list
end

local function kill_myself(signal) os.execute(("kill -%s $PPID"):format(signal)) end

-- True in the first worker that asks, by a file.
local function is_first(path)
  if io.open(path) then return false end
  io.open(path, "w"):close()
  return true
end

local function fresh_path()
  local path = os.tmpname()
  os.remove(path)
  return path
end

describe("a worker", function()
  it("sends back what its function returns, however long", function()
    local text = ("0123456789"):rep(300000)
    local worker = assert(process.start(function() return text end))
    local chunks = {}
    while true do
      process.await({ worker }, 0.1)
      local bytes = process.read(worker)
      if not bytes then break end
      chunks[#chunks + 1] = bytes
    end
    assert.equal(text, table.concat(chunks))
    assert.same({ "exit", 0 }, { process.reap(worker) })
    assert.same({ "exit", 0 }, { process.reap(worker) })
    assert.is_nil(process.read(worker))
  end)

  it("changes nothing in the process that started it", function()
    local seen = 1
    local x = ld.zeros { 2 }
    local results = workers.map(1, function()
      seen = 2
      x:fill_(7)
      return { seen, x }
    end, { jobs = 2 })
    assert.equal(2, results[1].value[1])
    assert.equal(7, results[1].value[2][1])
    assert.equal(1, seen)
    assert.equal(0, x[1])
  end)

  it("is killed and waited for when it is no longer wanted", function()
    local worker = assert(process.start(function() while true do end end))
    assert.same({ "signal", 9 }, { process.kill(worker) })
    do -- and by the collector, where nobody says so
      assert(process.start(function() while true do end end))
    end
    collectgarbage()
    collectgarbage()
    if io.open "/proc/self/stat" then assert.same({}, children()) end
  end)

  it("writes once what its parent had not written yet, and what it prints", function()
    local path = os.tmpname()
    local script = [[
      local core = require "lossdbg.core"
      io.stdout:setvbuf "full"
      io.write "before "
      local workers = require "lossdbg.support.workers"
      workers.map(2, function(i) if i == 1 then print "inside" end return i end, { jobs = 1 })
      io.write "after"
    ]]
    local file = assert(io.open(path, "w"))
    file:write(script)
    file:close()
    local lua = arg and arg[-1] or "lua5.4"
    local i = -1
    while arg and arg[i] do lua, i = arg[i], i - 1 end
    local pipe = assert(io.popen(lua .. " " .. path))
    assert.equal("before inside\nafter", pipe:read "a")
    pipe:close()
    os.remove(path)
  end)

  it("computes on one thread, to the same bits as four", function()
    ld.threads(4)
    core.threads(4, 0)
    local a, b = ld.randn { 200, 300 }, ld.randn { 300, 100 }
    local here = a:matmul(b)
    local results = workers.map(1, function()
      return { a:matmul(b), core.threads() }
    end, { jobs = 1 })
    core.threads(1)
    assert.equal(1, results[1].value[2])
    assert.same(here:totable(), results[1].value[1]:totable())
  end)
end)

describe("a pool", function()
  it("gives results by index, whatever is ready first", function()
    local done = {}
    local results, told = workers.map(7, function(i)
      local until_ = os.clock() + (i % 3) * 0.01
      while os.clock() < until_ do end
      return i * i
    end, { jobs = 3, done = function(i, result) done[#done + 1] = { i, result.value } end })
    for i = 1, 7 do
      assert.same({ ok = true, value = i * i }, results[i])
      assert.same({ i, i * i }, done[i])
    end
    assert.same({}, told)
  end)

  it("hands an error through with its text", function()
    local function fails(i) error("task " .. i .. " does not like it", 0) end
    local results, told = workers.map(2, fails, { jobs = 2 })
    assert.same({ ok = false, value = "task 2 does not like it" }, results[2])
    assert.same({}, told) -- that is no fault of the worker
    results = workers.map(1, function() return print end, { jobs = 2 })
    assert.matches("cannot hand over a function", results[1].value)
    results = workers.map(1, function() error { code = 5 } end, { jobs = 2 })
    assert.same({ code = 5 }, results[1].value)
  end)

  it("tries the task of a lost worker once more, and says so", function()
    local path = fresh_path()
    local results, told = workers.map(2, function(i)
      if i == 1 and is_first(path) then kill_myself "KILL" end
      return i
    end, { jobs = 2 })
    os.remove(path)
    assert.same({ { ok = true, value = 1 }, { ok = true, value = 2 } }, results)
    assert.same({ "task 1: its worker process was ended by signal 9 (killed); tried once more" },
      told)
  end)

  it("counts a task whose worker is lost twice as an error", function()
    local results, told = workers.map(2, function(i)
      if i == 1 then kill_myself "ABRT" end
      return i
    end, { jobs = 1, name = function(i) return "case " .. i end })
    assert.is_false(results[1].ok)
    assert.equal("its worker process was ended by signal 6 (abort)", results[1].value)
    assert.is_true(results[2].ok)
    assert.equal(2, #told)
    assert.matches("^case 1: .*, twice$", told[2])
    results = workers.map(1, function() os.exit(5) end, { jobs = 1 })
    assert.equal("its worker process ended with status 5", results[1].value)
    results = workers.map(1, function() os.exit(0) end, { jobs = 1 })
    assert.equal("its result is not whole", results[1].value)
  end)

  it("ends what takes too long", function()
    local results, told = workers.map(2, function(i)
      local began = core.clock()
      while i == 1 and core.clock() - began < 8 do end
      return i
    end, { jobs = 2, timeout = 0.05 })
    assert.is_false(results[1].ok)
    assert.equal("its worker process took longer than 0.05 s", results[1].value)
    assert.is_true(results[2].ok)
    assert.equal(2, #told)
  end)

  it("says that memory was short in a worker", function()
    local results = workers.map(1, function()
      error "not enough memory"
    end, { jobs = 1 })
    assert.matches("not enough memory", results[1].value)
    local told -- what a worker ends with when it cannot even say so
    results, told = workers.map(1, function() os.exit(3) end, { jobs = 1 })
    assert.equal("not enough memory", results[1].value)
    assert.same({}, told)
  end)

  it("leaves no worker when it is left by an error, and its own error is kept", function()
    local ok, why = pcall(function()
      local pool <close> = workers.pool { jobs = 3 }
      local function forever() while true do end end
      pool:call("quick", function() return 1 end, function()
        return { { "slow", forever }, { "slower", forever } }
      end)
      assert.equal(2, #pool.running)
      error("stop", 0)
    end)
    assert.same({ false, "stop" }, { ok, why })
    if io.open "/proc/self/stat" then assert.same({}, children()) end
  end)

  it("ends at once, and with it all workers, when somebody wishes to stop", function()
    local began, left = core.clock(), 3
    debug.sethook(function()
      left = left - 1
      if left > 0 then return end
      debug.sethook()
      error("interrupted!", 0)
    end, "", 100)
    local ok, why = pcall(workers.map, 2, function() while true do end end, { jobs = 2 })
    debug.sethook()
    assert.same({ false, "interrupted!" }, { ok, why })
    assert.is_true(core.clock() - began < 30) -- the tasks would never end
    if io.open "/proc/self/stat" then assert.same({}, children()) end
  end)

  it("does no more at a time than it may", function()
    local pool <close> = workers.pool { jobs = 2 }
    local most = 0
    local tasks = {}
    for i = 1, 6 do tasks[i] = { "t" .. i, function() return i end } end
    for i = 1, 6 do
      assert.equal(i, pool:call(tasks[i][1], tasks[i][2], function()
        most = math.max(most, #pool.running)
        return tasks
      end))
      most = math.max(most, #pool.running)
    end
    assert.is_true(most <= 2)
    local slow = {}
    for i = 1, 5 do slow[i] = { "slow" .. i, function() while true do end end } end
    pool:call("quick", function() return 1 end, function() return slow end)
    assert.equal(2, #pool.running)
  end)

  it("is refused by name where a number of workers cannot be had", function()
    local e = ld.experiment { train = { ld.ones { 4, 2 }, ld.ones { 4, 1 } }, loss = "mse",
      model = ld.nn.sequential { ld.nn.dense(1) } }
    for _, jobs in ipairs { 0, -1, 1.5, "two", 65 } do
      local ok, why = pcall(e.diagnose, e, { jobs = jobs })
      assert.is_false(ok)
      assert.matches("lossdbg: diagnose: argument 'jobs': expected", why)
      assert.matches("56_workers_spec.lua", why)
    end
  end)
end)
