/** A tsconfig.json or jsconfig.json that is inherited, named otherwise or not understood. */
import { describe, expect, it } from "vitest"
import { auditTexts, findingsOf, type Texts } from "./support.ts"

const options = (compilerOptions: Readonly<Record<string, unknown>>): string => JSON.stringify({ compilerOptions })
const mapped = options({ paths: { "~/*": ["./lib/*"] } })

/** A package whose entry imports "~/a", which a configuration must lead to lib/a.ts. */
const importing = (texts: Texts): Texts => ({
  "src/index.ts": `import { a } from "~/a"; console.log(a)`,
  "lib/a.ts": "export const a = 1",
  ...texts
})

describe("paths of a tsconfig.json are found", () => {
  it.each<[string, Texts]>([
    [
      "in a file that has comments and trailing commas",
      { "tsconfig.json": `// hello\n${mapped.slice(0, -1)}, /* bye */ }` }
    ],
    ["in a jsconfig.json", { "jsconfig.json": mapped }],
    ["in a base with or without .json", { "tsconfig.json": `{"extends":"./base"}`, "base.json": mapped }],
    ["in a directory that is the base", { "src/tsconfig.json": `{"extends":".."}`, "tsconfig.json": mapped }],
    [
      "in an earlier base of several, when the later ones say nothing of them",
      {
        "tsconfig.json": `{"extends":["./paths.json","./strict.json"]}`,
        "paths.json": mapped,
        "strict.json": options({ strict: true })
      }
    ],
    [
      "in the last base of several that say something of them",
      {
        "tsconfig.json": `{"extends":["./wrong.json","./paths.json"]}`,
        "paths.json": mapped,
        "wrong.json": options({ paths: { "~/*": ["./gone/*"] } })
      }
    ],
    [
      "in a package further up, whose paths are relative to itself",
      {
        "packages/x/tsconfig.json": `{"extends":"@acme/ts/base.json"}`,
        "packages/x/index.ts": `import { a } from "~/a"; console.log(a)`,
        "src/index.ts": `import "../packages/x/index.js"`,
        "node_modules/@acme/ts/base.json": options({ paths: { "~/*": ["../../../lib/*"] } })
      }
    ],
    [
      "through the exports of a package",
      {
        "tsconfig.json": `{"extends":"@acme/ts/strict"}`,
        "node_modules/@acme/ts/package.json": `{"name":"@acme/ts","exports":{"./strict":"./configs/strict.json"}}`,
        "node_modules/@acme/ts/configs/strict.json": options({ paths: { "~/*": ["${configDir}/lib/*"] } })
      }
    ],
    [
      "through the field tsconfig of a package",
      {
        "tsconfig.json": `{"extends":"base"}`,
        "node_modules/base/package.json": `{"name":"base","tsconfig":"./configs/base.json"}`,
        "node_modules/base/configs/base.json": options({ paths: { "~/*": ["${configDir}/lib/*"] } })
      }
    ],
    [
      "in the tsconfig.json of a package",
      {
        "tsconfig.json": `{"extends":"base"}`,
        "node_modules/base/tsconfig.json": options({ baseUrl: "../..", paths: { "~/*": ["lib/*"] } })
      }
    ],
    [
      "relative to a baseUrl that another file sets",
      {
        "tsconfig.json": `{"extends":"./config/paths.json","compilerOptions":{"baseUrl":"."}}`,
        "config/paths.json": options({ paths: { "~/*": ["lib/*"] } })
      }
    ],
    [
      "in the project that a solution refers to for the file",
      {
        "tsconfig.json": `{"files":[],"references":[{"path":"./tsconfig.node.json"},{"path":"./tsconfig.app.json"}]}`,
        "tsconfig.node.json": `{"include":["vite.config.ts"],"compilerOptions":{"paths":{"~/*":["./gone/*"]}}}`,
        "tsconfig.app.json": `{"include":["src"],"compilerOptions":{"paths":{"~/*":["./lib/*"]}}}`
      }
    ],
    [
      "in a project at two removes, where projects refer to each other in a circle",
      {
        "tsconfig.json": `{"files":[],"references":[{"path":"./a"}]}`,
        "a/tsconfig.json": `{"references":[{"path":"../tsconfig.json"},{"path":"../app.json"}]}`,
        "app.json": `{"files":["src/index.ts"],"references":[{"path":"./a"}],"compilerOptions":{"paths":{"~/*":["./lib/*"]}}}`
      }
    ],
    [
      "in the solution itself, when no project speaks for the file",
      {
        "tsconfig.json": `{"files":[],"references":[{"path":"./other"}],"compilerOptions":{"paths":{"~/*":["./lib/*"]}}}`,
        "other/tsconfig.json": options({ paths: { "~/*": ["./gone/*"] } })
      }
    ]
  ])("%s", async (_, texts) => {
    const result = await auditTexts(importing(texts), "src/index.ts")
    expect(findingsOf(result)).toEqual([])
    expect(result.output.modules).toBe(Object.keys(texts).some((path) => path.startsWith("packages/")) ? 3 : 2)
  })

  it("beside a base that does not exist, which is a finding", async () => {
    const config = `{"extends":["./gone.json","@none/base"],"compilerOptions":{"paths":{"~/*":["./lib/*"]}}}`
    const { output } = await auditTexts(importing({ "tsconfig.json": config }), "src/index.ts")
    expect(output).toMatchObject({
      modules: 2,
      findings: [
        {
          rule: "config",
          severity: "warning",
          path: "tsconfig.json",
          message: 'extends "./gone.json", which was not found; extends "@none/base", which was not found'
        }
      ]
    })
  })
})

