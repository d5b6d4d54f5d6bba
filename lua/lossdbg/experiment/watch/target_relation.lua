--- How targets became others: by a function of theirs, or by trading places.
local M = {}

local REPEATED = 16 -- targets that come again: fewer tell no function from chance

-- Whether the second of each pair goes up, or down, with the first.
local function monotone(wanted, given)
  local order, up, down = {}, true, true
  for i = 1, #wanted do order[i] = i end
  table.sort(order, function(a, b) return wanted[a] < wanted[b] end)
  for k = 2, #order do
    local a, b = order[k - 1], order[k]
    if wanted[a] < wanted[b] then
      up, down = up and given[a] <= given[b], down and given[a] >= given[b]
    end
  end
  return up or down
end

---How the targets of the data became those of the loss: "map" when equal ones stay equal, "mixed"
---when they do not, "affine" when real ones went through a x + b.
---@param pairs_of { wanted: number[], given: number[] } of the data, and as the loss got them
---@return "map"|"merged"|"affine"|"mixed"|nil nil: too few to tell
function M.of(pairs_of)
  local wanted, given = pairs_of.wanted, pairs_of.given
  if #wanted < 16 then return nil end
  local to, back, one, injective, different = {}, {}, true, true, 0
  for i, w in ipairs(wanted) do
    local g = given[i]
    if to[w] == nil then
      different = different + 1
      to[w] = g
    elseif to[w] ~= g then
      one = false
    end
    if back[g] == nil then back[g] = w elseif back[g] ~= w then injective = false end
  end
  if different <= #wanted // 4 then
    return one and (injective and "map" or "merged") or "mixed"
  end
  local sx, sy, sxx, sxy, syy, n = 0, 0, 0, 0, 0, #wanted
  for i = 1, n do sx, sy = sx + wanted[i], sy + given[i] end
  for i = 1, n do
    local a, b = wanted[i] - sx / n, given[i] - sy / n
    sxx, sxy, syy = sxx + a * a, sxy + a * b, syy + b * b
  end
  if syy == 0 then return "merged" end
  if sxx > 0 and sxy * sxy > 0.999 * sxx * syy then return "affine" end
  -- Targets that are all different map to anything: a function is told by its order, or by those
  -- that come again.
  local again = #wanted - different
  if one and (again >= REPEATED or monotone(wanted, given)) then return "map" end
  return "mixed"
end

return M
