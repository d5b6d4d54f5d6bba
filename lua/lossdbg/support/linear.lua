--- Small systems of linear equations, as tables.
local M = {}

--- Solves a w = b for several right sides by elimination; a is symmetric and positive definite.
---@param a number[][] changed
---@param b number[][] changed
---@return number[][] w, which is b
function M.solve(a, b)
  local n, m = #a, #b[1]
  for k = 1, n do
    for i = k + 1, n do
      local f = a[i][k] / a[k][k]
      for j = k, n do a[i][j] = a[i][j] - f * a[k][j] end
      for j = 1, m do b[i][j] = b[i][j] - f * b[k][j] end
    end
  end
  for i = n, 1, -1 do
    for j = 1, m do
      local sum = b[i][j]
      for k = i + 1, n do sum = sum - a[i][k] * b[k][j] end
      b[i][j] = sum / a[i][i]
    end
  end
  return b
end

--- The w for which rows w comes closest to values, by least squares.
---@param rows number[][]
---@param values number[]
---@return number[] w
function M.least_squares(rows, values)
  local n, a, b, trace = #rows[1], {}, {}, 0
  for i = 1, n do
    a[i], b[i] = {}, { 0 }
    for j = 1, n do
      a[i][j] = 0
      for _, row in ipairs(rows) do a[i][j] = a[i][j] + row[i] * row[j] end
    end
    for k, row in ipairs(rows) do b[i][1] = b[i][1] + row[i] * values[k] end
    trace = trace + a[i][i]
  end
  for i = 1, n do a[i][i] = a[i][i] + 1e-12 * trace + 1e-300 end
  local w = M.solve(a, b)
  for i = 1, n do w[i] = w[i][1] end
  return w
end

return M
