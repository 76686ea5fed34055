/** Facts that differ have ids that differ, and a clash of ids never ends the audit. */
import { describe, expect, it } from "vitest"
import * as facts from "../../../docs/examples/code-audit/facts.ts"
import { distinct, identity } from "../../../docs/examples/code-audit/identity.ts"
import { auditTexts, findingsOf } from "./support.ts"

describe("an identity", () => {
  it("differs when a part differs, or when the same text is cut elsewhere", () => {
    const odd = [
      "",
      " ",
      "a",
      "a b",
      "b",
      "%",
      "%20",
      "a%20b",
      "a\nb",
      "a#b",
      "#",
      "a:1",
      ":",
      "\u0000",
      "\u2028",
      "\ud800"
    ]
    const pairs = odd.flatMap((one) => odd.map((other) => [one, other] as const))
    const ids = [...odd.map((one) => identity(one)), ...pairs.map((pair) => identity(...pair))]
    expect(new Set(ids).size).toBe(ids.length)
  })

  it("shows ordinary paths and names as they are", () => {
    expect(identity("src/a.ts", 3, "@scope/name")).toBe("src/a.ts 3 @scope/name")
  })
})

it("a kind proposes each id once, the first of those that clash", () => {
  const problem = { path: "a.js", code: "syntax", line: 1 } as const
  const proposals = distinct(facts.Problem, [
    { ...problem, message: "one" },
    { ...problem, message: "two" },
    { ...problem, message: "one" }
  ])
  expect(proposals.map(({ value }) => value.message)).toEqual(["one", "two"])
})

it("every kind keeps the first of two facts that clash", () => {
  const kinds = Object.values(facts).filter((value) => typeof value === "object" && "conflict" in value)
  expect(kinds.length).toBeGreaterThan(12)
  expect(kinds.filter(({ conflict }) => conflict !== "keepFirst").map(({ name }) => name)).toEqual([])
})

describe("an audit converges, with a finding each, where one line holds", () => {
  const branches = Array.from({ length: 14 }, (_, index) => `if (x === ${index}) return;`).join(" ")

  it("require and import() of one missing file", async () => {
    const result = await auditTexts(
      { "a.js": `export default (c) => c ? require("./gone") : import("./gone")` },
      "a.js"
    )
    expect(result).toMatchObject({ status: "converged", diagnostics: [] })
    expect(findingsOf(result)).toEqual(["missing-import a.js:1", "missing-import a.js:1"])
    expect(new Set(result.output.findings.map(({ column }) => column)).size).toBe(2)
  })

  it("a getter and a setter of one name, both complex", async () => {
    const result = await auditTexts(
      { "a.js": `export const o = { get x() { ${branches} }, set x(v) { ${branches} } }` },
      "a.js"
    )
    expect(result.status).toBe("converged")
    expect(findingsOf(result).filter((found) => found.startsWith("complex"))).toEqual([
      "complex-function a.js:1",
      "complex-function a.js:1"
    ])
  })

  it("many functions without a name, all complex", async () => {
    const many = Array.from({ length: 5 }, () => `(x) => { ${branches} }`).join(", ")
    const result = await auditTexts({ "a.js": `export default [${many}]` }, "a.js")
    expect(result.status).toBe("converged")
    expect(result.output.complex).toHaveLength(5)
    expect(result.output.findings.filter(({ rule }) => rule === "complex-function")).toHaveLength(5)
  })

  it("exports named like stars, and specifiers and files whose names are full of separators", async () => {
    const odd = ["a b.js", "a:1.js", "a%20b.js", "a b.js:1.js", "require x.js"]
    const texts = Object.fromEntries(odd.map((path) => [path, "export const x = 1; export const y = () => x"]))
    const imports = odd.map(
      (path) => `import ${JSON.stringify(`./${path}`)}; require(${JSON.stringify(`./${path} gone`)})`
    )
    const result = await auditTexts(
      { "i.js": `${imports.join(";")}; const x = 1; export { x as "*" }; export * from "./a b.js"`, ...texts },
      "i.js"
    )
    expect(result).toMatchObject({ status: "converged", diagnostics: [] })
    expect(result.output.modules).toBe(6)
    expect(findingsOf(result).filter((found) => found.startsWith("missing-import"))).toHaveLength(5)
  })
})
