/** The graph around a fact: its columns and lines, what has no room, and places where nothing lies on another. */
import { describe, expect, it } from "vitest"
import { type DerivationGraph, graphOf } from "../../src/inspector/console/derivationGraph.ts"
import { nextPlace, placesOf, widthsFor } from "../../src/inspector/console/derivationPlaces.ts"
import type { Explanation, Fact, Lineage } from "../../src/inspector/console/shapes.ts"

const fact = (id: string, version: number, more: Partial<Fact["provenance"]> = {}): Fact => ({
  kind: "K",
  id,
  value: null,
  provenance: { version, cycle: version, origin: "agent", agent: `by ${id}`, since: 0, until: version - 1, ...more }
})

/** Each node: its id, its version, and the places of its causes. */
const explanationOf = (
  ...nodes: ReadonlyArray<
    readonly [
      id: string,
      version: number,
      causes: ReadonlyArray<number>,
      omitted?: number,
      more?: Partial<Fact["provenance"]>
    ]
  >
): Explanation => ({
  nodes: nodes.map(([id, version, causes, omitted = 0, more]) => ({
    ...fact(id, version, more),
    trace: null,
    causes,
    omitted
  }))
})

const lineageOf = (
  facts: ReadonlyArray<readonly [version: number, causes: ReadonlyArray<number>, indirect?: ReadonlyArray<number>]>,
  count = facts.length
): Lineage => ({
  fact: { kind: "K", id: "it" },
  relation: "follows",
  count,
  facts: facts.map(([version, causes, indirect = []]) => ({
    ...fact(`f${version}`, version),
    causes,
    indirect,
    omitted: 0
  })),
  version: 1_000,
  cursor: null,
  previous: null
})

const alone = explanationOf(["it", 10, []])

const nameOf = ({ nodes }: DerivationGraph, key: string): string => {
  const node = nodes.find((other) => other.key === key)
  return node?.fact?.id ?? `${node?.count} more`
}

const columnsOf = (graph: DerivationGraph) =>
  Object.fromEntries(graph.nodes.map(({ column, key }) => [nameOf(graph, key), column]))

const linesOf = (graph: DerivationGraph) =>
  graph.lines
    .map(({ from, isByGone, to }) => `${nameOf(graph, from)} ${isByGone ? ".." : "--"} ${nameOf(graph, to)}`)
    .toSorted()

const draw = (explanation: Explanation, lineage: Lineage | undefined, most = 60, rows = 10) =>
  graphOf(explanation, lineage, most, () => rows)

describe("the graph around a fact", () => {
  it("has each fact one column further out than all that it hangs on, both ways", () => {
    const causes = explanationOf(["it", 10, [1, 2]], ["a", 8, [3]], ["b", 5, [], 1, { because: [2] }], ["c", 2, []])
    const follows = lineageOf([
      [11, [0]],
      [12, [0, 11]],
      [13, [11], [12]]
    ])
    const graph = draw(causes, follows)
    expect(columnsOf(graph)).toEqual({ c: -2, b: -1, a: -1, it: 0, f11: 1, f12: 2, f13: 3 })
    // The cause of b is explained at a, and the reasons of b name it.
    expect(linesOf(graph)).toEqual(
      [
        "a -- it",
        "b -- it",
        "c -- a",
        "c -- b",
        "it -- f11",
        "it -- f12",
        "f11 -- f12",
        "f11 -- f13",
        "f12 .. f13"
      ].toSorted()
    )
  })

  it("gives facts of one task the same causes", () => {
    const task = { agent: "one", cycle: 4, until: 3 }
    const causes = explanationOf(["it", 10, [1, 2]], ["a", 5, [3], 0, task], ["b", 6, [], 1, task], ["c", 2, []])
    expect(linesOf(draw(causes, undefined))).toEqual(["a -- it", "b -- it", "c -- a", "c -- b"])
  })

  it("counts what has no room, and keeps its lines", () => {
    const many = Array.from({ length: 30 }, (_, n) => [11 + n, [0]] as const)
    const graph = draw(alone, lineageOf([...many, [50, [40]], [51, [50, 11]]]), 60, 10)
    expect(columnsOf(graph)).toMatchObject({ "20 more": 1, f50: 2, f51: 3 })
    const lines = linesOf(graph)
    for (const line of ["it -- 20 more", "20 more -- f50", "f50 -- f51", "f11 -- f51"]) expect(lines).toContain(line)
    expect(graph.nodes.reduce((sum, { count }) => sum + count, 0)).toBe(1 + 32)
  })

  it("is bounded however large the derivation, on both sides, and tells how much is left", () => {
    const chain = Array.from({ length: 3_000 }, (_, n) => [`c${n}`, 9_000 - n, n < 2_999 ? [n + 1] : []] as const)
    const after = Array.from({ length: 400 }, (_, n) => [9_001 + n, n < 20 ? [0] : [9_001 + n - 20]] as const)
    for (const most of [60, 100]) {
      const graph = draw(explanationOf(...chain), lineageOf(after, 12_345), most)
      expect(graph.nodes.filter(({ fact }) => fact !== undefined).length).toBe(most)
      expect(graph.nodes.length).toBeLessThan(most + 60)
      expect(graph.nodes.filter(({ column }) => column <= 0).reduce((sum, { count }) => sum + count, 0)).toBe(3_000)
      expect(graph.nodes.filter(({ column }) => column > 0).reduce((sum, { count }) => sum + count, 0)).toBe(12_345)
      const named = new Set(graph.nodes.map(({ key }) => key))
      expect(graph.lines.every(({ from, to }) => named.has(from) && named.has(to))).toBe(true)
    }
  })

  it("leaves room that one side does not need to the other", () => {
    const after = Array.from({ length: 100 }, (_, n) => [11 + n, [n === 0 ? 0 : 10 + n]] as const)
    expect(draw(alone, lineageOf(after)).nodes.filter(({ fact }) => fact !== undefined)).toHaveLength(60)
  })
})

