-- The program `lossdbg`, as LuaRocks installs it.
os.exit(require("lossdbg.cli").main(arg), true)
