/** The rests of a job on its timeline: what the record says of them, and a scale on which they are short. */
import { describe, expect, it } from "vitest"
import { taskKeyOf } from "../../src/inspector/console/liveTask.ts"
import type { RecordedCycle } from "../../src/inspector/console/shapes.ts"
import { busyPart, stopsOf, timelineOf, within } from "../../src/inspector/console/timelineModel.ts"
import { type JobTimes, reasonOf, restSpan, restsOf } from "../../src/inspector/console/timelineRests.ts"
import { hasFolds, isMostlyRest, Scale } from "../../src/inspector/console/timelineScale.ts"

/** A cycle with a task of an agent that ran from its beginning to its end. */
const cycle = (
  number: number,
  at: number,
  more: { readonly tookMs?: number | null; readonly ranMs?: number; readonly notes?: RecordedCycle["notes"] } = {}
): RecordedCycle => {
  const { notes, ranMs, tookMs = 100 } = more
  return {
    cycle: number,
    tier: 0,
    at,
    tookMs,
    ...(ranMs === undefined ? {} : { ranMs }),
    ...(notes === undefined ? {} : { notes }),
    tasks: 1,
    facts: 0,
    discarded: 0,
    signals: 0,
    agents: { a: 1 },
    recorded:
      tookMs === null ? [] : [{ agent: "a", each: null, worker: 0, startMs: 0, tookMs, attempts: 1, discarded: null }],
    untimed: []
  }
}

const times = (more: Partial<JobTimes> = {}): JobTimes => ({
  state: "running",
  cycle: 2,
  createdAt: 1_000,
  since: undefined,
  haltedAt: undefined,
  durationMs: undefined,
  ...more
})

const hour = 3_600_000

/** The first cycle is committed a tenth of a second after the job's beginning, and the second one after a rest. */
const rested = (ms: number, notes?: RecordedCycle["notes"]): ReadonlyArray<RecordedCycle> => [
  cycle(1, 1_100, { ranMs: 100 }),
  cycle(2, 1_200 + ms, { ranMs: 200, ...(notes === undefined ? {} : { notes }) })
]

const told = (cycles: ReadonlyArray<RecordedCycle>, of?: JobTimes) =>
  restsOf(cycles, of).map((rest) => `${restSpan(rest, 10_000)}: ${reasonOf(rest)}`)

describe("a rest between two cycles", () => {
  it("is from the commit before to the beginning of the tasks, with the time in which the job did not run", () => {
    expect(restsOf(rested(3 * hour, ["Awaiting", "Resumed"]))).toMatchObject([
      { cycle: 1, from: 1_100, to: 1_100 + 3 * hour, ms: 3 * hour }
    ])
    // A part of the gap in which it ran is none of the rest.
    const [first, second] = rested(3 * hour)
    expect(restsOf([first!, { ...second!, ranMs: 200 + hour }])).toMatchObject([{ ms: 2 * hour }])
    // Where no task took a millisecond, the beginning of the tasks is not known.
    expect(restsOf([first!, cycle(2, 6_110, { tookMs: null, ranMs: 110, notes: ["Paused"] })])).toMatchObject([
      { from: 1_100, to: 6_100, ms: 5_000 }
    ])
  })

  it("says what the record tells of its reason, and otherwise only what is known", () => {
    expect(told(rested(3 * hour + 20 * 60_000, ["Awaiting", "Resumed"]))).toEqual([
      "rested 3 h 20 min: awaiting, then resumed"
    ])
    expect(told(rested(5_000, ["Awaiting", "Paused", "Resumed"]))).toEqual([
      "rested 5.0 s: awaiting, then paused, then resumed"
    ])
    const many = Array.from({ length: 50 }, () => ["Paused", "Resumed"] as const).flat()
    expect(told(rested(5_000, [...many, "Awaiting"]))).toEqual(["rested 5.0 s: paused and awaiting, with 101 changes"])
    expect(told(rested(5_000))).toEqual([
      "no record of 5.0 s: it was queued, no process held it, or a process was ended before it recorded its work"
    ])
  })

  it("is none where the job ran on, where its times are rounded, where the clock went back, and without its times", () => {
    expect(restsOf(rested(0, ["Paused", "Resumed"]))).toEqual([])
    expect(restsOf(rested(900))).toEqual([])
    expect(restsOf(rested(-5_000, ["Paused", "Resumed"]))).toEqual([])
    // Other servers give no such times.
    expect(restsOf([cycle(1, 1_100), cycle(2, 9_000)], times())).toEqual([])
    // A cycle between them has not been fetched.
    expect(restsOf([cycle(1, 1_100, { ranMs: 100 }), cycle(3, 9_000, { ranMs: 200 })])).toEqual([])
  })
})

