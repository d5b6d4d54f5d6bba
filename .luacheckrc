std = "lua54"
max_line_length = 100
include_files = { "lua", "spec", "examples", ".ci/rockspecs.lua", ".busted", ".luacheckrc" }
exclude_files = { "build" }
-- A method that does not need its self, and a callback's arguments, keep their names.
self = false
unused_args = false
files["spec"] = { std = "+busted" }
