-- What comes out of a parcel are the bits that went in; half a parcel is none.
local ld = require "lossdbg"
local json = require "lossdbg.support.json"
local parcel = require "lossdbg.support.parcel"

local function through(value)
  local ok, back = parcel.open(parcel.wrap(value))
  assert.is_true(ok, back)
  return back
end

local function bits(x) return ("%s %s"):format(math.type(x), string.pack("<n", x):byte(1, -1)) end

describe("a parcel", function()
  it("keeps the bits and the kind of every number", function()
    local negative_nan = -(0 / 0)
    for _, x in ipairs { 0.0, -0.0, 1 / 3, 5e-324, math.huge, -math.huge, 0 / 0, negative_nan,
      2.0 ^ 53 + 1, math.pi } do
      assert.equal("float", math.type(through(x)))
      assert.equal(string.pack("<d", x), string.pack("<d", through(x)))
      assert.equal(tostring(x), tostring(through(x)))
    end
    for _, i in ipairs { 0, 3, -1, math.maxinteger, math.mininteger } do
      assert.equal("integer", math.type(through(i)))
      assert.equal(bits(i), bits(through(i)))
    end
  end)

  it("keeps texts, truth values, nothing and nested tables", function()
    local value = { "a\0b", true, false, nested = { deep = { 1, 2.5 } }, [2.5] = "key", [true] = 1 }
    assert.same(value, through(value))
    assert.is_nil(through(nil))
    assert.equal("", through "")
    assert.equal(json.null, through({ json.null })[1])
  end)

  it("keeps what is an array or an object in JSON though it is empty", function()
    assert.equal("[]", json.encode(through(json.array())))
    assert.equal('{"a":[]}', json.encode(through { a = json.array() }))
    assert.equal('{"1":2}', json.encode(through(json.object { 2 })))
  end)

  it("keeps what is shared, and what contains itself", function()
    local shared = { 1 }
    local value = { a = shared, b = shared }
    value.self = value
    local back = through(value)
    assert.equal(back.a, back.b)
    assert.equal(back, back.self)
    assert.not_equal(shared, back.a)
  end)

  it("keeps tensors of every type, views too", function()
    for _, dtype in ipairs { "f32", "f64", "i32" } do
      local t = ld.tensor({ { 1, 2, 3 }, { 4, 5, 6 } }, dtype)
      for _, x in ipairs { t, t:transpose(), t:slice(2, 2, 3), ld.zeros({ 0, 3 }, dtype) } do
        local back = through { x }[1]
        assert.same({ x.dtype, x.shape, x:totable() }, { back.dtype, back.shape, back:totable() })
      end
    end
    local odd = through(ld.tensor { 0 / 0, -0.0, 1 / 0 })
    assert.is_true(odd[1] ~= odd[1])
    assert.same({ "-0.0", "inf" }, { tostring(odd[2]), tostring(odd[3]) })
  end)

  it("refuses what is no data and says where it is", function()
    for kind, value in pairs { ["function"] = print, thread = coroutine.create(print),
      userdata = io.stdout, table = setmetatable({}, {}) } do
      local ok, why = pcall(parcel.wrap, { a = { b = value } })
      assert.is_false(ok)
      assert.equal("lossdbg: a worker process cannot hand over a " .. kind .. " at a.b", why)
    end
  end)

  it("is not opened when it is cut, changed or of another version", function()
    local bytes = parcel.wrap { 1, "text", { 2.5 } }
    for n = 0, #bytes - 1 do
      local ok, why = parcel.open(bytes:sub(1, n))
      assert.is_false(ok)
      assert.is_string(why)
    end
    assert.is_false((parcel.open(bytes .. "x")))
    for i = 1, #bytes do
      local changed = bytes:sub(1, i - 1) .. string.char(bytes:byte(i) ~ 1) .. bytes:sub(i + 1)
      assert.is_false((parcel.open(changed)), "byte " .. i)
    end
  end)
end)
