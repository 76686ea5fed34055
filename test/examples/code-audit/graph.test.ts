/** Cycles, places and unused exports of small graphs. */
import { describe, expect, it } from "vitest"
import type { Export, Import, Link } from "../../../docs/examples/code-audit/facts.ts"
import {
  components,
  edgeCount,
  findCycles,
  findDepths,
  findPlaces,
  type Graph,
  makeGraph
} from "../../../docs/examples/code-audit/graph.ts"
import { findUnusedExports } from "../../../docs/examples/code-audit/unusedExports.ts"

/** "a>b b>c" as a graph. */
const graphOf = (text: string, extra: ReadonlyArray<string> = []): Graph => {
  const edges = text
    .split(" ")
    .filter((edge) => edge !== "")
    .map((edge) => edge.split(">") as [string, string])
  const links = edges.map(([from, to]) => ({ from, to, fate: "entered" as const }))
  return makeGraph([...edges.flat(), ...extra], links)
}

describe("the graph", () => {
  it("has each module once, each edge once, and no edge that was not followed", () => {
    const graph = makeGraph(
      ["b", "a", "c"],
      [
        { from: "a", to: "b", fate: "entered" },
        { from: "a", to: "b", fate: "entered" },
        { from: "a", to: "c", fate: "elided" },
        { from: "a", to: "fs", fate: "recorded" },
        { from: "b", to: "gone", fate: "entered" }
      ]
    )
    expect([...graph]).toEqual([
      ["a", ["b"]],
      ["b", []],
      ["c", []]
    ])
    expect(edgeCount(graph)).toBe(1)
  })
})

describe("components", () => {
  it("are those of the definition: who reaches each other", () => {
    // Every graph of 4 modules would be 65,536; these are 400 of up to 7, drawn by a fixed generator.
    let state = 7
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state % below
    }
    for (let round = 0; round < 400; round++) {
      const size = 1 + random(7)
      const names = Array.from({ length: size }, (_, index) => `m${index}`)
      const edges = Array.from({ length: random(size * 2) }, () => `${names[random(size)]}>${names[random(size)]}`)
      const graph = graphOf(edges.join(" "), names)
      const reach = new Map(names.map((name) => [name, new Set(findDepths(graph, name).keys())]))
      const expected = new Set(
        names.map((name) =>
          names.filter((other) => reach.get(name)?.has(other) === true && reach.get(other)?.has(name) === true).join()
        )
      )
      expect(new Set(components(graph).map((component) => component.join()))).toEqual(expected)
    }
  })

  it("of a chain of 50,000 modules are found without a deep stack", () => {
    const chain = Array.from({ length: 50_000 }, (_, index) => `${index}>${(index + 1) % 50_000}`).join(" ")
    expect(components(graphOf(chain))).toHaveLength(1)
  })
})

describe("cycles", () => {
  it("come with their modules and a shortest way round, the largest first", () => {
    const graph = graphOf("a>b b>c c>a c>b d>e e>d a>d f>f")
    expect(findCycles(graph, graph)).toEqual([
      { modules: ["a", "b", "c"], route: ["b", "c"], edges: 4, eager: true },
      { modules: ["d", "e"], route: ["d", "e"], edges: 2, eager: true },
      { modules: ["f"], route: ["f"], edges: 1, eager: true }
    ])
  })

  it("that are closed by import() only are told apart", () => {
    expect(findCycles(graphOf("a>b b>a"), graphOf("a>b"))).toMatchObject([{ eager: false }])
  })

  it("do not depend on the order of links", () => {
    const edges = "a>b b>c c>d d>a b>d x>y y>x a>x"
    const turned = edges.split(" ").reverse().join(" ")
    expect(findCycles(graphOf(turned), graphOf(turned))).toEqual(findCycles(graphOf(edges), graphOf(edges)))
  })
})

describe("places", () => {
  it("count importers and imports and the shortest way from the entry", () => {
    expect(findPlaces(graphOf("a>b a>c b>c c>d"), "a")).toEqual([
      { path: "c", fanIn: 2, fanOut: 1, depth: 1 },
      { path: "b", fanIn: 1, fanOut: 1, depth: 1 },
      { path: "d", fanIn: 1, fanOut: 0, depth: 2 },
      { path: "a", fanIn: 0, fanOut: 2, depth: 0 }
    ])
  })
})

describe("unused exports", () => {
  const exported = (path: string, name: string, more: Partial<Export> = {}): Export => ({
    path,
    name,
    from: "",
    imported: "",
    line: 1,
    uses: 0,
    type: false,
    ...more
  })
  const passedOn = (path: string, name: string, from: string, imported: string): Export =>
    exported(path, name, { from, imported })
  const imported = (from: string, to: string, ...names: ReadonlyArray<string>): Import => ({
    from,
    specifier: to,
    condition: "import",
    how: "static",
    elision: "none",
    names,
    line: 1,
    column: 0,
    lazy: false,
    guarded: false
  })
  const linked = (from: string, to: string, kind: Link["kind"] = "internal"): Link => ({
    from,
    specifier: to,
    condition: "import",
    kind,
    to,
    fate: "entered"
  })

  const unused = (exports: ReadonlyArray<Export>, imports: ReadonlyArray<Import>, links: ReadonlyArray<Link>) =>
    findUnusedExports({ isPublic: (path) => path === "main", exports, imports, links }).map(
      ({ path, name }) => `${path}#${name}`
    )

  it("are those that neither the entry shows nor a module imports", () => {
    const exports = [
      exported("main", "run"),
      exported("a", "used"),
      exported("a", "unused"),
      exported("a", "T", { type: true })
    ]
    expect(unused(exports, [imported("main", "a", "used")], [linked("main", "a")])).toEqual(["a#unused"])
  })

  it("are followed through barrels, by name and by star", () => {
    const exports = [
      passedOn("barrel", "one", "a", "first"),
      passedOn("barrel", "two", "a", "second"),
      passedOn("barrel", "*", "b", "*"),
      exported("a", "first"),
      exported("a", "second"),
      exported("b", "third"),
      exported("b", "fourth")
    ]
    const links = [linked("main", "barrel"), linked("barrel", "a"), linked("barrel", "b")]
    expect(unused(exports, [imported("main", "barrel", "one", "third")], links)).toEqual([
      "a#second",
      "b#fourth",
      "barrel#two"
    ])
    expect(unused(exports, [imported("main", "barrel", "*")], links)).toEqual([])
  })

  it("are told apart in files whose names hold separators", () => {
    const exports = [exported("a", "b#c"), exported("a#b", "c")]
    expect(unused(exports, [imported("main", "a", "b#c")], [linked("main", "a")])).toEqual(["a#b#c"])
  })

  it("end where barrels go round in a circle", () => {
    const exports = [passedOn("a", "*", "b", "*"), passedOn("b", "*", "a", "*"), exported("b", "x")]
    const links = [linked("main", "a"), linked("a", "b"), linked("b", "a")]
    expect(unused(exports, [imported("main", "a", "nothing")], links)).toEqual(["b#x"])
  })

  it("of other packages are nobody's business", () => {
    expect(unused([exported("dep", "x")], [], [linked("main", "dep", "outside")])).toEqual([])
  })
})
