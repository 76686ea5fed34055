/**
 * Options of layers and starts that cannot work are refused when they are given. The message names the layer, the option,
 * what was given and what is allowed.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { Budget, Engine, Intent, Invariant, JobError, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { Stately } from "../../src/inspector/index.ts"
import { Server } from "../../src/server/index.ts"
import { engine, failure, idle, noInput } from "../support/behaviour/harness.ts"
import { postman } from "../support/behaviour/intents.ts"

/** Options as a caller without types passes them. */
const loose = (options: object | null | number): never => options as never

/** The error with which a layer is not built: a failure or a defect. */
const refusal = <A, E>(layer: Layer.Layer<A, E>) =>
  Effect.map(Effect.exit(Effect.scoped(Layer.build(layer))), (exit) =>
    Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  )

const twin = Program.make("idle", { input: noInput, agents: [] })

describe("an engine", () => {
  const cases: ReadonlyArray<readonly [options: object | null | number, option: string, message: RegExp]> = [
    [{ maxRunningJobs: NaN }, "maxRunningJobs", /whole number of at least 1, or Infinity, not NaN$/],
    [{ maxRunningJobs: 0 }, "maxRunningJobs", /at least 1, or Infinity, not 0$/],
    [{ maxRunningJobs: "5" }, "maxRunningJobs", /not "5"$/],
    [{ maxRunningJobs: null }, "maxRunningJobs", /not null$/],
    [{ maxQueuedJobs: NaN }, "maxQueuedJobs", /at least 0, or Infinity, not NaN$/],
    [{ maxQueuedJobs: -1 }, "maxQueuedJobs", /not -1$/],
    [{ maxLiveContextBytes: NaN }, "maxLiveContextBytes", /not NaN$/],
    [{ maxChildJobs: 0 }, "maxChildJobs", /not 0$/],
    [{ fiberConcurrency: 0 }, "fiberConcurrency", /at least 1, or Infinity, not 0$/],
    [{ fiberConcurrency: 1.5 }, "fiberConcurrency", /not 1\.5$/],
    [{ drainTimeout: "5 sceonds" }, "drainTimeout", /must be a duration such as "5 seconds", not "5 sceonds"$/],
    [{ drainTimeout: NaN }, "drainTimeout", /not NaN$/],
    [{ drainTimeout: -1 }, "drainTimeout", /not -1$/],
    [{ drainTimeout: { second: 5 } }, "drainTimeout", /not an object$/],
    [{ drainTimeout: [1, NaN] }, "drainTimeout", /not an array$/],
    [{ maxRuningJobs: 1 }, "maxRuningJobs", /there is no option "maxRuningJobs"; did you mean "maxRunningJobs"\?$/],
    [{ colour: 1 }, "colour", /there is no option "colour"; there are programs, children, /],
    [{ programs: idle }, "programs", /programs must be an array of programs, not an object$/],
    [{ children: [{}] }, "children", /children\[0\] is not a program/],
    [{ handlers: [{}] }, "handlers", /handlers\[0\] is not a handler/],
    [{ handlers: [{ kind: "x" }] }, "handlers", /handlers\[0\] is not a handler/],
    [{ handlers: [postman([]), postman([])] }, "handlers", /two handlers of "Mail"/],
    [{ programs: [idle], children: [twin] }, "children", /another program that is called "idle"/],
    [null, "", /options must be an object, not null$/],
    [5, "", /options must be an object, not 5$/]
  ]
  for (const [options, option, message] of cases) {
    it.effect(`is not built with ${JSON.stringify(options)}: ${message.source}`, () =>
      Effect.gen(function* () {
        const error = yield* refusal(
          Engine.layer(options === null ? loose(null) : loose(options)).pipe(
            Layer.provide([JobStore.layerMemory, WorkerPool.layerInline])
          )
        )
        expect(error).toBeInstanceOf(JobError.InvalidOptions)
        expect(error).toMatchObject({ of: "Engine.layer", option, message: expect.stringMatching(message) as string })
        expect((error as JobError.InvalidOptions).message).toMatch(/^Engine\.layer: /)
      })
    )
  }

  it.effect("is built with what means no limit, with durations of each form, and with a program twice", () =>
    Effect.gen(function* () {
      const endless = { maxRunningJobs: Infinity, maxQueuedJobs: Infinity, maxChildJobs: Infinity }
      for (const drainTimeout of [0, "1 second", Duration.seconds(1), { seconds: 1 }, [0, 5] as const, 5n, undefined]) {
        const layer = engine(
          loose({ ...endless, fiberConcurrency: Infinity, drainTimeout, programs: [idle], children: [idle] })
        )
        expect((yield* Effect.provide(Engine.run(idle, {}), layer)).status).toBe("converged")
      }
    })
  )
})

