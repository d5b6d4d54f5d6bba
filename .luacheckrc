std = "lua54"
max_line_length = 100
include_files = {
  "lua/**/*.lua", "spec/**/*.lua", "examples/**/*.lua", ".ci/*.lua", ".busted", ".luacheckrc",
}
exclude_files = { "build" }
-- A method that does not need its self, and a callback's arguments, keep their names.
self = false
unused_args = false
-- not (x > y) is not x <= y where NaN is data.
ignore = { "581" }
files["spec"] = { std = "+busted" }
-- Golden numbers are written by scripts, one case a line.
files["spec/parity"] = { max_line_length = false }
