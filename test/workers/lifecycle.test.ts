/** Threads from their start to their end: late, wrong, or never started, and always gone with the pool. */
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Context from "effect/Context"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { JobError, WorkerPool } from "../../src/index.ts"
import * as Pool from "../../src/workers/index.ts"
import { check, resolve } from "../../src/workers/options.ts"
import { node } from "../support/node.ts"
import { lookUntil } from "../support/until.ts"
import { batch, causeOf, compiled, execute, ledgerOf, pool, said, task } from "../support/workers/harness.ts"
import * as broken from "../support/workers/broken.ts"

describe("a module that is no good on a worker", () => {
  const cases = [
    [
      "does not export the program",
      broken.hidden!,
      "AgentPanicked",
      /^its module does not export the program "hidden"\. Export it there, by any name\. In a bundle, make/
    ],
    ["throws", broken.throwing, "AgentPanicked", /^its module cannot be imported on a worker: not on a worker$/],
    ["says where it is", broken.lost, "AgentPanicked", /worker: no settings in broken\.ts\?does=lost$/],
    [
      "is not there",
      broken.missing,
      "AgentPanicked",
      /^its module cannot be imported on a worker: ERR_MODULE_NOT_FOUND: Cannot find module '[\w.]+' imported from [\w.]+$/
    ],
    ["exits", broken.exiting, "WorkerCrashed", undefined],
    ["has other agents", broken.changed, "AgentPanicked", /has no CPU agent "square"/]
  ] as const
  for (const [title, it_, tag, message] of cases) {
    it.live(`that ${title} fails its tasks, and the next job runs`, () =>
      Effect.gen(function* () {
        const program = compiled(it_)
        const tasks = ["0", "0", "0"].map((id) => task("square", id, 0, program))
        const causes = (yield* execute(batch(ledgerOf(1), tasks, { program, jobId: "broken" }))).map(causeOf)
        expect(causes.map(({ _tag }) => _tag)).toEqual([tag, tag, tag])
        if (message !== undefined)
          for (const cause of causes) expect("message" in cause && cause.message).toMatch(message)
        else expect(causes[0]).toMatchObject({ exitCode: 9 })
        expect((yield* execute(batch(ledgerOf(2), [task("square", "0")]))).map(said)).toEqual([4])
      }).pipe(Effect.provide(pool(2)))
    )
  }

  it.live("but programs may be exported in an array", () =>
    Effect.gen(function* () {
      const program = compiled(broken.many[1])
      const [outcome] = yield* execute(batch(ledgerOf(1), [task("square", "0", 0, program)], { program }))
      expect(said(outcome!)).toBeUndefined()
    }).pipe(Effect.provide(pool(1)))
  )
})

describe("a worker that does not start", () => {
  const starting = (execArgv: ReadonlyArray<string>) =>
    execute(batch(ledgerOf(3), [task("square", "0"), task("square", "0")])).pipe(Effect.provide(pool(2, { execArgv })))

  it.live("is tried a few times, then its tasks fail", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(starting(["--import", "./there-is-no-such-module.mjs"]))
      expect(error).toMatchObject({ _tag: "NoWorkers", reason: "not-started" })
      // Clients read it: what is missing, and where, is in the log.
      expect(error.message).toBe("no worker could be started: each ended before it was ready")
    })
  )

  it.live("because its flags are refused, fails its tasks too", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(starting(["--there-is-no-such-flag"]))
      expect(error).toMatchObject({ _tag: "NoWorkers", reason: "not-started" })
    })
  )

  it.live("the first time, costs nothing but time", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "converge-"))
      const preload = new URL("../support/workers/failsTwice.mjs", import.meta.url)
      preload.searchParams.set("folder", folder)
      const outcomes = yield* starting(["--import", preload.href])
      expect(outcomes.map(said)).toEqual([9, 9])
      expect(readdirSync(folder).length).toBeGreaterThanOrEqual(2)
      rmSync(folder, { recursive: true })
    })
  )

  it.live("for want of file descriptors is tried again for seconds", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "converge-"))
      const preload = new URL("../support/workers/failsTwice.mjs", import.meta.url)
      preload.searchParams.set("folder", folder)
      preload.searchParams.set("times", "5")
      preload.searchParams.set("code", "EMFILE")
      const began = performance.now()
      const outcomes = yield* execute(batch(ledgerOf(3), [task("square", "0")])).pipe(
        Effect.provide(pool(1, { execArgv: ["--import", preload.href] }))
      )
      expect(outcomes.map(said)).toEqual([9])
      expect(readdirSync(folder)).toHaveLength(5)
      expect(performance.now() - began).toBeGreaterThan(2_000)
      rmSync(folder, { recursive: true })
    })
  )
})

