--- Constant ends of sequences: rows that are filled up with one value to a common length.

local M = {}

local rows = 256 -- of a set, spread over it

local function run_at_end(list, value)
  local n = 0
  while n < #list and list[#list - n] == value do n = n + 1 end
  return n
end

-- The value at the end of most rows.
local function commonest_end(list)
  local count, best = {}, nil
  for _, row in ipairs(list) do
    local value = row[#row]
    if value == value then
      count[value] = (count[value] or 0) + 1
      if not best or count[value] > count[best] then best = value end
    end
  end
  return best, count[best]
end

local function sample(x)
  local n, list = x.shape[1], {}
  local every = math.max(1, n // rows)
  for i = 1, n, every do
    list[#list + 1] = x:slice(1, i, i):contiguous():reshape({ x.numel // n }):totable()
  end
  return list
end

---What fills the ends of sequences [n, steps] up, if anything does.
---@param x userdata ids or one number a step
---@return { value: number, share: number, rows: number }|nil value that fills; share of the places
---  behind the last other value, mean over the rows; rows = share of the rows that end in it
function M.of(x)
  if x.rank == 3 and x.shape[3] == 1 then x = x:reshape { x.shape[1], x.shape[2] } end
  if x.rank ~= 2 or x.shape[2] < 4 or x.shape[1] < 8 then return nil end
  local list = sample(x)
  local value, ending = commonest_end(list)
  if not value then return nil end -- NaN everywhere
  local tail = 0
  for _, row in ipairs(list) do tail = tail + run_at_end(row, value) / #row end
  return { value = value, share = tail / #list, rows = ending / #list }
end

return M
