/** The loads of a module by other ways than import statements: followed, or said to be unseen; now, or later. */
import { describe, expect, it } from "vitest"
import { parseSource } from "../../../docs/examples/code-audit/parse.ts"
import { auditTexts, findingsOf } from "./support.ts"

const parse = (text: string, path = "a.js") => parseSource(path, text, text.length)

const loadsOf = (text: string, path?: string): string => {
  const { imports, module } = parse(text, path)
  return [
    ...imports
      .filter(({ how }) => how !== "static")
      .map(({ condition, how, specifier }) =>
        how === condition ? `${how} ${specifier}` : `${how} ${condition} ${specifier}`
      ),
    ...module.unseen.map(({ way, count }) => `${way} ${count}`),
    ...(module.computedImports > 0 ? [`computed ${module.computedImports}`] : [])
  ].join(", ")
}

describe("a load that names a file is followed", () => {
  const made = `import { createRequire } from "node:module"\n`

  it.each([
    [`${made}const require = createRequire(import.meta.url); require("./x")`, "require ./x"],
    [`${made}const load = createRequire(import.meta.url); const a = () => load("./x")`, "require ./x"],
    [`${made}createRequire(import.meta.url)("./x")`, "require ./x"],
    [`import { createRequire as make } from "module"\nconst r = make(import.meta.filename); r("./x")`, "require ./x"],
    [`import module from "module"\nconst r = module.createRequire(import.meta.url); r("./x")`, "require ./x"],
    [`import * as m from "module"\nconst r = a ? m.createRequire(import.meta.url) : null; r("./x")`, "require ./x"],
    [`const r = require("module").createRequire(__filename); r("./x")`, "require module, require ./x"],
    [
      `const { createRequire: make } = require("module"); const r = make(__filename); r("./x")`,
      "require module, require ./x"
    ],
    [`import { register } from "node:module"\nregister("./hooks.js", import.meta.url)`, "url import ./hooks.js"],
    [`import m from "module"\nm.register("./x.js", { parentURL: import.meta.url, data: 1 })`, "url import ./x.js"],
    [`${made}let r; r = createRequire(import.meta.url); r("./x")`, "require ./x"],
    [
      `import(new URL("./x.js", import.meta.url)); a.audioWorklet.addModule(new URL("./y.js", import.meta.url))`,
      "url import ./x.js, url import ./y.js"
    ],
    [`${made}const r = createRequire(import.meta.url); r.resolve("./x"); { const r = a; r("./y") }`, "url import ./x"],
    [
      `module.require("./x"); require?.("./y"); (0, require)("./z"); require("./a", 1)`,
      "require ./x, require ./y, require ./z, require ./a"
    ],
    [
      `new Worker(new URL("./w.js", import.meta.url)); new SharedWorker(new URL("w.ts", import.meta.url))`,
      "url import ./w.js, url import ./w.ts"
    ],
    [`import { Worker } from "node:worker_threads"\nnew Worker(new URL("./w", import.meta.url))`, "url import ./w"],
    [`fork(fileURLToPath(new URL("./child.mjs", import.meta.url)))`, "url import ./child.mjs"],
    [`import.meta.resolve("./p.js"); require.resolve("./q")`, "url import ./p.js, url import ./q"],
    [
      `new URL("./picture.png", import.meta.url); new URL("../", import.meta.url); new URL("https://a.b/c.js", import.meta.url)`,
      ""
    ]
  ])("%s", (text, loads) => {
    expect(loadsOf(text)).toBe(loads)
  })

  it("and may be missing on purpose where it is only named", async () => {
    const result = await auditTexts(
      {
        "a.js": `new Worker(new URL("./built.js", import.meta.url)); new Worker(new URL("./w.js", import.meta.url))`,
        "w.js": "import './a.js'"
      },
      "a.js"
    )
    expect(result.output).toMatchObject({ modules: 2, edges: 2, cycles: [{ eager: false }] })
    expect(result.output.findings[0]).toMatchObject({ rule: "import-cycle", severity: "note" })
    expect(findingsOf(result)).toContain("missing-import a.js:1")
    expect(result.output.findings.filter(({ severity }) => severity === "error")).toEqual([])
  })
})

