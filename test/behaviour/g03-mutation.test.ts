/**
 * That the property of g03-deterministic.test.ts can fail: the same job on an engine that merges in the order in which tasks
 * end gives other hashes, other event logs and other results, from one order to the next.
 */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { vi } from "vitest"
import type { JobSession } from "../../src/job/session.ts"
import type { UnderWay } from "../../src/job/underWay.ts"
import { completed, disorderlyPool, disturbWith } from "../support/core/chaos.ts"
import { comparable, engineOn, runToEnd } from "../support/core/run.ts"
import { synthetic } from "../support/core/synthetic.ts"
import type { TaskOutcome } from "../../src/outcome/CommittedCycle.ts"

const mutation = vi.hoisted(() => ({ isOn: false }))

// The mutation: outcomes are put in the order in which their tasks were reported to have ended.
vi.mock("../../src/job/tasks.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/job/tasks.ts")>()
  const keyOf = (agent: string, each: { readonly kind: string; readonly id: string } | undefined) =>
    `${agent} ${each?.kind} ${each?.id}`
  const runTasks = (session: JobSession, underWay: UnderWay) => {
    if (!mutation.isOn) return original.runTasks(session, underWay)
    const ended: Array<string> = []
    const { agentContexts, budget, clockMs, cpuMs, jobId, ledger, monotonicMs, options, program, scope, taskServices } =
      session
    const report: JobSession["telemetry"]["report"] = (item) => {
      if (item._tag === "TaskEnded") ended.push(keyOf(item.agent, item.each))
    }
    const telemetry = { report } as JobSession["telemetry"]
    const own = {
      ...{ agentContexts, budget, clockMs, cpuMs, jobId, ledger, monotonicMs, shownMs: monotonicMs },
      ...{ options, program, scope, taskServices }
    }
    const watched = { ...own, telemetry } as JobSession
    const place = ({ agent, each }: TaskOutcome) => ended.indexOf(keyOf(agent.name, each))
    return Effect.map(original.runTasks(watched, underWay), (outcomes) =>
      [...outcomes].sort((a, b) => place(a) - place(b))
    )
  }
  return { ...original, runTasks }
})

const seeds = 40

const runAll = Effect.gen(function* () {
  const engine = yield* Layer.build(engineOn(disorderlyPool))
  const seen = {
    hash: new Set<string>(),
    events: new Set<string>(),
    result: new Set<string>(),
    orders: new Set<string>()
  }
  for (let seed = 1; seed <= seeds; seed++) {
    disturbWith(seed)
    const { events, hash, result } = comparable(
      yield* Effect.provide(runToEnd(synthetic, { from: 1 }, { id: "job" }), engine)
    )
    seen.hash.add(hash)
    seen.events.add(events)
    seen.result.add(result)
    seen.orders.add(completed())
  }
  return seen
}).pipe(Effect.scoped)

layer(Layer.empty, { excludeTestServices: true })("an engine that merges in the order of completion", (it) => {
  it.effect("gives another hash, event log and result in most runs", () =>
    Effect.gen(function* () {
      mutation.isOn = true
      const seen = yield* Effect.ensuring(
        runAll,
        Effect.sync(() => (mutation.isOn = false))
      )
      expect(seen.orders.size).toBeGreaterThan(seeds / 2)
      expect(seen.hash.size).toBeGreaterThan(seeds / 2)
      expect(seen.events.size).toBeGreaterThan(seeds / 2)
      expect(seen.result.size).toBeGreaterThan(seeds / 2)
    })
  )

  it.effect("is the only thing that is wrong there: without the mutation there is one of each", () =>
    Effect.gen(function* () {
      const seen = yield* runAll
      expect(seen.orders.size).toBeGreaterThan(seeds * 0.9)
      expect([seen.hash.size, seen.events.size, seen.result.size]).toEqual([1, 1, 1])
    })
  )
})
