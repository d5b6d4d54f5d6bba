-- Tasks in worker processes, one of which raises: the results and the error are the text. Short of
-- memory here or there, it is the same error.
local ld = require "lossdbg"
local workers = require "lossdbg.support.workers"

return function()
  local results, told = workers.map(3, function(i)
    if i == 3 then error("no third", 0) end
    return { i, ld.ones({ 4, i }):sum(1):totable() }
  end, { jobs = 2 })
  for i = 1, 2 do
    if not results[i].ok then error(results[i].value, 0) end
  end
  if results[3].value ~= "no third" then error(results[3].value, 0) end
  return table.concat({ results[1].value[1], results[2].value[2][2], results[3].value, #told }, " ")
end
