-- CSV: what is read from literal texts, and the message for each thing that can be wrong.
local ld = require "lossdbg"

local function read(text, options)
  return assert(ld.data.csv_bytes(text, options))
end

local function values(text, options)
  return read(text, options).x:totable()
end

local function refused(expected, text, options)
  local set, message = ld.data.csv_bytes(text, options)
  assert.is_nil(set)
  assert.equal(expected, message)
end

local nan_text = { ["nan"] = true, ["-nan"] = true }
local function shown(row)
  local list = {}
  for i, value in ipairs(row) do
    list[i] = nan_text[tostring(value)] and "nan" or ("%g"):format(value)
  end
  return table.concat(list, " ")
end

describe("csv", function()
  it("reads a header, numbers and class ids as written", function()
    local set = read("a,b,label\n1,2.5,0\n-3,4e1,1\n", { label = "label" })
    assert.equal(2, #set)
    assert.same({ { 1, 2.5 }, { -3, 40 } }, set.x:totable())
    assert.equal("f32", set.x.dtype)
    assert.same({ 0, 1 }, set.y:totable())
    assert.equal("i32", set.y.dtype)
    assert.same({ "a", "b" }, set.columns)
    assert.is_nil(set.classes)
    assert.equal(2, set.n_classes)
  end)

  it("finds the separator", function()
    for _, separator in ipairs { ",", ";", "\t", "|" } do
      local text = ("a,b\n1,2\n3,4\n"):gsub(",", separator)
      assert.same({ { 1, 2 }, { 3, 4 } }, values(text), separator)
    end
    assert.same({ { 1, 2 } }, values("1 2\n", { separator = " " }))
    assert.same({ { 1 }, { 2 } }, values("1\n2\n")) -- one column
    assert.same({ { 5 } }, values('"a,b";c\n"x";5\n', { columns = { "c" } })) -- commas in quotes
  end)

  it("takes LF, CRLF, CR, a missing last line end and a byte-order mark", function()
    for _, text in ipairs { "a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r1,2\r3,4",
      "\xEF\xBB\xBFa,b\n1,2\n3,4" } do
      local set = read(text)
      assert.same({ "a", "b" }, set.columns)
      assert.same({ { 1, 2 }, { 3, 4 } }, set.x:totable())
    end
  end)

  it("skips blank lines and comments", function()
    assert.same({ { 1, 2 }, { 3, 4 } }, values("# made by hand\n\na,b\n  \n1,2\n#\n\n3,4\n\n"))
  end)

  it("reads quoted fields with separators, doubled quotes and line ends", function()
    local set = read('"the ""first"", quoted",b,label\n" 1 ",2,"x, ""y"""\n"3","4","two\nlines"\n',
      { label = "label" })
    assert.same({ 'the "first", quoted', "b" }, set.columns)
    assert.same({ "two\nlines", 'x, "y"' }, set.classes)
    assert.same({ 1, 0 }, set.y:totable())
    assert.same({ { 3, 4 } }, set:take({ 2 }).x:totable())
  end)

  it("takes blanks around fields as no part of them", function()
    assert.same({ { 1, 2, 3 } }, values(" 1 ,\t2,  \"3\"  \n"))
  end)

  it("decides by the first row whether it is a header", function()
    assert.same({ "a", "b" }, read("a,b\n1,2\n").columns)
    assert.same({ "column_1", "column_2" }, read("5,6\n1,2\n").columns)
    assert.same({ "5", "6" }, read("5,6\n1,2\n", { header = true }).columns)
    assert.same({ "a", "column_2" }, read("a,\n1,2\n").columns)
    local set = read("5.1,red\n4.9,blue\n", { label = -1 })
    assert.same({ "blue", "red" }, set.classes)
    assert.same({ 1, 0 }, set.y:totable())
  end)

  it("knows the words for a missing value", function()
    local rows = values("a,b\n,NA\nNaN,nan\nnull,?\nN/A,NULL\n7,8\n")
    for i = 1, 4 do assert.equal("nan nan", shown(rows[i])) end
    assert.same({ 7, 8 }, rows[5])
  end)

  it("keeps, drops or refuses rows with missing values", function()
    local text = "a,b,label\n1,2,0\n3,,1\n5,6,1\n"
    assert.equal("3 nan", shown(values(text, { label = "label" })[2]))
    local set = read(text, { label = "label", missing = "drop" })
    assert.same({ { 1, 2 }, { 5, 6 } }, set.x:totable())
    assert.same({ 0, 1 }, set.y:totable())
    refused("line 3, column 2 ('b'): a value is missing", text, { label = "label",
      missing = "error" })
    refused("no rows are left: every one has a missing value", "a,b\n,1\n2,\n",
      { missing = "drop" })
  end)

  it("refuses a missing label with its line, or drops the row", function()
    local text = "a,label\n1,x\n\n2,\n3,y\n"
    refused("line 4, column 2 ('label'): the label is missing "
      .. '(missing = "drop" leaves such rows out)', text, { label = "label" })
    local set = read(text, { label = "label", missing = "drop" })
    assert.same({ { 1 }, { 3 } }, set.x:totable())
    assert.same({ "x", "y" }, set.classes)
    local numbers = read("a,t\n1,5\n2,\n3,7\n", { target = "t", missing = "drop" })
    assert.same({ { 5 }, { 7 } }, numbers.y:totable())
    local ids = read("a,label\n1,0\n2,\n3,1\n", { label = "label", missing = "drop" })
    assert.same({ 0, 1 }, ids.y:totable())
  end)

  it("numbers classes in an order that does not depend on the rows", function()
    local forward = read("a,l\n1,b\n2,a\n3,B\n", { label = "l" })
    assert.same({ "B", "a", "b" }, forward.classes)
    assert.same({ 2, 1, 0 }, forward.y:totable())
    assert.same({ "B", "a", "b" }, read("a,l\n3,B\n2,a\n1,b\n", { label = "l" }).classes)
    local numbers = read("a,l\n1,10\n2,-1\n3,9\n4,10\n", { label = "l" })
    assert.same({ "-1", "9", "10" }, numbers.classes)
    assert.same({ 2, 0, 1, 2 }, numbers.y:totable())
  end)

  it("uses given classes, so that a test file gets the training file's ids", function()
    local train = read("a,l\n1,cat\n2,dog\n", { label = "l" })
    local test = read("a,l\n1,dog\n", { label = "l", classes = train.classes })
    assert.same({ 1 }, test.y:totable())
    assert.equal(2, test.n_classes)
    refused("row 2, column 'l': the label 'cow' is none of the classes cat, dog",
      "a,l\n1,dog\n2,cow\n", { label = "l", classes = train.classes })
    assert.same({ 2 }, read("a,l\n1,2\n", { label = "l", classes = { "x", "y", "z" } }).y:totable())
  end)

  it("reads a regression target as one column", function()
    local set = read("price,area\n10.5,1\n20,2\n", { target = "price", dtype = "f64" })
    assert.same({ { 10.5 }, { 20 } }, set.y:totable())
    assert.same({ "area" }, set.columns)
    assert.equal("f64", set.x.dtype)
    assert.equal("f64", set.y.dtype)
    assert.is_nil(set.n_classes)
  end)

  it("chooses columns by name and number", function()
    local text = "id,a,b,c\nx,1,2,3\ny,4,5,6\n"
    assert.same({ { 3, 1 }, { 6, 4 } }, values(text, { columns = { "c", 2 } }))
    assert.same({ { 2 }, { 5 } }, values(text, { columns = { -2 } }))
  end)

  it("keeps every digit of f64 and rounds f32 once from it", function()
    assert.equal(0.1, values("0.1\n", { dtype = "f64" })[1][1])
    assert.equal(0x1.99999ap-4, values("0.1\n")[1][1]) -- the float nearest to 0.1
    assert.same({ { math.huge, -math.huge } }, values("1e300,-inf\n"))
  end)
end)

describe("csv messages", function()
  it("name line and column", function()
    refused("line 3, column 2 ('b'): 'abc' is not a number; leave a column of text out with "
      .. "columns = {…}", "a,b\n1,2\n3,abc\n")
    refused("line 2, column 1: 'x' is not a number", "1,2\nx,3\n", { columns = { 1 } })
    refused("line 1, column 2: 'b' is not a number (if this line holds the names of the columns, "
      .. "say header = true)", "1,b\n1,2\n", { columns = { 2 } })
    refused("line 2, column 1 ('a'): '1,5' is not a number (the decimal point must be '.')",
      "a;b\n1,5;2\n", { columns = { "a" }, separator = ";" })
    refused("line 2, column 1 ('the \"a\"'): 'x' is not a number", '"the ""a"""\nx\n',
      { columns = { 1 } })
    refused("line 4, column 1 ('a'): 'x' is not a number", 'a,b\n1,"two\nlines"\nx,3\n',
      { columns = { "a" } })
  end)

  it("shorten and clean what they quote", function()
    local _, message = ld.data.csv_bytes("a\n" .. ("z"):rep(5000) .. "\n", { columns = { 1 } })
    assert.equal("line 2, column 1 ('a'): '" .. ("z"):rep(40) .. "...' is not a number", message)
    _, message = ld.data.csv_bytes("a\n\27[31m\195\164\n", { columns = { 1 } })
    assert.equal("line 2, column 1 ('a'): '?[31m??' is not a number", message)
  end)

  it("tell ragged rows, open quotes and binary files", function()
    refused("line 3: 1 field, but the first row (line 1) has 2", "a,b\n1,2\n3\n")
    refused("line 2: 3 fields, but the first row (line 1) has 2", "a,b\n1,2,3\n")
    refused("line 2, column 2: a quote opens here and is never closed", 'a,b\n1,"2\n3,4\n',
      { separator = "," })
    refused("line 1, column 1: text after the closing quote (a quote inside is written \"\")",
      '"a"b,c\n', { separator = "," })
    refused("line 1, column 2: NUL byte (is this a binary file, or UTF-16?)", "a,\0\n")
    refused("this is UTF-16 text: save the file as UTF-8", "\xFF\xFEa\0,\0")
    refused("this is a gzip file: unpack it first (gunzip)", "\x1F\x8B\8\0\0")
    refused("this is a ZIP archive or a spreadsheet: export it as CSV", "PK\3\4....")
  end)

  it("tell what a file lacks", function()
    refused("no rows: the file is empty or only comments", "")
    refused("no rows: the file is empty or only comments", "# nothing\n\n")
    refused("no data rows: the file holds only the line of names", "a,b\n")
    refused("no feature columns: the file has only the answer", "a\n1\n", { label = "a" })
    refused("no column 'lable'; did you mean 'label'? Known: a, label", "a,label\n1,0\n",
      { label = "lable" })
    refused("no column 7: there are 2", "a,label\n1,0\n", { label = 7 })
    refused("two columns are named 'a': give the number", "a,a\n1,0\n", { label = "a" })
    refused("column 'b' is the answer, not a feature", "a,b\n1,0\n",
      { label = "b", columns = { "a", "b" } })
    refused("column 'a' is named twice", "a,b\n1,0\n", { columns = { "a", 1 } })
    refused("column 'p' holds fractions, which are no class labels (for regression say "
      .. 'target = "p")', "a,p\n1,0.5\n", { label = "p" })
  end)

  it("name the file", function()
    local set, message = ld.data.csv("spec/no_such_file.csv")
    assert.is_nil(set)
    assert.equal("cannot open 'spec/no_such_file.csv': No such file or directory", message)
    set, message = ld.data.csv("examples/data/wine.csv", { label = "lable" })
    assert.is_nil(set)
    assert.matches("^examples/data/wine.csv: no column 'lable'; did you mean 'label'%?", message)
    set, message = ld.data.csv("spec")
    assert.is_nil(set)
    assert.matches("^cannot read 'spec'", message)
  end)

  it("raise on misuse, at the caller's line", function()
    local here = debug.getinfo(1, "S").short_src
    local cases = {
      { function() ld.data.csv() end, "data.csv: argument 'path': expected a file name, got nil" },
      { function() ld.data.csv_bytes("a", { lable = "x" }) end,
        "unknown option 'lable'; did you mean 'label'?" },
      { function() ld.data.csv_bytes("a", { label = "x", target = "y" }) end, "not both" },
      { function() ld.data.csv_bytes("a", { separator = ", " }) end, "expected one character" },
      { function() ld.data.csv_bytes("a", { missing = "zero" }) end, "'missing': unknown value" },
      { function() ld.data.csv_bytes("a", { dtype = "i32" }) end, "'dtype': unknown value" },
      { function() ld.data.csv_bytes("a", { header = "yes" }) end, "'header': unknown value" },
      { function() ld.data.csv_bytes("a", { classes = { 1 } }) end, "expected a string, got 1" },
      { function() ld.data.csv_bytes(5) end, "'bytes': expected a string, got 5" },
    }
    for _, case in ipairs(cases) do
      local ok, message = pcall(case[1])
      assert.is_false(ok)
      assert.is_truthy(message:find(case[2], 1, true), message)
      assert.is_truthy(message:find(here, 1, true), message)
    end
  end)
end)

describe("csv under damage", function()
  local text = 'a,b,label\n1,2.5,"x ""y"""\r\n# note\n,4,z\n"5",6e1,\'\n'

  it("answers every truncation with a data set or a message", function()
    for n = 0, #text do
      local set, message = ld.data.csv_bytes(text:sub(1, n), { label = "label" })
      if set then
        assert.equal(#set, #set.y)
      else
        assert.is_string(message)
        assert.is_true(#message > 0)
      end
    end
  end)

  it("answers every changed byte with a data set or a message", function()
    for n = 1, #text do
      for _, byte in ipairs { "\0", '"', ",", "\n", "\r", "#", "\xFF", "e", "-" } do
        local set, message = ld.data.csv_bytes(text:sub(1, n - 1) .. byte .. text:sub(n + 1),
          { label = -1, missing = "drop" })
        assert.is_true(set ~= nil or #message > 0)
      end
    end
  end)
end)