describe("a program whose module lacks file descriptors on a worker", () => {
  const loading = (times: number) =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "converge-"))
      const program = compiled(broken.starvedAt(folder, times))
      const began = performance.now()
      const exit = yield* Effect.exit(
        execute(batch(ledgerOf(3), [task("square", "0"), task("square", "1")], { program, jobId: "starved" }))
      )
      const loads = readdirSync(folder).length
      rmSync(folder, { recursive: true })
      return { exit, loads, tookMs: performance.now() - began }
    }).pipe(Effect.provide(pool(1)))

  it.live("is loaded again for seconds, on new threads, and its tasks run", () =>
    Effect.gen(function* () {
      const { exit, loads, tookMs } = yield* loading(5)
      expect(Exit.isSuccess(exit) && exit.value.map(({ result }) => "_tag" in result)).toEqual([false, false])
      expect(loads).toBe(5)
      expect(tookMs).toBeGreaterThan(2_000)
    })
  )

  it.live("for longer, fails the batch for want of workers, and not the agent", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.flatten(Effect.map(loading(99), ({ exit }) => exit)))
      expect(error).toMatchObject({ reason: "not-started", message: "no worker could be started: EMFILE" })
    })
  )
})

describe("the pool's scope", () => {
  it.live("closes promptly, whatever its threads do", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(pool(2), scope)
      const it_ = Context.get(context, WorkerPool.WorkerPool)
      const looping = { ...task("loop", "0"), agent: { ...task("loop", "0").agent, timeoutMs: undefined } }
      const running = yield* Effect.forkChild(it_.execute(batch(ledgerOf(0), [looping, looping])))
      yield* lookUntil(it_.stats, (now) => now.running > 0)
      const began = performance.now()
      yield* Scope.close(scope, Exit.void)
      expect(performance.now() - began).toBeLessThan(2_000)
      expect(Exit.hasInterrupts(yield* Fiber.await(running))).toBe(true)
      // Too late.
      const late = yield* Effect.exit(
        Effect.forkChild(it_.execute(batch(ledgerOf(0), [looping]))).pipe(Effect.flatMap(Fiber.join))
      )
      expect(Exit.isFailure(late)).toBe(true)
    })
  )

  const moments: ReadonlyArray<readonly [string, (now: WorkerPool.PoolStats) => boolean]> = [
    ["before there are any", () => true],
    ...["spawning", "loading", "busy"].map(
      (state) =>
        [`when one is ${state}`, (now: WorkerPool.PoolStats) => now.workers.some((it) => it.state === state)] as const
    )
  ]
  for (const [when, isReached] of moments) {
    it.live(`closes while workers start, ${when}`, () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const it_ = Context.get(yield* Layer.buildWithScope(pool(2), scope), WorkerPool.WorkerPool)
        yield* Effect.forkChild(it_.execute(batch(ledgerOf(0), [task("loop", "0"), task("loop", "0")])))
        yield* lookUntil(it_.stats, isReached)
        const began = performance.now()
        yield* Scope.close(scope, Exit.void)
        expect(performance.now() - began).toBeLessThan(2_000)
      })
    )
  }

  it.live("lets the process end, and so does an idle pool that nobody closed", () =>
    Effect.gen(function* () {
      for (const how of ["scoped", "open"]) {
        const began = performance.now()
        const { code, stderr, stdout } = yield* Effect.promise(() => node(["test/support/workers/main.ts", how]))
        expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "9\n", stderr: "" })
        expect(performance.now() - began).toBeLessThan(8_000)
      }
    })
  )
})

