--- W10: 64 tiny networks trained at once, each on rows of its own, as batched products.
return {
  id = "W10", title = "ensemble of 64 MLPs 2-16-1 on 64 rows each, Adam", batch = 64,
  optimizer = { kind = "adam", lr = 1e-2 },
  loss = { name = "mse" }, tolerance = 5e-3,
  inputs = function(ld) return ld.randn { 64, 64, 2 }, ld.randn { 64, 64, 1 } end,
  build = function(ld)
    local parameters = {
      { name = "w1", tensor = ld.randn { 64, 2, 16 } * 0.7 },
      { name = "b1", tensor = ld.zeros { 64, 1, 16 } },
      { name = "w2", tensor = ld.randn { 64, 16, 1 } * 0.25 },
      { name = "b2", tensor = ld.zeros { 64, 1, 1 } },
    }
    for _, p in ipairs(parameters) do p.tensor.requires_grad = true end
    local w1, b1 = parameters[1].tensor, parameters[2].tensor
    local w2, b2 = parameters[3].tensor, parameters[4].tensor
    return parameters, function(x) return x:matmul(w1):add(b1):tanh():matmul(w2):add(b2) end
  end,
  products = {
    { 0, 0, 64, 16, 2, 64 }, { 1, 0, 2, 16, 64, 64 },
    { 0, 0, 64, 1, 16, 64 }, { 0, 1, 64, 16, 1, 64 }, { 1, 0, 16, 1, 64, 64 },
  },
}