const widths = { node: 200, gap: 40 }

describe("the places of a graph", () => {
  it("fit into the width that there is, as long as nodes can be read", () => {
    const graph = draw(
      explanationOf(["it", 10, [1]], ["a", 8, []]),
      lineageOf([
        [11, [0]],
        [12, [11]]
      ])
    )
    const widthIn = (available: number): number => placesOf(graph, widthsFor(graph, available)).width
    expect(widthIn(900)).toBeLessThanOrEqual(900)
    expect(widthIn(700)).toBeLessThanOrEqual(700)
    expect(widthIn(4_000)).toBeLessThan(1_100)
    expect(widthIn(300)).toBeGreaterThan(600)
  })

  /** A graph of random lines between columns. */
  const random = (seed: number): DerivationGraph => {
    let state = seed
    const below = (n: number): number => (state = (state * 48_271) % 2_147_483_647) % n
    const facts = Array.from({ length: 45 }, (_, n) => {
      const causes = Array.from({ length: 1 + below(3) }, () => (n === 0 || below(4) === 0 ? 0 : 11 + below(n)))
      return [11 + n, [...new Set(causes)].sort((a, b) => a - b)] as const
    })
    return draw(
      explanationOf(["it", 10, [1, 2]], ["a", 8, [3]], ["b", 5, [4]], ["c", 2, []], ["d", 1, []]),
      lineageOf(facts)
    )
  }

  it("have no node on another, and no line through a node", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { height, nodeHeight, nodes, nodeWidth, paths, width } = placesOf(random(seed), widths)
      for (const [index, { x, y }] of nodes.entries()) {
        expect(x >= 0 && y >= 0 && x + nodeWidth <= width && y + nodeHeight <= height).toBe(true)
        for (const other of nodes.slice(index + 1)) {
          expect(other.x !== x || Math.abs(other.y - y) >= nodeHeight, `seed ${seed}`).toBe(true)
        }
      }
      for (const { d, line } of paths) {
        // Where a line goes through a column, no node is.
        for (const [, to = "", at = ""] of d.matchAll(/L([\d.]+) ([\d.]+)/g)) {
          const [x, y] = [Number(to) - nodeWidth, Number(at)]
          const hit = nodes.find((node) => node.x === x && y > node.y && y < node.y + nodeHeight)
          expect(hit, `seed ${seed}, ${line.from} to ${line.to}`).toBeUndefined()
        }
      }
    }
  })

  it("put a chain on one line, and keys walk it", () => {
    const { nodes } = placesOf(
      draw(
        explanationOf(["it", 10, [1]], ["a", 8, []]),
        lineageOf([
          [11, [0]],
          [12, [11]]
        ])
      ),
      widths
    )
    expect(new Set(nodes.map(({ y }) => y)).size).toBe(1)
    expect(nextPlace(nodes, "center", [1, 0])).toBe("r11")
    expect(nextPlace(nodes, "center", [-1, 0])).toBe("l1")
    expect(nextPlace(nodes, "r12", [1, 0])).toBeUndefined()
    const wide = placesOf(
      draw(
        alone,
        lineageOf([
          [11, [0]],
          [12, [0]],
          [13, [0]]
        ])
      ),
      widths
    ).nodes
    const inOrder = wide.filter(({ node }) => node.column === 1).toSorted((a, b) => a.y - b.y)
    expect(nextPlace(wide, inOrder[0]?.node.key ?? "", [0, 1])).toBe(inOrder[1]?.node.key)
    expect(nextPlace(wide, inOrder[0]?.node.key ?? "", [0, -1])).toBeUndefined()
  })
})
