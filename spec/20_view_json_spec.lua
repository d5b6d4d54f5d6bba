-- Oracles: RFC 8259, the IEEE-754 bits of well-known decimals, Python's json for the bare tokens.
local json = require "lossdbg.support.json"

local function bits(x) return ("%016x"):format(string.unpack("<i8", string.pack("<d", x))) end

describe("json.decode", function()
  it("reads every kind of value", function()
    local v = assert(json.decode(
      [[ {"a": [1, 2.5, -3e2, true, false, null], "b": {"c": "x"}, "": []} ]]))
    assert.same({ 1, 2.5, -300.0, true, false, json.null }, v.a)
    assert.equal("x", v.b.c)
    assert.same({}, v[""])
  end)

  it("keeps 64-bit integers and makes doubles of the rest", function()
    local v = assert(json.decode(
      "[9223372036854775807, -9223372036854775808, 9223372036854775808, 1.0, 1e2, -0]"))
    assert.equal("integer", math.type(v[1]))
    assert.equal(math.maxinteger, v[1])
    assert.equal(math.mininteger, v[2])
    assert.equal(2.0 ^ 63, v[3])
    assert.equal("float", math.type(v[4]))
    assert.equal("float", math.type(v[5]))
    assert.equal("8000000000000000", bits(v[6]))
  end)

  it("rounds decimals to the nearest double", function()
    for text, expected in pairs {
      ["0.1"] = "3fb999999999999a", ["1e23"] = "44b52d02c7e14af6", ["5e-324"] = "0000000000000001",
      ["1.7976931348623157e308"] = "7fefffffffffffff", ["2.2250738585072011e-308"] =
        "000fffffffffffff", ["9007199254740993.0"] = "4340000000000000",
    } do
      assert.equal(expected, bits(json.decode(text)), text)
    end
  end)

  it("reads escapes, surrogate pairs and raw UTF-8", function()
    assert.equal("\"\\/\b\f\n\r\t", json.decode([["\"\\\/\b\f\n\r\t"]]))
    assert.equal("\xF0\x9F\x98\x80", json.decode([["\ud83d\ude00"]]))
    assert.equal("\xC3\xA9\xE2\x82\xAC", json.decode([["\u00e9\u20AC"]]))
    assert.equal("é€😀", json.decode([["é€😀"]]))
    assert.equal("a\0b", json.decode([["a\u0000b"]]))
  end)

  it("reads the bare tokens of Python's json and refuses them on request", function()
    local v = assert(json.decode("[NaN, Infinity, -Infinity]"))
    assert.is_true(v[1] ~= v[1])
    assert.equal(math.huge, v[2])
    assert.equal(-math.huge, v[3])
    local none, why = json.decode("[1, NaN]", { nonfinite = false })
    assert.is_nil(none)
    assert.equal("json: line 1, column 5: expected a value, got 'NaN'", why)
  end)

  it("replaces null, skips a byte order mark, keeps empty arrays", function()
    assert.same({ 1, false }, json.decode("[1, null]", { null = false }))
    assert.equal(7, json.decode("\xEF\xBB\xBF7"))
    assert.equal("{\"a\":[],\"b\":{}}", json.encode(json.decode("{\"a\":[],\"b\":{}}")))
  end)

  it("names line and column of what is wrong, columns in characters", function()
    for text, message in pairs {
      ["{\n  \"a\": 1,\n}"] = "line 3, column 1: expected a key in double quotes, got '}'",
      ["[1 2]"] = "line 1, column 4: expected ',' or ']', got '2'",
      ["{\"é\" 1}"] = "line 1, column 6: expected ':', got '1'",
      ["\"abc"] = "line 1, column 1: the string is not closed",
      ["\"a\nb\""] = "line 1, column 3: control character in a string; write it as an escape",
      ["\"\\x\""] = "line 1, column 2: unknown escape \\x",
      ["\"\\u12g4\""] = "line 1, column 2: \\u needs four hexadecimal digits",
      ["\"\\udc00\""] = "line 1, column 2: low surrogate without a high one",
      ["\"\\ud800x\""] = "line 1, column 2: high surrogate without a low one",
      ["1 1"] = "line 1, column 3: expected the end, got '1'",
      [""] = "line 1, column 1: expected a value, got the end of the text",
      ["\"\xFF\""] = "line 1, column 2: invalid UTF-8",
    } do
      local value, why = json.decode(text)
      assert.is_nil(value)
      assert.equal("json: " .. message, why)
    end
  end)

  it("refuses what RFC 8259 refuses", function()
    for _, text in ipairs { "01", "-", "1.", ".5", "+1", "1e", "0x10", "1.e5", "--1", "nul", "tru",
      "True", "nan", "'a'", "[1,]", "[,1]", "{a:1}", "{\"a\"}", "{\"a\":}", "[", "{", "]", "[1}",
      "1a", "// x\n1", "\"\t\"", "-NaN", "Inf", "[1]]" } do
      local value, why = json.decode(text)
      assert.is_nil(value, text)
      assert.is_truthy(why:find("^json: line %d+, column %d+: "), text)
    end
  end)

  it("stops at the depth limit, not in the C stack", function()
    assert.is_table(json.decode(("["):rep(128) .. ("]"):rep(128)))
    local value, why = json.decode(("["):rep(100000))
    assert.is_nil(value)
    assert.equal("json: line 1, column 129: nested deeper than 128 levels", why)
  end)

  it("takes the last of two equal keys, or refuses them on request", function()
    assert.same({ a = 2 }, json.decode("{\"a\":1,\"a\":2}"))
    local value, why = json.decode("{\"a\":1,\n \"a\":2}", { unique = true })
    assert.is_nil(value)
    assert.equal("json: line 2, column 2: the key \"a\" stands twice", why)
  end)

  it("raises on misuse", function()
    assert.has_error(function() json.decode(7) end,
      "lossdbg: json.decode: argument 'text': expected string, got number")
    assert.has_error(function() json.decode("1", { nul = 1 }) end,
      "lossdbg: json.decode: unknown option 'nul' (known: max_depth, nonfinite, null, unique)")
  end)
end)

