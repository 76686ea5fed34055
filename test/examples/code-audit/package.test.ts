/** Where a package ends, what it shows to others, and what it may be without. */
import { describe, expect, it } from "vitest"
import { makeExposure, type Shown } from "../../../docs/examples/code-audit/exposure.ts"
import { auditTexts, findingsOf, type Texts } from "./support.ts"

describe("a package", () => {
  const crossing: Texts = {
    "src/index.js": `import { a } from "../lib/a.js"; console.log(a)`,
    "lib/a.js": "export const a = 1"
  }

  it("without a name is bounded by its package.json", async () => {
    const { output } = await auditTexts(
      { ...crossing, "package.json": `{"private":true,"type":"module"}` },
      "src/index.js"
    )
    expect(output).toMatchObject({ entry: "src/index.js", modules: 2, findings: [] })
  })

  it("does not end at a package.json that only says how files are read", async () => {
    const texts = { ...crossing, "src/package.json": `{"type":"module"}`, "lib/package.json": `{"type":"module"}` }
    const { output } = await auditTexts(texts, "src/index.js")
    expect(output).toMatchObject({ package: "sample", modules: 2, findings: [] })
  })

  it("ends at a package within, with or without a name, and files beyond are a finding", async () => {
    for (const manifest of [`{"name":"inner"}`, `{"dependencies":{}}`]) {
      const result = await auditTexts({ ...crossing, "lib/package.json": manifest }, "src/index.js")
      expect(result.output.findings).toMatchObject([
        {
          rule: "outside-package",
          severity: "warning",
          path: "src/index.js",
          line: 1,
          message: "imports 1 file outside of the package, not entered without --deep: lib/a.js"
        }
      ])
      expect(result.output.modules).toBe(1)
    }
  })

  it("whose package.json nests 20,000 levels deep is audited, without the field that does", async () => {
    const deep = `${'{"import":'.repeat(20_000)}"./b.js"${"}".repeat(20_000)}`
    const lists = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
    const texts = {
      "package.json": `{"name":"sample","main":"a.js","exports":${deep},"imports":${lists}}`,
      "a.js": `import "./b.js"; import "dep"`,
      "b.js": "1",
      "node_modules/dep/package.json": `{"name":"dep","exports":${deep}}`,
      "node_modules/dep/index.js": "1"
    }
    const { output } = await auditTexts(texts, "a.js", { deep: true })
    expect(output).toMatchObject({ package: "sample", modules: 3 })
    expect(output.findings[0]).toMatchObject({
      rule: "config",
      path: "package.json",
      message: `"exports" nests too deep and is passed over; "imports" nests too deep and is passed over`
    })
  })

  it("notes files beyond that a configuration leads to", async () => {
    const texts = {
      "packages/a/package.json": `{"name":"a"}`,
      "packages/a/index.ts": `import { b } from "b"; console.log(b)`,
      "packages/a/tsconfig.json": `{"compilerOptions":{"paths":{"b":["../b/index.ts"]}}}`,
      "packages/b/index.ts": "export const b = 1"
    }
    const { output } = await auditTexts(texts, "packages/a/index.ts")
    expect(output.findings).toMatchObject([{ rule: "outside-package", severity: "note" }])
  })

  it("may be without what is optional: a note where nothing catches it, silence where a try does", async () => {
    const manifest = {
      name: "sample",
      optionalDependencies: { a: "1", b: "1" },
      peerDependencies: { c: "1", d: "1" },
      peerDependenciesMeta: { c: { optional: true } }
    }
    const result = await auditTexts(
      {
        "package.json": JSON.stringify(manifest),
        "i.js": `try { require("a") } catch {}\nrequire("b")\nrequire("c")\nrequire("d")`
      },
      "i.js"
    )
    expect(findingsOf(result)).toEqual(["optional-dependency i.js:2", "optional-dependency i.js:3"])
    expect(result.output.findings.map(({ severity }) => severity)).toEqual(["note", "note"])
  })
})

