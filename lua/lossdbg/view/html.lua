--- A diagnosis or a run as one HTML file: no network, no script that runs, every picture described.
local json = require "lossdbg.support.json"
local markup = require "lossdbg.view.markup"
local phrase = require "lossdbg.view.phrase"
local record = require "lossdbg.view.record"
local sections = require "lossdbg.view.html_sections"
local style = require "lossdbg.view.html_style"
local svg = require "lossdbg.view.svg"

local M = {}

local escape = markup.escape

local POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
  .. "img-src data:"

---@class lossdbg.html_options
---@field title string|nil         default: name of the run
---@field environment table|nil    names → values: version, BLAS, CPU, seed
---@field date string|nil          shown as given; nothing is read from the clock

local function raw_data(data)
  return "<script type=\"application/json\" id=\"lossdbg-data\">\n"
    .. json.encode(data, { html = true }) .. "\n</script>\n"
end

local function is_diagnosis(subject)
  return subject.verdict ~= nil or subject.checked ~= nil
    or (type(subject[1]) == "table" and subject[1].rule ~= nil)
end

local function document(title, body, data)
  return table.concat {
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"", POLICY, "\"/>\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n",
    "<meta name=\"color-scheme\" content=\"light dark\"/>\n",
    "<title>", escape(title), "</title>\n<style>\n", style, svg.style, "</style>\n</head>\n",
    "<body>\n<main>\n", body, "</main>\n", data, "</body>\n</html>\n",
  }
end

---A page of its own look and policy around other content.
---@param title string
---@param body string markup
---@param data table plain data that the page holds as JSON
---@return string
function M.page(title, body, data) return document(title, body, raw_data(data)) end

-- A diagnosis may have a data form of its own; then page and JSON say the same.
local function data_of(subject, diagnosis)
  if type(subject.to_table) == "function" then return record.plain(subject:to_table()) end
  return diagnosis and record.diagnosis(subject) or record.run(subject)
end

--- The report of a diagnosis (an array of findings with verdict, checked, unjudged, run) or of a
--- run alone. The same input gives the same bytes.
---@param subject table
---@param opts lossdbg.html_options|nil
---@return string
function M.report(subject, opts)
  if type(subject) ~= "table" then
    error("lossdbg: html.report: argument 'subject': expected a run or a diagnosis, got "
      .. type(subject), 2)
  end
  opts = opts or {}
  local diagnosis = is_diagnosis(subject) and subject or nil
  local run = diagnosis and (diagnosis.run or {}) or subject
  local name = opts.title or run.name or run.description and run.description.name or "run"
  local title = (diagnosis and "lossdbg diagnosis: " or "lossdbg run: ") .. tostring(name)
  local out = { "<h1>" .. escape(title) .. "</h1>\n", sections.subtitle(run, opts) }
  if diagnosis then
    out[#out + 1] = sections.verdict(diagnosis)
    out[#out + 1] = sections.tiles(run)
    out[#out + 1] = sections.findings(diagnosis)
  else
    out[#out + 1] = sections.outcome(run, phrase.outcome(run))
    out[#out + 1] = sections.tiles(run)
  end
  out[#out + 1] = sections.curves(run)
  out[#out + 1] = sections.layers(run)
  out[#out + 1] = sections.tests(run)
  if diagnosis then out[#out + 1] = sections.checks(diagnosis) end
  out[#out + 1] = sections.data(run)
  out[#out + 1] = sections.configuration(run)
  out[#out + 1] = sections.environment(opts.environment or subject.environment
    or run.environment)
  out[#out + 1] = "<footer>Made by lossdbg. The numbers stand in this file as JSON, in the element "
    .. "with the id lossdbg-data.</footer>\n"
  return document(title, table.concat(out), raw_data(data_of(subject, diagnosis)))
end

--- The report of a diagnosis; see M.report.
M.diagnosis = M.report
--- The report of a run; see M.report.
M.run = M.report

return M
