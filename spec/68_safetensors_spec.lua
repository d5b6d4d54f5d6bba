local ld = require "lossdbg"
local safetensors = require "lossdbg.data.safetensors"

local function from_hex(text)
  return (text:gsub("%s", ""):gsub("%x%x", function(c) return string.char(tonumber(c, 16)) end))
end

-- One F32 [2, 2] 'w' = 1, 2, 3, 4 with metadata format=pt, as the reference writer lays it out.
local golden = from_hex [[5800000000000000 7b225f5f6d657461646174615f5f223a7b22666f726d6174223a22
  7074227d2c2277223a7b226474797065223a22463332222c227368617065223a5b322c325d2c22646174615f6f666673
  657473223a5b302c31365d7d7d 0000803f 00000040 00004040 00008040]]

local function with_header(json, data)
  return string.pack("<I8", #json) .. json .. (data or "")
end

local function refused(pattern, bytes)
  local out, why = safetensors.decode(bytes)
  assert.is_nil(out)
  assert.matches(pattern, why)
end

describe("safetensors", function()
  it("reads what the reference wrote", function()
    local tensors, metadata = assert(safetensors.decode(golden))
    assert.same({ { 1, 2 }, { 3, 4 } }, tensors.w:totable())
    assert.equal("f32", tensors.w.dtype)
    assert.same({ format = "pt" }, metadata)
  end)

  it("gives back every bit, of every dtype and shape", function()
    local nan, inf = 0 / 0, math.huge
    local given = { a = ld.randn { 3, 4 }, b = ld.tensor({ nan, inf, -inf, -0.0, 2 ^ -149 }, "f64"),
      c = ld.tensor({ -2147483648, 7 }, "i32"), d = ld.tensor(1.5), e = ld.zeros { 0, 3 },
      f = ld.randn({ 4, 3 }):transpose() }
    local out = assert(safetensors.decode(safetensors.encode(given, { note = "ünï\n\"q\"" })))
    for name, tensor in pairs(given) do
      assert.same(tensor.shape, out[name].shape)
      assert.equal(tensor.dtype, out[name].dtype)
      assert.equal(require("lossdbg.core").io.raw(tensor:contiguous()),
        require("lossdbg.core").io.raw(out[name]))
    end
  end)

  it("keeps the header a multiple of eight and the widest elements first", function()
    local bytes = safetensors.encode {
      x = ld.ones(3), y = ld.ones(1, "f64"), a = ld.ones(1, "i32"),
    }
    local n = string.unpack("<I8", bytes)
    assert.equal(0, (8 + n) % 8)
    assert.matches('"y":{"data_offsets":%[0,8%]', bytes)
  end)

  it("reads integers of other widths", function()
    local head = '{"x":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}'
    local out = assert(safetensors.decode(with_header(head, string.pack("<i8i8", -5, 9))))
    assert.same({ -5, 9 }, out.x:totable())
    refused("does not fit i32", with_header(head, string.pack("<i8i8", 1 << 40, 9)))
  end)

  it("is refused at every truncation", function()
    for n = 0, #golden - 1 do
      local out, why = safetensors.decode(golden:sub(1, n))
      assert.is_nil(out)
      assert.matches("^safetensors: ", why)
    end
  end)

  it("refuses what the specification forbids", function()
    refused("does not fit", string.pack("<I8", 1 << 60) .. "{}")
    refused("does not start with", with_header "[]")
    refused("not JSON", with_header "{nonsense}")
    refused("not JSON", with_header '{"a":1,"a":2}')
    refused("malformed", with_header '{"a":1}')
    refused("hole or overlap", with_header(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', ("\0"):rep(8)))
    refused("hole or overlap", with_header(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
      .. '"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', ("\0"):rep(4)))
    refused("header tells of 4", with_header(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', ("\0"):rep(8)))
    refused("do not agree", with_header(
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', ("\0"):rep(4)))
    refused("do not fit", with_header(
      '{"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}}',
      ("\0"):rep(16)))
    refused("element type", with_header(
      '{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}', ("\0"):rep(4)))
    refused("not a list of at most 8", with_header(
      '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', ("\0"):rep(4)))
    refused("strings", with_header '{"__metadata__":{"a":1}}')
  end)

  it("writes whole files or none", function()
    local path = os.tmpname()
    assert.is_true(safetensors.save(path, { w = ld.ones(2) }))
    local out, why = safetensors.save("/nonexistent/x", { w = ld.ones(2) })
    assert.is_nil(out)
    assert.matches("cannot write", why)
    assert.same({ 1, 1 }, assert(safetensors.load(path)).w:totable())
    os.remove(path)
    local gone, message = safetensors.load(path)
    assert.is_nil(gone)
    assert.matches("cannot open", message)
  end)

  it("explains misuse", function()
    assert.has_error(function() safetensors.encode { 1 } end)
    assert.has_error(function() safetensors.encode { a = 1 } end)
    assert.has_error(function() safetensors.encode({ a = ld.ones(1) }, { x = 1 }) end)
    assert.has_error(function() safetensors.decode(3) end)
  end)
end)
