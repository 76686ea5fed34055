/** The crawl reaches the modules that an independent bundler reaches, import for import, on real packages: see reach.ts. */
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { byAudit, byEsbuild, type Reached } from "./reach.ts"
import { root, type Texts, withPackage } from "./support.ts"

const audited = async (entry: string, deep: boolean): Promise<Reached> => {
  const { reached, result } = await byAudit(entry, deep)
  expect(result.status).toBe("converged")
  expect(result.output).toMatchObject({ modules: reached.modules.length, edges: reached.edges.length })
  return reached
}

describe("the crawl reaches what esbuild reaches", () => {
  it.each([
    // [entry, at least so many modules, what it is]
    ["effect/dist/index.js", 200, "ES modules"],
    ["effect/src/index.ts", 250, "TypeScript, and the package by its own name"],
    ["@effect/platform-node/src/index.ts", 30, "TypeScript"],
    ["xstate/dist/xstate.esm.js", 5, "a bundle in pieces"],
    ["yaml/dist/index.js", 60, "CommonJS"],
    ["undici/index.js", 100, "CommonJS with requires inside functions"],
    ["knip/dist/index.js", 300, "ES modules with import()"]
  ])(
    "from %s",
    async (path, atLeast) => {
      const entry = join(root, "node_modules", path)
      // knip imports native addons, which no bundle can hold.
      const expected = await byEsbuild(entry, { deep: false, own: path.startsWith("knip") })
      expect(expected.modules.length).toBeGreaterThan(atLeast)
      expect(await audited(entry, false)).toEqual(expected)
    },
    60_000
  )

  it("through all packages, when it is deep", async () => {
    const entry = join(root, "node_modules", "@effect/platform-node/dist/NodeHttpClient.js")
    const expected = await byEsbuild(entry, { deep: true })
    expect(expected.modules.some((path) => path.includes("effect/dist/Effect.js"))).toBe(true)
    expect(expected.modules.some((path) => path.includes("undici"))).toBe(true)
    expect(await audited(entry, true)).toEqual(expected)
  }, 60_000)
})

const letters = "abcdefghijklmnopqrstuvwxyz".split("")

/** Every rule by which an import of TypeScript stays or goes, and every way to name a file, in one package. */
const gauntlet: Texts = {
  ...Object.fromEntries(
    letters.map((name) => [`lib/${name}.ts`, `export const ${name} = 1; export type T = number; export default 1`])
  ),
  "package.json": JSON.stringify({
    name: "gauntlet",
    type: "module",
    imports: { "#a": "./lib/a.ts", "#n/*": { node: "./lib/*.ts", default: "./nope.ts" } },
    exports: { ".": "./main.ts", "./self": "./lib/self.ts" }
  }),
  "lib/self.ts": "export const self = 1",
  "lib/folder/package.json": `{"main": "./real.js"}`,
  "lib/folder/real.ts": "export default 1",
  "lib/indexed/index.tsx": "export const y = <div/>",
  "lib/both.js": "export const js = 1",
  "lib/both.ts": "export const ts = 1",
  "lib/m.mts": "export default 1",
  "lib/c.cts": "module.exports = 1",
  "lib/data.json": `{"a": 1}`,
  "lib/hidden.ts": "console.log(1)",
  "main.ts": `
    import { a } from "#a"
    import { b } from "#n/b"
    import {} from "./lib/c.js"
    import { type T as T1 } from "./lib/d.js"
    import type { T as T2 } from "./lib/e.js"
    import { f } from "./lib/f.js"
    import { g } from "./lib/g.js"
    import * as H from "./lib/h.js"
    import I from "./lib/i.js"
    import J = require("./lib/j.js")
    import K = require("./lib/k.js")
    import "./lib/l.js"
    export { type T as TM } from "./lib/m.js"
    export type { T as TN } from "./lib/n.js"
    export * from "./lib/o.js"
    export type * as PP from "./lib/p.js"
    import { q } from "./lib/q.js"
    import { self } from "gauntlet/self"
    import { s } from "./lib/s.js"
    import { t } from "./lib/t.js"
    import folder from "./lib/folder"
    import { y as indexed } from "./lib/indexed"
    import { ts } from "./lib/both"
    import { js } from "./lib/both.js"
    import m from "./lib/m.mjs"
    import c from "./lib/c.cjs"
    import data from "./lib/data.json"
    import { u } from "./lib/u.js"
    import { v } from "./lib/v"
    import { w } from "./lib/w.js"
    import { x } from "./lib/x.js"
    import { y } from "./lib/y.js"
    import { z } from "./lib/z.js"
    let one: H.T
    function two(f: number) { return f }
    console.log(a, b, J, folder, indexed, ts, js, m, c, data, self);
    { let g = 1; console.log(g) }
    export { q }
    const object = { s: 1, t }
    object.s
    class Z<T extends typeof u> { v = 1; w() {} ; [x]: number = 1 }
    enum E { A = y }
    z satisfies number
    try { require("./nothing") } catch {}
    function shadowed(require: any) { require("./lib/hidden") }
  `
}

describe("the crawl keeps and drops TypeScript's imports as esbuild does", () => {
  it.each([
    ["without a tsconfig.json", undefined],
    ["with verbatim imports", `{ "compilerOptions": { "verbatimModuleSyntax": true /* or not */ }, }`],
    ["with a tsconfig.json that says nothing of it", `{ "compilerOptions": { "strict": true } }`]
  ])("%s", async (_, tsconfig) => {
    const texts = { ...gauntlet, ...(tsconfig === undefined ? {} : { "tsconfig.json": tsconfig }) }
    await withPackage(texts, async (directory) => {
      const entry = join(directory, "main.ts")
      const expected = await byEsbuild(entry, { deep: false })
      expect(expected.modules.length).toBeGreaterThan(15)
      expect(await audited(entry, false)).toEqual(expected)
    })
  })
})
