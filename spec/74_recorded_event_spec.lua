-- TensorBoard event files against what TensorBoard's own loader reads from them
-- (spec/recorded/make_recorded.py), and against records decoded by protoc.
local core = require "lossdbg.core"
local json = require "lossdbg.support.json"
local ld = require "lossdbg"

local HERE = "spec/recorded/"

local function bytes_of(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function unhex(text)
  return (text:gsub("%s", ""):gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

local function number(hex) return (string.unpack(">d", unhex(hex))) end

local function same(a, b) return a == b or (a ~= a and b ~= b) end

-- TensorBoard's loader rounds the rows of a `histo` to binary32.
local function rounded(x) return (string.unpack("<f", string.pack("<f", x))) end

local function scan(bytes)
  local sink = {}
  local at, state = core.io.event_scan(bytes, 1, sink)
  return sink, at, state
end

local expected = assert(json.decode(bytes_of(HERE .. "expected.json")))

local function check_against(sink, wanted)
  for tag, list in pairs(wanted) do
    local own = sink.scalars[tag] or sink.histograms and sink.histograms[tag]
    assert.is_table(own, tag)
    assert.equal(#list, #own.step, tag)
    for i, point in ipairs(list) do
      assert.equal(point[1], own.step[i], tag)
      if type(point[2]) == "string" then
        assert.is_true(same(number(point[2]), own.value[i]), tag)
      else
        assert.equal(#point[2], #own.value[i], tag)
        for k, hex in ipairs(point[2]) do
          local x = own.value[i][k]
          assert.is_true(number(hex) == x or number(hex) == rounded(x), tag .. " " .. k)
        end
      end
    end
  end
end

describe("event files", function()
  it("give the values and steps that TensorBoard's loader gives", function()
    for folder, wanted in pairs { ["keras/logs/train"] = expected.train,
      ["keras/logs/validation"] = expected.validation, torch = expected.torch } do
      local sink, _, state = scan(bytes_of(HERE .. folder .. "/events.out.tfevents.1.v2"))
      assert.equal("end", state)
      assert.equal("brain.Event:2", sink.version)
      check_against(sink, wanted)
    end
  end)

  it("have checksums as published", function()
    local function crc(s) return ("%08x"):format(core.io.masked_crc(s)) end
    assert.equal("5794d08a", crc "\x1a\x11CRC test, one two")
    -- unmasked: e3069283 of "123456789", 8a9136aa of 32 zero bytes
    for text, plain in pairs { ["123456789"] = 0xe3069283, [("\0"):rep(32)] = 0x8a9136aa } do
      local masked = ((plain >> 15 | plain << 17) + 0xa282ead8) & 0xFFFFFFFF
      assert.equal(masked, core.io.masked_crc(text))
    end
  end)

  it("hold a scalar as simple value, as bytes of a tensor and as a list", function()
    local head = unhex("1800000000000000a37f4b220900000040fc54d9411a0d627261696e2e4576656e743a32"
      .. "eced8f9d")
    for _, record in ipairs {
      "1a00000000000000 129bd82d 0900000040fc54d94110072a0d0a0b0a046c6f7373150000003f 2c75eab7",
      "3400000000000000 5e33175c 0900000040fc54d94110072a270a250a0a65706f63685f6c6f7373420a080112"
        .. "0022040000003f4a0b0a090a077363616c617273 154ed9b9",
    } do
      local sink = scan(head .. unhex(record))
      local list = sink.scalars.loss or sink.scalars.epoch_loss
      assert.same({ step = { 7 }, value = { 0.5 } }, list)
      assert.equal(1.7e9, sink.last_wall)
    end
  end)

  it("cut anywhere give what stands before the cut, and where it is", function()
    local whole = bytes_of(HERE .. "keras/logs/validation/events.out.tfevents.1.v2")
    local all = scan(whole)
    local last = 0
    for n = 0, #whole - 1 do
      local sink, at, state = scan(whole:sub(1, n))
      local records = sink.records or 0
      assert.is_true(records >= last and records < all.records)
      assert.is_true(at <= n + 1)
      assert.equal(at == n + 1 and "end" or "cut", state)
      last = records
    end
  end)

  it("with a bit turned lose that record only, or end with its place", function()
    local whole = bytes_of(HERE .. "keras/logs/validation/events.out.tfevents.1.v2")
    local all = scan(whole).records
    for at = 1, #whole, 3 do
      local changed = whole:sub(1, at - 1) .. string.char(whole:byte(at) ~ 16) .. whole:sub(at + 1)
      local sink, next_at, state = scan(changed)
      if state == "unreadable" then
        assert.is_true(next_at <= at)
      else
        assert.equal(1, sink.damaged)
        assert.equal(all - 1, sink.records)
      end
    end
  end)

  it("is read in pieces as in one, and read on as it grows", function()
    local event_file = require "lossdbg.interop.recorded.event_file"
    local whole = bytes_of(HERE .. "torch/events.out.tfevents.1.v2")
    local path = os.tmpname()
    local reader = event_file.reader(path)
    local points = 0
    for n = 0, #whole + 700, 700 do
      local file = assert(io.open(path, "wb"))
      file:write(whole:sub(1, n))
      file:close()
      local source = assert(event_file.read_on(reader))
      local now = source.series[1] and #source.series[1].y or 0
      assert.is_true(now >= points)
      points = now
    end
    os.remove(path)
    assert.equal(5, points)
    check_against(reader.sink, expected.torch)
  end)

  it("refuses arguments of another kind", function()
    assert.error_matches(function() core.io.event_scan(1, 1, {}) end, "expected a string")
    assert.error_matches(function() core.io.event_scan("", 2, {}) end, "expected 1 to 1, got 2")
    assert.error_matches(function() core.io.event_scan("", 0, {}) end, "expected 1 to 1, got 0")
    assert.error_matches(function() core.io.masked_crc {} end, "expected a string")
    assert.error_matches(function() core.io.entries "x" end, "expected an open file")
  end)
end)

describe("a folder that Keras wrote", function()
  local run = assert(ld.open(HERE .. "keras"))

  it("is one run with the values of its History, bit for bit", function()
    for name, list in pairs(expected.history) do
      for i, hex in ipairs(list) do assert.equal(number(hex), run.history[name][i]) end
      assert.equal(#list, #run.history[name])
    end
    assert.equal(4, #run)
    assert.equal("epoch", run.axis)
    assert.same({ 0, 1, 2, 3 }, run.curves.loss.x)
  end)

  it("tells which file was taken for what, and that they agree", function()
    local titles = {}
    for _, file in ipairs(run.recorded.files) do titles[#titles + 1] = file.title end
    assert.same({ "Keras console", "Keras History", "TensorBoard events", "TensorBoard events",
      "CSV" }, titles)
    assert.equal(HERE .. "keras/history.json", run.recorded.loss_path)
    local others = {}
    for _, a in ipairs(run.recorded.agree) do
      assert.is_nil(a.differs_at)
      assert.equal(4, a.same)
      others[a.what] = (others[a.what] or 0) + 1
    end
    assert.same({ loss = 3, val_loss = 3 }, others)
  end)
end)
