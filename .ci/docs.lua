-- Writes the reference in HTML, as `make docs`; nothing of it is committed, so nothing is stale.
local file = require "lossdbg.support.file"

local n, folder = 0, assert(arg[1], "usage: docs.lua FOLDER")
for name, text in pairs(require("lossdbg.view.reference_html").pages()) do
  assert(file.write(folder .. "/" .. name, text))
  n = n + 1
end
print(("%d pages in %s, begin with %s/index.html"):format(n, folder, folder))
