/** A job's time as bars: what became of each task, while it is heard of and from what was recorded; and the transition that moves. */
import { describe, expect, it } from "vitest"
import { transitionTo } from "../../src/inspector/console/lastTransition.ts"
import {
  busyPart,
  inOrder,
  longest,
  tallyOf,
  timelineOf,
  whyEmpty,
  within
} from "../../src/inspector/console/timelineModel.ts"
import { type LiveTask, taskKeyOf } from "../../src/inspector/console/liveTask.ts"
import type { RecordedCycle } from "../../src/inspector/console/shapes.ts"

type Recorded = RecordedCycle["recorded"][number]

const ran = (
  agent: string,
  worker: number,
  startMs: number,
  tookMs: number,
  more: Partial<Recorded> = {}
): Recorded => ({
  agent,
  each: null,
  worker,
  startMs,
  tookMs,
  attempts: 1,
  discarded: null,
  ...more
})

const cycle = (number: number, at: number, tookMs: number, recorded: ReadonlyArray<Recorded>): RecordedCycle => ({
  cycle: number,
  tier: 0,
  at,
  tookMs,
  tasks: recorded.length,
  facts: 0,
  discarded: recorded.filter(({ discarded }) => discarded !== null).length,
  signals: 0,
  agents: {},
  recorded,
  untimed: []
})

const live = (key: string, of: Partial<LiveTask>): LiveTask => ({
  key,
  cycle: 9,
  agent: "a",
  each: undefined,
  attempt: 1,
  begins: [],
  queuedAt: 1_000,
  waitsFor: undefined,
  claimedAt: undefined,
  endedAt: undefined,
  worker: 0,
  failed: undefined,
  ...of
})

const heard = (...tasks: ReadonlyArray<LiveTask>): ReadonlyMap<string, LiveTask> =>
  new Map(tasks.map((task) => [task.key, task]))

const outcomesOf = (timeline: ReturnType<typeof timelineOf>) =>
  Object.fromEntries(timeline.lanes.map(({ bars, name }) => [name, bars.map(({ outcome }) => outcome)]))

describe("the bars of recorded cycles", () => {
  const timeline = timelineOf(
    [
      cycle(1, 1_100, 100, [
        ran("parse", 1, 0, 40),
        ran("parse", 2, 0, 60, { discarded: "AgentFailed" }),
        ran("parse", 1, 40, 50, { discarded: "AgentTimedOut" }),
        ran("fetch", 0, 0, 30, { attempts: 3 }),
        ran("fetch", 0, 10, 30)
      ]),
      cycle(2, 1_300, 50, [])
    ],
    heard(live("old", { cycle: 2, claimedAt: 1_250 })),
    undefined
  )

  it("have a lane for each worker, and one for each fiber that runs at a time", () => {
    expect(outcomesOf(timeline)).toEqual({
      "worker 1": ["done", "killed"],
      "worker 2": ["discarded"],
      fetch: ["retried"],
      "fetch 2": ["done"]
    })
  })

  it("are counted by what became of the tasks, once each", () => {
    expect(tallyOf(timeline)).toEqual([
      ["done", 2],
      ["retried", 1],
      ["discarded", 1],
      ["killed", 1]
    ])
  })

  it("say when a cycle's effects were merged and when it was committed", () => {
    expect(timeline.commits.map(({ at, from, merge }) => [from, merge, at])).toEqual([
      [1_000, 1_090, 1_100],
      [1_250, 1_250, 1_300]
    ])
  })

  it("come in the order of time, and the longest first where that is asked", () => {
    expect(inOrder(timeline).map(({ from }) => from)).toEqual([1_000, 1_000, 1_000, 1_010, 1_040])
    expect(longest(timeline, 2, 0).map(({ ms }) => ms)).toEqual([60, 50])
    expect(busyPart(timeline.lanes[0]!, 1_000, 1_100)).toBeCloseTo(0.9)
    expect(busyPart(timeline.lanes[1]!, 1_000, 1_120)).toBeCloseTo(0.5)
  })
})

