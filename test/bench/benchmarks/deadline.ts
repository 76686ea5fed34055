/** The time from the deadline of a task that never returns to its typed error. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Engine } from "../converge.ts"
import type { Benchmark, Contender } from "../framework/definition.ts"
import { spins } from "../programs/chain.ts"
import { endless, sharedNow, timeoutMs } from "../programs/deadline.ts"
import { contextAfter, poolOf, startEngine } from "../support/engine.ts"
import { stepsPerMicrosecond } from "../support/raw.ts"
import { threads } from "../support/trivialLanes.ts"

const killsOf = (isTiny: boolean) => (isTiny ? 2 : 15)

const ours: Contender = {
  name: "ours",
  about: "effect-converge, a pool of two threads, with two other jobs of 1 ms tasks on it all the time",
  start: async (isTiny) => {
    const engine = startEngine(poolOf(threads))
    const folder = mkdtempSync(join(tmpdir(), "converge-deadline-"))
    const steps = Math.round((isTiny ? 1 : await stepsPerMicrosecond()) * 1_000)
    const load = Effect.forever(contextAfter(spins, { lanes: 16, steps }, { budget: { maxCycles: 50 } }))
    const loads = await engine.run(Effect.forEach([0, 1], () => Effect.forkDetach(load), { concurrency: "unbounded" }))
    let count = 0
    const kill = async (): Promise<{ readonly tag: string; readonly lateMs: number }> => {
      const file = join(folder, String(count++))
      const tag = await engine.run(
        Effect.match(Engine.run(endless, { file }), { onSuccess: () => "none", onFailure: (error) => error._tag })
      )
      const ended = sharedNow()
      return { tag, lateMs: ended - Number(readFileSync(file, "utf8")) - timeoutMs }
    }
    return {
      round: async () => {
        const kills = []
        for (let i = 0; i < killsOf(isTiny); i++) kills.push(await kill())
        const late = kills.map(({ lateMs }) => lateMs)
        return {
          values: { worst: Math.max(...late), best: Math.min(...late) },
          samples: { late },
          result: [...new Set(kills.map(({ tag }) => tag))]
        }
      },
      stop: async () => {
        await engine.run(Effect.forEach(loads, Fiber.interrupt, { concurrency: "unbounded" }))
        await engine.stop()
        rmSync(folder, { recursive: true })
      }
    }
  }
}

export const benchmark: Benchmark = {
  name: "deadline",
  title: "From a deadline to the typed error",
  measures: [
    `An agent with a timeout of ${timeoutMs} ms writes down when it began, and loops for ever. Its pool has ${threads} threads, which two other jobs keep busy with tasks of 1 ms.`,
    "The time begins at that moment plus the timeout, and ends when `Engine.run` has failed with `AgentTimedOut`. So it includes the watchdog's interval, the end of the thread, and the end of the job.",
    `A round has ${killsOf(false)} kills, one after the other. The figure is a percentile of all kills of all rounds.`
  ],
  notMeasured:
    "Threads inside a native call, which nobody can end; the time until the pool has all of its threads again.",
  rounds: 8,
  warmups: 1,
  warmupMs: 0,
  metrics: {
    worst: { title: "over the deadline, worst of a round", unit: "ms" },
    best: { title: "over the deadline, best of a round", unit: "ms" }
  },
  contenders: [ours],
  expected: () => ({ "": ["AgentTimedOut"] }),
  figures: [
    {
      name: "deadline/p99",
      title: "p99 over the deadline",
      unit: "ms",
      better: "lower",
      bar: 100,
      aim: 30,
      ofSamples: { contender: "ours", metric: "late", quantile: 0.99 }
    },
    {
      name: "deadline/p50",
      title: "median over the deadline",
      unit: "ms",
      better: "lower",
      ofSamples: { contender: "ours", metric: "late", quantile: 0.5 }
    }
  ]
}