describe("a load that no crawl can follow is said", () => {
  it.each([
    [`import.meta.glob("./pages/*.js"); import.meta.globEager("./*.js")`, "glob 2"],
    [`require.context("./pages", true, /x/)`, "glob 1"],
    [`define(["./a", "b"], function (a, b) {})`, "amd 1"],
    [`define("name", ["./a"], function (a) {})`, "amd 1"],
    [`require(["./a"], function (a) {}); requirejs(["b"])`, "amd 2"],
    [`define(function (require) { require("./a"); require("./b") })`, "own-require 2"],
    [`System.register(["./a"], function () {})`, "amd 1"],
    [`importScripts("./a.js")`, "scripts 1"],
    [`eval("require")("a"); new Function("s", "return import(s)")`, "eval 2"],
    [`new Worker("./w.js"); new Worker(path)`, "worker 2"],
    [`import { fork } from "child_process"\nfork("./x.js")`, "worker 1"],
    [`import { register } from "module"\nregister("./x.js", pathToFileURL("./"))`, "worker 1"],
    [`require.main.require("./x"); process.mainModule.require("./y")`, "own-require 2"],
    [`const { createRequire } = a; const r = createRequire("/elsewhere"); r("./x")`, "own-require 1"],
    [`createRequire(new URL("./sub/", import.meta.url))("./x")`, "own-require 1"],
    [`class A { r = createRequire(import.meta.url); m() { this.r("./x") } }`, "own-require 1"],
    [`export const r = createRequire(import.meta.url)`, "own-require 1"],
    [`use(createRequire(import.meta.url))`, "own-require 1"],
    [`const r = createRequire(import.meta.url); use(r)`, "handed-on 1"],
    [`const load = require; load("./x")`, "handed-on 1"],
    [`globalThis.require("./x"); Module._load("./y")`, "own-require 2"],
    [`vm.runInThisContext("require('./x')"); vm.runInThisContext("1 + 1")`, "eval 1"],
    [`CSS.paintWorklet.addModule("./x.js")`, "worker 1"],
    [`factory(require, exports)`, "handed-on 1"],
    [`import(a); require(b + ".js"); import.meta.resolve(c)`, "computed 2"]
  ])("%s", (text, loads) => {
    expect(loadsOf(text)).toBe(loads)
  })

  it.each([
    [`define(["exports"], f); typeof require; if (require.main === module) a(); require.cache; require.extensions`],
    [`register("./x", import.meta.url); a.register("./x"); function f(register) { register("./x") }`],
    [`class Worker {}; new Worker("./x"); function define() {}; define(["a"])`],
    [`new Worker(__filename); new Worker(new URL(import.meta.url)); eval("1 + 1"); new Function("return this")`],
    [
      `(function (root, f) { if (typeof define === "function" && define.amd) define(["b"], f); else f(require("b")) })(this, function (b) {})`
    ]
  ])("and where all is seen, nothing is: %s", (text) => {
    expect(loadsOf(text).replace(/^require b$/, "")).toBe("")
  })

  it("in one finding for a module", async () => {
    const result = await auditTexts(
      { "a.js": `import.meta.glob("./*.x")\nnew Worker("./w.js")\nimport.meta.glob("./*.y")` },
      "a.js"
    )
    expect(result.output.findings).toMatchObject([
      { rule: "unseen-import", severity: "note", line: 1, message: expect.stringContaining("3 places") }
    ])
    expect(result.output.findings[0]?.message).toContain("patterns of file names, a worker")
  })
})

describe("an import is lazy", () => {
  const isLazy = (text: string, path = "a.js"): boolean | undefined => parse(text, path).imports[0]?.lazy

  it.each([
    ["function f() { require('x') }"],
    ["exports.get = () => require('x').value"],
    ["class A { m() { require('x') } field = require('x') }"],
    ["Object.defineProperty(exports, 'x', { get() { return require('x') } })"],
    ["function f(a = require('x')) {}"],
    ["(function* () { require('x') })()"],
    ["list.map(function () { require('x') })"],
    ["import('x')"]
  ])("when it is loaded in a function: %s", (text) => {
    expect(isLazy(text)).toBe(true)
  })

  it.each([
    ["require('x')"],
    ["if (a) { require('x') }"],
    ["(function () { require('x') })()"],
    ["(() => { require('x') })(); "],
    ["!function () { require('x') }()"],
    ["(function () { require('x') }).call(this)"],
    ["(async () => { require('x') })()"],
    ["new (function () { require('x') })()"],
    ["(function (factory) { factory() })(function () { require('x') })"],
    ["class A { static { require('x') } static field = require('x'); [require('x')]() {} }"],
    ["function f() { require('x') }; require('x')"]
  ])("but not when it is loaded at once: %s", (text) => {
    expect(isLazy(text)).toBe(false)
  })

  it("and a cycle through it is a note", async () => {
    const cycle = async (b: string) => {
      const texts = { "a.js": "exports.get = () => require('./b').value; exports.a = 1", "b.js": b }
      const { output } = await auditTexts(texts, "a.js")
      return output.findings.map(({ rule, severity }) => `${severity} ${rule}`).join()
    }
    expect(await cycle("exports.value = require('./a').a")).toBe("note import-cycle")
    const both = await auditTexts(
      { "a.js": "exports.b = require('./b')", "b.js": "exports.a = require('./a')" },
      "a.js"
    )
    expect(both.output.findings).toMatchObject([{ rule: "import-cycle", severity: "warning" }])
  })
})
