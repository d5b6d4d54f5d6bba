-- Numbers as text. Oracles: hexadecimal literals worked out by hand or from the literature on
-- strtod, and Lua's own conversions (the C library's strtod and printf in the C locale).
local core = require "lossdbg.core"

local parse, format = core.io.parse_number, core.io.format_number

local function same_bits(expected, text)
  local value = parse(text)
  assert.is_number(value, "no number in '" .. text:sub(1, 40) .. "'")
  assert.equal(("<d"):pack(expected), ("<d"):pack(value), text:sub(1, 60))
end

-- A small generator of its own, so that the cases are the same on every machine.
local function generator(seed)
  local state = seed
  return function()
    state = state * 6364136223846793005 + 1442695040888963407
    local x = (state ~ (state >> 29)) * -4658895280553007687
    return x ~ (x >> 32)
  end
end

describe("reading numbers", function()
  it("rounds to nearest, ties to even", function()
    same_bits(0x1p53, "9007199254740993") -- halfway: even
    same_bits(0x1.0000000000002p53, "9007199254740995") -- halfway: even is above
    same_bits(0x1.0000000000001p53, "9007199254740993.00000000000000000000000000000000001")
    same_bits(1.0, "1.00000000000000011102230246251565404236316680908203125") -- 1 + 2^-53
    same_bits(1 + 2 ^ -52, "1.00000000000000011102230246251565404236316680908203126")
    same_bits(1 + 2 ^ -52, "1.00000000000000011102230246251565404236316680908203125"
      .. ("0"):rep(900) .. "1")
  end)

  it("is exact at the ends of the range", function()
    same_bits(0x1p-1074, "4.9e-324")
    same_bits(0.0, "2.4703282292062327e-324") -- just under half of the least
    same_bits(0x1p-1074, "2.4703282292062328e-324")
    same_bits(0x1p-1022, "2.2250738585072014e-308")
    same_bits(0x0.fffffffffffffp-1022, "2.2250738585072009e-308")
    same_bits(0x1p-1022, "2.2250738585072012e-308") -- looped forever in PHP and Java once
    same_bits(0x1.fffffffffffffp1023, "1.7976931348623157e308")
    same_bits(0x1.fffffffffffffp1023, "1.7976931348623158e308")
    same_bits(math.huge, "1.7976931348623159e308")
    same_bits(math.huge, "1e400")
    same_bits(0.0, "1e-400")
    same_bits(-0.0, "-0")
    same_bits(-math.huge, "-Infinity")
  end)

  it("takes any number of digits and any exponent", function()
    same_bits(1.0, "0." .. ("0"):rep(2000) .. "1e2001")
    same_bits(1e300, "1" .. ("0"):rep(2300) .. "e-2000")
    same_bits(0.0, "0e99999999999999999999")
    same_bits(math.huge, "1e99999999999999999999")
    same_bits(0.0, "1e-99999999999999999999")
    same_bits(0.1, ".1")
    same_bits(5.0, "5.")
    same_bits(5e7, "+5E+07")
  end)

  it("agrees with the C library on 20000 texts", function()
    local random = generator(7)
    for i = 1, 20000 do
      local digits, places = random() >> (random() & 63), random() >> (random() & 63)
      local text = i % 2 == 0 and ("%u.%ue%d"):gsub("%%u", "%%s"):format(
        ("%.0f"):format(digits >> 1), ("%.0f"):format(places >> 1), (random() >> 1) % 700 - 350)
        or ("%." .. (random() >> 1) % 20 .. "e"):format(("<d"):unpack(("<i8"):pack(random())))
      local expected = tonumber(text)
      if expected and expected == expected then same_bits(expected + 0.0, text) end
    end
  end)

  it("takes nothing but a decimal number", function()
    for _, text in ipairs { "", ".", "+", "-", "e5", "1e", "1e+", "0x10", "1 ", " 1", "1,5", "1_0",
      "--1", "1.2.3", "in", "nano", "infinit", "１", "1\0", "abc" } do
      assert.is_nil(parse(text), "'" .. text .. "' was taken for a number")
    end
    assert.is_true(parse("nan") ~= parse("nan"))
    assert.is_true(parse("-NaN") ~= parse("-NaN"))
  end)

  it("raises on what is not a string", function()
    assert.error_matches(function() parse(5) end, "expected a string, got number")
    assert.error_matches(function() parse() end, "expected a string, got no value")
  end)
end)

describe("writing numbers", function()
  it("writes the shortest text", function()
    for text, value in pairs {
      ["0.1"] = 0.1, ["0.30000000000000004"] = 0.1 + 0.2, ["1"] = 1, ["-2.5"] = -2.5, ["0"] = 0.0,
      ["-0"] = -0.0, ["5e-324"] = 0x1p-1074, ["1.7976931348623157e+308"] = 0x1.fffffffffffffp1023,
      ["1e+23"] = 1e23, ["9.5367431640625e-07"] = 0x1p-20, ["0.0001"] = 1e-4, ["0.00001"] = 1e-5,
      ["1e-06"] = 1e-6, ["10000000000000000"] = 1e16, ["1e+17"] = 1e17, ["123456.789"] = 123456.789,
      ["inf"] = math.huge, ["-inf"] = -math.huge, ["9007199254740992"] = 0x1p53,
      ["2.2250738585072014e-308"] = 0x1p-1022, ["100"] = 100,
    } do
      assert.equal(text, format(value))
    end
    assert.equal("nan", format(0 / 0))
  end)

  it("reads back as the same double, and no %g with fewer digits does", function()
    local random = generator(11)
    for _ = 1, 5000 do
      local x = ("<d"):unpack(("<i8"):pack(random()))
      if x == x then
        local text = format(x)
        same_bits(x, text)
        local digits = text:gsub("e.*", ""):gsub("[-.]", ""):gsub("^0+", ""):gsub("0+$", "")
        assert.is_true(#digits <= 17)
        if #digits > 1 and math.abs(x) < math.huge then
          assert.is_true(tonumber((("%%.%dg"):format(#digits - 1)):format(x)) ~= x, text)
        end
      end
    end
  end)

  it("does not depend on the locale", function()
    if not os.setlocale then return end
    local before = os.setlocale(nil, "numeric")
    for _, name in ipairs { "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "ru_RU.UTF-8", before } do
      if os.setlocale(name, "numeric") then
        local text, value = format(1234.5), parse("1234.5")
        os.setlocale(before, "numeric")
        assert.equal("1234.5", text)
        assert.equal(1234.5, value)
      end
    end
  end)

  it("raises on what is not a number", function()
    assert.error_matches(function() format("1") end, "expected a number, got string")
  end)
end)
