local tables = require "lossdbg.view.table"
local text = require "lossdbg.support.text"

describe("view.table", function()
  it("aligns text to the left and numbers to the right", function()
    assert.equal(table.concat({
      "layer            output  parameters",
      "───────────────────────────────────",
      "dense_1 (dense)      32         448",
      "größe_2               3       1 410",
      "───────────────────────────────────",
      "total                           547",
    }, "\n"), tables.render({ { "dense_1 (dense)", "32", 448 }, { "größe_2", "3", "1 410" } },
        { header = { "layer", "output", "parameters" }, footer = { { "total", "", 547 } } }))
  end)

  it("takes an alignment, an indent, an ASCII rule", function()
    assert.equal("   a  b\n  -----\n   1  x\n  22  y",
      tables.render({ { "1", "x" }, { "22", "y" } }, { header = { "a", "b" }, indent = 2,
        align = { "right", "left" }, ascii = true }))
  end)

  it("cuts the widest column to fit, by columns and not bytes", function()
    local s = tables.render({ { ("長"):rep(60), ("x"):rep(50), 1 } }, { width = 40 })
    for line in s:gmatch("[^\n]+") do assert.is_true(text.width(line) <= 40) end
    assert.is_truthy(s:find("…", 1, true))
  end)

  it("shows missing cells as blanks, nothing as nothing", function()
    assert.equal("a  1\n   2", tables.render { { "a", 1 }, { nil, 2 } })
    assert.equal("", tables.render {})
    assert.equal("nan", tables.render { { 0 / 0 } })
  end)
end)

describe("view.text", function()
  it("measures columns: combining 0, wide 2, colour 0", function()
    assert.equal(5, text.width("abcde"))
    assert.equal(1, text.width("e\u{0301}"))
    assert.equal(4, text.width("長い"))
    assert.equal(2, text.width("😀"))
    assert.equal(3, text.width("\27[31mabc\27[0m"))
    assert.equal(2, text.width("a\xFF"))
  end)

  it("wraps at spaces, breaks what is too long, never splits a character", function()
    assert.same({ "  one two", "  three" }, text.wrap("one two three", 9, "  "))
    local lines = text.wrap(("é"):rep(25), 10)
    assert.same({ ("é"):rep(10), ("é"):rep(10), ("é"):rep(5) }, lines)
  end)

  it("breaks between pieces rather than inside", function()
    assert.same({ "a b · c d", "e f" }, text.flow({ "a b", "c d", "e f" }, " · ", 10, "", ""))
    assert.same({ "model,", "547 parameters" },
      text.flow({ "model", "547 parameters" }, ", ", 14, "", ""))
  end)

  it("cleans names: no control characters, no direction overrides, valid UTF-8", function()
    assert.equal("a b", text.clean("a\0\27\nb"))
    assert.equal("ab", text.clean("a\u{202E}b\u{2066}"))
    assert.equal("ab", text.clean("a\u{009B}b"))
    assert.equal("é", text.clean("é"))
    assert.is_truthy(utf8.len(text.clean("\xC3\xFF\xE2\x82")))
  end)

  it("orders by bytes, whatever the locale", function()
    local names = { "b", "B", "a", "", "ab", "\u{E9}", "A", "_" }
    table.sort(names, text.before)
    assert.same({ "", "A", "B", "_", "a", "ab", "b", "\u{E9}" }, names)
  end)

  it("cuts and pads to a width", function()
    assert.equal("長…", text.cut("長い名", 4))
    assert.equal("abc", text.cut("abc", 3))
    assert.equal("  ab", text.pad("ab", 4, "right"))
    assert.equal(" ab ", text.pad("ab", 4, "center"))
    assert.is_nil(text.ends("abc", "def", 7))
    assert.equal("abc  def", text.ends("abc", "def", 8))
  end)
end)