describe("a package shows", () => {
  const shows = (path: string, shown: Partial<Shown>): boolean =>
    makeExposure({ exports: undefined, entries: [], built: [], ...shown })(path)

  it.each<[string, Partial<Shown>]>([
    ["index.js", { entries: ["index"] }],
    ["lib/main.js", { entries: ["./lib/main"] }],
    ["lib/index.js", { entries: ["lib"] }],
    ["src/index.ts", { entries: ["./dist/index.js"] }],
    ["src/cli.ts", { entries: ["./dist/cli.mjs"] }],
    ["src/types.ts", { entries: ["./dist/types.d.ts"] }],
    ["src/index.ts", { entries: ["dist/cjs/index.cjs"] }],
    ["src/a/b.tsx", { exports: { "./*": "./dist/*.js" } }],
    ["src/index.ts", { exports: { ".": { types: "./build/src/index.d.ts", default: "./build/src/index.js" } } }],
    ["source/index.ts", { exports: "./distribution/index.js" }],
    ["index.ts", { exports: "./lib/index.js" }],
    ["lib/a.ts", { exports: { "./a": "./dist/esm/a.js" } }],
    ["src/utils/a.ts", { exports: { ".": "./dist/index.js", "./utils/*": "./dist/utils/*.js" } }],
    ["code/a.ts", { exports: { "./a": "./out/a.js" }, built: [{ from: "code", to: "out" }] }]
  ])("%s for %j", (path, shown) => {
    expect(shows(path, shown)).toBe(true)
  })

  it.each<[string, Partial<Shown>]>([
    ["src/internal/index.ts", { entries: ["./dist/index.js"] }],
    ["dist/context.js", { exports: { ".": "./dist/index.js", "./utils/*": "./dist/utils/*.js" } }],
    ["lib/lexer/match.js", { exports: { ".": "./lib/index.js", "./dist/*": "./dist/*.js" } }],
    ["src/context.ts", { exports: { ".": "./dist/index.js", "./utils/*": "./dist/utils/*.js" } }],
    ["src/other.ts", { exports: { ".": "./dist/index.js" } }],
    ["src/internal/a.ts", { exports: { "./*": "./dist/*.js", "./internal/*": null } }],
    ["code/b.ts", { exports: { "./a": "./out/a.js" }, built: [{ from: "code", to: "out" }] }]
  ])("not %s for %j", (path, shown) => {
    expect(shows(path, shown)).toBe(false)
  })

  it("what its package.json names of dist, in its sources", async () => {
    const manifest = { name: "sample", main: "./dist/main.js", types: "./dist/types.d.ts", bin: { x: "./dist/cli.js" } }
    const result = await auditTexts(
      {
        "package.json": JSON.stringify(manifest),
        "src/all.ts": `import "./main.js"; import "./cli.js"; import "./types.js"; import "./hidden.js"; import "./odd.js"`,
        "src/main.ts": `export type { Shape } from "./shape.js"; export const main = 1; import "./shape.js"`,
        "src/shape.ts": "export class Shape {}; export class Spare {}",
        "src/cli.ts": "export const cli = 1",
        "src/types.ts": "export const types = 1",
        "src/hidden.ts": "export const hidden = 1",
        "src/odd.ts": "export const odd = 1"
      },
      "src/all.ts"
    )
    expect(findingsOf(result)).toEqual([
      "unused-export src/hidden.ts:1",
      "unused-export src/odd.ts:1",
      "unused-export src/shape.ts:1"
    ])
    expect(result.output.findings.at(-1)?.message).toContain(": Spare")
  })
})

describe("modules that package.json shows and the entry does not reach", () => {
  const unreached = async (manifest: object, texts: Texts, entry: string): Promise<string> => {
    const { output } = await auditTexts({ "package.json": JSON.stringify(manifest), ...texts }, entry)
    const found = output.findings.filter(({ rule }) => rule === "unreached-entry")
    return found.map(({ severity, message }) => `${severity} ${/unused: (.*)/.exec(message)?.[1]}`).join()
  }
  const sources: Texts = { "src/index.ts": "1", "src/cli.ts": "1", "src/plugin/index.ts": "1", "lib/other.ts": "1" }

  it.each<[string, object, Texts, string, string]>([
    ["in exports", { exports: { ".": "./a.js", "./b": "./b.js" } }, { "a.js": "1", "b.js": "1" }, "a.js", "note b.js"],
    ["as commands", { main: "a", bin: { x: "./b.js" } }, { "a.js": "1", "b.js": "1" }, "a.js", "note b.js"],
    ["as main", { main: "./lib", bin: "b.js" }, { "lib/index.js": "1", "b.js": "1" }, "b.js", "note lib/index.js"],
    [
      "by what a compiler makes of them",
      { exports: { ".": "./dist/index.js", "./plugin": "./dist/plugin/index.js" }, bin: "dist/cli.js" },
      sources,
      "src/index.ts",
      "note src/cli.ts, src/plugin/index.ts"
    ],
    [
      "by where tsconfig.json writes them",
      { exports: { ".": "./src/index.ts", "./other": "./out/other.js" } },
      { ...sources, "tsconfig.json": `{"compilerOptions":{"rootDir":"lib","outDir":"out"}}` },
      "src/index.ts",
      "note lib/other.ts"
    ]
  ])("are a note: those %s", async (_, manifest, texts, entry, found) => {
    expect(await unreached(manifest, texts, entry)).toBe(found)
  })

  it.each<[string, object, Texts, string]>([
    [
      "is imported by the entry",
      { exports: { ".": "./a.js", "./b": "./b.js" } },
      { "a.js": "import './b.js'", "b.js": "1" },
      "a.js"
    ],
    ["does not exist", { exports: { ".": "./a.js", "./b": "./b.js" } }, { "a.js": "1" }, "a.js"],
    [
      "is the entry in another form",
      { exports: { ".": { import: "./a.mjs", require: "./a.cjs", types: "./a.d.ts" } } },
      { "a.mjs": "1", "a.cjs": "1", "a.d.ts": "1" },
      "a.mjs"
    ],
    [
      "is that form",
      { exports: { ".": { import: "./a.mjs", require: "./a.cjs" } } },
      { "a.mjs": "1", "a.cjs": "1" },
      "a.cjs"
    ],
    ["is main beside module", { main: "a.cjs", module: "a.mjs" }, { "a.mjs": "1", "a.cjs": "1" }, "a.mjs"],
    [
      "is no code",
      { exports: { ".": "./a.js", "./b": "./b.json", "./c": "./c.css" } },
      { "b.json": "1", "a.js": "1" },
      "a.js"
    ],
    ["is named by a pattern", { exports: { ".": "./a.js", "./*": "./*.js" } }, { "b.js": "1", "a.js": "1" }, "a.js"]
  ])("are none where one %s", async (_, manifest, texts, entry) => {
    expect(await unreached(manifest, texts, entry)).toBe("")
  })
})
