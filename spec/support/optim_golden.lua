-- Golden trajectories of the optimisers. The PyTorch rows were printed by PyTorch 1.13 in float64;
-- the Keras rows are the source formulas of Keras 3.16 evaluated in float64 with Python. Start
-- (1, -0.5), five gradients, defaults unless named.
local M = {}

M.gradients = { { .1, -.2 }, { .3, .05 }, { -.4, .7 }, { .02, -.01 }, { .5, .5 } }
-- name, flavor, options, the two weights after five steps
M.rows = {
  { "sgd", "keras", { lr = .01 }, .994800000000, -.510400000000 },
  { "sgd", "keras", { lr = .01, momentum = .9 }, .991047900000, -.517309300000 },
  { "sgd", "keras", { lr = .01, momentum = .9, nesterov = true }, .986743110000, -.525978370000 },
  { "adam", "keras", {}, .997805692996, -.500045423826 },
  { "adam", "keras", { amsgrad = true }, .997805692996, -.500045257262 },
  { "adamw", "keras", {}, .997785719568, -.500035439816 },
  { "rmsprop", "keras", {}, .993872251751, -.502578044918 },
  { "rmsprop", "keras", { centered = true, momentum = .9 }, .979284210168, -.499730019538 },
  { "adagrad", "keras", {}, .999021045762, -.500997746500 },
  { "sgd", "torch", { lr = .01 }, .994800000000, -.510400000000 },
  { "sgd", "torch", { lr = .01, momentum = .9 }, .991047900000, -.517309300000 },
  { "sgd", "torch", { lr = .01, momentum = .9, nesterov = true, weight_decay = .1 },
    .970036653889, -.517584102905 },
  { "sgd", "torch", { lr = .01, momentum = .9, dampening = .5 }, .993476400000, -.504559550000 },
  { "adam", "torch", {}, .997805651278, -.500045406971 },
  { "adam", "torch", { weight_decay = .1 }, .996840847473, -.499524543497 },
  { "adam", "torch", { amsgrad = true }, .997805651278, -.500045240405 },
  { "adamw", "torch", {}, .997755718308, -.500020447245 },
  { "rmsprop", "torch", {}, .809330337858, -.575926797207 },
  { "rmsprop", "torch", { centered = true, momentum = .9 }, .394315027849, -.488071129086 },
  { "adagrad", "torch", {}, .980967225150, -.507532946366 },
  { "adagrad", "torch", { lr_decay = .1, initial_accumulator = .1 },
    .991614559788, -.506898495248 },
}

return M
