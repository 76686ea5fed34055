/** G16: joins. Every pair that meets on a key is handled exactly once, whichever side came last. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine, type Fact, type JobContext, type JobEvent, WorkerPool } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { ended } from "../support/behaviour/harness.ts"
import { joined, Left, leftKeys, Met, nameOf, Right, rightKeys } from "../support/behaviour/joined.ts"
import { randomOf } from "../support/core/random.ts"
import { comparable, engineOn, runInline, runToEnd } from "../support/core/run.ts"

type LeftFact = Fact.FactOf<typeof Left>
type RightFact = Fact.FactOf<typeof Right>
type AnyFact = LeftFact | RightFact

/** A naive join: all pairs of live facts, at each cycle in which the join ran, of which one is new to it. */
const naive = (
  events: ReadonlyArray<JobEvent.JobEvent>,
  agent: string,
  pairs: (live: ReadonlyMap<string, AnyFact>) => ReadonlyArray<readonly [AnyFact, AnyFact]>
): ReadonlyArray<string> => {
  const live = new Map<string, AnyFact>()
  const found: Array<string> = []
  let mark = 0
  let version = 0
  const add = (facts: ReadonlyArray<Fact.Fact>) => {
    for (const fact of facts) {
      version = fact.provenance.version
      if (fact.kind !== "Left" && fact.kind !== "Right") continue
      live.delete(fact.id)
      live.set(fact.id, fact as AnyFact)
    }
  }
  const commit = () => {
    const rights = [...live.values()].filter(({ kind }) => kind === "Right")
    for (const { id } of rights.slice(0, Math.max(0, rights.length - 12))) live.delete(id)
  }
  const run = (cycle: ReadonlyArray<JobEvent.JobEvent>) => {
    const facts = cycle.flatMap((event) => (event._tag === "FactsCommitted" ? [event] : []))
    for (const event of facts) if (event.agent === "") add(event.facts)
    const started = cycle[0]
    if (started?._tag === "CycleStarted" && started.agents.includes(agent)) {
      const met = pairs(live)
        .filter(([a, b]) => Math.max(a.provenance.version, b.provenance.version) > mark)
        .toSorted(
          ([a, b], [c, d]) => a.provenance.version - c.provenance.version || b.provenance.version - d.provenance.version
        )
      found.push(...met.map(([a, b]) => `${agent} ${nameOf(a)} ${nameOf(b)}`))
      mark = version
    }
    for (const event of facts) if (event.agent !== "") add(event.facts)
    commit()
  }
  const [started] = events
  if (started?._tag === "JobStarted") add(started.seeds)
  commit()
  let from = events.findIndex(({ _tag }) => _tag === "CycleStarted")
  for (let at = from + 1; at <= events.length && from >= 0; at++) {
    if (at < events.length && events[at]?._tag !== "CycleStarted") continue
    run(events.slice(from, at))
    from = at
  }
  return found
}

const meets = (live: ReadonlyMap<string, AnyFact>) =>
  [...live.values()].flatMap((left) =>
    left.kind !== "Left"
      ? []
      : [...live.values()].flatMap((right) =>
          right.kind === "Right" && leftKeys(left.value).includes(rightKeys(right.value))
            ? [[left, right] as const]
            : []
        )
  )

const twins = (live: ReadonlyMap<string, AnyFact>) =>
  [...live.values()].flatMap((left) =>
    left.kind !== "Left"
      ? []
      : [...live.values()].flatMap((right) => {
          if (right.kind !== "Left") return []
          const keys = [right.value.id % 6, (right.value.id + 1) % 6]
          return left.value.keys.some((key) => keys.includes(key)) ? [[left, right] as const] : []
        })
  )

const handled = (context: JobContext.JobContext, agent: string): ReadonlyArray<string> =>
  [...context.evaluationsAfter(0)].flatMap((evaluation) => (evaluation.agent === agent ? [evaluation.reason] : []))

const expectJoined = (context: JobContext.JobContext, events: ReadonlyArray<JobEvent.JobEvent>): void => {
  for (const [agent, pairs] of [["meets", meets] as const, ["twins", twins] as const]) {
    const expected = naive(events, agent, pairs)
    expect(expected.length).toBeGreaterThan(0)
    expect(handled(context, agent)).toEqual(expected)
    expect(new Set(expected)).toEqual(new Set(context.all(Met).flatMap(({ id }) => (id.startsWith(agent) ? [id] : []))))
  }
}

describe("a join", () => {
  it.effect("handles each pair once and in order, whatever arrives, is revised or pruned", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 25; seed++) {
        const { events, result } = yield* runInline(joined, { seed, turns: 8 })
        expect(result.status).toBe("converged")
        expectJoined(result.context, events)
      }
    })
  )

  it.live("gives the same facts, events and hash for any number of workers", () =>
    Effect.gen(function* () {
      for (const size of [1, 2]) {
        const engine = yield* Layer.build(engineOn(WorkerPool.layer({ size, execArgv: [] })))
        for (let seed = 1; seed <= 6; seed++) {
          const inline = comparable(yield* runInline(joined, { seed, turns: 8 }, { id: "job" }))
          const end = yield* Effect.provide(runToEnd(joined, { seed, turns: 8 }, { id: "job" }), engine)
          expect(comparable(end)).toEqual(inline)
        }
      }
    }).pipe(Effect.scoped)
  )

  it.effect("goes on where a killed process left it, as if it had not been killed", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 8; seed++) {
        const input = { seed, turns: 8 }
        const whole = comparable(yield* runInline(joined, input, { id: "job" }))
        const store = yield* journalStore
        yield* ended(Engine.run(joined, input, { id: "job" })).pipe(
          Effect.provide(engineOnStore(brokenOff(store, randomOf(seed).below(8))))
        )
        const job = yield* Effect.provide(Engine.resume(joined, "job"), yield* Layer.build(engineOnStore(store)))
        expect((yield* job.result).hash).toBe(whole.hash)
      }
    }).pipe(Effect.scoped)
  )
})
