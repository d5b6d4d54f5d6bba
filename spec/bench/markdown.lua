--- build/bench.md: the table of results.
local catalogue = require "lossdbg.cli.bench.workload_list"
local targets = require "spec.bench.targets"

local M = {}

local own = { ["lossdbg"] = true, ["lossdbg eager"] = true, ["floor"] = true }

local function microseconds(us)
  if not us then return "–" end
  if us < 10 then return ("%.2f"):format(us) end
  if us < 1000 then return ("%.0f"):format(us) end
  local text = ("%.0f"):format(us < 1e4 and us or us // 10 * 10)
  return (text:reverse():gsub("(%d%d%d)", "%1 "):reverse():gsub("^ ", ""))
end
M.microseconds = microseconds

-- The rows of a cell by system, and the fastest peer.
local function cell_of(t, id, threads)
  local cell, best = {}, nil
  for _, row in ipairs(t.rows) do
    if row.workload == id and row.threads == threads then
      cell[row.system] = row
      if not own[row.system] and (not best or row.median_us < best.median_us) then best = row end
    end
  end
  return cell, best
end

local function verdict(reached, wanted) return reached >= wanted and "met" or "**missed**" end

local function ratio(value, wanted, reached)
  if not value then return "–" end
  if not wanted then return ("%.2f"):format(value) end
  return ("%.2f (%s)"):format(value, reached)
end

-- Ours over peers of another run says less than in one run.
local function apart(a, b) return a and b and a.date ~= b.date and "~" or "" end

local function line(t, workload, threads, one)
  local cell, best = cell_of(t, workload.id, threads)
  local ours = cell["lossdbg"] or cell["lossdbg eager"]
  if not (ours or best) then return nil end
  local target, floor = targets[workload.id] or {}, one["floor"]
  local speed = ours and best and best.median_us / ours.median_us
  local above = ours and floor and threads == 1 and ours.median_us / floor.median_us
  local gain = threads > 1 and ours and one[ours.system]
    and one[ours.system].median_us / ours.median_us
  return ("| %s | %d | %s | %s | %s | %s | %s | %s | %s |"):format(workload.id, threads,
    cell["lossdbg"] and ("%s (%s–%s)"):format(microseconds(cell["lossdbg"].median_us),
      microseconds(cell["lossdbg"].min_us), microseconds(cell["lossdbg"].max_us)) or "–",
    microseconds(cell["lossdbg eager"] and cell["lossdbg eager"].median_us),
    best and ("%s %s (%s–%s)"):format(best.system, microseconds(best.median_us),
      microseconds(best.min_us), microseconds(best.max_us)) or "–",
    ratio(speed, target.peer, speed and verdict(speed, target.peer or 0)) .. apart(ours, best),
    threads == 1 and microseconds(floor and floor.median_us) or "",
    threads == 1 and ratio(above, target.floor, above and verdict(target.floor or 0, above))
      .. (threads == 1 and apart(ours, floor) or "") or "",
    gain and ratio(gain, target.threads, verdict(gain, target.threads or 0)) or "")
end

-- Cells that were measured beside other work.
local function disturbed(t, out)
  local seen = {}
  for _, row in ipairs(t.rows) do
    local cell = ("%s, %d thread(s)"):format(row.workload, row.threads)
    if (row.foreign or 0) > 0.1 and not seen[cell] then
      seen[cell] = true
      out[#out + 1] = ("- %s: other processes kept %.1f processors busy"):format(cell, row.foreign)
    end
  end
end

-- Every system of every cell.
local function all_systems(t, out)
  local names, seen = {}, {}
  for _, row in ipairs(t.rows) do
    if not seen[row.system] then
      seen[row.system] = true
      names[#names + 1] = row.system
    end
  end
  if #names == 0 then return end
  out[#out + 1] = "\nMicroseconds a step of every system (median), peak memory in MB behind it:\n"
  out[#out + 1] = "| | threads | " .. table.concat(names, " | ") .. " |"
  out[#out + 1] = "|---|---|" .. ("---|"):rep(#names)
  for _, workload in ipairs(catalogue.all()) do
    for _, threads in ipairs(t.head.threads) do
      local cell, any = cell_of(t, workload.id, threads), false
      local cells = {}
      for i, name in ipairs(names) do
        local row = cell[name]
        any = any or row ~= nil
        cells[i] = row and microseconds(row.median_us)
          .. (row.rss_mb and (" / %.0f"):format(row.rss_mb) or "") or "–"
      end
      if any then
        out[#out + 1] = ("| %s | %d | %s |"):format(workload.id, threads,
          table.concat(cells, " | "))
      end
    end
  end
end

local function measures(t, out)
  if #t.measures == 0 then return end
  out[#out + 1] = "\n| what | value | spread | limit |\n|---|---|---|---|"
  for _, m in ipairs(t.measures) do
    local digits = m.unit == "" and "%.3f" or "%.2f"
    out[#out + 1] = ("| %s: %s%s%s | %s %s | %s | %s |"):format(m.part, m.name,
      m.workload and " " .. m.workload or "", m.threads and (", %d thr."):format(m.threads) or "",
      digits:format(m.value), m.unit,
      m.min and (digits .. "–" .. digits):format(m.min, m.max) or "",
      m.limit and ("≤ %g %s"):format(m.limit, m.value <= m.limit and "met" or "**missed**") or "")
  end
end

---@param t table results
---@return string
function M.render(t)
  local head, out = t.head, {}
  out[1] = ("%s, %s cores, %s; %s; %s; lossdbg %s%s; %s UTC"):format(head.cpu, head.cores or "?",
    head.system, head.blas, head.compiler, head.lossdbg,
    head.commit and " (" .. head.commit .. ")" or "", head.date)
  local versions, seen = {}, {}
  for _, version in pairs(head.systems) do
    if not seen[version] then versions[#versions + 1], seen[version] = version, true end
  end
  table.sort(versions)
  out[#out + 1] = table.concat(versions, "; ") .. ". Governor " .. head.governor
    .. (head.foreign_load and ("; %.0f %% of the machine busy before the start"):format(
      head.foreign_load * 100) or "") .. "."
  out[#out + 1] = "`" .. head.command .. "`"
  out[#out + 1] = "\nMicroseconds a training step, median (least–greatest). A \"~\": the two sides "
    .. "are of different runs.\n"
  out[#out + 1] = "| | threads | lossdbg | eager | best peer | times faster | floor | over floor "
    .. "| 2 over 1 thread |\n|---|---|---|---|---|---|---|---|---|"
  for _, workload in ipairs(catalogue.all()) do
    local one = cell_of(t, workload.id, 1)
    for _, threads in ipairs(head.threads) do
      out[#out + 1] = line(t, workload, threads, one)
    end
  end
  all_systems(t, out)
  measures(t, out)
  if #t.notes > 0 then out[#out + 1] = "" end
  for _, n in ipairs(t.notes) do
    out[#out + 1] = ("- %s, %d thread(s), %s: %s"):format(n.workload, n.threads, n.system, n.note)
  end
  disturbed(t, out)
  return table.concat(out, "\n") .. "\n"
end

return M
