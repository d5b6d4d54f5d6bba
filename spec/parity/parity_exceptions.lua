-- Primitives without a golden case, each with the reason.
return {
  ["layer lambda"] = "a function of the user",
  ["loss crossentropy"] = "stands for the binary, categorical or sparse one, by the target",
  ["schedule constant"] = "the rate itself",
}
