--- What SARIF 2.1.0 (OASIS, 27 March 2020) requires of the objects that we write, as JSON Schema:
-- required properties, enumerations and types of sarifLog, run, tool, result and location.
local text = { type = "string" }
local message = { type = "object", required = { "text" }, properties = { text = text } }

local location = {
  type = "object", required = { "physicalLocation" },
  properties = {
    physicalLocation = {
      type = "object", required = { "artifactLocation" },
      properties = {
        artifactLocation = { type = "object", required = { "uri" }, properties = { uri = text } },
        region = { type = "object", required = { "startLine" },
          properties = { startLine = { type = "integer", minimum = 1 } } },
      },
    },
  },
}

local result = {
  type = "object", required = { "message" },
  properties = {
    ruleId = text, message = message,
    level = { enum = { "none", "note", "warning", "error" } },
    kind = { enum = { "notApplicable", "pass", "fail", "review", "open", "informational" } },
    locations = { type = "array", items = location },
    properties = { type = "object" },
  },
}

return {
  type = "object", required = { "version", "runs" },
  properties = {
    ["$schema"] = text, version = { enum = { "2.1.0" } },
    runs = {
      type = "array",
      items = {
        type = "object", required = { "tool" },
        properties = {
          tool = {
            type = "object", required = { "driver" },
            properties = {
              driver = {
                type = "object", required = { "name" },
                properties = {
                  name = text, semanticVersion = text,
                  rules = { type = "array", items = { type = "object", required = { "id" },
                    properties = { id = text, shortDescription = message } } },
                },
              },
            },
          },
          results = { type = "array", items = result },
        },
      },
    },
  },
}
