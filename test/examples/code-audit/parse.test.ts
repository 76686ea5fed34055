/** The contents of a file's text: imports, exports, and which of them are there for types only. */
import { describe, expect, it } from "vitest"
import { parseSource } from "../../../docs/examples/code-audit/parse.ts"

const parse = (text: string, path = "a.ts") => parseSource(path, text, text.length)

/** Imports as "condition how specifier", with what happens to them when types are stripped. */
const importsOf = (text: string, path?: string): ReadonlyArray<string> =>
  parse(text, path).imports.map(
    ({ condition, how, specifier, elision, names, guarded }) =>
      `${condition} ${how} ${specifier}${elision === "none" ? "" : ` (${elision})`} {${names.join()}}${guarded ? " guarded" : ""}`
  )

describe("imports", () => {
  it("are found in every form that names a literal", () => {
    const text = `
      import "./bare.js"
      import def, { one, two as second } from "./named.js"
      import * as all from "./all.js"
      export { three } from "./from.js"
      export * from "./star.js"
      export * as space from "./space.js"
      const lazy = import("./lazy.js")
      const either = import(lazy ? "./yes.js" : \`./no.js\`)
      const old = require("./old.cjs")
      all.left(all["right"])
    `
    expect(importsOf(text, "a.js")).toEqual([
      "import static ./bare.js {}",
      "import static ./named.js {default,one,two}",
      "import static ./all.js {left,right}",
      "import reexport ./from.js {}",
      "import reexport ./star.js {}",
      "import reexport ./space.js {}",
      "import dynamic ./lazy.js {*}",
      "import dynamic ./yes.js {*}",
      "import dynamic ./no.js {*}",
      "require require ./old.cjs {*}"
    ])
  })

  it("of one specifier are one, the strongest of them", () => {
    const text = `import type { T } from "./x"; const later = import("./x"); import { v } from "./x"; v; export const t: T = later`
    expect(importsOf(text)).toEqual(["import static ./x {T,v,*}"])
  })

  it("that cannot be read off the text are counted", () => {
    expect(parse("const name = './x'; import(name); require(name + '.js')", "a.js").module.computedImports).toBe(2)
  })

  it("inside a try, or with a catch, are guarded", () => {
    const text = "try { require('a') } catch { require('b') }; import('c').catch(() => null); require('a/x')"
    expect(importsOf(text, "a.js")).toEqual([
      "require require a {*} guarded",
      "require require b {*}",
      "import dynamic c {*} guarded",
      "require require a/x {*}"
    ])
  })

  it("by a require that is somebody's own are none", () => {
    expect(importsOf("function define(require) { require('./a') }", "a.js")).toEqual([])
    expect(importsOf("(() => { var require; { require('./a') } })(); require('./b')", "a.js")).toEqual([
      "require require ./b {*}"
    ])
  })

  it("with a hashbang, JSX and decorators are read", () => {
    expect(importsOf("#!/usr/bin/env node\nimport A from './a'\nexport default <A.B/>", "a.jsx")).toHaveLength(1)
    expect(importsOf("import { d } from './d'\n@d class C { constructor(@d private x: number) {} }")).toEqual([
      "import static ./d {d}"
    ])
  })
})

