-- IDX and NPY: golden bytes (IDX by its definition, NPY as NumPy 2.4 wrote them), hostile files.
local core = require "lossdbg.core"
local ld = require "lossdbg"

local idx, npy = core.io.idx, core.io.npy

local function idx_file(kind, shape, data)
  local sizes = {}
  for k, size in ipairs(shape) do sizes[k] = (">I4"):pack(size) end
  return string.char(0, 0, kind, #shape) .. table.concat(sizes) .. data
end

local function npy_file(header, data, major, length, minor)
  local width = (major or 1) == 1 and 2 or 4
  header = header .. (" "):rep(-(9 + width + #header) % 64) .. "\n"
  return "\x93NUMPY" .. string.char(major or 1, minor or 0)
    .. ("<I" .. width):pack(length or #header) .. header .. data
end

local function array(descr, shape, data, fortran)
  return npy_file(("{'descr': %s, 'fortran_order': %s, 'shape': %s, }"):format(
    descr:find "^%[" and descr or "'" .. descr .. "'", fortran and "True" or "False", shape), data)
end

local function refused(expected, read, ...)
  local tensor, message = read(...)
  assert.is_nil(tensor)
  assert.equal(expected, message)
end

local function check_damage(read, good)
  assert.is_truthy(read(good))
  for n = 0, #good - 1 do
    local tensor, message = read(good:sub(1, n))
    assert.is_nil(tensor, "cut to " .. n)
    assert.is_string(message)
    assert.is_true(#message > 0)
  end
  local tensor, message = read(good .. "\0")
  assert.is_nil(tensor)
  assert.matches("bytes left over", message)
  for n = 1, #good do
    for _, byte in ipairs { "\0", "\1", "\x7F", "\x80", "\xFF", "9", "'" } do
      local changed, why = read(good:sub(1, n - 1) .. byte .. good:sub(n + 1))
      assert.is_true(changed ~= nil or #why > 0)
    end
  end
end

describe("idx", function()
  it("reads all six element types, big-endian", function()
    local cases = {
      { 0x08, "\0\x7F\xFF", { 0, 127, 255 }, "i32" },
      { 0x09, "\x80\xFF\x7F", { -128, -1, 127 }, "i32" },
      { 0x0B, "\x80\0\xFF\xFE\1\2", { -32768, -2, 258 }, "i32" },
      { 0x0C, "\x80\0\0\0\xFF\xFF\xFF\xFF\1\2\3\4", { -2147483648, -1, 16909060 }, "i32" },
      { 0x0D, "\x3F\x80\0\0\xC0\x49\x0F\xDB\0\0\0\1", { 1, -0x1.921fb6p1, 0x1p-149 }, "f32" },
      { 0x0E, "\x3F\xF0\0\0\0\0\0\0\x3F\xB9\x99\x99\x99\x99\x99\x9A\x7F\xF0\0\0\0\0\0\0",
        { 1, 0.1, math.huge }, "f64" },
    }
    for _, case in ipairs(cases) do
      local t = assert(idx(idx_file(case[1], { 3 }, case[2])))
      assert.equal(case[4], t.dtype)
      assert.same(case[3], t:totable())
    end
  end)

  it("keeps the shape, row-major", function()
    local t = assert(idx(idx_file(8, { 2, 3, 1 }, "\1\2\3\4\5\6")))
    assert.same({ { { 1 }, { 2 }, { 3 } }, { { 4 }, { 5 }, { 6 } } }, t:totable())
    assert.same({ 1, 1, 1, 1, 1, 1, 1, 1 }, idx(idx_file(8, { 1, 1, 1, 1, 1, 1, 1, 1 }, "x")).shape)
    assert.same({ 0, 5 }, idx(idx_file(8, { 0, 5 }, "")).shape)
  end)

  it("turns elements into the wanted dtype", function()
    assert.same({ 1, 255 }, idx(idx_file(8, { 2 }, "\1\xFF"), "f32"):totable())
    assert.equal("f64", idx(idx_file(0x0D, { 1 }, "\x3F\x80\0\0"), "f64").dtype)
    refused("the elements are f32, which do not become i32 without loss", idx,
      idx_file(0x0D, { 1 }, "\x3F\x80\0\0"), "i32")
  end)

  it("says what is wrong with a header", function()
    refused("this is a gzip file: unpack it first (gunzip)", idx, "\x1F\x8B\8\0")
    refused("not an IDX file: it must begin with 00 00, got 50 4b", idx, "PK\3\4")
    refused("cut short: an IDX header has 4 bytes, got 3", idx, "\0\0\8")
    refused("unknown IDX element type 07 (known: 08 09 0b 0c 0d 0e for u8 i8 i16 i32 f32 f64)", idx,
      "\0\0\7\1\0\0\0\0")
    refused("an IDX file of rank 0: expected 1 to 8", idx, "\0\0\8\0x")
    refused("an IDX file of rank 9: expected 1 to 8", idx, "\0\0\8\9" .. ("\0\0\0\1"):rep(9) .. "x")
    refused("cut short: an IDX header of rank 2 has 12 bytes, got 9", idx, "\0\0\8\2\0\0\0\1\0")
    refused("cut short: expected 14 bytes for shape [2 x 1], got 13", idx,
      idx_file(8, { 2, 1 }, "a"))
    refused("bytes left over: expected 13 bytes for shape [1 x 1], got 14", idx,
      idx_file(8, { 1, 1 }, "ab"))
  end)

  it("believes no declared size", function()
    for _, file in ipairs {
      idx_file(8, { 0xFFFFFFFF }, "a"), idx_file(0x0E, { 0x80000000, 0x80000000 }, ""),
      idx_file(8, { 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF }, ""),
      idx_file(0x0E, { 0x40000000, 0x40000000, 2 }, ""),
      idx_file(8, { 0x10000, 0x10000, 0x10000, 0x10000 }, ""), -- 2^64: wraps to 0
    } do
      local t, message = idx(file)
      assert.is_nil(t)
      assert.is_true(#message > 0)
    end
    assert.is_nil((idx(idx_file(8, { 0, 0xFFFFFFFF, 0xFFFFFFFF }, ""), "f64"))) -- 0, but overflows
  end)

  it("answers every truncation and every changed byte", function()
    check_damage(idx, idx_file(8, { 2, 3 }, "abcdef"))
    check_damage(idx, idx_file(0x0E, { 1, 2 }, (">dd"):pack(1, 2)))
  end)

  it("raises on what is not bytes or a dtype", function()
    assert.error_matches(function() idx(5) end, "'bytes': expected a string, got number")
    assert.error_matches(function() idx("", "f16") end, "'dtype': expected")
  end)
end)

describe("npy", function()
  local golden = "\x93NUMPY\1\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    .. (" "):rep(58) .. "\n"
    .. "\0\0\xC0\x3F\0\0\0\xC0\0\0\x40\x40\0\0\x80\x40\0\0\xA0\x40\x17\x76\x97\x72"

  it("reads and writes NumPy's bytes", function()
    local t = assert(npy(golden))
    assert.equal("f32", t.dtype)
    assert.same({ 2, 3 }, t.shape)
    assert.same({ 1.5, -2, 3, 4, 5, 0x1.2eec2ep102 }, t:reshape({ 6 }):totable()) -- float32(6e30)
    assert.equal(golden, core.io.npy_encode(t))
    local written = core.io.npy_encode(ld.zeros({ 2, 3, 4 }, "i32"))
    assert.equal(224, #written) -- as NumPy's
    assert.equal("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3, 4), }",
      (written:sub(11, 128):gsub("%s+$", "")))
  end)

  it("reads versions 2 and 3, scalars, booleans, and both quotes", function()
    local head = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"
    for major = 1, 3 do
      assert.same({ 1, 2 }, assert(npy(npy_file(head, ("<dd"):pack(1, 2), major))):totable())
    end
    local scalar = assert(npy(array("<f8", "()", "\x9A\x99\x99\x99\x99\x99\xB9\x3F")))
    assert.equal(0.1, scalar:item())
    assert.same({}, scalar.shape)
    assert.same({ 1, 0 }, npy(array("|b1", "(2,)", "\1\0")):totable())
    assert.same({ 7 }, npy(npy_file('{"shape":(1L,),"descr":"|u1","fortran_order":False}', "\7"))
      :totable())
  end)

  it("reads all integer and float types in both byte orders", function()
    local cases = {
      { "|i1", "\x80\x7F", { -128, 127 } }, { "|u1", "\x80\xFF", { 128, 255 } },
      { "<i2", "\0\x80\1\0", { -32768, 1 } }, { ">i2", "\x80\0\0\1", { -32768, 1 } },
      { "<u2", "\0\x80\1\0", { 32768, 1 } }, { ">u2", "\x80\0\0\1", { 32768, 1 } },
      { "<i4", "\0\0\0\x80\1\0\0\0", { -2147483648, 1 } },
      { ">i4", "\x80\0\0\0\0\0\0\1", { -2147483648, 1 } },
      { "<u4", "\xFF\xFF\xFF\x7F\1\0\0\0", { 2147483647, 1 } },
      { "<i8", ("<i8i8"):pack(-5, 2147483647), { -5, 2147483647 } },
      { ">i8", (">i8i8"):pack(-5, 2147483647), { -5, 2147483647 } },
      { ">f4", "\x3F\xC0\0\0\xC0\0\0\0", { 1.5, -2 } },
      { ">f8", (">dd"):pack(0.1, -1e300), { 0.1, -1e300 } },
    }
    for _, case in ipairs(cases) do
      local t, message = npy(array(case[1], "(2,)", case[2]))
      assert.is_truthy(t, message)
      assert.same(case[3], t:totable(), case[1])
    end
  end)

  it("transposes Fortran order", function()
    -- numpy.asfortranarray(arange(6, dtype='<i2').reshape(2, 3) - 2)
    local t = assert(npy(array("<i2", "(2, 3)", "\xFE\xFF\1\0\xFF\xFF\2\0\0\0\3\0", true)))
    assert.same({ { -2, -1, 0 }, { 1, 2, 3 } }, t:totable())
    local cube = assert(npy(array("|u1", "(2, 3, 2)", "\0\6\2\8\4\10\1\7\3\9\5\11", true)))
    assert.same({ { { 0, 1 }, { 2, 3 }, { 4, 5 } }, { { 6, 7 }, { 8, 9 }, { 10, 11 } } },
      cube:totable())
  end)

  it("gives what it wrote back, bit by bit", function()
    for _, dtype in ipairs { "f32", "f64", "i32" } do
      for _, shape in ipairs { {}, { 1 }, { 5 }, { 2, 3 }, { 0, 4 }, { 1, 1, 1, 1, 1, 1, 1, 2 } } do
        local t = ld.zeros(shape, dtype)
        for i = 1, t.numel do t:reshape({ t.numel })[i] = dtype == "i32" and i - 3 or 1 / i end
        local bytes = core.io.npy_encode(t)
        local back = assert(npy(bytes))
        assert.equal(dtype, back.dtype)
        assert.same(shape, back.shape)
        assert.same(t:totable(), back:totable())
        assert.equal(bytes, core.io.npy_encode(back))
      end
    end
    local special = ld.tensor({ 0 / 0, math.huge, -0.0 }, "f64")
    assert.equal(core.io.npy_encode(special), core.io.npy_encode(npy(core.io.npy_encode(special))))
  end)

  it("refuses what does not fit, with the element", function()
    refused("element 2 is 4294967295, which does not fit i32: ask for dtype f64", npy,
      array("<u4", "(2,)", "\1\0\0\0\xFF\xFF\xFF\xFF"))
    assert.same({ 1, 4294967295 }, npy(array("<u4", "(2,)", "\1\0\0\0\xFF\xFF\xFF\xFF"), "f64")
      :totable())
    refused("element 1 is -2147483649, which does not fit i32: ask for dtype f64", npy,
      array("<i8", "(1,)", ("<i8"):pack(-2147483649)))
    refused("element 1 is the byte 2, but a boolean is 0 or 1", npy, array("|b1", "(1,)", "\2"))
    refused("the elements are f64, which do not become i32 without loss", npy,
      array("<f8", "(1,)", ("<d"):pack(1)), "i32")
  end)

  it("refuses foreign types with the reason", function()
    local reasons = {
      ["|O"] = "object arrays are pickles, which run code when they are loaded",
      ["<U3"] = "text; save class numbers instead", ["|S3"] = "text; save class numbers instead",
      ["<c8"] = "complex; save real and imaginary parts", ["|V4"] = "records; save each field",
      ["<f2"] = "half precision; save .astype('float32')", ["<M8[ns]"] = "dates",
      ["<u8"] = "64 bits without sign; save .astype('int64')",
    }
    for descr, reason in pairs(reasons) do
      local t, message = npy(array(descr, "(1,)", ("\0"):rep(8)))
      assert.is_nil(t)
      assert.is_truthy(message:find("'" .. descr .. "' is refused: " .. reason, 1, true), message)
    end
    refused("NPY: records (a list as type) are refused; save each field as an array", npy,
      array("[('a', '<i4'), ('b', '<f8')]", "(1,)", ("\0"):rep(12)))
    for _, descr in ipairs { "", "<", "f", "<f", "<f3", "<i16", "<g8", "|f4", "<f4 ", "<b4" } do
      local t, message = npy(array(descr, "(1,)", ("\0"):rep(4)))
      assert.is_nil(t, descr)
      assert.matches("is not known$", message)
    end
  end)

  it("says what is wrong with a header", function()
    local four, head = "\0\0\0\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"
    refused("not an NPY file: it must begin with \\x93NUMPY", npy, "hello, world")
    refused("this is an NPZ archive: unpack it and load the .npy files", npy, "PK\3\4........")
    refused("cut short: an NPY file begins with 10 bytes, got 4", npy, "\x93NUM")
    refused("cut short: an NPY file begins with 12 bytes, got 10", npy, "\x93NUMPY\2\0\0\0")
    refused("NPY version 4.0: expected 1.0, 2.0 or 3.0", npy, npy_file(head, four, 4))
    refused("NPY version 1.1: expected 1.0, 2.0 or 3.0", npy, npy_file(head, four, 1, nil, 1))
    refused("NPY header of 4294967295 bytes: at most 1048576 are accepted", npy,
      npy_file(head, four, 2, 0xFFFFFFFF))
    refused("cut short: the NPY header ends at byte 65545, got 132 bytes", npy,
      npy_file(head, four, 1, 65535))
    refused("cut short: expected 132 bytes for shape [1], got 131", npy, npy_file(head, "\0\0\0"))
    for text, expected in pairs {
      ["[]"] = "byte 1: expected '{'", ["{'descr': '<f4'"] = "expected a key or '}'",
      ["{'shape': (1,), 'fortran_order': False}"] = "expected descr, fortran_order and shape",
      ["{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"] = "once each",
      ["{'a': 1, 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"] = "once each",
      ["{'descr': '<f4', 'fortran_order': False, 'shape': (1)}"] = "(n,) for the shape of one axis",
      ["{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"] = "a size or ')'",
      ["{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}"] = "a size or ')'",
      ["{'descr': '<f4', 'fortran_order': no, 'shape': (1,)}"] = "expected True or False",
      ["{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}"] = "expected a key or '}'",
      ["{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x"] = "the end of the header",
      ["{'descr' '<f4', 'fortran_order': False, 'shape': (1,)}"] = "expected ':'",
      ["{'descr': '<\\x664', 'fortran_order': False, 'shape': (1,)}"] = "a type such as '<f4'",
    } do
      local t, message = npy(npy_file(text, four))
      assert.is_nil(t, text)
      assert.is_truthy(message:find(expected, 1, true), message)
    end
  end)

  it("believes no declared size", function()
    for _, shape in ipairs { "(4611686018427387904, 4)", "(99999999999999999999,)",
      "(4294967296, 4294967296)", "(2147483648, 2147483648, 4)", "(1, 1, 1, 1, 1, 1, 1, 1, 1)",
      "(288230376151711744,)" } do
      local t, message = npy(array("<f8", shape, ""))
      assert.is_nil(t, shape)
      assert.is_true(#message > 0)
    end
    assert.is_nil((npy(array("|u1", "(0, 288230376151711744, 16)", ""), "f64")))
  end)

  it("answers every truncation and every changed byte", function()
    check_damage(npy, golden)
  end)

  it("raises on misuse", function()
    assert.error_matches(function() npy() end, "'bytes': expected a string, got no value")
    assert.error_matches(function() npy("", "i64") end, "'dtype': expected")
    assert.error_matches(function() core.io.npy_encode(5) end, "'tensor': expected a tensor")
    assert.error_matches(function() core.io.npy_encode(ld.zeros({ 2, 3 }):transpose()) end,
      "expected a contiguous tensor")
  end)
end)