describe("the bars of tasks that are heard of", () => {
  const tasks = heard(
    live("waits", { waitsFor: "concurrency" }),
    live("again", { claimedAt: 1_010, attempt: 2, waitsFor: "concurrency" }),
    live("queued", {}),
    live("runs", { claimedAt: 1_020, worker: 2 }),
    live("done", { claimedAt: 1_000, endedAt: 1_020, worker: 2 }),
    live("retried", { claimedAt: 1_000, endedAt: 1_040, attempt: 2 }),
    live("fails", { claimedAt: 1_040, endedAt: 1_050, failed: "AgentFailed" }),
    live("late", { claimedAt: 1_050, endedAt: 1_060, failed: "AgentOutOfMemory" })
  )

  it("tell of tasks that wait, run, have ended, were tried again, failed, and were stopped", () => {
    expect(outcomesOf(timelineOf([], tasks, 1_100))).toEqual({
      "worker 1": [],
      "worker 2": ["done", "running"],
      a: ["retried", "discarded", "killed"],
      "a waits": ["queued"],
      "a waits 2": ["queued"],
      "a waits 3": ["queued"]
    })
  })

  it("of a job that is over: what had not begun has no bar, and what had no end was stopped", () => {
    expect(outcomesOf(timelineOf([], tasks, undefined))).toEqual({
      "worker 1": [],
      "worker 2": ["done", "killed"],
      a: ["retried", "discarded", "killed"]
    })
  })

  it("give way to what was recorded of their cycle", () => {
    expect(tallyOf(timelineOf([cycle(9, 2_000, 10, [ran("a", 0, 0, 5)])], tasks, 2_100))).toEqual([["done", 1]])
  })

  it("have lanes of their agent, as many as run at a time, and take one that is free again", () => {
    const many = Array.from({ length: 60 }, (_, index) => live(`${index}`, { claimedAt: 1_000 + index }))
    const others = [
      live("x", { agent: "b", claimedAt: 1_000, endedAt: 1_010 }),
      live("y", { agent: "b", claimedAt: 1_005, endedAt: 1_030 }),
      live("z", { agent: "b", claimedAt: 1_010, endedAt: 1_020 })
    ]
    const { lanes } = timelineOf([], heard(...many, ...others), 1_100)
    const own = lanes.filter(({ agent }) => agent === "a")
    expect([own.length, own[0]?.name, own[59]?.name]).toEqual([60, "a", "a 60"])
    expect(own.every(({ bars }) => bars.length === 1)).toBe(true)
    expect(
      lanes.filter(({ agent }) => agent === "b").map(({ bars, name }) => [name, bars.map(({ key }) => key)])
    ).toEqual([
      ["b", ["x", "z"]],
      ["b 2", ["y"]]
    ])
    const folded = timelineOf([], heard(...many, ...others), 1_100, { folded: new Set(["a"]) })
    expect(folded.lanes.map(({ bars, name }) => [name, bars.length])).toEqual([
      ["a \u00d760", 60],
      ["b", 2],
      ["b 2", 1]
    ])
    expect(longest(folded, 1, 1_100)[0]?.lane).toBe("a \u00d760")
  })

  it("stand beside the lanes of workers that have nothing to do", () => {
    const { lanes } = timelineOf([], heard(live("runs", { claimedAt: 1_020, worker: 1 })), 1_100, { workers: 3 })
    expect(lanes.map(({ bars, name }) => [name, bars.length])).toEqual([
      ["worker 1", 1],
      ["worker 2", 0],
      ["worker 3", 0]
    ])
  })

  it("are few where a record names a worker of a number that no machine has", () => {
    const task = live("runs", { claimedAt: 1_020, worker: 4_000_000_000 })
    const { lanes } = timelineOf([], heard(task), 1_100, { workers: 2 })
    expect(lanes).toHaveLength(257)
    expect(lanes.at(-1)).toMatchObject({ name: "worker 4000000000", bars: [{ agent: "a" }] })
  })

  it("keep the times at which further attempts began, also when their cycle is recorded", () => {
    const each = { kind: "File", id: "a" }
    const name = taskKeyOf({ cycle: 9, agent: "a", each })
    const task = live(name, { each, claimedAt: 1_000, endedAt: 1_050, attempt: 2, begins: [1_030] })
    const row = cycle(9, 1_060, 60, [ran("a", 0, 0, 50, { each, attempts: 2 })])
    for (const cycles of [[], [row]]) {
      expect(inOrder(timelineOf(cycles, heard(task), 1_100)).map(({ begins }) => begins)).toEqual([[1_030]])
    }
  })
})

