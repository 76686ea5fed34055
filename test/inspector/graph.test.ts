/** Places in the graph of a program, and what its agents do; times of events as people read them. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { Agent, Fact, Intent, Program } from "../../src/index.ts"
import { agentsNow, lineOf } from "../../src/inspector/console/agentWork.ts"
import { since } from "../../src/inspector/console/format.ts"
import { beginScale, type GraphNode, nextNode, wholeScale } from "../../src/inspector/console/graphPlaces.ts"
import { askedIn, intentsOf, nodesOf, type ProgramNodes } from "../../src/inspector/console/programNodes.ts"
import { atOnce } from "../../src/inspector/console/atOnce.ts"
import { placesOfProgram } from "../../src/inspector/console/programPlaces.ts"
import type { TasksNow, Work } from "../../src/inspector/console/shapes.ts"
import { infoOf } from "../../src/server/systemRoutes.ts"

const node = (id: string, x: number, y: number): GraphNode => ({
  id,
  name: id,
  sort: "agent",
  isAdded: false,
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

const named = <const Name extends string>(name: Name) =>
  Fact.kind(name, { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const [Note, Letter, Stamp, Spare] = [named("Note"), named("Letter"), named("Stamp"), named("Spare")]
const Mail = Intent.kind("Mail", { payload: Schema.Struct({ to: Schema.String }), answers: [Letter, Stamp] })
const Log = Intent.kind("Log", { payload: Schema.Struct({}), record: true })
const empty = () => Effect.succeed({})

const graphOf = (agents: ReadonlyArray<Agent.Agent.Any>) =>
  infoOf(Program.make("one", { input: Schema.Struct({}), kinds: [Spare], agents })).graph

describe("the intents that agents asked for", () => {
  const intents = [
    { agent: "__proto__", kind: "constructor" },
    { agent: "__proto__", kind: "constructor" },
    { agent: "toString", kind: "__proto__" }
  ]

  it("are counted by names that every object has a property of, too", () => {
    const asked = askedIn(undefined, intents)
    expect(Object.entries(asked).map(([agent, kinds]) => [agent, Object.entries(kinds)])).toEqual([
      ["__proto__", [["constructor", 2]]],
      ["toString", [["__proto__", 1]]]
    ])
    expect(Object.keys(Object.prototype)).toEqual([])
    const { agents } = graphOf([Agent.make("valueOf", { each: Note, execute: empty })])
    expect(agents.map((agent) => intentsOf(agent, asked))).toEqual([[]])
  })

  it("are those of the journal, where there is one", () => {
    const agents = { a: { tasks: 1, discarded: 0, intents: { Mail: 3 } }, b: { tasks: 1, discarded: 0 } }
    expect(askedIn({ agents }, intents)).toEqual({ a: { Mail: 3 } })
  })
})

describe("the graph of a program", () => {
  it("has the intents that agents declare, the kinds that answer them, and kinds that no agent uses", () => {
    const found = graphOf([
      Agent.make("send", { each: Note, intents: [Mail, Log], execute: empty }),
      Agent.make("again", { each: Note, intents: [Mail], execute: empty })
    ])
    expect(found.intents).toEqual([
      { name: "Mail", answers: ["Letter", "Stamp"], by: "handler" },
      { name: "Log", answers: [], by: "nobody" }
    ])
    expect(found.kinds.map(({ name }) => name).sort()).toEqual(["Letter", "Note", "Spare", "Stamp"])
  })

  it("has approvals and child jobs where an agent reads their answers, and not elsewhere", () => {
    const [decides, spawns] = [
      Agent.make("decide", { each: Intent.Decision, execute: empty }),
      Agent.make("spawn", { reads: [Intent.ChildResult], execute: empty })
    ]
    expect(graphOf([decides, spawns]).intents).toEqual([
      { name: "Approval", answers: ["Decision"], by: "engine" },
      { name: "ChildJob", answers: ["ChildResult"], by: "engine" }
    ])
    expect(graphOf([decides]).intents.map(({ name }) => name)).toEqual(["Approval"])
    expect(graphOf([Agent.make("plain", { each: Note, execute: empty })]).intents).toEqual([])
  })
})

const lines = ({ lines: all }: ProgramNodes): ReadonlyArray<string> =>
  all.map(({ from, to, verb }) => `${from.slice(2)} ${verb} ${to.slice(2)}`)

describe("the graph of a job", () => {
  const graph = graphOf([
    Agent.make("ask", { writes: [Note], execute: empty }),
    Agent.make("send", { each: Note, intents: [Mail], execute: empty })
  ])

  it("puts intents between the agent that asks and the kinds that answer, also those that nobody declared", () => {
    const found = nodesOf(graph, { counts: {}, asked: { ask: { Approval: 2, ChildJob: 1, Odd: 1 } } })
    expect(lines(found).filter((line) => !/ (reads|writes) /.test(line))).toEqual([
      "ask asks for Approval",
      "ask asks for ChildJob",
      "ask asks for Odd",
      "send asks for Mail",
      "Mail is answered by Letter",
      "Mail is answered by Stamp",
      "Approval is answered by Decision",
      "ChildJob is answered by ChildResult"
    ])
    expect(found.nodes.filter(({ isAdded }) => isAdded).map(({ id }) => id)).toEqual(["i Odd"])
    expect(found.nodes.map(({ id }) => id)).toEqual(expect.arrayContaining(["k Decision", "k ChildResult"]))
  })

  it("has each kind that has facts in the job, and marks those that the program does not declare", () => {
    const found = nodesOf(graph, { counts: { Note: 3, Violation: 1, Decision: 0, constructor: 2 }, asked: {} })
    const kinds = found.nodes.filter(({ sort }) => sort === "kind")
    expect(kinds.filter(({ isAdded }) => isAdded).map(({ name }) => name)).toEqual(["Violation", "constructor"])
    expect(kinds.some(({ name }) => name === "Decision")).toBe(false)
  })
})

describe("the places of a large program", () => {
  const many = (agents: number, kinds: number): ProgramNodes => {
    const kind = (place: number) => `k ${place % kinds}`
    const node = (sort: "agent" | "kind", place: number) => {
      const id = sort === "agent" ? `a ${place}` : kind(place)
      return { id, sort, name: id, isAdded: false }
    }
    return {
      nodes: [
        ...Array.from({ length: kinds }, (_, place) => node("kind", place)),
        ...Array.from({ length: agents }, (_, place) => node("agent", place))
      ],
      lines: Array.from({ length: agents }, (_, place) => [
        { from: kind(place), to: `a ${place}`, verb: "reads" as const },
        { from: kind(7 * place + 3), to: `a ${place}`, verb: "reads" as const },
        { from: `a ${place}`, to: kind(place + 9), verb: "writes" as const },
        // It also writes what it reads.
        { from: `a ${place}`, to: kind(place), verb: "writes" as const }
      ]).flat()
    }
  }
  const laid = atOnce(placesOfProgram(many(150, 200), () => ({ width: 150, height: 48 })))

  it("overlap nowhere, and all are in the picture", () => {
    expect(laid.nodes).toHaveLength(350)
    const isIn = ({ x, y }: GraphNode) => x >= 0 && y >= 0 && x + 150 <= laid.width && y + 48 <= laid.height + 0.1
    expect(laid.nodes.every(isIn)).toBe(true)
    const clashes = laid.nodes.flatMap((one, index) =>
      laid.nodes.slice(index + 1).filter(({ x, y }) => Math.abs(x - one.x) < 150 && Math.abs(y - one.y) < 48)
    )
    expect(clashes).toEqual([])
  })

  it("are joined by each line, from the node that it leaves to the one that it reaches", () => {
    expect(laid.edges).toHaveLength(600)
    const places = new Map(laid.nodes.map((one) => [one.id, one]))
    const touches = (id: string, at: readonly [number, number] | undefined): boolean => {
      const place = places.get(id)
      if (place === undefined || at === undefined) return false
      const [x, y] = at
      return (x === place.x || x === place.x + 150) && y >= place.y && y <= place.y + 48
    }
    expect(
      laid.edges.filter(({ from, points, to }) => !touches(from, points[0]) || !touches(to, points.at(-1)))
    ).toEqual([])
  })
})

describe("what an agent does", () => {
  const task = { each: null, worker: 0, ms: 5, attempt: 1 }
  const now: TasksNow = {
    now: 0,
    cycle: 2,
    tasks: 4,
    running: [
      { ...task, agent: "parse" },
      { ...task, agent: "parse" }
    ],
    waiting: [{ agent: "fetch", each: null, for: "budget", since: 0 }],
    waits: 1,
    began: null,
    ended: [],
    ends: 0,
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
