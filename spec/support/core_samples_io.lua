-- Samples (see core_samples.lua) of what reads and writes bytes outside.
local core = require "lossdbg.core"

local pack = table.pack
local path = os.tmpname()

-- A worker that has more to say than anybody asks for.
local function worker()
  return assert(core.process.start(function() return ("x"):rep(1 << 20) end))
end

return function(samples, ramp)
  for name, sample in pairs {
    ["io.csv"] = function() return pack("a,b\n1,2\n", { separator = ",", header = true }) end,
    ["io.csv_numbers"] = function()
      return pack("a,b\n1,2\n", { header = true }, { 1, 2 }, "f32")
    end,
    ["io.csv_text"] = function() return pack("a,b\n1,2\n", { header = true }, 1) end,
    ["io.idx"] = function() return pack("\0\0\8\1\0\0\0\2\1\2", "f32") end,
    ["io.npy"] = function() return pack(core.io.npy_encode(ramp { 2 }), "f64") end,
    ["io.npy_encode"] = function() return pack(ramp { 2 }) end,
    ["io.zip"] = function() return pack("PK\5\6" .. ("\0"):rep(18)) end,
    ["io.take_rows"] = function() return pack(ramp { 3, 2 }, ramp({ 4 }, "i32")) end,
    ["io.complete_rows"] = function() return pack(ramp { 3, 2 }) end,
    ["io.column_stats"] = function() return pack(ramp { 3, 2 }) end,
    ["io.parse_number"] = function() return pack("1.5") end,
    ["io.format_number"] = function() return pack(1.5) end,
    ["io.elements"] = function() return pack(("\0"):rep(8), 0, 8, "F32", { 2 }) end,
    ["io.raw"] = function() return pack(ramp { 2 }) end,
    ["io.event_scan"] = function() return pack(("\0"):rep(16), 1, {}) end,
    ["io.masked_crc"] = function() return pack("abc") end,
    ["io.proto_fields"] = function() return pack("\8\1\26\1a", 1, 5) end,
    ["io.proto_varints"] = function() return pack("\1\2", 1, 2) end,
    ["io.entries"] = function() return pack(assert(io.open "spec")) end,
    ["io.sync"] = function() return pack(assert(io.tmpfile())) end,
    ["process.most"] = pack,
    ["process.start"] = function() return pack(function() return "done" end, { worker() }) end,
    ["process.read"] = function() return pack(worker()) end,
    ["process.await"] = function() return pack({ worker() }, 0.001) end,
    ["process.reap"] = function() return pack(worker()) end,
    ["process.kill"] = function() return pack(worker()) end,
    ["io.crc32"] = function() return pack("bytes", 7) end,
    ["io.replace"] = function() return pack(path, "text") end,
  } do
    samples[name] = sample
  end
end
