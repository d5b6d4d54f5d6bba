-- A character model of Moby Dick, chapters 1 to 60: trained on the first 90 % of the bytes, judged
-- by the mean negative log likelihood of the rest. A trigram model reaches 1.98 nats a character.
package.path = "./?.lua;" .. package.path
local ld = require "lossdbg"
local judge = require "spec.reference.judge"
local nn = ld.nn

local steps, epochs = 64, 6

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- Ids from 0, in the order of the bytes.
local function encode(text)
  local seen, ids, size = {}, {}, 0
  for i = 1, #text do seen[text:byte(i)] = true end
  for byte = 0, 255 do
    if seen[byte] then seen[byte], size = size, size + 1 end
  end
  for i = 1, #text do ids[i] = seen[text:byte(i)] end
  return ids, size
end

-- The text as parallel streams: block b of all streams is [streams, steps], and block b + 1 goes on
-- where it ended. What does not fill a block is left out.
local function blocks_of(ids, first, last, streams)
  local length = (last - first) // (streams * steps) * steps
  local x, y = ld.zeros({ streams, length }, "i32"), ld.zeros({ streams, length }, "i32")
  for s = 1, streams do
    local at = first + (s - 1) * length
    x[s]:copy_(ld.tensor(table.move(ids, at, at + length - 1, 1, {}), "i32"))
    y[s]:copy_(ld.tensor(table.move(ids, at + 1, at + length, 1, {}), "i32"))
  end
  local b = 0
  return length // steps, function()
    b = b % (length // steps) + 1
    local from, to = (b - 1) * steps + 1, b * steps
    return x:slice(2, from, to):contiguous(), y:slice(2, from, to):contiguous()
  end
end

local function forget(model)
  for _, layer in ipairs(model:layers()) do
    if layer.kind == "lstm" then layer:reset_state() end
  end
end

local function character_model()
  local path = judge.path "moby_dick.txt"
  if not path then return nil, "moby_dick.txt" end
  local ids, size = encode(read(path))
  local split = #ids * 9 // 10
  local count, block = blocks_of(ids, 1, split, 16)
  local model = nn.sequential {
    nn.embedding { size, 32 },
    nn.lstm { 224, return_sequences = true, stateful = true },
    nn.dense(size),
  }:build({ steps }, { seed = 1 })
  local opt = ld.optim.adam { model, global_clip_norm = 1,
    lr = ld.schedule.cosine { 3e-3, steps = epochs * count, alpha = 0.01 } }
  local loss = ld.loss.sparse_crossentropy { from_logits = true }

  for _ = 1, epochs do
    forget(model)
    for _ = 1, count do
      local x, y = block()
      local l = loss(model(x, { training = true }), y)
      opt:zero_grad()
      l:backward()
      opt:step()
    end
  end

  local sum, tests, test_block = 0, blocks_of(ids, split + 1, #ids, 32)
  forget(model)
  ld.no_grad(function()
    for _ = 1, tests do
      local x, y = test_block()
      sum = sum + loss(model(x), y):item()
    end
  end)
  return { ["nats a character"] = sum / tests }
end

judge.case("moby_dick, LSTM", { { "nats a character", "<", 1.75 } }, character_model)
judge.close()
