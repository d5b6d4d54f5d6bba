--- Writes the kept programs as a folder of the fault benchmark: cases, data, truth, causes.
--
--   lua5.4 spec/faultbench/write_kept.lua FOLDER [SEED]
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/kept/?.lua;" .. package.path

local causes = require "lossdbg.diagnose.causes"
local data = require "kept_data"
local files = require "bench_files"
local json = require "lossdbg.support.json"
local kept = require "kept_programs"
local ld = require "lossdbg"

local folder, seed = arg[1], math.tointeger(arg[2] or 1)
if not folder or not seed then
  io.stderr:write("usage: lua5.4 ", arg[0], " FOLDER [SEED]\n")
  os.exit(2)
end

local function need(ok, why)
  if ok then return ok end
  io.stderr:write("write_kept: ", tostring(why), "\n")
  os.exit(1)
end

local function targets_of(y, base, changes)
  local list = {}
  for i, value in ipairs(y) do
    list[i] = value * (changes.scale or 1)
    if changes.negative then list[i] = -1 - math.abs(value) end
  end
  if base.task ~= "regression" then return ld.tensor(list, "i32") end
  local column = {}
  for i, value in ipairs(list) do column[i] = { value } end
  return ld.tensor(column)
end

local function write_data(id, base, changes, name)
  local x, y = data[name](seed)
  local path = folder .. "/cases/data/" .. id
  need(ld.data.write_npy(path .. "_x.npy", ld.tensor(x)))
  need(ld.data.write_npy(path .. "_y.npy", targets_of(y, base, changes)))
  local transform = changes.transform
  if transform == nil then transform = base.transform end
  return { x = "data/" .. id .. "_x.npy", y = "data/" .. id .. "_y.npy", labels = base.labels,
    transform = transform or nil }
end

local function pick(changes, base, key, default)
  if changes[key] ~= nil then return changes[key] end
  return base[key] or default
end

local function case_of(id, name, changes)
  local base = kept.bases[name]
  return { schema = 1, id = id, task = base.task, data = write_data(id, base, changes, name),
    input_shape = base.shape, model = pick(changes, base, "model"),
    loss = pick(changes, base, "loss"), optimizer = pick(changes, base, "optimizer"),
    batch_size = pick(changes, base, "batch_size", 20), epochs = pick(changes, base, "epochs", 20),
    metrics = base.metrics or { "accuracy" }, loop = changes.loop, seed = seed }
end

need(os.execute("mkdir -p " .. files.quoted(folder .. "/cases/data")))
local truth, words = {}, {}
for i, program in ipairs(kept.programs) do
  local name, changes, cause, also = table.unpack(program)
  local id = ("own%02d"):format(i)
  need(files.write_json(("%s/cases/%s.json"):format(folder, id), case_of(id, name, changes)))
  truth[id] = { healthy = cause == nil, scored = true, origin = "injected",
    causes = json.array { cause }, also = json.array(also or {}), tolerated = json.array(),
    published = {} }
end
for id, cause in pairs(causes) do
  words[id] = { equivalents = json.array(cause.equivalents or {}) }
end
need(files.write_json(folder .. "/truth.json", truth))
need(files.write_json(folder .. "/causes.json", words))
