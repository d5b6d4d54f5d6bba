-- Data sets from IDX and NPY bytes and files: what fits together, and the messages else.
local ld = require "lossdbg"

local function idx_file(kind, shape, data)
  local sizes = {}
  for k, size in ipairs(shape) do sizes[k] = (">I4"):pack(size) end
  return string.char(0, 0, kind, #shape) .. table.concat(sizes) .. data
end

local function array(descr, shape, data)
  local header = ("{'descr': '%s', 'fortran_order': False, 'shape': %s, }"):format(descr, shape)
  header = header .. (" "):rep(-(11 + #header) % 64) .. "\n"
  return "\x93NUMPY\1\0" .. ("<I2"):pack(#header) .. header .. data
end

local function refused(expected, read, ...)
  local tensor, message = read(...)
  assert.is_nil(tensor)
  assert.equal(expected, message)
end

describe("data sets from idx and npy", function()
  it("read images and labels, with a channel axis on request", function()
    local images = idx_file(8, { 3, 2, 2 }, "\0\1\2\3\4\5\6\7\8\9\10\255")
    local set = assert(ld.data.idx_bytes(images, idx_file(8, { 3 }, "\2\0\1")))
    assert.same({ 3, 2, 2 }, set.x.shape)
    assert.equal("f32", set.x.dtype)
    assert.same({ { 8, 9 }, { 10, 255 } }, set.x[3]:totable())
    assert.same({ 2, 0, 1 }, set.y:totable())
    assert.equal(3, set.n_classes)
    set = assert(ld.data.idx_bytes(images, nil, { channels = true }))
    assert.same({ 3, 2, 2, 1 }, set.x.shape)
    assert.is_nil(set.y)
  end)

  it("tell what does not fit together", function()
    local images, from_bytes = idx_file(8, { 2, 1 }, "ab"), ld.data.idx_bytes
    refused("labels: 3 labels for 2 images", from_bytes, images, idx_file(8, { 3 }, "\0\0\0"))
    refused("labels: expected integers of rank 1 as labels, got i32 of rank 2", from_bytes, images,
      images)
    refused("labels: labels are class ids and cannot be negative", from_bytes, images,
      idx_file(9, { 2 }, "\0\xFF"))
    refused("images: no rows: the header declares 0", from_bytes, idx_file(8, { 0, 28 }, ""))
    refused("images: cut short: expected 24 bytes for shape [2 x 1 x 4], got 16", from_bytes,
      idx_file(8, { 2, 1, 4 }, ""):sub(1, 16))
    refused("inputs: a scalar, expected rows", ld.data.npy_bytes, array("<f4", "()", "\0\0\0\0"))
    refused("inputs: no rows: shape [0]", ld.data.npy_bytes, array("<f4", "(0,)", ""))
    refused("answers: 1 rows of answers for 2 rows of inputs", ld.data.npy_bytes,
      array("|u1", "(2,)", "\0\0"), array("|u1", "(1,)", "\0"))
  end)

  it("read the real files", function()
    local set = assert(ld.data.idx("examples/data/digits/digits-images-idx3-ubyte",
      "examples/data/digits/digits-labels-idx1-ubyte"))
    assert.same({ 1797, 8, 8 }, set.x.shape)
    assert.same({ 178, 182, 177, 183, 181, 182, 181, 179, 174, 180 }, set:class_counts())
    local none, message = ld.data.idx("examples/data/digits/nothing", nil)
    assert.is_nil(none)
    assert.equal("cannot open 'examples/data/digits/nothing': No such file or directory", message)
  end)

  it("take integers as ids and floats as targets", function()
    local x = array("<f8", "(2, 1)", ("<dd"):pack(1, 2))
    local set = assert(ld.data.npy_bytes(x, array("<i8", "(2,)", ("<i8i8"):pack(1, 0))))
    assert.equal("f32", set.x.dtype)
    assert.equal("i32", set.y.dtype)
    assert.equal(2, set.n_classes)
    local answers = array("<f8", "(2,)", ("<dd"):pack(0.1, 0))
    set = assert(ld.data.npy_bytes(x, answers, { dtype = "f64" }))
    assert.equal("f64", set.y.dtype)
    assert.same({ 0.1, 0 }, set.y:totable())
    assert.is_nil(set.n_classes)
  end)

  it("write and read a tensor in a file", function()
    local path = os.tmpname()
    local t = ld.tensor({ { 1, 2.5 }, { -3, 4 } })
    assert.is_true(ld.data.write_npy(path, t:transpose()))
    assert.same({ { 1, -3 }, { 2.5, 4 } }, assert(ld.data.read_npy(path)):totable())
    os.remove(path)
    local gone, message = ld.data.read_npy(path)
    assert.is_nil(gone)
    assert.matches("^cannot open '", message)
    assert.is_nil((ld.data.write_npy("/no/such/folder/x.npy", t)))
  end)
end)
