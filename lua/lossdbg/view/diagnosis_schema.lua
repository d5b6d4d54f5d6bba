--- JSON Schema (draft 2020-12) of what `lossdbg diagnose --json` writes.

local text = { type = "string" }
local texts = { type = "array", items = text }
local objects = { type = "array", items = { type = "object" } }

local number = { type = { "number", "null" } }
local trial = {
  type = "object", required = { "verified" },
  properties = {
    verified = { type = "boolean" }, gain = number, before = number, after = number,
    placebo = number, seeds = { type = "array", items = number }, epochs = { type = "integer" },
    why = { type = "string", description = "why it is not verified" },
    reason = { type = "string", description = "why it could not be tried" },
    measure = { enum = { "task", "loss" } }, part = { enum = { "train", "val" } }, metric = text,
    skill = { type = "object", properties = { before = number, after = number,
      placebo = number } },
    steps = { type = "integer" },
    by = { type = "string", description = "what was trained instead" },
    curves = { type = "object" },
  },
}
local reasons = { type = "array", items = { type = "object", required = { "what", "why" },
  properties = { what = text, why = text } } }

return {
  ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
  title = "lossdbg-diagnosis", type = "object",
  required = { "schema", "version", "verdict", "findings", "checked", "unjudged" },
  properties = {
    schema = { const = "lossdbg-diagnosis" },
    version = { type = "integer", minimum = 1 },
    verdict = {
      type = "object", required = { "state", "text", "fault" },
      properties = {
        state = { enum = { "healthy", "still_falling", "constant", "diverging", "nan",
          "overfitting", "oscillating", "too_slow", "plateau_after_progress", "cannot_tell" } },
        text = text, probability = { type = "number", minimum = 0, maximum = 1 },
        fault = { type = { "boolean", "null" }, description = "null: it cannot be judged" },
        movement = { type = "string", description = "finer than the state" },
      },
    },
    findings = {
      type = "array",
      items = {
        type = "object", required = { "rule", "severity", "title", "evidence", "fixes" },
        properties = {
          rank = { type = "integer", minimum = 1 }, rule = text, cause = text, title = text,
          family = text, part = { enum = { "training", "validation", "lost" } },
          role = { enum = { "cause", "consequence", "symptom" } },
          explains = texts, explained_by = texts,
          proved = { type = "boolean", description = "an error because its fix was verified" },
          severity = { enum = { "error", "warning", "info" } },
          class = { enum = { "exact", "measured", "suggestive" } },
          probability = { type = "number", minimum = 0, maximum = 1,
            description = "measured hit rate; absent where none was measured" },
          where = { type = "object" }, evidence = objects,
          fixes = {
            type = "array",
            items = {
              type = "object", required = { "text", "applicability" },
              properties = { text = text, patch = { type = { "object", "array" } }, trial = trial,
                applicability = { enum = { "verified", "likely", "idea" } } },
            },
          },
        },
      },
    },
    read = {
      type = "object", required = { "path", "files" },
      properties = {
        path = text, loss = text, loss_path = text, points = { type = "integer" },
        axis = { enum = { "epoch", "step" } }, companions = texts, unread = texts,
        agree = objects,
        files = { type = "array", items = {
          type = "object", required = { "path", "format", "series", "left_out", "notes" },
          properties = { path = text, format = text, series = objects, left_out = texts,
            notes = texts, damage = text },
        } },
      },
    },
    replay = {
      type = "object", required = { "seeds" },
      properties = { seeds = { type = "integer" }, recorded = { type = "number" },
        replayed = { type = "number" }, least = { type = "number" }, most = { type = "number" },
        within = { type = "boolean", description = "it goes as the recorded run" } },
    },
    levels = objects, checked = texts,
    unjudged = reasons, skipped = reasons,
    missing_tests = { type = "array", items = { type = "object", required = { "test", "why" },
      properties = { test = text, why = text } } },
    trials = { type = "array", items = { type = "object", required = { "rule", "text", "trial" },
      properties = { rule = text, text = text, trial = trial } } },
    exit_code = { type = "integer", minimum = 0 }, baseline = { type = "number" },
    task_skill = { type = "object" }, reference = { type = "object" }, run = { type = "object" },
    next = { type = "string", description = "the one thing to log or pass next" },
    seconds = { type = "number", minimum = 0 },
  },
}
