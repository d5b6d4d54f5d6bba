-- PyTorch's convolutions, poolings, normalisations and attention by our ops: channels go from the
-- second place to the last and back.
local core = require "lossdbg.core"
local torch = require "torch_arguments"

local op = core.op
local needs_not = torch.needs_not

local M = {}

local function last(x) return x.rank < 3 and x or torch.moved(x, 2) end
local function first(x) return x.rank < 3 and x or torch.moved(x, 2, true) end

-- A value for every axis of space.
local function each(value, dims)
  if type(value) ~= "table" then value = { value } end
  local list = {}
  for i = 1, dims do list[i] = value[i] or value[1] end
  return list
end
local function attr(list) return #list == 1 and list[1] or list end

-- [batch x channels x ...]: a sample without a batch becomes a batch of one.
local function with_batch(x, dims, run)
  if x.rank == dims + 2 then return { first(run(last(x))) } end
  return { op.squeeze(first(run(last(op.unsqueeze(x, 1)))), 1) }
end

-- ---- convolutions ------------------------------------------------------------------------------

local function pads_of(padding, kernel, dilation, dims)
  local pads = {}
  if padding == "valid" then padding = 0 end
  for i, p in ipairs(each(padding, dims)) do
    local before, after = p, p
    if padding == "same" then
      local total = dilation[i] * (kernel[i] - 1)
      before, after = total // 2, total - total // 2
    end
    pads[2 * i - 1], pads[2 * i] = before, after
  end
  return pads
end

-- [out x in / groups x kernel...] to [kernel... x in / groups x out]
local function kernel_of(w, dims)
  local perm = {}
  for i = 1, dims do perm[i] = i + 2 end
  perm[dims + 1], perm[dims + 2] = 2, 1
  return op.transpose(w, perm)
end

local function convolution(dims)
  local name = "conv" .. dims .. "d"
  return { name, function(a)
    local w = a[2]
    local dilation = each(a:get(6, "dilation", 1), dims)
    local attrs = { strides = attr(each(a:get(4, "stride", 1), dims)), dilation = attr(dilation),
      groups = a:get(7, "groups", 1),
      pads = pads_of(a:get(5, "padding", 0), { table.unpack(w.shape, 3) }, dilation, dims) }
    return with_batch(a[1], dims, function(x)
      return op[name](x, kernel_of(w, dims), a:get(3, "bias"), attrs)
    end)
  end }
end

local function transposed(dims)
  local name = "conv" .. dims .. "d_transpose"
  return { name, function(a)
    needs_not(a:get(7, "groups", 1) > 1, "grouped transposed convolutions")
    local attrs = { strides = attr(each(a:get(4, "stride", 1), dims)),
      pads = pads_of(a:get(5, "padding", 0), nil, nil, dims),
      output_padding = attr(each(a:get(6, "output_padding", 0), dims)),
      dilation = attr(each(a:get(8, "dilation", 1), dims)) }
    return with_batch(a[1], dims, function(x)
      return op[name](x, kernel_of(a[2], dims), a:get(3, "bias"), attrs)
    end)
  end }
end

for dims = 1, 2 do
  M["nn.functional.conv" .. dims .. "d"] = convolution(dims)
  M["nn.functional.conv_transpose" .. dims .. "d"] = transposed(dims)
end

-- ---- pooling -----------------------------------------------------------------------------------

local function given(value)
  if type(value) == "table" and #value == 0 then return nil end
  return value
end

local function pool_attrs(a, dims)
  local pool = each(a:get(2, "kernel_size"), dims)
  local strides = given(a:get(3, "stride"))
  return { pool = attr(pool), strides = attr(strides and each(strides, dims) or pool),
    pads = pads_of(a:get(4, "padding", 0), nil, nil, dims) }
end

-- Rounding up the number of windows changes nothing where they end at the border.
local function rounds_up(a, attrs, place, dims)
  if not a:get(place, "ceil_mode") then return false end
  local pool, strides = each(attrs.pool, dims), each(attrs.strides, dims)
  for i = 1, dims do
    local size = a[1].shape[a[1].rank - dims + i] + attrs.pads[2 * i - 1] + attrs.pads[2 * i]
    if (size - pool[i]) % strides[i] ~= 0 then return true end
  end
  return false
