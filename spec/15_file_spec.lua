-- Whole files: two writers, links, modes, what is no file.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local file = require "lossdbg.support.file"

local function read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  return text
end

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

describe("a written file", function()
  local folder
  before_each(function() folder = shell "mktemp -d" end)
  after_each(function() shell("rm -rf '" .. folder .. "'") end)

  it("replaces the old one, keeps its mode and leaves nothing beside it", function()
    local path = folder .. "/a"
    assert.is_true(file.write(path, "old"))
    shell("chmod 640 '" .. path .. "'")
    assert.is_true(file.write(path, "new\0bytes"))
    assert.equal("new\0bytes", read(path))
    assert.equal("640", shell("stat -c %a '" .. path .. "'"))
    assert.equal("a", shell("ls '" .. folder .. "'"))
  end)

  it("goes through no link that waits at the old temporary name", function()
    local path, victim = folder .. "/a", folder .. "/victim"
    assert.is_true(file.write(victim, "precious"))
    shell(("ln -s '%s' '%s.tmp'"):format(victim, path))
    assert.is_true(file.write(path, "text"))
    assert.equal("precious", read(victim))
    assert.equal("text", read(path))
  end)

  it("takes the place of a link and leaves what that named", function()
    local path, target = folder .. "/link", folder .. "/target"
    assert.is_true(file.write(target, "kept"))
    shell(("ln -s '%s' '%s'"):format(target, path))
    assert.is_true(file.write(path, "text"))
    assert.equal("kept", read(target))
    assert.equal("text", read(path))
  end)

  it("replaces no folder, pipe or device, and says where nothing can be written", function()
    shell(("mkfifo '%s/pipe'; mkdir '%s/folder'"):format(folder, folder))
    for _, name in ipairs { folder .. "/pipe", folder .. "/folder", "/dev/null" } do
      local ok, why = file.write(name, "text")
      assert.is_nil(ok)
      assert.equal(("cannot write %s: it is no regular file"):format(name), why)
    end
    local ok, why = file.write(folder .. "/none/a", "text")
    assert.is_nil(ok)
    assert.equal(("cannot write %s/none/a: No such file or directory"):format(folder), why)
    ok, why = file.write(folder .. "/a\0b", "text")
    assert.is_nil(ok)
    assert.matches("zero byte", why)
  end)

  it("is whole for every reader while two processes write it", function()
    local path = folder .. "/a"
    local writer = folder .. "/writer.lua"
    assert.is_true(file.write(writer, ([[
      local file = require "lossdbg.support.file"
      local letter = arg[1]
      for _ = 1, 150 do assert(file.write(%q, letter:rep(200000))) end]]):format(path)))
    assert.is_true(file.write(path, ("c"):rep(200000)))
    local lua = os.getenv "LUA" or "lua5.4"
    local pipes = {}
    for i, letter in ipairs { "a", "b" } do
      pipes[i] = assert(io.popen(("%s '%s' %s 2>&1"):format(lua, writer, letter)))
    end
    local seen = 0
    for _ = 1, 300 do
      local text = read(path)
      assert.equal(200000, #text)
      assert.equal(text:sub(1, 1):rep(200000), text)
      seen = seen + 1
    end
    for i = 1, 2 do
      assert.equal("", pipes[i]:read "a")
      assert.is_true((pipes[i]:close()))
    end
    assert.equal(300, seen)
  end)

  it("has the checksum that ZIP and Python's zlib give", function()
    -- "123456789" is the check value that the CRC catalogue lists: 0xCBF43926
    assert.equal(0xCBF43926, core.io.crc32 "123456789")
    assert.equal(0, core.io.crc32 "")
    assert.equal(core.io.crc32 "123456789", core.io.crc32("6789", core.io.crc32 "12345"))
    assert.equal(0x414FA339, -- zlib.crc32 of the pangram
      core.io.crc32 "The quick brown fox jumps over the lazy dog")
  end)

  it("is refused to a script that was given no io", function()
    local keep = _G.io
    _G.io = nil
    local ok, why = file.write("x", "text")
    _G.io = keep
    assert.is_nil(ok)
    assert.matches("no io library", why)
    assert.is_table(ld)
  end)
end)
