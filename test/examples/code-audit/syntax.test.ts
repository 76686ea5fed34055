/** The texts that are valid, and their formats: by the name of the file, its package.json, and the text itself. */
import { describe, expect, it } from "vitest"
import { plainDialect } from "../../../docs/examples/code-audit/dialect.ts"
import type { Dialect } from "../../../docs/examples/code-audit/facts.ts"
import { parseSource } from "../../../docs/examples/code-audit/parse.ts"
import { auditTexts, findingsOf } from "./support.ts"

const parse = (text: string, path = "a.js", type: Dialect["type"] = "none") =>
  parseSource(path, text, text.length, { ...plainDialect, type })

/** The format that a text was read as, and what was wrong with it. */
const readAs = (text: string, path?: string, type?: Dialect["type"]): string => {
  const { module, problems } = parse(text, path, type)
  return [module.format, ...problems.map(({ code }) => code)].join(" ")
}

const sloppy = [
  ["octal escapes and numbers", "var red = '\\033[31m', mode = 0755, odd = 089, text = '\\8'"],
  ["with", "with (Math) { floor(1) }"],
  ["the same parameter twice", "function f(a, a) { return a }"],
  ["reserved words as names", "var static = 1, public, let = 2, interface, yield = 3, await = 4; await = yield + let"],
  ["an assignment to arguments and eval", "function f() { arguments = [1]; eval = 2 }"],
  ["comments of HTML", "a <!-- b\n--> c"],
  ["return and new.target at the top", "if (new.target) return; return 1"],
  ["a function in a branch", "if (a) function f() {} else function g() {}"],
  ["delete of a name", "var a; delete a"],
  ["functions named await and yield", "function await(yield) {}; await(1)"],
  ["a label before a function", "there: function f() {}"],
  ["a variable that is a caught one", "try {} catch (e) { var e = 1 }"],
  ["a hashbang", "#!/usr/bin/env node\nwith (a) {}"],
  ["JSX", "var a = <div class='x'>don't</div>; with (a) {}"]
] as const

describe("CommonJS", () => {
  it.each(sloppy)("may have %s", (_, text) => {
    expect(readAs(text)).toBe("cjs")
    expect(readAs(text, "a.js", "commonjs")).toBe("cjs")
    expect(readAs(text, "a.cjs", "module")).toBe("cjs")
  })

  it.each([
    ["an octal number in strict mode", "'use strict'; var a = 010"],
    ["with in a strict function", "function f() { 'use strict'; with (a) {} }"],
    ["a break out of nothing", "break"],
    ["a name twice", "let a; let a"]
  ])("may not have %s", (_, text) => {
    expect(readAs(text)).toBe("cjs syntax")
  })

  it("that uses import or export is read as a module, and is a note: bundlers take it, Node does not", async () => {
    expect(readAs("import './a.js'", "a.js", "commonjs")).toBe("esm module-in-commonjs")
    expect(readAs("export {}", "a.cjs")).toBe("esm module-in-commonjs")
    const result = await auditTexts(
      {
        "package.json": `{ "name": "sample", "type": "commonjs" }`,
        "a.js": "import './b.js'",
        "b.js": "export {}"
      },
      "a.js"
    )
    expect(result.output).toMatchObject({
      modules: 2,
      findings: [{ rule: "module-in-commonjs", severity: "note", message: expect.stringContaining("2 files") }]
    })
  })
})

describe("a module", () => {
  it.each(sloppy.filter(([name]) => !/JSX|caught/.test(name)))("may not have %s", (_, text) => {
    expect(readAs(text, "a.mjs")).toContain("syntax")
    expect(readAs(text, "a.js", "module")).toContain("syntax")
  })

  it("is what only a module may hold, where nothing else says what a file is", () => {
    expect(readAs("import './a.js'")).toBe("esm")
    expect(readAs("export const a = 1")).toBe("esm")
    expect(readAs("console.log(import.meta.url)")).toBe("esm")
    expect(readAs("const a = await b")).toBe("esm")
    expect(readAs("await b; with (a) {}")).toContain("syntax")
    expect(readAs("/*\nimport a from 'a'\n*/ with (a) {}")).toBe("cjs")
    expect(readAs("`\nexport default`")).toBe("cjs")
    expect(readAs("await (1)")).toBe("cjs")
    expect(readAs("")).toBe("cjs")
  })

  it("is what its package.json says, the nearest one, also without a name", async () => {
    const texts = {
      "package.json": `{ "name": "sample", "type": "module" }`,
      "a.js": "import './old/b.js'; import './new/c.js'; import './new/d.cjs'",
      "old/package.json": `{ "type": "commonjs" }`,
      "old/b.js": "with (a) {}",
      "new/c.js": "with (a) {}",
      "new/d.cjs": "with (a) {}"
    }
    expect(findingsOf(await auditTexts(texts, "a.js"))).toEqual(["syntax new/c.js:1"])
  })
})

