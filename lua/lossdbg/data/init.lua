--- Data sets: from files, from bytes, from tables.
local arrays = require "lossdbg.data.arrays"
local csv = require "lossdbg.data.csv"
local dataset = require "lossdbg.data.dataset"
local idx = require "lossdbg.data.idx"
local npy = require "lossdbg.data.npy"

return {
  csv = csv.load, csv_bytes = csv.parse,
  idx = idx.load, idx_bytes = idx.parse,
  npy = npy.load, npy_bytes = npy.parse, read_npy = npy.read, write_npy = npy.write,
  arrays = arrays.new, lags = arrays.lags,
  is_dataset = dataset.is_dataset,
}
