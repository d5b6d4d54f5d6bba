-- Primitives without a golden case, each with the reason.
return {
}