describe("TypeScript", () => {
  it("is a module or CommonJS by its text, whatever its package.json says", () => {
    expect(readAs("import a = require('a'); export = a", "a.ts", "commonjs")).toBe("cjs")
    expect(readAs("let a = <any>b", "a.ts")).toBe("cjs")
    expect(readAs("let a = <any>b", "a.ts", "module")).toBe("esm")
    expect(readAs("import './a'", "a.cts")).toBe("esm")
    expect(readAs("import './a'", "a.ts", "commonjs")).toBe("esm")
    expect(readAs("var await = 1; let x: number = await", "a.cts")).toBe("cjs")
  })
})

describe("recent syntax is read, and its imports are followed", () => {
  const importsOf = (text: string, path: string): string => {
    const { imports, problems } = parse(text, path)
    return [
      ...imports.map(({ how, specifier }) => `${how} ${specifier}`),
      ...problems.map((found) => found.message)
    ].join()
  }

  it.each([
    ["import source x from './x.wasm'", "static ./x.wasm"],
    ["import defer * as x from './x'; x.y", "static ./x"],
    ["export const a = import.source('./x')", "dynamic ./x"],
    ["export const a = import.defer('./x')", "dynamic ./x"],
    ["import './x' with { type: 'json' }", "static ./x"],
    ["import './x' assert { type: 'json' }", "static ./x"],
    ["export * from './x' assert { type: 'json' }", "reexport ./x"],
    ["import './x'; using a = b; await using c = d", "static ./x"],
    ["import { x } from './x'; @x class A { @x accessor b = 1 }; export { A }", "static ./x"],
    ["import { x } from './x'; export @x class A {}", "static ./x"],
    ["import { x } from './x'; @x export class A {}", "static ./x"],
    ["import { x } from './x'; export default @x class {}", "static ./x"],
    ["import './x'; /a/v.test(b); class A { static { a } #b; c() { return #b in this } }", "static ./x"]
  ])("%s", (text, imports) => {
    expect(importsOf(text, "a.js")).toBe(imports)
    expect(importsOf(text, "a.ts")).toBe(imports)
  })

  it.each([
    ["import { x } from './x'; export @x class A { constructor(@x b: number, private c = 1) {} }", "static ./x"],
    ["import { x } from './x'; class A { constructor(@x b: number) {} }; export @x abstract class B {}", "static ./x"],
    ["import { x } from './x'; export default @x() abstract class A { abstract b(): void }", "static ./x"],
    ["import './x'; class A { override a(): void {} }", "static ./x"],
    ["import './x'; export const f = <const T,>(a: T): a is T => a satisfies T", "static ./x"],
    ["import './x'; abstract class A { abstract accessor b: number; c!: string; declare d: 1 }", "static ./x"],
    ["import './x'; export type * as T from './y'; type A<in out B> = B", "static ./x,type ./y"]
  ])("of TypeScript: %s", (text, imports) => {
    expect(importsOf(text, "a.ts")).toBe(imports)
  })

  it.each([
    ["import { x } from './x'; class A { constructor(@x b) {} }", "static ./x"],
    [
      "// @flow\nimport type { T } from './t'; import { x } from './x'; export const y = (a: ?T): number => x",
      "type ./t,static ./x"
    ]
  ])("of JavaScript's compilers: %s", (text, imports) => {
    expect(importsOf(text, "a.js")).toBe(imports)
  })
})

describe("what is wrong with a text is said", () => {
  it.each([
    ["const = 1", "Unexpected token"],
    ["let a; let a", "Identifier 'a' has already been declared."],
    ["function f() { import a from 'a' }", "'import' and 'export' may only appear at the top level."],
    ["a |> b", "a syntax that the audit does not know (pipelineOperator)"],
    ["function f() { import.meta }; with (a) {}", "import.meta stands only in modules"]
  ])("in words for its reader: %s", (text, message) => {
    const [problem] = parse(text).problems
    expect(problem?.message).toBe(message)
    expect(problem?.message).not.toMatch(/plugin|sourceType|babel/i)
  })
})
