-- Expected texts are written by hand from the documented forms.
local number = require "lossdbg.support.number"

local nan, inf = 0 / 0, math.huge

local function check(fn, cases)
  for _, case in ipairs(cases) do
    assert.equal(case[2], fn(case[1]), "for " .. tostring(case[1]))
  end
end

describe("view.number", function()
  it("shows four significant digits", function()
    check(number.format, { { 1.0879, "1.088" }, { 0.0210049, "0.021" }, { 1680, "1680" },
      { 0.69314718, "0.6931" }, { 62397.2, "62 397" }, { 1.2e-5, "1.2e-05" }, { 0, "0" },
      { 3.1e-9, "3.1e-09" }, { 1234567, "1.235e+06" }, { -0.5, "-0.5" }, { 999999, "1e+06" },
      { 0.00012344, "0.0001234" }, { 99.994, "99.99" }, { 1, "1" }, { 5928.4, "5928" },
      { nan, "nan" }, { inf, "inf" }, { -inf, "-inf" }, { 1e308, "1e+308" },
      { 5e-324, "4.941e-324" } })
    assert.equal("0.0001", number.format(1e-4))
    assert.equal("9.999e-05", number.format(9.999e-5))
    assert.equal("3.14159", number.format(3.14159265, 6))
    assert.equal("-", number.format(nil))
  end)

  it("shows rates with short exponents", function()
    check(number.short, { { 1e-3, "1e-3" }, { 0.1, "0.1" }, { 4e-12, "4e-12" }, { 1e-4, "1e-4" },
      { 0.01, "0.01" }, { 3.16e-5, "3.16e-5" }, { 5e5, "5e5" }, { 0, "0" }, { nan, "nan" } })
  end)

  it("groups counts by thousands", function()
    check(number.count, { { 7, "7" }, { 142, "142" }, { 1410, "1 410" }, { 62397, "62 397" },
      { 1234567, "1 234 567" }, { -1500, "-1 500" }, { 0, "0" }, { nan, "nan" } })
  end)

  it("gives a list the same decimals", function()
    assert.equal("0.020 0.021 0.024", number.list { 0.020, 0.021, 0.024 })
    assert.equal("0.205 0.213 0.231", number.list { 0.205, 0.2131, 0.2309 })
    assert.equal("1 nan", number.list { 1, nan })
    assert.equal("2770, 2775", number.list({ 2770.1, 2774.98 }, ", "))
    assert.equal("", number.list {})
  end)

  it("never rounds a share up to 100 % or down to 0 %", function()
    check(number.percent, { { 0.88, "88 %" }, { 0.1234, "12.3 %" }, { 1, "100 %" }, { 0, "0 %" },
      { 0.99999, "> 99.9 %" }, { 1e-6, "< 0.01 %" }, { 0.0012, "0.12 %" }, { nan, "nan" } })
  end)

  it("tells durations", function()
    check(number.duration, { { 192, "3 min 12 s" }, { 0.021, "21 ms" }, { 3.2, "3.2 s" },
      { 0, "0 us" }, { 59.7, "1 min 00 s" }, { 3840, "1 h 04 min" },
      { 183600, "2 d 03 h" },
      { 0.31, "310 ms" },
      { 9.99, "10 s" }, { 12, "12 s" }, { inf, "inf" } })
    check(number.clock, { { 0.0213, "21ms" }, { 3.2, "3s" }, { 64, "1m04s" }, { 7500, "2h05m" },
      { 0.000148, "148us" } })
  end)

  it("shows values of any kind", function()
    check(number.any, { { 1680, "1680" }, { 62397, "62 397" }, { 0.5, "0.5" }, { true, "yes" },
      { "100 %", "100 %" } })
    assert.equal("1 2 3", number.any { 1, 2, 3 })
    assert.equal("-", number.any(nil))
  end)

  it("writes a decimal point whatever the locale writes", function()
    local real = string.format
    local names = { "lossdbg.support.number", "lossdbg.support.json", "lossdbg.support.json_reader",
      "lossdbg.support.text" }
    local saved = {}
    for _, name in ipairs(names) do saved[name] = package.loaded[name] end
    -- The Arabic decimal separator has two bytes.
    for _, separator in ipairs { ",", "\u{066B}" } do
      string.format = function(pattern, ...) -- luacheck: ignore 122
        return (real(pattern, ...):gsub("(%d)%.(%d)", "%1" .. separator .. "%2"))
      end
      local ok, why = pcall(function()
        for _, name in ipairs(names) do package.loaded[name] = nil end
        local foreign, json = require "lossdbg.support.number", require "lossdbg.support.json"
        assert.equal("1.088", foreign.format(1.0879))
        assert.equal("1.235e+06", foreign.format(1234567))
        assert.equal("3.2 s", foreign.duration(3.2))
        assert.equal("0.97", foreign.fixed(0.97, 2))
        assert.equal("[0.1,1.5e-10]", json.encode { 0.1, 1.5e-10 })
      end)
      string.format = real -- luacheck: ignore 122
      assert(ok, why)
    end
    for _, name in ipairs(names) do package.loaded[name] = saved[name] end
  end)
end)
