/** Complexity, names and clones. */
import { describe, expect, it } from "vitest"
import { findClones } from "../../../docs/examples/code-audit/clones.ts"
import { parseSource } from "../../../docs/examples/code-audit/parse.ts"

const pad = "\n".repeat(4)

const functionsOf = (text: string, path = "a.js") => parseSource(path, text, text.length).functions

const complexityOf = (body: string): number | undefined =>
  functionsOf(`function f(a, b, c) {${pad}${body}}`).find(({ name }) => name === "f")?.complexity

describe("complexity", () => {
  it.each([
    ["", 1],
    ["if (a) b; else c", 2],
    ["for (;;) {} for (a of b) {} for (a in b) {} while (a) {} do {} while (a)", 6],
    ["switch (a) { case 1: case 2: default: }", 3],
    ["return (a && b || c) ?? a", 4],
    ["a ||= b; a &&= b; a ??= b; a = b; a += b", 4],
    ["return a ? b : c", 2],
    ["return a?.b?.()", 3],
    ["const { x = 1 } = a", 2],
    ["try { a } catch { b }", 2],
    ["try { a } finally { b }", 1],
    ["return () => { if (a) b }", 1],
    ["return class { x = a || b; static y = a ? b : c; #z = a ?? b }", 1],
    ["return class { static { if (a) b } }", 1],
    ["return class { [a ? b : c]() {}; [a && b] = 1 }", 3],
    ["return { [a || b]() { if (a) c } }", 2]
  ])("of %j is %i", (body, complexity) => {
    expect(complexityOf(body)).toBe(complexity)
  })
})

it("counts the value of a class field and a static block as functions of their own", () => {
  const text = `class C {
    x = a || b || c
    static y = a ? (b ? 1 : 2) : 3
    #z = () => a ?? b ?? c
    plain = 1
    static { if (a) b; else if (c) d }
  }`
  expect(functionsOf(text).map(({ name, line, complexity }) => `${name}:${line} ${complexity}`)).toEqual([
    "C.x:2 3",
    "C.y:3 3",
    "C.#z:4 3",
    "C.static:6 3"
  ])
})

describe("the name of a function", () => {
  it("is what a reader would call it", () => {
    const text = `
      function plain() {${pad}}
      const arrow = () => {${pad}}
      const wrapped = dual(2, (a, b) => {${pad}})
      const o = { method() {${pad}}, value: function() {${pad}}, "with-dash": () => {${pad}} }
      class C { constructor() {${pad}} run() {${pad}} #secret() {${pad}} field = () => {${pad}} }
      exports.late = function() {${pad}}
      plain(() => {${pad}})
      function outer() { return [() => {${pad}}] }
      export default () => {${pad}}
    `
    expect(
      functionsOf(text)
        .map(({ name }) => name)
        .sort()
    ).toEqual([
      "C.#secret",
      "C.constructor",
      "C.field",
      "C.run",
      "anonymous",
      "anonymous in outer",
      "arrow",
      "default",
      "late",
      "method",
      "outer",
      "plain",
      "value",
      "with-dash",
      "wrapped"
    ])
  })
})

const body = (x: string, y: string, text: string, number: number): string => `{
  const ${y} = []
  for (let i = 0; i < ${x}.length; i++) {
    if (${x}[i] === ${number} || ${x}[i].name === "${text}") ${y}.push(${x}[i])
    else if (${y}.length > ${number}) return ${y}.map((each) => each.name).filter((each) => each !== "${text}")
  }
  return ${y}
}`

