-- Writes the fuzzers' starting inputs: `lua5.4 spec/fuzz/seeds.lua FOLDER` fills
-- FOLDER/{text,csv,idx,npy,zip,…}/NNN. Valid files of every kind, and files at and one beyond each
-- limit: a parser's bounds are found in seconds from there and not at all from nothing. Same bytes
-- each run.

local text = {
  "0", "-0", "1", "0.1", "1e22", "1e23", "9007199254740993", "9007199254740992.5",
  "2.2250738585072014e-308", "2.2250738585072011e-308", "4.9e-324", "2.4703282292062327e-324",
  "2.4703282292062328e-324", "1.7976931348623157e308", "1.7976931348623159e308", "inf",
  "-Infinity", "nan", "1e-400", "1e400", "7.2057594037927933e16", "1.", ".", ".5", "1e", "1e+", "+",
  "1.00000000000000011102230246251565404236316680908203125",
  "1.00000000000000011102230246251565404236316680908203126",
  "1.00000000000000011102230246251565404236316680908203125" .. ("0"):rep(800) .. "1",
  "1" .. ("0"):rep(900), "0." .. ("0"):rep(900) .. "1e901",
}
for _, x in ipairs { 5e-324, 0x1p-1022, 0x1.fffffffffffffp1023, 0.3, 1e23, 2.0 ^ 53 + 2, -0.0, 1e17,
  math.huge, 0 / 0, 0x1p1023, 123456789.125, 1e-5 } do
  text[#text + 1] = ("<d"):pack(x)
end

local tables = {
  "a,b,label\n1,2,0\n3,4.5,1\n", "1;2\r\n3;4\r\n", "x\ty\n1\t\n?\tNA\n", "1|2\r3|4",
  "\xEF\xBB\xBFname,v\n\"quoted, \"\"x\"\"\nnext\",1\n", "# comment\n\na,b\n1,2\n\n#end\n3,4",
  "1,2\n3\n", "1,\"2", "\"a\"b,1\n", "1,2\0,3\n", "\xFF\xFE1\0", "", "\n\n", "a",
  " 1 , \" 2 \" ,\t3\t\n", "1e400,-inf,nan,1e-400\n", "'1,5';2\n\"1,5\";3\n", "\"\"\n", ",\n,\n",
}
local csv = {}
for _, bytes in ipairs(tables) do -- the first byte chooses separator, header and dtype
  for _, choice in ipairs { "\x08", "\x10", "\x41", "\x0A" } do csv[#csv + 1] = choice .. bytes end
end

local function idx_file(kind, shape, data)
  local sizes = {}
  for k, size in ipairs(shape) do sizes[k] = (">I4"):pack(size) end
  return string.char(0, 0, kind, #shape) .. table.concat(sizes) .. data
end

local function repeated(value, n)
  local list = {}
  for k = 1, n do list[k] = value end
  return list
end

local idx = {
  idx_file(8, { 2, 3 }, "abcdef"), idx_file(9, { 3 }, "\x80\0\x7F"),
  idx_file(0x0B, { 2 }, "\x80\0\x7F\xFF"), idx_file(0x0C, { 1 }, "\x80\0\0\0"),
  idx_file(0x0D, { 1, 1 }, (">f"):pack(1.5)), idx_file(0x0E, { 1 }, (">d"):pack(-2.5)),
  idx_file(8, {}, "x"), idx_file(8, repeated(1, 8), "x"), idx_file(8, repeated(1, 9), "x"),
  idx_file(8, repeated(0xFFFFFFFF, 8), ""), idx_file(0x0E, repeated(0x80000000, 2), ""),
  idx_file(8, { 0, 0xFFFFFFFF }, ""), idx_file(8, { 4 }, "abc"), idx_file(8, { 4 }, "abcde"),
  idx_file(7, { 1 }, "a"), "\x1F\x8B\8\0", "\0\0\8", "\0\0\8\2\0\0\0\1\0", "",
}

local function npy_file(header, data, major, length, minor)
  local width = (major or 1) == 1 and 2 or 4
  header = header .. (" "):rep(-(9 + width + #header) % 64) .. "\n"
  return "\x93NUMPY" .. string.char(major or 1, minor or 0)
    .. ("<I" .. width):pack(length or #header) .. header .. data
end

local function head(descr, shape, fortran)
  return ("{'descr': %s, 'fortran_order': %s, 'shape': %s, }"):format(descr, fortran or "False",
    shape)
end

local npy = {
  npy_file(head("'<f4'", "()"), "abcd"), npy_file(head("'<f4'", "(2, 3)", "True"), ("ab"):rep(12)),
  npy_file(head("'<f4'", "(1, 1, 1, 1, 1, 1, 1, 1)"), "abcd"),
  npy_file(head("'<f4'", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "abcd"),
  npy_file(head("'<f4'", "(4611686018427387904, 4)"), ""),
  npy_file(head("'<f4'", "(0, 99999999999)"), ""),
  npy_file(head("'<f4'", "(99999999999999999999,)"), ""),
  npy_file(head("'<f4'", "(2L, 1L)"), "abcdefgh"), npy_file(head("[('a', '<f4')]", "(1,)"), "abcd"),
  npy_file(head("'<f4'", "(3)"), ("abcd"):rep(3)), npy_file(head("'<f4'", "(2,)"), "abcdefgh", 2),
  npy_file(head("'<f4'", "(2,)"), "abcdefgh", 3), npy_file(head("'<f4'", "(2,)"), "abcdefgh", 4),
  npy_file(head("'<f4'", "(2,)"), "abcdefgh", 1, nil, 1),
  npy_file(head("'<f4'", "(2,)"), "abcdefgh", 1, 65535),
  npy_file(head("'<f4'", "(2,)"), "abcdefgh", 2, 0xFFFFFFFF),
  npy_file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "abcdefgh"),
  npy_file("{'shape': (2,), \"descr\": \"<f4\", 'fortran_order': False}", "abcdefgh"),
  npy_file("{'shape': (2,), 'fortran_order': False}", "abcdefgh"),
  npy_file(head("'<u4'", "(1,)"), "\xFF\xFF\xFF\xFF"),
  npy_file(head("'<i8'", "(1,)"), "\0\0\0\0\0\0\0\x80"), npy_file(head("'|b1'", "(1,)"), "\2"),
  npy_file(head("'<f4'", "(2,)"), "abcdefg"), npy_file(head("'<f4'", "(2,)"), "abcdefghi"),
  "PK\3\4", "\x93NUM", "",
}
for _, kind in ipairs { { "<f4", 4 }, { "<f8", 8 }, { ">f4", 4 }, { ">f8", 8 }, { "|i1", 1 },
  { "<i2", 2 }, { ">i4", 4 }, { "<i8", 8 }, { "|u1", 1 }, { ">u2", 2 }, { "<u4", 4 }, { "|b1", 1 },
  { "=f4", 4 }, { "<f2", 2 }, { "<u8", 8 }, { "|O", 8 }, { "<c8", 8 }, { "<U3", 12 }, { "|S3", 3 },
  { "<M8[ns]", 8 }, { "|f4", 4 }, { "f4", 4 } } do
  npy[#npy + 1] = npy_file(head("'" .. kind[1] .. "'", "(2,)"), ("\0"):rep(2 * kind[2]))
end

-- An archive of one member; checksums of "", "a" and "abc" are those of zlib.
local crc = { [""] = 0, a = 0xE8B7BE43, abc = 0x352441C2 }
local function zip_file(data, o)
  local name, extra, comment = o.name or "x.npy", o.extra or "", o.comment or ""
  local fields = ("<I2I2I2I2I2I4I4I4I2I2"):pack(20, o.flags or 0, o.method or 0, 0, 33,
    o.crc or crc[data], o.size or #data, o.full or o.size or #data, #name, #extra)
  local member = "PK\3\4" .. fields .. name .. extra .. data
  local entry = "PK\1\2" .. ("<I2"):pack(20) .. fields .. ("<I2I2I2I4I4"):pack(0, 0, 0, 0,
    o.offset or 0) .. name .. extra
  local directory = entry:rep(o.times or 1)
  return member .. directory .. "PK\5\6" .. ("<I2I2I2I2I4I4I2"):pack(o.disk or 0, 0,
    o.count or o.times or 1, o.count or o.times or 1, o.directory or #directory, o.at or #member,
    #comment) .. comment
end

local zip = { "PK\5\6" .. ("\0"):rep(18), "PK", "PK\3\4", "" }
for _, o in ipairs { {}, { name = "" }, { extra = ("e"):rep(20) }, { comment = "PK\5\6" },
  { method = 8 }, { flags = 1 }, { crc = 1 }, { size = 2 }, { size = 4 }, { full = 9 },
  { size = 0xFFFFFFFF }, { offset = 1 }, { offset = 0xFFFFFFFF }, { times = 3 }, { count = 2 },
  { count = 0xFFFF }, { disk = 1 }, { directory = 0 }, { directory = 0xFFFFFFFF }, { at = 0 },
  { at = 0xFFFFFFFF }, { name = ("n"):rep(300) } } do
  for _, data in ipairs { "", "a", "abc" } do zip[#zip + 1] = zip_file(data, o) end
end

-- Messages of protocol buffers: what the records of event files hold.
local function varint(x)
  local out = ""
  while x < 0 or x >= 128 do
    out, x = out .. string.char(x & 127 | 128), x >> 7
  end
  return out .. string.char(x)
end
local function field(number, bytes) return varint(number << 3 | 2) .. varint(#bytes) .. bytes end
local function double(number, x) return varint(number << 3 | 1) .. ("<d"):pack(x) end
local function whole(number, x) return varint(number << 3) .. varint(x) end
local function doubles(number, list)
  return field(number, (("<d"):rep(#list)):pack(table.unpack(list)))
end
local function event_of(value)
  return double(1, 1.7e9) .. whole(2, 7) .. field(5, field(1, field(1, "loss") .. value))
end
local function tensor(dtype, shape, content)
  local dims = ""
  for _, size in ipairs(shape) do dims = dims .. field(2, whole(1, size)) end
  return field(8, whole(1, dtype) .. field(2, dims) .. content)
end
local function plugin(name) return field(9, field(1, field(1, name))) end
local histo = double(1, -1) .. double(2, 2) .. doubles(6, { -1, 0, 1, 3 })
local event = {
  double(1, 1.7e9) .. field(3, "brain.Event:2"), event_of(varint(2 << 3 | 5) .. ("<f"):pack(0.5)),
  event_of(field(5, histo .. doubles(7, { 0, 2, 3, 0 }))), event_of(field(5, histo)),
  event_of(field(5, histo .. doubles(7, { 0, 0, 0, 0 }))),
  event_of(field(5, double(6, 1) .. double(7, 4))),
  event_of(tensor(1, {}, field(4, ("<f"):pack(0.5))) .. plugin "scalars"),
  event_of(tensor(1, {}, varint(5 << 3 | 5) .. ("<f"):pack(0.5))),
  event_of(tensor(2, { 2, 3 }, doubles(6, { 0, 1, 4, 1, 2, 5 })) .. plugin "histograms"),
  event_of(tensor(2, { 1 << 62, 3 }, "") .. plugin "histograms"),
  event_of(tensor(7, { 1 }, field(8, "text")) .. plugin "text"),
  event_of(tensor(9, {}, field(10, varint(-3)))), event_of(tensor(3, {}, field(7, "\xFF"))),
  event_of(tensor(19, {}, field(4, "\0\x7C"))), event_of(tensor(14, {}, field(4, "\x80\x3F"))),
  event_of(tensor(1, { 1, 1, 1, 1, 1, 1 }, "")), double(1, 0) .. field(7, whole(1, 1)),
  varint(5 << 3 | 2) .. varint(1 << 40), varint(-1), "\0", "\x0B", "",
}

local root = assert(arg[1], "usage: lua5.4 spec/fuzz/seeds.lua FOLDER")
local all = { text = text, csv = csv, idx = idx, npy = npy, zip = zip, event = event }
for name, files in pairs(all) do
  assert(os.execute(("mkdir -p '%s/%s'"):format(root, name)))
  for i, bytes in ipairs(files) do
    local file <close> = assert(io.open(("%s/%s/%03d"):format(root, name, i), "wb"))
    assert(file:write(bytes))
  end
end
