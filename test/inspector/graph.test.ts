/** Places in the graph of a program, and what its agents do; times of events as people read them. */
import { describe, expect, it } from "vitest"
import { agentsNow, lineOf } from "../../src/inspector/console/agentWork.ts"
import { since } from "../../src/inspector/console/format.ts"
import { beginScale, type GraphNode, nextNode, wholeScale } from "../../src/inspector/console/graphPlaces.ts"
import type { TasksNow, Work } from "../../src/inspector/console/shapes.ts"

const node = (id: string, x: number, y: number): GraphNode => ({
  id,
  name: id,
  isAgent: true,
  x,
  y,
  width: 100,
  height: 40
})

describe("the way through a graph", () => {
  const nodes = [node("a", 0, 100), node("b", 200, 90), node("c", 200, 300), node("d", 400, 100)]
  const from = (id: string) => nodes.find((one) => one.id === id)!
  const to = (id: string, x: number, y: number) => nextNode(nodes, from(id), [x, y])?.id

  it("leads to the nearest node in a direction, and nowhere where there is none", () => {
    expect([to("a", 1, 0), to("b", 1, 0), to("b", 0, 1), to("d", -1, 0)]).toEqual(["b", "d", "c", "b"])
    expect([to("a", -1, 0), to("d", 1, 0), to("c", 0, 1)]).toEqual([undefined, undefined, undefined])
  })
})

describe("the scale of a graph", () => {
  const laid = (width: number, height: number) => ({ width, height, nodes: [], edges: [] })
  const box = { width: 1_216, height: 600 }

  it("uses the room for a small graph, and stays readable for a large one", () => {
    expect(beginScale(laid(400, 120), box)).toBe(1.5)
    expect(beginScale(laid(1_200, 300), box)).toBe(1)
    expect(beginScale(laid(9_000, 4_000), box)).toBe(1)
    const whole = wholeScale(laid(9_000, 4_000), box)
    expect(9_000 * whole).toBeLessThanOrEqual(box.width)
    expect(4_000 * whole).toBeLessThanOrEqual(box.height)
  })
})

describe("what an agent does", () => {
  const task = { each: null, worker: 0, ms: 5, attempt: 1 }
  const now: TasksNow = {
    cycle: 2,
    tasks: 4,
    running: [
      { ...task, agent: "parse" },
      { ...task, agent: "parse" }
    ],
    waiting: [{ agent: "fetch", each: null, for: "budget" }],
    waits: 1,
    pool: { waiting: 0, busy: 0, size: 0 },
    since: null,
    spentMs: {}
  }
  const work: Work = {
    cycle: 1,
    spentMs: {},
    untoldMs: 0,
    awayMs: 0,
    measuredMs: null,
    agents: { parse: { tasks: 1_200, discarded: 3 }, rest: { tasks: 1, discarded: 0 } }
  }

  it("is said in a line: what runs, what waits, and what was committed", () => {
    const found = agentsNow(now, work)
    expect([...found].map(([name, agent]) => [name, lineOf(agent)])).toEqual([
      ["parse", "2 run · 1,200 tasks · 3 discarded"],
      ["rest", "1 task"],
      ["fetch", "1 waits"]
    ])
    expect(lineOf(undefined)).toBe("")
  })
})

describe("a time since the beginning of a job", () => {
  it("is exact while it is short, and never longer than a cell", () => {
    expect([0, 3_214.4, 59_999.6, 725_250, 12_005_000, 2 * 86_400_000 + 12_005_000].map(since)).toEqual([
      "0.000 s",
      "3.214 s",
      "1:00.0",
      "12:05.2",
      "3:20:05",
      "2 d 03:20:05"
    ])
  })
})