end

for dims = 1, 2 do
  local max_pool, avg_pool = "max_pool" .. dims .. "d", "avg_pool" .. dims .. "d"
  M["nn.functional." .. max_pool] = { max_pool, function(a)
    for _, d in ipairs(each(a:get(5, "dilation", 1), dims)) do
      needs_not(d ~= 1, "dilated pooling")
    end
    local attrs = pool_attrs(a, dims)
    needs_not(rounds_up(a, attrs, 6, dims), "windows over the border (ceil_mode)")
    return with_batch(a[1], dims, function(x) return op[max_pool](x, attrs) end)
  end }
  M["nn.functional." .. avg_pool] = { avg_pool, function(a)
    needs_not(a:get(7, "divisor_override"), "means over a divisor of their own")
    local attrs = pool_attrs(a, dims)
    needs_not(rounds_up(a, attrs, 5, dims), "windows over the border (ceil_mode)")
    attrs.count_pads = a:get(6, "count_include_pad", true)
    return with_batch(a[1], dims, function(x) return op[avg_pool](x, attrs) end)
  end }
end

-- ---- normalisation -----------------------------------------------------------------------------

local function epsilon(a, place, default)
  local value = a:get(place, "eps", default)
  needs_not(value < 0, "a negative epsilon")
  return value
end

local function trailing(a)
  local shape = a:get(2, "normalized_shape")
  return type(shape) == "table" and -#shape or -1
end
M["nn.functional.layer_norm"] = { "layer_norm", function(a)
  return { op.layer_norm(a[1], a:get(3, "weight"), a:get(4, "bias"),
    { axis = trailing(a), epsilon = epsilon(a, 5, 1e-5) }) }
end }
M["nn.functional.rms_norm"] = { "rms_norm", function(a)
  return { op.rms_norm(a[1], a:get(3, "weight"),
    { axis = trailing(a), epsilon = epsilon(a, 4, 2.0 ^ -52) }) }
end }
M["nn.functional.group_norm"] = { "group_norm", function(a)
  return { first(op.group_norm(last(a[1]), a:get(3, "weight"), a:get(4, "bias"),
    { groups = a:get(2, "num_groups"), epsilon = epsilon(a, 5, 1e-5) })) }
end }
M["nn.functional.instance_norm"] = { "group_norm", function(a)
  needs_not(a:get(6, "use_input_stats", true) == false, "instances by moving statistics")
  local x = a[1]
  return { first(op.group_norm(last(x), a:get(4, "weight"), a:get(5, "bias"),
    { groups = x.shape[2], epsilon = epsilon(a, 8, 1e-5) })) }
end }
M["nn.functional.batch_norm"] = { "batch_norm", function(a)
  local gamma, beta = a:get(4, "weight"), a:get(5, "bias")
  local attrs = { epsilon = epsilon(a, 8, 1e-5) }
  needs_not(a[1].rank < 2, "a batch without an axis of channels")
  if a:get(6, "training", false) then
    return { first(op.batch_norm(last(a[1]), gamma, beta, nil, nil, attrs)) }
  end
  return { first(op.batch_norm(last(a[1]), gamma, beta, a:get(2, "running_mean"),
    a:get(3, "running_var"), attrs)) }
end }

-- ---- attention ---------------------------------------------------------------------------------

M["nn.functional.scaled_dot_product_attention"] = { "attention", function(a)
  needs_not(a:get(5, "dropout_p", 0) > 0, "dropout of another generator")
  needs_not(a[1].rank ~= a[2].rank, "queries that lack the keys' leading axes")
  needs_not(a.named.enable_gqa and a[1].shape[2] ~= a[2].shape[2],
    "queries that share keys (grouped-query attention)")
  local mask, bias = a:get(4, "attn_mask"), nil
  if mask and not (a.masks[4] or a.masks.attn_mask) then mask, bias = nil, mask end
  -- PyTorch's heads are an axis before time; here they are leading axes of one head each.
  local function one_head(m) return m and m.rank >= 3 and op.unsqueeze(m, -3) or m end
  return { op.attention(a[1], a[2], a[3], one_head(mask), one_head(bias),
    { causal = a:get(6, "is_causal", false), scale = a.named.scale or 0 }) }
end }

return M
