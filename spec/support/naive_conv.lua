-- Convolution, its gradients and pooling by nested loops over tables, in doubles: the reference for
-- the kernels. Tables are flat, row-major; c describes the case (see spec/60_conv_direct_spec.lua).
local M = {}

-- Calls f(image cell, tap, position), all zero-based, for every pair of a position and a cell under
-- its window.
local function each(c, f)
  for n = 0, c.batch - 1 do
    for i = 0, c.out[1] - 1 do
      for j = 0, c.out[2] - 1 do
        local position = (n * c.out[1] + i) * c.out[2] + j
        for ky = 0, c.kernel[1] - 1 do
          local y = i * c.strides[1] - c.before[1] + ky * c.dilation[1]
          for kx = 0, c.kernel[2] - 1 do
            local x = j * c.strides[2] - c.before[2] + kx * c.dilation[2]
            if y >= 0 and y < c.size[1] and x >= 0 and x < c.size[2] then
              f((n * c.size[1] + y) * c.size[2] + x, ky * c.kernel[2] + kx, position)
            end
          end
        end
      end
    end
  end
end

--- y of a convolution without bias.
---@param c table
---@param x number[]
---@param w number[]
---@return number[]
function M.forward(c, x, w)
  local y, own, share = {}, c.channels // c.groups, c.filters // c.groups
  for i = 1, c.batch * c.out[1] * c.out[2] * c.filters do y[i] = 0.0 end
  each(c, function(cell, tap, position)
    for f = 0, c.filters - 1 do
      local from, sum = cell * c.channels + f // share * own, 0.0
      for k = 0, own - 1 do
        sum = sum + x[from + k + 1] * w[(tap * own + k) * c.filters + f + 1]
      end
      local at = position * c.filters + f + 1
      y[at] = y[at] + sum
    end
  end)
  return y
end

--- Gradients by x and w from that of y.
---@param c table
---@param x number[]
---@param w number[]
---@param gy number[]
---@return number[] gx
---@return number[] gw
function M.backward(c, x, w, gy)
  local gx, gw, own, share = {}, {}, c.channels // c.groups, c.filters // c.groups
  for i = 1, #x do gx[i] = 0.0 end
  for i = 1, #w do gw[i] = 0.0 end
  each(c, function(cell, tap, position)
    for f = 0, c.filters - 1 do
      local g, from = gy[position * c.filters + f + 1], cell * c.channels + f // share * own
      for k = 0, own - 1 do
        local at = (tap * own + k) * c.filters + f + 1
        gx[from + k + 1] = gx[from + k + 1] + g * w[at]
        gw[at] = gw[at] + g * x[from + k + 1]
      end
    end
  end)
  return gx, gw
end

--- Largest cell under each window and the gradient of the sum of gy times it; c.channels ==
-- c.filters. The first of equals takes the gradient.
---@param c table
---@param x number[]
---@param gy number[]
---@return number[] y
---@return number[] gx
function M.max_pool(c, x, gy)
  local y, at, gx = {}, {}, {}
  for i = 1, #x do gx[i] = 0.0 end
  each(c, function(cell, _, position)
    for k = 1, c.channels do
      local v, to = x[cell * c.channels + k], position * c.channels + k
      if not y[to] or v > y[to] then y[to], at[to] = v, cell * c.channels + k end
    end
  end)
  for to = 1, #y do gx[at[to]] = gx[at[to]] + gy[to] end
  return y, gx
end

--- Mean of the cells under each window, padding not counted, and its gradient.
---@param c table
---@param x number[]
---@param gy number[]
---@return number[] y
---@return number[] gx
function M.avg_pool(c, x, gy)
  local y, count, gx = {}, {}, {}
  for i = 1, #x do gx[i] = 0.0 end
  each(c, function(cell, _, position)
    count[position] = (count[position] or 0) + 1
    for k = 1, c.channels do
      local to = position * c.channels + k
      y[to] = (y[to] or 0.0) + x[cell * c.channels + k]
    end
  end)
  for i = 1, #y do y[i] = y[i] / count[(i - 1) // c.channels] end
  each(c, function(cell, _, position)
    for k = 1, c.channels do
      local to = cell * c.channels + k
      gx[to] = gx[to] + gy[position * c.channels + k] / count[position]
    end
  end)
  return y, gx
end

return M
