/**
 * Slices (SL1): a job lets the event loop have its turns, however fast its agents and however much they bring at once.
 *
 * Measured in a process of its own, as CPU time of the main thread between two turns (support/pulse.ts). The
 * engine aims at 5 ms; the machine adds to it, never takes away, so the best of three attempts counts.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { Engine, Fact, Limits, Program } from "../../src/index.ts"
import { inSlices, isSliceOver, nextTurn } from "../../src/platform/slices.ts"
import { engine } from "../support/behaviour/harness.ts"
import { node } from "../support/node.ts"

const allowed = { p99: 20, max: 100 }

interface Pulse {
  readonly turns: number
  readonly p99: number
  readonly max: number
  readonly total: number
  readonly cycles: number
  readonly version: number
}

const script = fileURLToPath(new URL("../support/behaviour/heartbeat.ts", import.meta.url))

const pulseOf = (...args: ReadonlyArray<string>): Effect.Effect<Pulse> =>
  Effect.promise(async () => {
    const { code, stderr, stdout } = await node([script, ...args])
    if (code !== 0) throw new Error(stderr)
    return JSON.parse(stdout) as Pulse
  })

const isQuick = ({ max, p99 }: Pulse): boolean => p99 <= allowed.p99 && max <= allowed.max

const quickestPulseOf = Effect.fnUntraced(function* (name: string) {
  let best = yield* pulseOf(name)
  for (let attempt = 2; attempt <= 3 && !isQuick(best); attempt++) {
    const pulse = yield* pulseOf(name)
    if (pulse.p99 < best.p99) best = pulse
  }
  return best
})

const cases = [
  { name: "cycles", title: "20,000 cycles of a synchronous agent", expected: { cycles: 20_001, version: 20_000 } },
  { name: "seeds", title: "100,000 seeds", expected: { cycles: 1, version: 100_000 } },
  { name: "effect", title: "one effect of 100,000 facts", expected: { cycles: 2, version: 100_000 } },
  { name: "signal", title: "one signal of 100,000 facts", expected: { version: 100_000 } },
  { name: "evaluations", title: "one effect of 100,000 evaluations", expected: { cycles: 2, version: 1 } },
  { name: "pruned", title: "a commit that prunes 99,999 facts", expected: { cycles: 2, version: 100_000 } },
  { name: "tasks", title: "20,000 synchronous tasks in one cycle", expected: { cycles: 2, version: 20_000 } }
]

describe("the event loop has its turns", () => {
  for (const { expected, name, title } of cases) {
    it.live(
      `during ${title}`,
      () =>
        Effect.gen(function* () {
          const pulse = yield* quickestPulseOf(name)
          expect(pulse).toMatchObject(expected)
          expect(pulse.p99, JSON.stringify(pulse)).toBeLessThanOrEqual(allowed.p99)
          expect(pulse.max, JSON.stringify(pulse)).toBeLessThanOrEqual(allowed.max)
        }),
      60_000
    )

    // Twice is enough to see that the measurement can fail.
    if (name !== "cycles" && name !== "effect") continue
    it.live(
      `and would not without slices, during ${title}`,
      () =>
        Effect.gen(function* () {
          const pulse = yield* pulseOf(name, "unsliced")
          expect(pulse).toMatchObject(expected)
          expect(isQuick(pulse), JSON.stringify(pulse)).toBe(false)
        }),
      60_000
    )
  }
})

const Num = Fact.kind("Num", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

const spin = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** How often the event loop came round meanwhile. */
const countTurns = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  let turns = 0
  const count = (): void => {
    turns++
    handle = setImmediate(count)
  }
  let handle = setImmediate(count)
  const value = yield* effect
  clearImmediate(handle)
  return [value, turns] as const
})

describe("a slice", () => {
  it.live("runs steps until it is over, then lets the loop have a turn", () =>
    Effect.gen(function* () {
      const holds = function* (): Generator<void, string> {
        for (let step = 0; step < 10; step++) {
          spin(Limits.sliceMs)
          yield
        }
        return "done"
      }
      const [end, turns] = yield* countTurns(inSlices(holds()))
      expect(end).toBe("done")
      expect(turns).toBeGreaterThanOrEqual(5)
    })
  )

  it.live("ends between two seeds of a generator, and the job is that of an array of them", () =>
    Effect.gen(function* () {
      const one = (n: number) => Num.of({ n })
      const array = () => Array.from({ length: 10 }, (_, n) => one(n))
      const slowly = function* () {
        for (let n = 0; n < 10; n++) {
          spin(Limits.sliceMs)
          yield one(n)
        }
      }
      const seeded = (seed: () => Iterable<ReturnType<typeof one>>) =>
        Engine.run(Program.make("seeded", { input: Schema.Struct({}), kinds: [Num], agents: [], seed }), {})
      const [result, turns] = yield* countTurns(seeded(slowly))
      expect(turns).toBeGreaterThanOrEqual(5)
      expect(result.usage.facts).toBe(10)
      expect(result.hash).toBe((yield* seeded(array)).hash)
      expect((yield* seeded(() => new Set(array()))).hash).toBe(result.hash)
    }).pipe(Effect.provide(engine()))
  )

  it.live("is not over before it has begun, and belongs to all jobs of the process", () =>
    Effect.gen(function* () {
      yield* nextTurn
      expect(isSliceOver()).toBe(false)
      spin(Limits.sliceMs + 1)
      expect(isSliceOver()).toBe(true)
      expect(isSliceOver()).toBe(true)
      yield* nextTurn
      expect(isSliceOver()).toBe(false)
    })
  )
})