describe("the transition that led to a state", () => {
  const edges = [
    { from: "idle", to: "running" },
    { from: "running.eligible", to: "paused" },
    { from: "running.checking", to: "paused" },
    { from: "running.checking", to: "awaiting" },
    { from: "awaiting", to: "paused" },
    { from: "running", to: "failed" },
    { from: "running.executing", to: "running.merging" }
  ]

  it.each([
    ["running.checking", "paused", "running.checking>paused"],
    // Phases between two looks are not seen.
    ["running.executing", "awaiting", "running.checking>awaiting"],
    ["running.executing", "paused", "running.eligible>paused"],
    ["awaiting", "paused", "awaiting>paused"],
    ["idle", "running.executing", "idle>running"],
    ["paused", "failed", "running>failed"],
    ["running.executing", "running.merging", "running.executing>running.merging"],
    ["running.executing", "nowhere", undefined],
    // At the first look, nobody knows from where the job came.
    ["", "awaiting", "running.checking>awaiting"],
    ["", "paused", undefined]
  ])("from %s to %s", (before, active, wanted) => {
    const edge = transitionTo(edges, before, active)
    expect(edge && `${edge.from}>${edge.to}`).toBe(wanted)
  })
})

describe("a discarded task below a millisecond", () => {
  const failing = { agent: "parse", each: { kind: "File", id: "a" }, discarded: "AgentFailed" }
  const timeline = timelineOf(
    [
      {
        ...cycle(1, 1_100, 100, [ran("parse", 1, 0, 40)]),
        untimed: [failing, { ...failing, discarded: "AgentTimedOut" }]
      }
    ],
    heard(),
    undefined
  )

  it("has a lane of its own, where its effect was discarded", () => {
    const lane = timeline.lanes.at(-1)
    expect(lane?.name).toBe("under 1 ms")
    expect(lane?.bars.map(({ from, outcome, to }) => [from, to, outcome])).toEqual([
      [1_100, 1_100, "discarded"],
      [1_100, 1_100, "killed"]
    ])
  })

  it("is among the tasks that keys go through, and not among the longest", () => {
    expect(inOrder(timeline).map(({ isUntimed }) => isUntimed)).toEqual([undefined, true, true])
    expect(longest(timeline, 10, 0)).toHaveLength(1)
  })

  it("is drawn of a record without such names, too", () => {
    const { untimed: _, ...earlier } = cycle(1, 1_100, 100, [ran("parse", 1, 0, 40)])
    expect(timelineOf([earlier as RecordedCycle], heard(), undefined).lanes).toHaveLength(1)
  })
})

describe("a task that is heard of before the page's time has moved", () => {
  it("has taken no time yet, and not less", () => {
    const timeline = timelineOf([], heard(live("runs", { claimedAt: 1_465 })), 1_000)
    expect(longest(timeline, 1, 1_000).map(({ ms }) => ms)).toEqual([0])
  })
})

describe("the lanes of an agent that runs one task at a time", () => {
  it("are one, also where the times of two cycles, or of a task that is heard of, overlap a little", () => {
    const timeline = timelineOf(
      [
        cycle(1, 1_100, 100, [ran("a", 0, 0, 99.6)]),
        // Counted back from its commit, it began before the commit of the cycle before.
        cycle(2, 1_200, 112, [ran("a", 0, 0, 111)])
      ],
      heard(
        live("three", { cycle: 3, queuedAt: 1_188, claimedAt: 1_188, endedAt: 1_300.6 }),
        live("four", { cycle: 4, queuedAt: 1_300, claimedAt: 1_300 })
      ),
      1_400
    )
    expect(timeline.lanes.map(({ bars, name }) => [name, bars.map(({ from }) => from)])).toEqual([
      ["a", [1_000, 1_100, 1_200, 1_300]]
    ])
    expect(inOrder(timeline).map(({ queued }) => queued)).toEqual([1_000, 1_100, 1_200, 1_300])
  })
})

