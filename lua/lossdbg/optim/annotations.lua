--- The optimisers and their options, for editors; `make annotations` writes this from the
-- rows of the core.
---@meta

---@class lossdbg.OptimizerOptions options that every optimiser has; place 1: the model
---@field decoupled_weight_decay? boolean taken off the weights (Keras), not part of the gradient
---@field groups? table { { parameters = "dense_1", lr = 1e-4 }, ... }
---@field gradient_accumulation_steps? integer one update by the mean gradient of so many steps
---@field use_ema? boolean a running average of the weights replaces them at the end
---@field ema_momentum? number what is kept of that average
---@field ema_overwrite_frequency? integer updates after which it replaces the weights already
---@field clip_value? number largest element of a gradient
---@field clip_norm? number largest norm of each gradient
---@field global_clip_norm? number largest norm of all gradients together
---@field flavor? string whose formulas and defaults

---@class lossdbg.AdadeltaOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001 (torch 1)
---@field weight_decay? number default 0
---@field rho? number what is kept of the mean squares; default 0.95 (torch 0.9)
---@field epsilon? number added to the root that divides the step; default 1e-07 (torch 1e-06)

---@class lossdbg.AdafactorOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001 (torch 0.01)
---@field weight_decay? number default 0
---@field beta2_decay? number 1 - step^beta2_decay is kept of the mean squares; default -0.8
---@field epsilon_1? number least mean square; default 1e-30 (torch by the dtype)
---@field epsilon_2? number least size of the weights that steps are relative to; default 0.001
---@field clip_threshold? number largest root mean square of a step before the rate; default 1

---@class lossdbg.AdagradOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001 (torch 0.01)
---@field weight_decay? number default 0
---@field epsilon? number added to the root that divides the step; default 1e-07 (torch 1e-10)
---@field initial_accumulator? number what the sum of squares starts from; default 0.1 (torch 0)
---@field lr_decay? number lr / (1 + (step - 1) lr_decay) (torch); default 0

---@class lossdbg.AdamOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001
---@field weight_decay? number default 0
---@field beta1? number what is kept of the mean gradient; default 0.9
---@field beta2? number what is kept of the mean square; default 0.999
---@field epsilon? number added to the root that divides the step; default 1e-07 (torch 1e-08)
---@field amsgrad? boolean divide by the largest mean square so far; default false

---@class lossdbg.AdamaxOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001 (torch 0.002)
---@field weight_decay? number default 0
---@field beta1? number what is kept of the mean gradient; default 0.9
---@field beta2? number what is kept of the mean square; default 0.999
---@field epsilon? number added to the root that divides the step; default 1e-07 (torch 1e-08)

---@class lossdbg.AdamwOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001
---@field weight_decay? number default 0.004 (torch 0.01)
---@field beta1? number what is kept of the mean gradient; default 0.9
---@field beta2? number what is kept of the mean square; default 0.999
---@field epsilon? number added to the root that divides the step; default 1e-07 (torch 1e-08)
---@field amsgrad? boolean divide by the largest mean square so far; default false

---@class lossdbg.LambOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001
---@field weight_decay? number default 0
---@field beta1? number what is kept of the mean gradient; default 0.9
---@field beta2? number what is kept of the mean square; default 0.999
---@field epsilon? number added to the root that divides the step; default 1e-07

---@class lossdbg.LionOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001
---@field weight_decay? number default 0
---@field beta1? number what is kept of the mean gradient; default 0.9
---@field beta2? number what is kept of the mean square; default 0.99

---@class lossdbg.NadamOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001 (torch 0.002)
---@field weight_decay? number default 0
---@field beta1? number what is kept of the mean gradient; default 0.9
---@field beta2? number what is kept of the mean square; default 0.999
---@field epsilon? number added to the root that divides the step; default 1e-07 (torch 1e-08)
---@field momentum_decay? number how fast the momentum grows (torch); default 0.004

---@class lossdbg.RadamOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001
---@field weight_decay? number default 0
---@field beta1? number what is kept of the mean gradient; default 0.9
---@field beta2? number what is kept of the mean square; default 0.999
---@field epsilon? number added to the root that divides the step; default 1e-08

---@class lossdbg.RmspropOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.001 (torch 0.01)
---@field weight_decay? number default 0
---@field rho? number what is kept of the mean square; default 0.9 (torch 0.99)
---@field momentum? number what is kept of the velocity; default 0
---@field epsilon? number added to the root that divides the step; default 1e-07 (torch 1e-08)
---@field centered? boolean divide by the deviation, not by the root mean square; default false

---@class lossdbg.SgdOptions: lossdbg.OptimizerOptions
---@field lr? number|table|fun(step: integer): number default 0.01 (torch 0.001)
---@field weight_decay? number default 0
---@field momentum? number what is kept of the velocity; default 0
---@field nesterov? boolean look ahead along the velocity; default false
---@field dampening? number what the velocity does not take of the gradient (torch); default 0

---@class lossdbg.Optim
---Adadelta: steps in the units of the weights, from running means of squares. With Keras' rate
---of 0.001 it hardly moves; PyTorch's rate is 1.
---@field adadelta fun(given?: lossdbg.AdadeltaOptions): lossdbg.Optimizer
---Adafactor: squared gradients kept as row and column means, steps relative to the weights'
---size.
---@field adafactor fun(given?: lossdbg.AdafactorOptions): lossdbg.Optimizer
---Adagrad: the rate of each weight falls with the sum of its squared gradients.
---@field adagrad fun(given?: lossdbg.AdagradOptions): lossdbg.Optimizer
---Adam: the mean gradient over the root of the mean square.
---@field adam fun(given?: lossdbg.AdamOptions): lossdbg.Optimizer
---Adamax: Adam with the largest gradient seen in place of the root of the mean square.
---@field adamax fun(given?: lossdbg.AdamaxOptions): lossdbg.Optimizer
---Adam with weight decay taken off the weights, not added to the gradient.
---@field adamw fun(given?: lossdbg.AdamwOptions): lossdbg.Optimizer
---LAMB: Adam whose step on each parameter is as long as the parameter, times lr. Keras only.
---@field lamb fun(given?: lossdbg.LambOptions): lossdbg.Optimizer
---Lion: steps of one size, in the direction of the sign of a momentum. Keras only.
---@field lion fun(given?: lossdbg.LionOptions): lossdbg.Optimizer
---Nadam: Adam with Nesterov's momentum, whose strength grows over the steps.
---@field nadam fun(given?: lossdbg.NadamOptions): lossdbg.Optimizer
---RAdam: Adam that starts as plain momentum, until its mean of squares can be trusted. PyTorch
---only.
---@field radam fun(given?: lossdbg.RadamOptions): lossdbg.Optimizer
---RMSprop: steps divided by the root of a running mean of g^2.
---@field rmsprop fun(given?: lossdbg.RmspropOptions): lossdbg.Optimizer
---Gradient descent. Keras: velocity <- momentum velocity - lr g; PyTorch keeps lr outside.
---@field sgd fun(given?: lossdbg.SgdOptions): lossdbg.Optimizer

return {}
