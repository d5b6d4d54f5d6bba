--- What the programs of spec/loops/kept share: data, and the answer of a watch as one line.
local ld = require "lossdbg"

local M = { ld = ld, nn = ld.nn }

---The words behind a program: fixed, seed.
---@param words string[]
---@return boolean fixed
---@return integer seed
function M.words(words)
  local fixed = words[1] == "fixed"
  return fixed, math.tointeger(tonumber(fixed and words[2] or words[1]) or 1)
end

---Three clouds in six columns, one far from the other two.
function M.clouds(n, seed)
  ld.seed(seed)
  local ids = (ld.rand { n } * 3):floor()
  local x = ld.randn { n, 6 } * 0.7
  local shift = ld.ops.concat({ ids:reshape { n, 1 }, ids:eq(1):cast("f32"):reshape { n, 1 } * 2,
    ld.zeros { n, 4 } }, 2)
  return ld.data.arrays { x:add(shift), ids:cast "i32" }
end

---A smooth function of six numbers.
function M.curve(n, seed)
  ld.seed(seed)
  local x = ld.randn { n, 6 }
  local y = x:slice(2, 1, 1):sin():mul(2):add(x:slice(2, 2, 2)):add(ld.randn { n, 1 } * 0.1)
  return ld.data.arrays { x, y:contiguous() }
end

---A small network over six columns.
---@param seed integer
---@param layers? table[] default 24 rectified units and three scores
function M.network(seed, layers)
  layers = layers or { M.nn.dense { 24, "relu" }, M.nn.dense { 3 } }
  return M.nn.sequential(layers):build({ 6 }, { seed = seed })
end

---Rows of which the last class has a twelfth of its own.
local function thinned(rows)
  local xs, ys, x, y, n = rows.x:totable(), rows.y:totable(), {}, {}, 0
  for i, id in ipairs(ys) do
    n = n + (id == 2 and 1 or 0)
    if id ~= 2 or n % 12 == 0 then x[#x + 1], y[#y + 1] = xs[i], id end
  end
  return ld.data.arrays { ld.tensor(x), ld.tensor(y, "i32") }
end

---Three clouds to tell apart: training rows, held-out rows, a network, a loss.
---@param seed integer
---@param o? { from_logits: boolean, layers: table[], rare: boolean }
function M.classes(seed, o)
  o = o or {}
  local times = o.rare and 3 or 1
  local train, val = M.clouds(480 * times, 100 + seed), M.clouds(240 * times, 900 + seed)
  if o.rare then train, val = thinned(train), thinned(val) end
  return train, val, M.network(seed, o.layers),
    ld.loss.sparse_crossentropy { from_logits = o.from_logits ~= false }
end

---A smooth function to learn: training rows, held-out rows, a network, a loss.
---@param seed integer
function M.numbers(seed)
  return M.curve(480, 100 + seed), M.curve(240, 900 + seed),
    M.network(seed, { M.nn.dense { 32, "relu" }, M.nn.dense { 1 } }), ld.loss.mse()
end

---Prints what a watch says, in the form that run_loops.lua and others read.
---@param watch lossdbg.Watch
---@param loss userdata of the last step
function M.answer(watch, loss)
  local d, causes, seen = watch:diagnose(), {}, {}
  for _, f in ipairs(d) do
    print(("FINDING %s %s %s | %s"):format(f.rule, f.cause or "-", f.severity, f.title))
    if f.severity == "error" and f.cause and not seen[f.cause] then
      seen[f.cause], causes[#causes + 1] = true, f.cause
    end
  end
  print("VERDICT " .. tostring(d.verdict))
  print(("ANSWER %s %s %s | healthy=%s | loss=%.4g"):format(causes[1] or "-", causes[2] or "-",
    causes[3] or "-", tostring(d.healthy), loss:item()))
end

return M