describe("a rest beside the cycles", () => {
  it("is before the first one, where the job had to wait for that", () => {
    expect(told([cycle(1, 6_100, { ranMs: 100 })], times({ cycle: 1 }))).toEqual([
      expect.stringMatching(/^no record of 5\.0 s: before the first cycle, it was queued/)
    ])
    expect(told([cycle(2, 6_100, { ranMs: 100 })], times({ cycle: 2 }))).toEqual([])
  })

  it.each([
    [{ state: "awaiting" }, "rests for 8.8 s so far: awaiting"],
    [{ state: "paused", since: 4_000 }, "rests for 6.0 s so far: paused"],
    [{ state: "suspended" }, "rests for 8.8 s so far: no engine of this server runs it"],
    [{ state: "queued", since: 1_000 }, "rests for 8.8 s so far: it is queued"],
    [{ since: 4_000 }, "did not run for 2.8 s: then it went on; the reason comes with its next cycle"],
    [
      { state: "cancelled", haltedAt: 6_250, durationMs: 250 },
      "did not run for 5.0 s: then it ended; the events say more"
    ]
  ])("goes on, or has ended, after the last one: %o", (more, wanted) => {
    expect(told(rested(0), times(more))).toEqual([wanted])
  })

  it.each([
    {},
    { since: 1_000 },
    { state: "converged", haltedAt: 1_250, durationMs: 250 },
    { state: "paused", cycle: 3 }
  ])("is none of a job that goes on, has ended at once, or has a later cycle: %o", (more) => {
    expect(told(rested(0), times(more))).toEqual([])
  })
})

describe("a timeline with rests", () => {
  const timeline = timelineOf(rested(9_800, ["Paused", "Resumed"]), new Map(), undefined)

  it("has lanes that are busy for a part of the time without them, also where a part is in view", () => {
    const { from, lanes, rests, to } = timeline
    expect([from, to]).toEqual([1_000, 11_000])
    expect(busyPart(lanes[0]!, from, to)).toBeCloseTo(0.02)
    expect(busyPart(lanes[0]!, from, to, rests)).toBeCloseTo(1)
    expect(busyPart(lanes[0]!, 1_000, 6_000, rests)).toBeCloseTo(1)
    expect(busyPart(lanes[0]!, 2_000, 3_000, rests)).toBe(0)
    expect(within(timeline, 1_000, 1_100).rests).toEqual([])
    expect(within(timeline, 2_000, 3_000).rests).toHaveLength(1)
  })

  it("has them among the stops of the keys, after the tasks before them", () => {
    const name = taskKeyOf({ cycle: 1, agent: "a" })
    expect(stopsOf(timeline).map(({ bar, rest }) => bar?.name ?? rest?.key)).toEqual([
      name,
      "rest 2",
      taskKeyOf({ cycle: 2, agent: "a" })
    ])
  })

  it("reaches to now while a rest goes on, and begins with one before the first cycle", () => {
    const { from, to } = timelineOf([cycle(1, 6_100, { ranMs: 100 })], new Map(), 50_000, {
      times: times({ state: "awaiting", cycle: 1 })
    })
    expect([from, to]).toEqual([1_000, 50_000])
  })
})

describe("the scale of a timeline", () => {
  const timeline = timelineOf(rested(9_800, ["Paused", "Resumed"]), new Map(), undefined)

  it("has short rests, and all other time as it was", () => {
    const scale = new Scale(timeline, true)
    const between = (from: number, to: number): number => scale.placeOf(to) - scale.placeOf(from)
    expect(between(1_000, 1_100)).toBeCloseTo(100)
    expect(between(10_900, 11_000)).toBeCloseTo(100)
    expect(between(1_100, 10_900)).toBeCloseTo(16)
    expect(between(1_100, 6_000)).toBeCloseTo(8)
    for (const ms of [0, 1_000, 1_050, 1_100, 1_101, 6_000, 10_899, 10_900, 10_950, 99_000]) {
      expect(scale.timeAt(scale.placeOf(ms))).toBeCloseTo(ms)
    }
  })

  it("is that of a clock where rests are to be as long as they were, or are short anyway", () => {
    expect(new Scale(timeline, false).placeOf(6_000)).toBe(6_000)
    const brief = timelineOf(rested(10, ["Paused"]), new Map(), undefined)
    expect([hasFolds(brief), isMostlyRest(brief), hasFolds(timeline), isMostlyRest(timeline)]).toEqual([
      false,
      false,
      true,
      true
    ])
  })

  it("gives a thousand rests no more room than the work", () => {
    const cycles = Array.from({ length: 1_001 }, (_, index) =>
      cycle(index + 1, 1_100 + index * 10_100, { ranMs: 100 * (index + 1), notes: ["Awaiting", "Resumed"] })
    )
    const many = timelineOf(cycles, new Map(), undefined)
    expect(many.rests).toHaveLength(1_000)
    const scale = new Scale(many, true)
    expect(scale.placeOf(many.to) - scale.placeOf(many.from)).toBeLessThanOrEqual(2 * 100_100)
  })
})