describe("a start", () => {
  const cases: ReadonlyArray<readonly [options: object | null | number, message: RegExp]> = [
    [null, /^options must be an object, not null$/],
    [5, /^options must be an object, not 5$/],
    [{ budgets: {} }, /there is no option "budgets"; did you mean "budget"\?/],
    [{ budget: { maxCycle: 5 } }, /there is no budget "maxCycle"; did you mean "maxCycles"\?/],
    [{ budget: { maxDuration: { minute: 5 } } }, /budget\.maxDuration must be a duration/],
    [{ budget: { maxDuration: NaN } }, /budget\.maxDuration must be a duration.*not NaN/],
    [{ budget: [] }, /budget must be an object, not an array/],
    [{ context: {} }, /context must be the context of a result, not an object/],
    [{ id: 5 }, /a job's id must be a string/]
  ]
  it.effect("is refused", () =>
    Effect.gen(function* () {
      for (const [options, message] of cases) {
        for (const start of [Engine.start, Engine.run]) {
          const error = yield* failure<unknown, unknown, Engine.Engine>(start(idle, {}, loose(options)))
          expect(error).toMatchObject({ _tag: "InvalidInput", message: expect.stringMatching(message) as string })
        }
      }
    }).pipe(Effect.provide(engine()))
  )

  it.effect("that is a fork is refused, too", () =>
    Effect.gen(function* () {
      const fork = (options: object | null) => failure(Engine.fork(idle, "none", loose(options)))
      expect(yield* fork({ at: NaN })).toMatchObject({ message: "at must be a whole number of at least 0, not NaN" })
      expect(yield* fork({ fact: [] })).toMatchObject({ message: 'there is no option "fact"; did you mean "facts"?' })
      expect(yield* fork(null)).toMatchObject({ message: "options must be an object, not null" })
      expect(yield* fork({ id: "" })).toMatchObject({ message: "a job's id must be a string that is not empty" })
    }).pipe(Effect.provide(engine()))
  )
})

describe("other layers", () => {
  const pool = (options: object, profile = {}) =>
    WorkerPool.layer(loose(options)).pipe(
      Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(profile)))
    )
  const server = (options: object) =>
    Server.layer<typeof idle>(loose({ programs: [idle], ...options })).pipe(
      Layer.provide([engine(), JobStore.layerMemory, WorkerPool.layerInline])
    )
  const inspector = (options: object) =>
    Layer.effectDiscard(Stately.connect(loose({ url: "ws://127.0.0.1:1", ...options })))
  const cases: ReadonlyArray<readonly [layer: Layer.Layer<never, unknown>, tag: string, message: RegExp]> = [
    [pool({ sise: 2 }), "InvalidOptions", /^WorkerPool\.layer: there is no option "sise"; did you mean "size"\?$/],
    [
      pool({ size: 2_000 }),
      "InvalidOptions",
      /^WorkerPool\.layer: size must be a whole number from 0 to 1024, not 2000$/
    ],
    [pool({ idleTimeout: "1 minuet" }), "InvalidOptions", /idleTimeout must be a duration .*not "1 minuet"$/],
    [
      pool({ quarantine: { crashs: 1 } }),
      "InvalidOptions",
      /"quarantine\.crashs"; did you mean "quarantine\.crashes"\?$/
    ],
    [pool({ size: 1, minSize: 2 }), "InvalidOptions", /minSize must not be more than size, which is 1, and not 2$/],
    [pool({}, { CONVERGE_PROFILE: "fast" }), "InvalidOptions", /CONVERGE_PROFILE must be "cpu", .*, not "fast"$/],
    [JobStore.layerSqlite(loose({ filename: "a.db", lese: 1 })), "StoreError", /"lese"; did you mean "lease"\?$/],
    [JobStore.layerSqlite(loose({ filename: "a.db", lease: "1 secnd" })), "StoreError", /lease must be.*"1 secnd"$/],
    [server({ maxBodyByte: 5_000 }), "InvalidOptions", /"maxBodyByte"; did you mean "maxBodyBytes"\?$/],
    [server({ programs: idle }), "InvalidOptions", /programs must be an array of programs, not an object$/],
    [server({ heartbeatMs: NaN }), "InvalidOptions", /heartbeatMs takes a time/],
    [inspector({ queueCapacity: NaN }), "InvalidOptions", /^Stately\.connect: queueCapacity must be.* not NaN$/],
    [inspector({ reconnnect: {} }), "InvalidOptions", /did you mean "reconnect"\?$/],
    [inspector({ reconnect: {} }), "InvalidOptions", /reconnect must be a Schedule, not an object$/]
  ]
  for (const [layer, _tag, message] of cases) {
    it.live(`are not built: ${message.source}`, () =>
      Effect.gen(function* () {
        expect(yield* refusal(layer)).toMatchObject({ _tag, message: expect.stringMatching(message) as string })
      })
    )
  }
})

it("an invariant's option that there is not is refused", () => {
  const holds = () => true
  expect(() => Invariant.structural("i", holds, loose({ onViolations: "halt" }))).toThrow(/did you mean "onViolation"/)
})

it.effect("null is no way to leave out options: of a handler, of a child and of a payment", () =>
  Effect.gen(function* () {
    const perform = () => Effect.void
    expect(() => Engine.handler("Mail", perform, loose(null))).toThrow(/options must be an object, not null/)
    expect(yield* failure(Engine.handle("Mail", perform, loose(null)))).toMatchObject({ _tag: "HandlerRejected" })
    expect(() => Intent.child(idle, {}, loose(null))).toThrow(/options must be an object, not null/)
    const spend = (usage: object | null, options: object | null) =>
      Effect.map(Effect.exit(Budget.spend(loose(usage), loose(options))), (exit) =>
        Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      )
    const refused = (message: RegExp) => ({
      _tag: "InvalidOptions",
      message: expect.stringMatching(message) as string
    })
    expect(yield* spend({ tokens: 1 }, null)).toMatchObject(refused(/options must be an object, not null$/))
    expect(yield* spend({ tokens: 1 }, { cost: NaN })).toMatchObject(refused(/cost must be .* not NaN$/))
    expect(yield* spend({ tokens: 1 }, { costs: 1 })).toMatchObject(refused(/did you mean "cost"\?$/))
    expect(yield* spend(null, {})).toMatchObject(refused(/options must be an object, not null$/))
  }).pipe(Effect.provide(engine()))
)
