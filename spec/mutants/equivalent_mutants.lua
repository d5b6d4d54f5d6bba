--- Mutants that change nothing that can be seen, with the reason.
return {
  ["diagnose.reference.rows x 10"] = "a bound on work: a plain recipe of at most 800 steps sees no "
    .. "more rows than that many batches, and reaches the same within the noise of a seed",
}