describe("options", () => {
  it("have defaults by profile, and win over them", () => {
    expect(resolve({}, "cpu", 8)).toEqual({
      size: 8,
      minSize: 0,
      profile: "cpu",
      heapLimitMb: undefined,
      stackSizeMb: undefined,
      batchSize: 128,
      recycleGrowthMb: 256,
      idleTimeoutMs: 60_000,
      cancelGraceMs: 0,
      quarantine: { crashes: 5, windowMs: 60_000, cooldownMs: 10_000 },
      execArgv: undefined
    })
    expect(resolve({}, "memory", 8)).toMatchObject({ size: 4, heapLimitMb: 1_024, batchSize: 16, recycleGrowthMb: 64 })
    expect(resolve({}, "throughput", 8)).toMatchObject({ size: 7, batchSize: 256 })
    expect(resolve({}, "throughput", 1)).toMatchObject({ size: 1 })
    const given = { size: 3, minSize: 2, heapLimitMb: 99, stackSizeMb: 8, batchSize: 5, recycleGrowthMb: Infinity }
    expect(resolve(given, "memory", 8)).toMatchObject(given)
    const times = { idleTimeout: "2 seconds", cancelGrace: 50, quarantine: { crashes: 2, window: "1 second" } } as const
    expect(resolve(times, "cpu", 8)).toMatchObject({
      idleTimeoutMs: 2_000,
      cancelGraceMs: 50,
      quarantine: { crashes: 2, windowMs: 1_000, cooldownMs: 10_000 }
    })
    expect(resolve({ quarantine: false }, "cpu", 8).quarantine).toBeUndefined()
  })

  it("that cannot work are refused", () => {
    const bad: ReadonlyArray<WorkerPool.Options> = [
      { size: -1 },
      { size: 1.5 },
      { size: NaN },
      { heapLimitMb: 0 },
      { stackSizeMb: NaN },
      { size: 2, minSize: 3 },
      { batchSize: 0 },
      { recycleGrowthMb: 0 },
      { idleTimeout: NaN },
      { cancelGrace: "soon" as never },
      { quarantine: { crashes: 0 } },
      { threads: 2 } as never,
      { heapLimitMb: 1 },
      { stackSizeMb: 0.05 },
      { size: 100_000 },
      { quarantine: true as never },
      { quarantine: { crashs: 3 } as never },
      { execArgv: "--flag" as never },
      null as never
    ]
    for (const options of bad) {
      const resolved = () => {
        check(options)
        return resolve(options, "cpu", 2)
      }
      expect(resolved, JSON.stringify(options)).toThrow(JobError.InvalidOptions)
    }
    expect(() => check({ profile: "turbo" as never })).toThrow(
      /profile must be "cpu", "memory" or "throughput", not "turbo"/
    )
  })

  const sizeWith = (options: WorkerPool.Options, environment: Record<string, string>) =>
    WorkerPool.WorkerPool.use((it) => Effect.succeed(it.size)).pipe(
      Effect.provide(Pool.layer(options)),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment))
    )

  it.live("come from the configuration where they are not given", () =>
    Effect.gen(function* () {
      const parallelism = availableParallelism()
      expect(yield* sizeWith({}, {})).toBe(parallelism)
      expect(yield* sizeWith({}, { CONVERGE_PROFILE: "memory" })).toBe(Math.max(1, parallelism >> 1))
      expect(yield* sizeWith({ profile: "cpu" }, { CONVERGE_PROFILE: "memory" })).toBe(parallelism)
      expect(yield* sizeWith({ size: 0 }, {})).toBe(0)
      const wrong = yield* Effect.exit(sizeWith({}, { CONVERGE_PROFILE: "turbo" }))
      expect(String(Exit.isFailure(wrong) && wrong.cause)).toContain("CONVERGE_PROFILE")
    })
  )
})
