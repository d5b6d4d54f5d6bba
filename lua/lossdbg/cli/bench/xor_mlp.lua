--- W1: XOR, the smallest network; what one step costs beside its arithmetic.
return {
  id = "W1", title = "XOR MLP 2-8-1, batch 4, SGD", batch = 4,
  optimizer = { kind = "sgd", lr = 0.5 },
  loss = { name = "binary_crossentropy" }, tolerance = 1e-3,
  inputs = function(ld)
    return ld.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } },
      ld.tensor { { 0 }, { 1 }, { 1 }, { 0 } }
  end,
  model = function(nn)
    return nn.sequential { nn.dense { 8, "tanh" }, nn.dense { 1, "sigmoid" } }, { 2 }
  end,
  products = {
    { 0, 0, 4, 8, 2, 1 }, { 1, 0, 2, 8, 4, 1 },
    { 0, 0, 4, 1, 8, 1 }, { 0, 1, 4, 8, 1, 1 }, { 1, 0, 8, 1, 4, 1 },
  },
}