describe("TypeScript's imports", () => {
  const elisionOf = (use: string, statement = "import { x } from './x'", path = "a.ts"): string =>
    parse(`${statement}\n${use}`, path).imports[0]?.elision ?? "absent"

  it.each([
    ["console.log(x)"],
    ["export { x }"],
    ["export default x"],
    ["const o = { x }"],
    ["const o = { [x]: 1 }"],
    ["x.y = 1"],
    ["class A extends x {}"],
    ["enum E { A = x }"],
    ["const y = x as unknown"],
    ["const y = <number>x"],
    ["let y = x!"],
    ["x satisfies unknown"],
    ["namespace N { export const y = x }"],
    ["function f(y = x) {}"],
    ["const { y = x } = {}"],
    ["{ let y = 1; x }"]
  ])("stay when a value is used: %s", (use) => {
    expect(elisionOf(use)).toBe("none")
  })

  it.each([
    [""],
    ["let y: x"],
    ["let y: typeof x"],
    ["type T = x<string>"],
    ["interface I extends x {}"],
    ["class A implements x {}"],
    ["function f(x) { return x }"],
    ["const f = (x: number) => x"],
    ["{ let x = 1; console.log(x) }"],
    ["try {} catch (x) { console.log(x) }"],
    ["for (const x of []) console.log(x)"],
    ["a.x"],
    ["const o = { x: 1 }"],
    ["class A { x = 1; static x() {} }"],
    ["x: for (;;) break x"],
    ["declare const y: typeof x"],
    ["export type { x }"],
    ["f<x>()"]
  ])("go when none is: %s", (use) => {
    expect(elisionOf(use)).toBe("unused")
  })

  it("written as types always go; written for effects always stay", () => {
    expect(elisionOf("x", "import type { x } from './x'")).toBe("type")
    expect(elisionOf("", "import './x'")).toBe("none")
    expect(elisionOf("", "import {} from './x'")).toBe("unused")
    expect(elisionOf("let y: x", "import { type x } from './x'")).toBe("unused")
    expect(elisionOf("", "export type * from './x'")).toBe("type")
    expect(elisionOf("", "export { type x } from './x'")).toBe("none")
    expect(elisionOf("", "import x = require('./x')")).toBe("none")
    expect(elisionOf("", "import type x = require('./x')")).toBe("type")
    expect(elisionOf("", "let y: import('./x').T")).toBe("type")
  })

  it("never go from JavaScript", () => {
    expect(elisionOf("", "import { x } from './x'", "a.js")).toBe("none")
    expect(elisionOf("", "import {} from './x'", "a.mjs")).toBe("none")
  })
})

describe("exports", () => {
  const exportsOf = (text: string, path?: string): ReadonlyArray<string> =>
    parse(text, path).exports.map(
      ({ name, from, imported, uses, type }) =>
        `${type ? "type " : ""}${name}${from === "" ? "" : ` = ${imported} of ${from}`}${uses > 0 ? ` used ${uses}` : ""}`
    )

  it("are found in every form", () => {
    const text = `
      import { far } from "./far"
      export const a = 1, { b, c: [d] } = a
      export function e() { return e }
      export class F {}
      const g = 1
      export { g as h, far as near, far as default }
      export { i as j } from "./i"
      export * as k from "./k"
      export * from "./l"
    `
    expect(exportsOf(text, "a.js")).toEqual([
      "a used 1",
      "b",
      "d",
      "e used 1",
      "F",
      "h used 1",
      "near = far of ./far",
      "default = far of ./far",
      "j = i of ./i",
      "k = * of ./k",
      "* = * of ./l"
    ])
  })

  it("that exist for the type checker only are marked, and give way to a value of the same name", () => {
    expect(exportsOf("export interface A {} export type B = 1; export declare const C: 1; export enum D {}")).toEqual([
      "type A",
      "type B",
      "type C",
      "D"
    ])
    expect(exportsOf("export interface A {} export const A = 1")).toEqual(["A"])
    expect(exportsOf("export function f(): void\nexport function f() {}")).toEqual(["f"])
  })
})

describe("a file that is not what it says", () => {
  it("with a syntax error is a problem with its line, and still a module", () => {
    const { module, problems, imports } = parse("import './x'\nconst = 1", "a.js")
    expect(problems).toEqual([{ path: "a.js", code: "syntax", line: 2, message: "Unexpected token" }])
    expect(module.lines).toBe(2)
    expect(imports).toEqual([])
  })

  it("with an error that can be passed over keeps its imports", () => {
    const { problems, imports } = parse("import './x'\nlet a; let a", "a.js")
    expect(problems.map(({ code, line }) => `${code} ${line}`)).toEqual(["syntax 2"])
    expect(imports).toHaveLength(1)
  })

  it("that is JSON is read as data", () => {
    expect(parse('{"a": 1}', "a.json")).toMatchObject({ module: { format: "data", language: "json" }, problems: [] })
    expect(parse("{a: 1}", "a.json").problems).toMatchObject([{ code: "syntax", message: "not valid JSON" }])
  })

  it("tells its format", () => {
    const format = (text: string, path: string): string => parse(text, path).module.format
    expect(format("require('a')", "a.js")).toBe("cjs")
    expect(format("export {}", "a.js")).toBe("esm")
    expect(format("x()", "a.mjs")).toBe("esm")
    expect(format("return 1", "a.cjs")).toBe("cjs")
  })
})
