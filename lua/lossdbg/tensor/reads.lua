--- What a step reads besides its arguments: variables of its functions, globals that they name, and
-- all plain tables and objects that can be reached from there. A digest of it (core.digest) is
-- compared in front of every replay, so that whatever is written is noticed.
local core = require "lossdbg.core"

local digest = core.digest

local M = {}

-- Values that are watched; a step that reaches more is not planned.
local LIMIT = 65536

local own = (digest.source(function() end) or ""):match "^(.*)tensor[/\\]reads%.lua$"

-- Functions of the library itself: what they do is settled by the objects that they are given.
local function is_ours(fn)
  local source = digest.source(fn) or ""
  return own ~= nil and #own > 1 and source:sub(1, #own) == own
    or source:sub(1, 9) == "=lossdbg." or source:sub(1, 9) == "@lossdbg/"
end

---@class lossdbg.ReadsKind  how objects of a metatable are read
---@field fields string[]|nil only these count; default: all that there are
---@field counts string[]|nil fields in which the object counts or keeps what it has made
---@field unread fun(key: any): boolean fields in it, and in its tables, that no step reads
---@field also fun(object: table): any[] what else it reads
---@field noticed boolean|nil writes to its fields are told

local kinds = setmetatable({}, { __mode = "k" })

---Tells how objects of a class of the library are read. The others of the library's classes are
---not looked into.
---@param metatable table
---@param how lossdbg.ReadsKind
function M.kind(metatable, how)
  local counts = {}
  for _, key in ipairs(how.counts or {}) do counts[key] = true end
  kinds[metatable] = { fields = how.fields, counts = counts, unread = how.unread, also = how.also,
    noticed = how.noticed }
end

local standard = { _G = true, string = true, math = true, table = true, io = true, os = true,
  coroutine = true, utf8 = true, debug = true, package = true }

-- Modules that no step changes: those of Lua and of the library.
local function modules()
  local set = {}
  if package and package.loaded then
    set[package.loaded] = true
    for name, module in pairs(package.loaded) do
      if standard[name] or tostring(name):match "^lossdbg" then set[module] = true end
    end
  end
  return set
end

---@class lossdbg.Reads
---@field containers any[] tables and functions
---@field keys (any[]|false)[] the fields of each that count; false: all
---@field paths string[] how each was reached
---@field foreign string|nil how the first function that is not of the library was reached
---@field n integer values
local Walk = {}
Walk.__index = Walk

function Walk:keep(container, keys, path, n)
  local at = #self.containers + 1
  self.containers[at], self.keys[at], self.paths[at] = container, keys, path
  self.n = self.n + n
end

local function key_path(path, key)
  if type(key) ~= "string" then key = ("[%s]"):format(tostring(key)) end
  return path == "" and key or path .. "." .. key
end

local function object_keys(object, kind)
  if kind.fields then return kind.fields end
  local keys = {}
  for key in next, object do
    if not kind.counts[key] and not (kind.unread and kind.unread(key)) then
      keys[#keys + 1] = key
    end
  end
  return keys
end

function Walk:object(object, kind, path)
  if kind.noticed then -- support/settings.lua: writes are told
    for key, value in pairs(object) do self:value(value, key_path(path, key), kind.unread) end
    return
  end
  local keys = object_keys(object, kind)
  self:keep(object, keys, path, #keys)
  for _, key in ipairs(keys) do
    if not (kind.unread and kind.unread(key)) then
      self:value(rawget(object, key), key_path(path, key), kind.unread)
    end
  end
  for _, value in ipairs(kind.also and kind.also(object) or {}) do
    self:value(value, path, kind.unread)
  end
end

function Walk:table(t, path, unread)
  if self.seen[t] or self.n > LIMIT then return end
  self.seen[t] = true
  local meta = digest.metatable(t)
  if meta and kinds[meta] then return self:object(t, kinds[meta], path) end
  local name = meta and rawget(meta, "__name")
  if type(name) == "string" and name:sub(1, 8) == "lossdbg." then return end
  local noticed = meta and rawget(meta, "noticed") -- support/settings.lua: writes are told
  local n = 0
  for key, value in next, noticed and meta.__index or t do
    n = n + 1
    if not (unread and unread(key)) then self:value(value, key_path(path, key), unread) end
    if n > LIMIT then break end
  end
  if noticed then return end
  self:keep(t, false, path, n)
  if meta then self:value(meta, key_path(path, "metatable")) end
end

-- The globals that a function can name, in its environment and behind it.
function Walk:globals(env, fn)
  local names = digest.names(fn)
  for _, table in ipairs { env, not rawequal(env, _G) and _G or nil } do
    self:keep(table, names, "_G", #names)
    for _, name in ipairs(names) do self:value(rawget(table, name), name) end
  end
end

function Walk:upvalues(fn, path, ours)
  local n = 0
  while true do
    local name, value = digest.upvalue(fn, n + 1)
    if not name then break end
    n = n + 1
    if name == "_ENV" or (_G and rawequal(value, _G)) then
      if not ours and type(value) == "table" then self:globals(value, fn) end
    elseif not ours then
      self:value(value, key_path(path, name))
    elseif type(value) == "function" then
      self:value(value, path)
    end
  end
  if not ours then self:keep(fn, false, path, n) end
end

function Walk:fn(fn, path)
  if self.seen[fn] or not digest.source(fn) then return end
  self.seen[fn] = true
  local ours = is_ours(fn)
  if not ours and not self.foreign then self.foreign = path end
  self:upvalues(fn, path, ours)
end

function Walk:value(value, path, unread)
  local kind = type(value)
  if kind == "table" then self:table(value, path, unread) end
  if kind == "function" then self:fn(value, path) end
end

---Everything that can be reached from some values.
---@param roots table<integer, { name: string, value: any }> a function among them is the user's
---@return lossdbg.Reads
function M.collect(roots)
  local walk = setmetatable({ containers = {}, keys = {}, paths = {}, seen = modules(), n = 0 },
    Walk)
  for _, root in ipairs(roots) do
    local value = root.value
    if root.step then
      walk.seen[value] = true
      walk:upvalues(value, root.name, false)
    else
      walk:value(value, root.name)
    end
  end
  return walk
end

---A digest of what was collected; nil and why there is none.
---@param reads lossdbg.Reads
---@return userdata|nil
---@return string|nil why
function M.digest(reads)
  if reads.n > LIMIT then
    return nil, ("more than %d values outside its arguments can be reached (pass data as "
      .. "arguments)"):format(LIMIT)
  end
  return digest.make(reads.containers, reads.keys)
end

---What is not as it was, in words; nil: nothing.
---@param made userdata
---@param reads lossdbg.Reads
---@return string|nil
function M.changed(made, reads)
  local place, key = digest.changed(made)
  return place and ("'%s'"):format(key_path(reads.paths[place], key == nil and "?" or key))
end

return M
