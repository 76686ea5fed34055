/** The findings of a large package take a time that grows with it, not with its square. */
import { performance } from "node:perf_hooks"
import { describe, expect, it } from "vitest"
import { findClones } from "../../../docs/examples/code-audit/clones.ts"
import type { Export, FunctionMeasure, Import, Link } from "../../../docs/examples/code-audit/facts.ts"
import { type Evidence, rankFindings } from "../../../docs/examples/code-audit/findings.ts"
import { findCycles, type Graph } from "../../../docs/examples/code-audit/graph.ts"
import { findUnusedExports } from "../../../docs/examples/code-audit/unusedExports.ts"

/** The shortest of three runs, in milliseconds. */
const timeOf = (run: () => void): number => {
  const times = [0, 1, 2].map(() => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return Math.min(...times)
}

const small = 5_000
const factor = 8

/** Fails where eight times the input takes far more than eight times the time: 64 times would be quadratic. */
const expectLinear = (make: (size: number) => () => void): void => {
  const [few, many] = [make(small), make(small * factor)]
  timeOf(few)
  expect(timeOf(many)).toBeLessThan(36 * Math.max(timeOf(few), 4))
}

const count = <A>(size: number, of: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: size }, (_, i) => of(i))

const exported = (path: string, name: string): Export => ({
  path,
  name,
  from: "",
  imported: "",
  line: 1,
  uses: 0,
  type: false
})

const imported = (from: string, specifier: string, line = 1): Import => ({
  from,
  specifier,
  condition: "import",
  how: "static",
  elision: "none",
  names: ["a"],
  line,
  column: 0,
  lazy: false,
  guarded: false
})

const linked = (from: string, specifier: string, kind: Link["kind"], to: string): Link => ({
  from,
  specifier,
  condition: "import",
  kind,
  to,
  fate: kind === "internal" ? "entered" : "recorded"
})

const nothing: Evidence = {
  package: { name: "p", dependencies: [], optional: [], developed: [], shows: [] },
  wanted: [],
  sources: [],
  problems: [],
  modules: [],
  imports: [],
  links: [],
  cycles: [],
  places: [],
  unusedExports: [],
  clones: [],
  complex: []
}

describe("linear in their number are", () => {
  it("exports of one file that nobody uses, and those that everybody does", () => {
    expectLinear((size) => {
      const exports = count(size, (index) => exported("a", `x${index}`))
      return () => {
        const unused = findUnusedExports({ isPublic: () => false, exports, imports: [], links: [] })
        expect(unused).toHaveLength(size)
        expect(rankFindings({ ...nothing, unusedExports: unused })).toHaveLength(1)
      }
    })
    expectLinear((size) => {
      const exports = count(size, (index) => exported("a", `x${index}`))
      return () => expect(findUnusedExports({ isPublic: () => true, exports, imports: [], links: [] })).toEqual([])
    })
  })

  it("imports of one package, and files outside", () => {
    for (const [kind, specifier, found] of [
      ["package", "dep", 1],
      ["outside", "../x.js", 40_000]
    ] as const) {
      expectLinear((size) => {
        const imports = count(size, (index) => imported(`m${index}`, specifier))
        const links = count(size, (index) => linked(`m${index}`, specifier, kind, specifier))
        return () => expect(rankFindings({ ...nothing, imports, links }).length).toBe(Math.min(size, found))
      })
    }
  })

  it("cycles", () => {
    expectLinear((size) => {
      const pairs = count(size, (index) => [`a${index}`, `b${index}`] as const)
      const cycles = pairs.map((modules) => ({ modules, route: modules, edges: 2, eager: true }))
      const imports = pairs.flatMap(([a, b]) => [imported(a, b), imported(b, a, 2)])
      const links = pairs.flatMap(([a, b]) => [linked(a, b, "internal", b), linked(b, a, "internal", a)])
      return () => expect(rankFindings({ ...nothing, cycles, imports, links })).toHaveLength(size)
    })
  })

  it("the modules of one cycle", () => {
    expectLinear((size) => {
      const graph: Graph = new Map(count(size, (index) => [`m${index}`, [`m${(index + 1) % size}`]]))
      return () => expect(findCycles(graph, graph)).toMatchObject([{ edges: size }])
    })
  })

  it("clones of one file, in pairs or all alike", () => {
    const measured = (index: number, hash: string): FunctionMeasure => ({
      path: "a",
      name: "f",
      line: index * 4 + 1,
      column: 0,
      endLine: index * 4 + 3,
      complexity: 1,
      size: 40,
      hash
    })
    expectLinear((size) => {
      const functions = count(size, (index) => measured(index, `h${index >> 1}`))
      return () => expect(findClones(functions)).toHaveLength(size / 2)
    })
    expectLinear((size) => {
      const functions = count(size * 3, (index) => measured(index, "h"))
      return () => expect(findClones(functions)).toHaveLength(1)
    })
  })
})