describe("the lanes of an agent that says how many of its tasks run at a time", () => {
  const limited = (limit: number, ...recorded: ReadonlyArray<Recorded>) =>
    timelineOf([cycle(1, 1_100, 100, recorded)], heard(), undefined, { limits: new Map([["a", limit]]) })
  const named = ({ lanes }: ReturnType<typeof timelineOf>) => lanes.map(({ bars, name }) => [name, bars.length])

  it("are as many, also those that are idle", () => {
    expect(named(limited(4, ran("a", 0, 0, 40), ran("a", 0, 10, 40), ran("b", 0, 0, 10)))).toEqual([
      ["a", 1],
      ["a 2", 1],
      ["a 3", 0],
      ["a 4", 0],
      ["b", 1]
    ])
  })

  it("are one for all that are idle where they are many, and one for all where they are folded", () => {
    const two = [ran("a", 0, 0, 40), ran("a", 0, 10, 40)]
    const timeline = limited(64, ...two)
    expect(named(timeline)).toEqual([
      ["a", 1],
      ["a 2", 1],
      ["a 3–64", 0]
    ])
    expect(timeline.lanes.map(({ idle }) => idle)).toEqual([undefined, undefined, 62])
    expect(named(limited(9, ...Array.from({ length: 8 }, () => ran("a", 0, 0, 40)))).at(-1)).toEqual(["a 9", 0])
    const options = { limits: new Map([["a", 64]]), folded: new Set(["a"]) }
    expect(named(timelineOf([cycle(1, 1_100, 100, two)], heard(), undefined, options))).toEqual([["a ×2 of 64", 2]])
  })

  it("are no more where rounded times overlap, and more where a task left its place between two attempts", () => {
    expect(named(limited(1, ran("a", 0, 0, 44), ran("a", 0, 40, 40)))).toEqual([["a", 2]])
    expect(named(limited(2, ran("a", 0, 0, 44), ran("a", 0, 1, 48), ran("a", 0, 40, 40)))).toEqual([
      ["a", 2],
      ["a 2", 1]
    ])
    expect(named(limited(1, ran("a", 0, 0, 90, { attempts: 2 }), ran("a", 0, 20, 40)))).toEqual([
      ["a", 1],
      ["a 2", 1]
    ])
  })

  it("are there while all of its tasks wait, for those of other jobs", () => {
    const tasks = heard(live("waits", { waitsFor: "concurrency" }))
    expect(named(timelineOf([], tasks, 1_100, { limits: new Map([["a", 1]]) }))).toEqual([
      ["a", 0],
      ["a waits", 1]
    ])
  })
})

describe("a picture of a hundred thousand tasks", () => {
  it("has its lanes soon", () => {
    const cycles = Array.from({ length: 1_000 }, (_, index) =>
      cycle(
        index + 1,
        100 * (index + 1),
        100,
        Array.from({ length: 100 }, (_unused, place) => ran("a", 0, place % 7, 80))
      )
    )
    const began = performance.now()
    const { lanes } = timelineOf(cycles, heard(), undefined, { limits: new Map([["a", 100]]) })
    expect([lanes.length, lanes.every(({ bars }) => bars.length === 1_000)]).toEqual([100, true])
    // It takes a tenth of that, also on a busy machine.
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

describe("a part of a timeline", () => {
  it("has what is in view, and all lanes", () => {
    const whole = timelineOf(
      [
        cycle(1, 1_100, 100, [ran("a", 0, 0, 90), ran("b", 0, 0, 10)]),
        cycle(2, 1_300, 100, [ran("a", 0, 0, 50, { discarded: "AgentFailed" })])
      ],
      heard(live("c", { cycle: 3, agent: "c", claimedAt: 1_310, queuedAt: 1_310 })),
      1_400
    )
    const part = within(whole, 1_050, 1_250)
    expect(part.lanes.map(({ bars, name }) => [name, bars.length])).toEqual([
      ["a", 2],
      ["b", 0],
      ["c", 0]
    ])
    expect([tallyOf(part), part.commits.length]).toEqual([
      [
        ["done", 1],
        ["discarded", 1]
      ],
      1
    ])
    expect(longest(within(whole, 1_320, 1_330), 9, 1_400).map(({ agent }) => agent)).toEqual(["c"])
  })
})

describe("a timeline with nothing to draw says why", () => {
  it.each([
    ["", { cycle: 0, state: "quarantined" }, "No cycle has been committed, and times are recorded with a cycle."],
    ["", { cycle: 3, state: "converged" }, /^No times are recorded of this job\. .* where the store is durable\.$/],
    ["", { cycle: 0, state: "running" }, /committed, .* Those of tasks that run are shown from now on\.$/],
    ["The journal is corrupt", { cycle: 3, state: "failed" }, "The times cannot be read: The journal is corrupt."]
  ])("with the problem '%s', of %o", (refusal, job, wanted) => {
    expect(whyEmpty(refusal, job)).toMatch(wanted)
  })
})
