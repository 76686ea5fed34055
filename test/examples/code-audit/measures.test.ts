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
    ["try { a } catch { b }", 1],
    ["return () => { if (a) b }", 1]
  ])("of %j is %i", (body, complexity) => {
    expect(complexityOf(body)).toBe(complexity)
  })
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
