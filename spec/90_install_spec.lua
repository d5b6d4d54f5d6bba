-- What LuaRocks would install is what the checkout has; `make install-test` really installs it.
package.path = "./spec/support/?.lua;" .. package.path
local modules = require "modules"

describe("the rockspecs", function()
  local rockspecs = modules.rockspecs()

  it("are the development one and the released one", function()
    local expected = { "rockspec/lossdbg-0.1.0-1.rockspec", "rockspec/lossdbg-dev-1.rockspec" }
    assert.same(expected, rockspecs)
  end)

  for _, path in ipairs(rockspecs) do
    local spec = modules.read_rockspec(path)

    it(path .. " lists every module under lua/ and no other (else: make rockspecs)", function()
      local listed, wrong, count = spec.build.install.lua, {}, 0
      local known = {}
      for _, module in ipairs(modules.installed()) do
        known[module.name] = true
        count = count + 1
        if listed[module.name] ~= module.file then
          wrong[#wrong + 1] = "not listed: " .. module.file
        end
      end
      for name, file in pairs(listed) do
        if not known[name] then
          wrong[#wrong + 1] = "no such file: " .. file
        end
      end
      assert.is_true(count > 50)
      assert.same({}, wrong)
    end)

    it(path .. " is named after its package and version", function()
      assert.equal(("rockspec/%s-%s.rockspec"):format(spec.package, spec.version), path)
    end)

    it(path .. " builds with make, for Lua 5.4 only, and needs no other rock", function()
      assert.equal("make", spec.build.type)
      assert.same({ "lua >= 5.4, < 5.5" }, spec.dependencies)
      assert.equal("build/rock/lossdbg/core.so", spec.build.install.lib["lossdbg.core"])
      assert.is_nil(spec.external_dependencies)
    end)

    it(path .. " installs the program lossdbg", function()
      assert.same({ lossdbg = "lua/lossdbg/cli/_command.lua" }, spec.build.install.bin)
      assert(loadfile(spec.build.install.bin.lossdbg))
    end)
  end

  it("differ only in version and source", function()
    local dev = modules.read_rockspec("rockspec/lossdbg-dev-1.rockspec")
    local released = modules.read_rockspec("rockspec/lossdbg-0.1.0-1.rockspec")
    dev.version, released.version = nil, nil
    dev.source, released.source = nil, nil
    assert.same(released, dev)
  end)

  it("carry the version of the C header", function()
    local file <close> = assert(io.open("csrc/lossdbg.h"))
    local version = file:read("a"):match('LOSSDBG_VERSION "([^"]+)"')
    local spec = modules.read_rockspec("rockspec/lossdbg-0.1.0-1.rockspec")
    assert.equal(version .. "-1", spec.version)
  end)
end)
