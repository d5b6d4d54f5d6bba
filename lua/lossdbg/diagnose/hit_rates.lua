--- Weights of diagnose/probability.lua, written by spec/faultbench/fit_probability.lua
-- from 599 findings in programs of 133 sources whose fault is known.
return {
  weights = {
    intercept = -2.8378,
    exact = 1.4644,
    suggestive = 0.9606,
    error = 2.1309,
    warning = 1.2654,
    consequence = -1.1900,
    symptom = -1.7632,
    verified = 1.3706,
    gain = 0.6982,
    in_vain = 0.5005,
    fails = -0.5170,
    learns = -0.5273,
    room = 0.8269,
    gap = 0.6719,
    later = -1.1676,
    rivals = 1.1644,
  },
}
