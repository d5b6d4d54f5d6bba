--- Mutants that change nothing that can be seen, with the reason.
return {}
