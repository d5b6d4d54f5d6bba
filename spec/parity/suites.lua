-- Every suite of golden numbers: what made the file and what runs its cases. A runner gets what the
-- golden file returns (a safetensors file: its tensors and metadata) and answers a list of cases.

---@class ParityCase
---@field title string
---@field peers "keras"|"torch"|"both"|"reference"
---@field covers string[] primitives, e.g. "op conv2d", "layer dense", "loss mse"
---@field check fun(dtype: "f64"|"f32", near: fun(what: string, expected, got, scale?: number))
---@field limits? { f64: number, f32: number } other limits than those of measure.lua
---@field dtypes? string[] default { "f64", "f32" }

---@class ParitySuite
---@field name string also that of the generator spec/parity/NAME.py
---@field golden string file in the folder of golden numbers
---@field runner string module
---@field about string

local function suite(name, about, golden)
  return { name = name, golden = golden or name .. ".lua", runner = "suite_" .. name,
    about = about }
end

return {
  suite("elementwise", "functions of one variable against 500-digit arithmetic"),
  suite("conv", "convolutions, pooling, padding, up-sampling"),
  suite("norm", "normalisation, attention, embedding"),
  suite("recurrent", "recurrent layers, both directions, masks, states"),
  suite("merge", "layers of several inputs"),
  suite("losses", "losses with weights and masks, and their gradients"),
  suite("optimizers", "ten steps of every optimiser"),
  suite("constraints", "constraints, the orthogonal regulariser, fans"),
  suite("metrics", "metrics of Keras (exact AUC and confusion matrix: of NumPy)"),
  suite("schedules", "rates of 25 steps"),
  suite("plateau", "rates by the plateaus of a metric, Keras's count and PyTorch's"),
  suite("layers", "dense layers, activations, layers that reshape or scale"),
  suite("initializers", "laws that the peers draw from, fans and gains included"),
  suite("torch_samples", "PyTorch's own samples of its operators", "torch_samples.safetensors"),
}
