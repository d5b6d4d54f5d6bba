-- Under a limit of address space the core opens and computes, or says what is missing; it never
-- waits inside OpenBLAS for a buffer that the system does not give.
local function run(kib, threads, script)
  local lua = os.getenv("LUA") or "lua5.4"
  local command = ("ulimit -v %d; OPENBLAS_NUM_THREADS=%d timeout 60 %s -e '%s' 2>&1"):format(kib,
    threads, lua, script)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  local _, how, code = pipe:close()
  return code, text, how
end

local product = [[
local ld = require "lossdbg"
local a = ld.ones({ 300, 300 }, "f64")
print("product", (a:matmul(a):sum():item() // 1) | 0)
print("threads", ld.threads(64))
print("product", (a:matmul(a):sum():item() // 1) | 0)]]

describe("a limit of address space", function()
  if os.getenv("ASAN_OPTIONS") then
    pending("is nothing that the address sanitizer can live with")
    return
  end

  it("of 256 MiB is enough with one thread of OpenBLAS", function()
    local code, text = run(262144, 1, product)
    assert.equal(0, code, text)
    assert.matches("product\t27000000\nthreads\t1\t64 threads wanted, the address space is enough "
      .. "for 1\nproduct\t27000000", text, 1, true)
  end)

  it("of 100 MiB is refused with what would be enough", function()
    local code, text = run(102400, 1, product)
    assert.equal(1, code, text)
    assert.matches("lossdbg: require: OpenBLAS keeps a buffer of 128 MiB", text, 1, true)
    assert.matches("256 MiB are enough with OPENBLAS_NUM_THREADS=1", text, 1, true)
  end)

  it("of 256 MiB with two threads of OpenBLAS is computed under or refused, not waited for",
    function()
      local code, text = run(262144, 2, product)
      assert(code == 0 or (code == 1 and text:find("lossdbg: require: OpenBLAS keeps", 1, true)),
        ("exit code %s: %s"):format(code, text))
    end)

  it("of 1 GiB lets several threads start", function()
    local code, text = run(1048576, 1, product)
    assert.equal(0, code, text)
    local n = tonumber(text:match "threads\t(%d+)\t64 threads wanted")
    assert.is_true(n >= 4 and n <= 7, text)
  end)
end)