describe("json.encode", function()
  it("sorts keys, so that equal values give equal bytes", function()
    assert.equal("{\"a\":1,\"b\":{\"x\":[1,2],\"y\":true},\"c\":null}",
      json.encode { c = json.null, b = { y = true, x = { 1, 2 } }, a = 1 })
    assert.equal("{\"0\":47,\"2\":38,\"10\":57,\"x\":1}",
      json.encode { [10] = 57, [0] = 47, x = 1, [2] = 38 })
  end)

  it("tells arrays from objects", function()
    assert.equal("[1,2]", json.encode { 1, 2 })
    assert.equal("{}", json.encode {})
    assert.equal("[]", json.encode(json.array()))
    assert.equal("{\"1\":5}", json.encode(json.object { 5 }))
    assert.equal("{\"1\":5,\"3\":6}", json.encode { [1] = 5, [3] = 6 })
  end)

  it("writes doubles that read back bit for bit", function()
    for _, x in ipairs { 0.1, 1 / 3, 1e23, 5e-324, 1.7976931348623157e308, 2.0 ^ 53 + 2, -1.0879,
      6.02214076e23, -0.0 } do
      assert.equal(bits(x), bits(json.decode(json.encode(x))))
    end
    assert.equal("[0.1,1680,1.5e-10]", json.encode { 0.1, 1680.0, 1.5e-10 })
    assert.equal("-9223372036854775808", json.encode(math.mininteger))
  end)

  it("writes NaN and infinities as null, as bare tokens, or refuses", function()
    local v = { 0 / 0, math.huge, -math.huge }
    assert.equal("[null,null,null]", json.encode(v))
    assert.equal("[NaN,Infinity,-Infinity]", json.encode(v, { nonfinite = "bare" }))
    assert.has_error(function() json.encode({ loss = v }, { nonfinite = "error" }) end,
      "lossdbg: json.encode: loss[1]: expected a finite number, got nan")
  end)

  it("escapes control characters, repairs UTF-8, and can stand inside <script>", function()
    assert.equal([["\"\\\n\u0001é"]], json.encode("\"\\\n\1é"))
    assert.equal("\"a\u{FFFD}b\"", json.encode("a\xFFb"))
    local s = json.encode({ ["</script>"] = "<!-- & \u{2028}" }, { html = true })
    assert.is_nil(s:find("[<>&]"))
    assert.equal("<!-- & \u{2028}", json.decode(s)["</script>"])
  end)

  it("indents, numbers on one line", function()
    assert.equal("{\n  \"a\": [1, 2.5],\n  \"b\": [\n    \"x\"\n  ]\n}",
      json.encode({ b = { "x" }, a = { 1, 2.5 } }, { indent = 2 }))
  end)

  it("names the place of what cannot be written", function()
    assert.has_error(function() json.encode { run = { { f = print } } } end,
      "lossdbg: json.encode: run[1].f: a function has no JSON form")
    assert.has_error(function() json.encode { [true] = 1 } end,
      "lossdbg: json.encode: the value: a key is a boolean; keys must be strings or finite numbers")
    assert.has_error(function() json.encode { ["1"] = 1, [1] = 2 } end,
      "lossdbg: json.encode: the value: two keys are both written \"1\"")
    local loop = {}
    loop.a = { loop }
    assert.has_error(function() json.encode(loop) end,
      "lossdbg: json.encode: a[1]: the table contains itself")
    local deep = {}
    for _ = 1, 200 do deep = { deep } end
    assert.has_error(function() json.encode(deep) end)
    assert.has_error(function() json.encode(1, { nan = true }) end, "lossdbg: json.encode: unknown "
      .. "option 'nan' (known: default, html, indent, max_depth, nonfinite)")
  end)

  it("replaces values through opts.default", function()
    assert.equal("[\"function\"]", json.encode({ print }, { default = type }))
  end)
end)
