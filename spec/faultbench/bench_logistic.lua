--- Logistic regression over named features, and how good probabilities are.
local M = {}

local ridge = 1 -- a prior of mean 0 and standard deviation 1 on every weight but the intercept
local rounds, close = 50, 1e-10

-- Solves a x = b for a symmetric positive a; both are overwritten.
local function solve(a, b)
  local n = #b
  for k = 1, n do
    for i = k + 1, n do
      local f = a[i][k] / a[k][k]
      for j = k, n do a[i][j] = a[i][j] - f * a[k][j] end
      b[i] = b[i] - f * b[k]
    end
  end
  for k = n, 1, -1 do
    for j = k + 1, n do b[k] = b[k] - a[k][j] * b[j] end
    b[k] = b[k] / a[k][k]
  end
  return b
end

local function row_of(sample, names)
  local row = { 1 }
  for i, name in ipairs(names) do row[i + 1] = sample.x[name] end
  return row
end

-- Gradient and curvature of the penalised loss.
local function slopes(rows, samples, w)
  local n, gradient, curvature = #w, {}, {}
  for i = 1, n do
    gradient[i], curvature[i] = i > 1 and -ridge * w[i] or 0, {}
    for j = 1, n do curvature[i][j] = i == j and (i > 1 and ridge or 1e-9) or 0 end
  end
  for k, row in ipairs(rows) do
    local z = 0
    for i = 1, n do z = z + w[i] * row[i] end
    local p = 1 / (1 + math.exp(-z))
    local v, d = p * (1 - p), samples[k].y - p
    for i = 1, n do
      if row[i] ~= 0 then
        gradient[i] = gradient[i] + d * row[i]
        for j = 1, n do curvature[i][j] = curvature[i][j] + v * row[i] * row[j] end
      end
    end
  end
  return gradient, curvature
end

---Newton's method on the penalised likelihood, which has one maximum.
---@param samples { x: table<string, number>, y: 0|1 }[]
---@param names string[]
---@return table<string, number> weights with `intercept`
function M.fit(samples, names)
  local rows, w = {}, { 0 }
  for k, sample in ipairs(samples) do rows[k] = row_of(sample, names) end
  for i = 1, #names do w[i + 1] = 0 end
  for _ = 1, rounds do
    local gradient, curvature = slopes(rows, samples, w)
    local step, size = solve(curvature, gradient), 0
    for i = 1, #w do
      w[i], size = w[i] + step[i], size + step[i] ^ 2
    end
    if size < close then break end
  end
  local weights = { intercept = w[1] }
  for i, name in ipairs(names) do weights[name] = w[i + 1] end
  return weights
end

---@param samples { y: 0|1 }[]
---@return number share of those that are right
function M.rate(samples)
  local sum = 0
  for _, s in ipairs(samples) do sum = sum + s.y end
  return sum / #samples
end

---Mean squared difference between probability and outcome.
---@param samples { p: number, y: 0|1 }[]
---@return number
function M.brier(samples)
  local sum = 0
  for _, s in ipairs(samples) do sum = sum + (s.p - s.y) ^ 2 end
  return sum / #samples
end

---Share of pairs, one right and one wrong, of which the right one has the higher probability.
---@param samples { p: number, y: 0|1 }[]
---@return number
function M.auc(samples)
  local above, pairs_ = 0, 0
  for _, a in ipairs(samples) do
    for _, b in ipairs(samples) do
      if a.y == 1 and b.y == 0 then
        pairs_ = pairs_ + 1
        above = above + (a.p > b.p and 1 or a.p == b.p and 0.5 or 0)
      end
    end
  end
  return above / pairs_
end

---What was right of what was printed, by ranges of the probability.
---@param samples { p: number, y: 0|1 }[]
---@param cuts number[] rising, between 0 and 1
---@return { from: number, to: number, n: integer, mean: number, right: number }[] ranges with any
function M.reliability(samples, cuts)
  local rows = {}
  for i = 0, #cuts do
    local from, to = cuts[i] or 0, cuts[i + 1] or 1
    local n, sum, right = 0, 0, 0
    for _, s in ipairs(samples) do
      if s.p >= from and (s.p < to or i == #cuts) then
        n, sum, right = n + 1, sum + s.p, right + s.y
      end
    end
    if n > 0 then
      rows[#rows + 1] = { from = from, to = to, n = n, mean = sum / n, right = right / n }
    end
  end
  return rows
end

return M
