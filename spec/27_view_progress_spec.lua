local progress = require "lossdbg.view.progress"
local text = require "lossdbg.support.text"

-- A stream that remembers, and a clock that is set by hand.
local function bench(opts)
  local b = { out = {}, now = 0 }
  opts.stream = { write = function(_, ...) b.out[#b.out + 1] = table.concat { ... } end }
  opts.clock = function() return b.now end
  b.bar = progress.new(opts)
  function b.text() return table.concat(b.out) end
  return b
end

describe("progress off the terminal", function()
  it("prints one plain line per epoch", function()
    local b = bench { epochs = 2, steps = 5, tty = false }
    for epoch = 1, 2 do
      for step = 1, 5 do
        b.now = b.now + 0.021
        b.bar:batch(epoch, step, { loss = 1 })
      end
      b.bar:epoch(epoch, { loss = 0.824 / epoch, val_loss = 0.467 * epoch, lr = 1e-3 })
    end
    b.bar:close()
    assert.equal("ep 1/2 105ms 21ms/step  loss 0.824  val 0.467 ★  lr 1e-3\n"
      .. "ep 2/2 105ms 21ms/step  loss 0.412 ↓  val 0.934  lr 1e-3\n", b.text())
  end)

  it("prints about 30 lines for a long training, with the first and the last", function()
    local b = bench { epochs = 1000, steps = 1, tty = false }
    for epoch = 1, 1000 do b.bar:epoch(epoch, { loss = 1 / epoch }) end
    b.bar:close()
    local s = b.text()
    local lines = select(2, s:gsub("\n", ""))
    assert.is_true(lines >= 25 and lines <= 32, lines)
    assert.is_truthy(s:find("^ep    1/1000 "))
    assert.is_truthy(s:find("\nep 1000/1000 [^\n]*\n$"))
  end)

  it("prints the last epoch also when training ended early, and a NaN at once", function()
    local b = bench { epochs = 1000, steps = 1, tty = false }
    for epoch = 1, 36 do b.bar:epoch(epoch, { loss = epoch == 20 and 0 / 0 or 1 }) end
    b.bar:close()
    assert.is_truthy(b.text():find("ep   20/1000 [^\n]*loss nan"))
    assert.is_truthy(b.text():find("ep   36/1000 [^\n]*\n$"))
    b.bar:close()
    assert.equal(1, select(2, b.text():gsub("ep   36/", "")))
  end)

  it("is plain ASCII on request, without escapes or carriage returns", function()
    local b = bench { epochs = 2, steps = 2, tty = false, ascii = true }
    b.bar:epoch(1, { loss = 2, val_loss = 2 })
    b.bar:epoch(2, { loss = 1, val_loss = 1 })
    assert.is_truthy(b.text():find("loss 1 v  val 1 *", 1, true))
    assert.is_nil(b.text():find("[\x80-\xFF\r\27]"))
  end)
end)

describe("progress on a terminal", function()
  it("redraws one line at most 20 times a second", function()
    local b = bench { epochs = 30, steps = 1000, tty = true }
    for step = 1, 1000 do
      b.now = b.now + 0.001
      b.bar:batch(12, step, { loss = 0.5 })
    end
    assert.is_true(#b.out >= 18 and #b.out <= 21, #b.out)
    for _, s in ipairs(b.out) do
      assert.is_truthy(s:find("^\rep 12/30 [━─]+ "))
      assert.is_nil(s:find("\n", 1, true))
    end
    assert.is_truthy(b.out[#b.out]:find("━━━━━━━━━━━", 1, true))
  end)

  it("ends the line of an epoch and covers what stood there", function()
    local b = bench { epochs = 3, steps = 3, tty = true }
    b.bar:batch(1, 1, { loss = 0.123456, accuracy = 0.5, other_metric = 3 })
    local long = text.width(b.out[1]:sub(2))
    b.bar:epoch(1, { loss = 1 })
    assert.equal(long, text.width(b.out[2]:sub(2)))
    assert.equal("\n", b.out[3])
    b.bar:close()
    assert.equal(3, #b.out)
  end)

  it("finishes an open line when training is interrupted", function()
    local b = bench { epochs = 3, steps = 3, tty = true }
    b.bar:batch(1, 1, { loss = 1 })
    b.bar:close()
    assert.equal("\n", b.out[#b.out])
  end)

  it("never wraps: leaves out what does not fit", function()
    local logs = { loss = 1, val_loss = 2, lr = 0.1 }
    for i = 1, 20 do logs["metric_number_" .. i] = i end
    for _, tty in ipairs { true, false } do
      local b = bench { epochs = 3, steps = 3, tty = tty, width = 72 }
      b.bar:epoch(1, logs)
      for line in b.text():gmatch("[^\r\n]+") do assert.is_true(text.width(line) <= 72) end
      assert.is_truthy(b.text():find("val 2 ★", 1, true))
    end
  end)
end)

describe("progress", function()
  it("takes the highest accuracy as best when that is monitored", function()
    local b = bench { epochs = 3, tty = false, monitor = "val_accuracy" }
    b.bar:epoch(1, { val_accuracy = 0.8 })
    b.bar:epoch(2, { val_accuracy = 0.7 })
    b.bar:epoch(3, { val_accuracy = 0.9 })
    local stars = {}
    for line in b.text():gmatch("[^\n]+") do stars[#stars + 1] = line:find("★") ~= nil end
    assert.same({ true, false, true }, stars)
  end)

  it("is silent with verbose = 0 and without a stream", function()
    local b = bench { epochs = 1, verbose = 0 }
    b.bar:batch(1, 1, { loss = 1 })
    b.bar:epoch(1, { loss = 1 })
    b.bar:close()
    assert.equal("", b.text())
    local none = progress.new { stream = false }
    none:batch(1, 1, { loss = 1 })
    none:epoch(1, { loss = 1 })
    none:close()
  end)

  it("works without steps, epochs or numbers", function()
    local b = bench { tty = true }
    b.bar:batch(1, 1, {})
    b.bar:epoch(1, { loss = 0 / 0, note = "text" })
    assert.is_truthy(b.text():find("loss nan", 1, true))
  end)

  it("does not take a table or a file for a terminal", function()
    assert.is_false(progress.is_terminal({}))
    assert.is_false(progress.is_terminal(nil))
    local file = assert(io.tmpfile())
    assert.is_false(progress.is_terminal(file))
    file:close()
  end)

  it("works in a state without io and os", function()
    local environment = setmetatable({}, { __index = function(_, name)
      if name ~= "io" and name ~= "os" and name ~= "debug" then return _G[name] end
    end })
    local bare = assert(loadfile("lua/lossdbg/view/progress.lua", "t", environment))()
    local silent = bare.new { epochs = 2 }
    silent:batch(1, 1, { loss = 1 })
    silent:epoch(1, { loss = 1 })
    silent:close()
    local out = {}
    local heard = bare.new { stream = { write = function(_, ...) out[#out + 1] = ... end } }
    heard:epoch(1, { loss = 1 })
    assert.is_truthy(out[1]:find("^ep 1 .*loss 1$"))
    assert.is_false(bare.wants_color({}))
  end)

  it("refuses unknown options", function()
    assert.has_error(function() progress.new { epoch = 3 } end,
      "lossdbg: progress.new: unknown option 'epoch'")
  end)
end)