describe("clones", () => {
  const clonesOf = (...sources: ReadonlyArray<string>) =>
    findClones(sources.flatMap((text, index) => functionsOf(text, `${index}.ts`)))

  it("are found when they differ in the names of variables and the values of literals", () => {
    const clones = clonesOf(
      `function first(items) ${body("items", "found", "a", 1)}`,
      `export function second(list: string[]): void ${body("list", "result", "b", 2)}`
    )
    expect(clones).toHaveLength(1)
    expect(clones[0]?.functions).toEqual([
      { path: "0.ts", name: "first", line: 1 },
      { path: "1.ts", name: "second", line: 1 }
    ])
    expect(clones[0]?.lines).toBe(8)
  })

  it.each([
    ["a property", "push", "unshift"],
    ["an operator", "===", "!=="],
    ["which variable is meant", "return found\n", "return items\n"],
    ["the order of statements", "const found = []", "const extra = 0; const found = []"]
  ])("are not found when they differ in %s", (_, from, to) => {
    const original = `function f(items) ${body("items", "found", "a", 1)}`
    expect(original).toContain(from)
    expect(clonesOf(original, original.replace(from, to))).toEqual([])
  })

  const calling = (text: string): string => `${text}\nexport function f(items, ctx) {
    const out = []
    for (const item of items) {
      const got = parse(item.value, "x")
      if (got === null || got.length === 0) continue
      if (/a/g.test(got.name)) out.push({ name: got.name, size: got.length + 1, ctx: ctx?.a.b })
      else throw new Error(\`bad \${got.name} in \${items.length}\`)
    }
    return out
  }`

  it.each([
    ["what they call", "parse(", "stringify("],
    ["a constant of the module", "=== 0", "=== none"],
    ["a global", "new Error", "new TypeError"],
    ["a pattern", "/a/g", "/[0-9]+/g"],
    ["the flags of a pattern", "/a/g", "/a/i"],
    ["an optional link", "ctx?.a.b", "ctx?.a?.b"],
    [
      "waiting in a loop",
      "export function f(items, ctx) {\n    const out = []\n    for (",
      "export async function f(items, ctx) {\n    const out = []\n    for await ("
    ],
    ["a computed name", "item.value", "item[value]"],
    ["the text of a member's name", "item.value", 'item["other"]'],
    ["how a variable is declared", "const out", "let out"],
    ["a method of an object", "{ name: got.name,", "{ name() {},"]
  ])("are not found when they differ in %s", (_, from, to) => {
    const original = calling("")
    expect(original).toContain(from)
    expect(clonesOf(original, original)).toHaveLength(1)
    expect(clonesOf(original, original.replace(from, to))).toEqual([])
  })

  it.each([
    [`import { parse } from "./a"`, `import { parse } from "./b"`, 0],
    [`import { parse } from "./a"`, `import { one as parse } from "./a"`, 0],
    [`import { parse } from "./a.js"`, `import { parse } from "./a"`, 1],
    [`import parse from "a"`, `import { default as parse } from "a"`, 1],
    [`import { parse } from "./a"`, `const parse = 1`, 0],
    [`const parse = 1`, `const parse = 2`, 1]
  ])("call the same if they import the same: %s, %s", (one, other, count) => {
    expect(clonesOf(calling(one), calling(other))).toHaveLength(count)
  })

  it.each([
    ["function parse(a) { return a }", "function parse(a) { return a + 1 }", 0],
    ["function parse(a) { return a }", "function parse(b) { return b }", 1],
    ["const parse = require('./a')", "const parse = require('./b')", 0],
    ["const { parse } = require('./a')", "const { parse } = require('./b')", 0],
    ["const { parse } = require('./a')", "const { one: parse } = require('./a')", 0],
    ["const { parse } = require('./a')", "const { parse } = require('./a')", 1],
    ["class Error extends A {}", "class Error extends B {}", 0],
    ["function parse(a) { return other(a) }", "function parse(a) { return parse(a) }", 0]
  ])("call the same if it is declared the same, before or after: %s, %s", (one, other, count) => {
    expect(clonesOf(calling(one), calling(other))).toHaveLength(count)
    expect(clonesOf(`${calling("")}\n${one}`, calling(other))).toHaveLength(count)
    const wrapped = (text: string): string => `(function () { ${text.replace("export ", "")} })()`
    expect(clonesOf(wrapped(calling(one)), wrapped(calling(other)))).toHaveLength(count)
  })

  it("call the same if they call an import by two names, or themselves", () => {
    const renamed = calling(`import { parse as p } from "./a"`).replace("parse(", "p(")
    expect(clonesOf(calling(`import { parse } from "./a"`), renamed)).toHaveLength(1)
    expect(
      clonesOf(
        calling("").replace("parse(", "f("),
        calling("").replace("parse(", "g(").replace("function f", "function g")
      )
    ).toHaveLength(1)
  })

  it("inside clones are not named again, unless they occur elsewhere too", () => {
    const inner = `const inner = (list) => ${body("list", "result", "a", 1)}`
    const outer = (name: string): string =>
      `function ${name}(a) { ${inner}; return inner(a).concat(inner(a), inner(a)) }`
    expect(clonesOf(outer("one"), outer("two"))).toHaveLength(1)
    const clones = clonesOf(outer("one"), outer("two"), inner)
    expect(clones.map(({ functions }) => functions.length)).toEqual([3, 2])
  })

  it("of trifles are none", () => {
    expect(clonesOf("const a = (x) => x + 1", "const b = (y) => y + 2")).toEqual([])
  })
})
