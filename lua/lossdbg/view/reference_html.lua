--- The reference as HTML: a page a family, a page of rules, causes and states, and an index. No
-- scripts, no network, one column that fits a phone.
local explain = require "lossdbg.diagnose.explain"
local help = require "lossdbg.view.help"
local markup = require "lossdbg.view.markup"
local reference = require "lossdbg.view.reference"
local style = require "lossdbg.view.html_style"

local M = {}

local element, escape = markup.element, markup.escape

local function page(title, body)
  return table.concat({ "<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8"/>',
    '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
    element("title", {}, escape(title)), element("style", {}, style), "</head><body><main>",
    element("h1", {}, escape(title)), body, "</main></body></html>", "" }, "\n")
end

local function code(s) return element("code", {}, escape(s)) end

local function option_row(option)
  return element("tr", {}, element("th", { "scope", "row" }, code(option.name)) .. element("td", {},
    escape(option.doc or "") .. " " .. element("span", { "class", "dim" },
      escape(help.facts(option)))))
end

local function options_table(options)
  if not options or #options == 0 then return "" end
  local rows = {}
  for i, option in ipairs(options) do rows[i] = option_row(option) end
  return element("div", { "class", "scroll" }, element("table", {}, table.concat(rows, "\n")))
end

local function topic_card(topic)
  local out = { element("h3", {}, code(topic.name) .. (topic.inputs
    and " " .. element("span", { "class", "dim" }, escape(topic.inputs)) or "")),
    element("p", {}, escape(topic.what)) }
  for _, parameter in ipairs(topic.parameters) do
    if not (topic.options and parameter.name:find "^given") then
      out[#out + 1] = element("p", {}, code(parameter.name) .. " " .. escape(parameter.doc))
    end
  end
  if topic.attributes then
    out[#out + 1] = element("p", {}, "attributes: " .. escape(topic.attributes))
  end
  out[#out + 1] = options_table(topic.options)
  for _, value in ipairs(topic.returns) do
    out[#out + 1] = element("p", { "class", "dim" }, "returns " .. escape(value))
  end
  return element("section", { "class", "card", "id", markup.id(topic.name) },
    table.concat(out, "\n"))
end

local function file_of(family) return family:gsub("%.", "_") .. ".html" end

local function link(to, shown) return element("a", { "href", to }, escape(shown)) end

local function family_page(family, all)
  local names, cards = {}, {}
  for _, topic in ipairs(all) do
    if topic.family == family.name then
      names[#names + 1] = element("li", {}, link("#" .. markup.id(topic.name), topic.name))
      cards[#cards + 1] = topic_card(topic)
    end
  end
  return page(family.name .. ": " .. family.title, element("p", {}, link("index.html", "all pages"))
    .. element("ul", { "class", "plain" }, table.concat(names, "\n")) .. table.concat(cards, "\n"))
end

local function rules_page()
  local cards, seen = {}, {}
  for _, name in ipairs(explain.names()) do
    if not seen[name] then -- a cause and a state may share a name; its text tells of both
      seen[name] = true
      cards[#cards + 1] = element("section", { "class", "card", "id", markup.id(name) },
        element("pre", {}, escape(explain.text(name))))
    end
  end
  return page("rules, causes and states", element("p", {}, link("index.html", "all pages"))
    .. table.concat(cards, "\n"))
end

---All pages of the reference by the names of their files.
---@return table<string, string>
function M.pages()
  local all, out, list = reference.all(), {}, {}
  for _, family in ipairs(help.families()) do
    local name = file_of(family.name)
    out[name] = family_page(family, all)
    list[#list + 1] = element("li", {}, link(name, family.name) .. " " .. escape(family.title))
  end
  out["rules_reference.html"] = rules_page()
  list[#list + 1] = element("li", {}, link("rules_reference.html", "rules, causes and states"))
  out["index.html"] = page("lossdbg: reference", element("ul", {}, table.concat(list, "\n")))
  return out
end

return M
