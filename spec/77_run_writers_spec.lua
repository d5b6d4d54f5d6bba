-- Our own runs written for others: TensorBoard events, JSON lines, JSON, HTML; what is written is
-- read back, and single records equal those that protoc decoded.
local core = require "lossdbg.core"
local event_writer = require "lossdbg.train.callback.event_writer"
local json = require "lossdbg.support.json"
local ld = require "lossdbg"

local folder

before_each(function()
  folder = os.tmpname()
  os.remove(folder)
end)
after_each(function() os.execute(("rm -rf '%s'"):format(folder)) end)

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function scan(path)
  local sink = {}
  local _, state = core.io.event_scan(read(path), 1, sink)
  assert.equal("end", state)
  return sink
end

local function single(x) return (string.unpack("<f", string.pack("<f", x))) end

local function fit(callbacks, epochs)
  return ld.experiment {
    train = ld.data.arrays { x = { { 0 }, { 1 }, { 2 }, { 3 } },
      y = { { 0 }, { 2 }, { 4 }, { 6 } } },
    val = ld.data.arrays { x = { { 1.5 } }, y = { { 3 } } },
    model = ld.nn.sequential { ld.nn.dense { 2, "tanh" }, ld.nn.dense { 1 } }, loss = "mse",
    optimizer = ld.optim.sgd { lr = 0.05 }, batch = 2, epochs = epochs or 8, seed = 1,
  }:fit { callbacks = callbacks }
end

describe("an event writer", function()
  it("writes the bytes that TensorBoard's format asks for", function()
    local writer = assert(event_writer.open(folder))
    writer.clock = function() return 1.7e9 end
    writer:scalar("loss", 0.5, 7)
    writer:close()
    local golden = ("1a00000000000000129bd82d0900000040fc54d94110072a0d0a0b0a046c6f7373150000003f"
      .. "2c75eab7"):gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end)
    assert.equal(golden, read(writer.path):sub(-#golden))
  end)

  it("keeps what a single float cannot hold apart from NaN", function()
    local writer = assert(event_writer.open(folder))
    for step, x in ipairs { 0 / 0, math.huge, -math.huge, 1e300, -1e300, 1e-300 } do
      writer:scalar("x", x, step)
    end
    writer:close()
    local y = scan(writer.path).scalars.x.value
    assert.is_true(y[1] ~= y[1])
    assert.same({ math.huge, -math.huge, math.huge, -math.huge, 0 },
      { y[2], y[3], y[4], y[5], y[6] })
  end)

  it("counts every finite value of a histogram in one bin", function()
    local writer = assert(event_writer.open(folder))
    local values = {}
    for i = 1, 100 do values[i] = i end
    values[101] = 0 / 0
    writer:histogram("w", values, 3, 10)
    writer:histogram("same", { 2, 2, 2 }, 3)
    writer:histogram("none", { 0 / 0 }, 3)
    writer:close()
    local sink = scan(writer.path)
    local rows, counts = sink.histograms.w.value[1], {}
    for k = 1, #rows // 3 do counts[k] = rows[3 * k] end
    assert.same({ 10, 10, 10, 10, 10, 10, 10, 10, 10, 10 }, counts)
    assert.equal(1, rows[1])
    assert.equal(100, rows[#rows - 1])
    assert.equal(3, sink.histograms.same.value[1][3])
    assert.is_nil(sink.histograms.none)
  end)

  it("never writes over a file, and says where it cannot write", function()
    local a, b = assert(event_writer.open(folder)), assert(event_writer.open(folder))
    assert.not_equal(a.path, b.path)
    a:close()
    b:close()
    local writer, why = event_writer.open(a.path .. "/below")
    assert.is_nil(writer)
    assert.matches(a.path .. "/below", why, 1, true)
  end)
end)

describe("a run", function()
  it("of fit is read back from its events", function()
    local run = fit { ld.callback.tensorboard { folder, histograms = 2, every = 1 } }
    local back = assert(ld.open(folder))
    for _, name in ipairs { "loss", "val_loss" } do
      for i, x in ipairs(run.history[name]) do
        assert.equal(single(x), back.curves[name].y[i])
      end
      assert.same({ 0, 1, 2, 3, 4, 5, 6, 7 }, back.curves[name].x)
    end
    assert.equal(16, #back.steps.loss)
    assert.equal(4, #back.histograms["dense_1/kernel"].step)
  end)

  it("is saved as events, JSON lines, JSON and HTML", function()
    local run = fit(nil, 9)
    run.history.loss[2] = 0 / 0
    assert(run:save_tensorboard(folder .. "/tb"))
    assert(run:save_jsonl(folder .. "/run.jsonl"))
    for _, path in ipairs { folder .. "/tb", folder .. "/run.jsonl" } do
      local back = assert(ld.open(path))
      assert.equal(9, #back.history.loss)
      assert.is_true(back.history.loss[2] ~= back.history.loss[2])
      assert.equal(single(run.history.loss[3]), single(back.history.loss[3]))
      assert.equal(single(run.history.val_loss[1]), single(back.history.val_loss[1]))
    end
    assert(run:save_json(folder .. "/run.json"))
    local data = assert(json.decode(read(folder .. "/run.json")))
    assert.equal("run", data.kind)
    assert.equal(run.history.val_loss[3], data.history.val_loss[3])
    assert(run:save_html(folder .. "/run.html"))
    assert.matches("default-src 'none'", read(folder .. "/run.html"), 1, true)
    local ok, why = run:save_json(folder .. "/no/such/run.json")
    assert.is_nil(ok)
    assert.matches("no/such", why, 1, true)
  end)

  it("that was recorded is saved with its own steps", function()
    os.execute(("mkdir -p '%s'"):format(folder))
    local file = assert(io.open(folder .. "/log.jsonl", "w"))
    file:write '{"step": 10, "loss": 1}\n{"step": 20, "loss": 0.5}\n'
    file:close()
    local run = assert(ld.open(folder .. "/log.jsonl"))
    assert(run:save_tensorboard(folder .. "/tb"))
    assert.same({ 10, 20 }, assert(ld.open(folder .. "/tb")).curves.loss.x)
  end)
end)
