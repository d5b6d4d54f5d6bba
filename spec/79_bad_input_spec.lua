-- Logs and models that are cut, spoilt, hostile or odd: each ends in an answer, or in a message
-- with the file's name, never in a fault of ours.
package.path = "./spec/support/?.lua;" .. package.path
local core = require "lossdbg.core"
local ld = require "lossdbg"

local folder

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
end)
teardown(function() os.execute("rm -r " .. folder) end)

local run = require("cli_run").run

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function put(name, bytes)
  local path = folder .. "/" .. name
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
  return path
end

-- Whatever was asked: a judgement, or 66 with the file's name.
local function answered(command, path)
  local status, _, err = run(command, path)
  assert.is_true(status == 0 or status == 1 or status == 2 or status == 66,
    command .. " " .. path .. ": " .. status .. " " .. err)
  if status == 66 then assert.matches(path, err, 1, true) end
  return status, err
end

-- Numbers that are the same in every run.
local function draws(seed)
  return function(most)
    seed = (seed * 6364136223846793005 + 1442695040888963407)
    return (seed >> 33) % most
  end
end

local SPOIL = {
  function(s, draw) return s:sub(1, draw(#s)) end,
  function(s, draw)
    local at = draw(#s) + 1
    return s:sub(1, at - 1) .. string.char(draw(256)) .. s:sub(at + 1)
  end,
  function(s, draw)
    local at = draw(#s) + 1
    return s:sub(1, at) .. s:sub(math.max(1, at - draw(100)))
  end,
  function(s, draw)
    local at = draw(#s) + 1
    return s:sub(1, at) .. string.char(draw(256)):rep(draw(300)) .. s:sub(at + 1)
  end,
}

describe("bytes that are cut, turned, repeated or stuffed", function()
  for _, path in ipairs { "spec/recorded/keras/history.json", "spec/recorded/keras/training.csv",
    "spec/recorded/keras/console.txt", "spec/recorded/verbose2.txt",
    "spec/recorded/keras/logs/train/events.out.tfevents.1.v2",
    "spec/recorded/torch/events.out.tfevents.1.v2" } do
    it("of " .. path:match "recorded/(.*)" .. " end in an answer", function()
      local bytes, draw = read(path), draws(#path)
      for i = 1, 40 do
        local spoilt = put(path:match "[^/]+$", SPOIL[i % #SPOIL + 1](bytes, draw))
        answered("diagnose", spoilt)
        answered("inspect", spoilt)
        os.remove(spoilt)
      end
    end)
  end

  for _, name in ipairs { "cnn.onnx", "lstm.onnx", "transformer.onnx" } do
    it("of " .. name .. " do, too", function()
      local bytes, draw = read("spec/support/onnx_export/" .. name), draws(#name)
      for i = 1, 40 do
        answered("lint", put(name, SPOIL[i % #SPOIL + 1](bytes, draw)))
      end
    end)
  end
end)

describe("hostile files", function()
  it("nest deeper than anything needs", function()
    local status, err = answered("diagnose", put("deep.json", ('{"loss":'):rep(1e5)))
    assert.equal(66, status)
    assert.matches("nested deeper than %d+ levels", err)
    answered("diagnose", put("deep.json", ("["):rep(1e6)))
    status, err = answered("lint", put("model.json", ('{"config":'):rep(1e5)))
    assert.equal(66, status)
    assert.matches("nested deeper", err, 1, true)
  end)

  it("announce more bytes than they have", function()
    local size = string.pack("<I8", 1 << 60)
    local mask = core.io.masked_crc(size)
    local event = read "spec/recorded/torch/events.out.tfevents.1.v2" .. size
      .. string.pack("<I4", mask)
    local status, out = run("diagnose", put("events.out.tfevents.2.v2", event))
    assert.is_true(status ~= 66 and status ~= 70)
    assert.matches("the last record is cut", out, 1, true)
    -- an NPZ whose array would be 8 TB
    local npy = "\x93NUMPY\1\0\x76\0" .. ("{'descr': '<f8', 'fortran_order': False, 'shape': "
      .. "(1000000000000,), }"):sub(1, 117) .. (" "):rep(50)
    status = answered("inspect", put("a.npy", npy))
    assert.equal(66, status)
    local header = '{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}'
    assert.equal(66, (answered("inspect",
      put("a.safetensors", string.pack("<I8", #header) .. header))))
  end)

  it("are archives whose members would not fit: compressed ones are refused unread", function()
    -- one member, method 8 (deflate), 4 GiB once unpacked
    local name, packed = "config.json", "\x4b\4\0"
    local common = string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, 0, 8, 0, 33, 0, #packed, 0xFFFFFFF0,
      #name, 0)
    local zip_local = "PK\3\4" .. common .. name .. packed
    local central = "PK\1\2" .. string.pack("<I2", 20) .. common
      .. string.pack("<I2I2I2I4I4", 0, 0, 0, 0, 0) .. name
    local bytes = zip_local .. central .. "PK\5\6" .. string.pack("<I2I2I2I2I4I4I2", 0, 0, 1, 1,
      #central, #zip_local, 0)
    local status, err = answered("lint", put("bomb.keras", bytes))
    assert.equal(66, status)
    assert.matches("compressed", err, 1, true)
    assert.equal(66, (answered("diagnose", put("bomb.keras", bytes))))
  end)
end)

describe("odd logs", function()
  it("whose epochs repeat and go back are counted by rows, and that is said", function()
    local path = put("odd.csv", "epoch,loss\n3,1\n1,2\n2,1.5\n2,1.4\n0,3\n4,.9\n")
    local one = assert(ld.open(path))
    assert.same({ 1, 2, 1.5, 1.4, 3, 0.9 }, one.history.loss)
    assert.matches("go back", table.concat(one.recorded.files[1].notes), 1, true)
    local plain = assert(ld.open(put("plain.csv", "epoch,loss\n0,3\n0,2\n1,1\n")))
    assert.equal("", table.concat(plain.recorded.files[1].notes))
  end)

  it("have line ends of three kinds", function()
    local one = assert(ld.open(put("mixed.csv", "epoch,loss\r\n0,2\n1,1.5\r2,1\r\n3,0.5\n")))
    assert.same({ 2, 1.5, 1, 0.5 }, one.history.loss)
  end)

  it("without a loss name themselves", function()
    for name, text in pairs { ["a.csv"] = "epoch,temperature\n0,2\n1,3\n",
      ["b.json"] = '{"t":[1]}',
      ["c.json"] = "", ["d.log"] = ("\0"):rep(5000), ["e.json"] = '{"loss":["a"]}',
      ["f.json"] = '{"loss":{"a":1}}' } do
      assert.equal(66, (answered("diagnose", put(name, text))))
    end
  end)
end)

describe("models with unknown layers", function()
  it("name them and their place, and the rest is linted", function()
    local path = put("model.json", [[{"class_name": "Sequential", "config": {"name": "s",
      "layers": [
      {"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "in"}},
      {"class_name": "Spiral", "config": {"name": "spiral_7"}},
      {"class_name": "Dense", "config": {"name": "wide", "units": 8, "activation": "softmax"}},
      {"class_name": "Dense", "config": {"name": "out", "units": 1}}]}}]])
    local status, out, err = run("lint", path)
    assert.is_true(status == 1 or status == 2, err)
    assert.matches("spiral_7", out .. err, 1, true)
    assert.matches("softmax_hidden_activation", out, 1, true)
  end)
end)