describe("of a configuration is said", () => {
  it.each<[string, Texts, string]>([
    [
      "that it goes round in a circle",
      { "tsconfig.json": `{"extends":"./a.json"}`, "a.json": `{"extends":"./tsconfig.json"}` },
      "config a.json: extends itself in a circle"
    ],
    [
      "that a project that it refers to is not there",
      { "tsconfig.json": `{"references":[{"path":"./gone"}]}` },
      'config tsconfig.json: refers to "./gone", which was not found'
    ],
    [
      "which part was not understood",
      { "tsconfig.json": `{"extends":5,"compilerOptions":{"paths":{"a":"b"},"baseUrl":[]}}` },
      'config tsconfig.json: "extends" was not understood; "paths" was not understood; "baseUrl" was not understood'
    ],
    [
      "that its base is broken",
      { "tsconfig.json": `{"extends":"./a"}`, "a.json": "{]" },
      "config a.json: not valid JSON, even with comments"
    ]
  ])("%s", async (_, texts, said) => {
    const { output } = await auditTexts(
      { "src/index.ts": `import "./b.js"`, "src/b.ts": "export const b = 1; console.log(b)", ...texts },
      "src/index.ts"
    )
    expect(
      output.findings.filter(({ rule }) => rule === "config").map(({ path, message }) => `config ${path}: ${message}`)
    ).toEqual([said])
    expect(output.modules).toBe(2)
  })
})

describe("a directory with its own package.json", () => {
  it.each([
    [`{"module":"./esm.mjs"}`, "require('./d')", "d/index.js"],
    [`{"module":"./esm.mjs"}`, "import './d'", "d/esm.mjs"],
    [`{"module":"./esm.mjs","main":"./index.js"}`, "import './d'", "d/index.js"],
    [`{"module":"./esm.mjs","main":"./gone.js"}`, "import './d'", "d/esm.mjs"],
    [`{"module":"./gone.mjs"}`, "import './d'", "d/index.js"]
  ])("%s leads %s to %s", async (manifest, text, expected) => {
    const texts = {
      "i.js": text,
      "d/package.json": manifest,
      "d/index.js": "exports.a = 1",
      "d/esm.mjs": "export default 1"
    }
    const { output } = await auditTexts(texts, "i.js")
    expect(output).toMatchObject({ modules: 2, hubs: [{ path: expected }] })
  })
})
