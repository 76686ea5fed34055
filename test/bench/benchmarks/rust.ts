/** The benchmarks of the Rust engine from which this one descends, and the cost of each of our layers in them. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { createActor } from "xstate"
import type { JobMachineEvent } from "../../../machines/job.machine.ts"
import type { JobContext } from "../../../src/context/JobContext.ts"
import { Engine, internal, JobStore, WorkerPool } from "../converge.ts"
import { type Benchmark, type Contender, type Figure, value } from "../framework/definition.ts"
import { median } from "../framework/statistics.ts"
import { base, cases, plain, type RustCase } from "../programs/rust.ts"
import { type CoreTask, type Ended, loadCore } from "../support/core.ts"
import { startEngine } from "../support/engine.ts"

const engineInline = Engine.layer().pipe(Layer.provide([WorkerPool.layerInline, JobStore.layerMemory]))

const contexts = new Map<number, Promise<JobContext>>()

/** The earlier result from which a job continues. It is made once. */
const earlierOf = (facts: number): Promise<JobContext> => {
  let context = contexts.get(facts)
  if (context === undefined) {
    const engine = startEngine()
    context = engine.run(Effect.map(Engine.run(base, { seeds: facts }), (result) => result.context))
    void context.finally(() => void engine.stop())
    contexts.set(facts, context)
  }
  return context
}

interface Run {
  readonly input: { readonly seeds: number }
  readonly options: { readonly context?: JobContext; readonly budget?: { readonly maxCycles: number } }
}

const runOf = async ({ earlier, maxCycles, seeds = 0 }: RustCase, isTiny: boolean): Promise<Run> => ({
  input: { seeds },
  options: {
    ...(earlier === undefined ? {} : { context: await earlierOf(isTiny ? earlier / 100 : earlier) }),
    ...(maxCycles === undefined ? {} : { budget: { maxCycles } })
  }
})

interface Result {
  readonly status: string
  readonly usage: { readonly cycles: number; readonly facts: number }
}

const ended = ({ status, usage }: Result): Ended => ({ status, cycles: usage.cycles, facts: usage.facts })

/** A new engine for every job. */
const whole = ({ job }: RustCase, { input, options }: Run): Effect.Effect<Ended> =>
  Effect.provide(
    Effect.match(Engine.run(job, input, options), {
      onSuccess: ended,
      onFailure: (error) =>
        "partial" in error && error.partial !== undefined
          ? ended(error.partial)
          : { status: error._tag, cycles: 0, facts: 0 }
    }),
    engineInline
  )

/** The same, with a reader of the job's events from beginning to end. */
const withEvents = ({ job }: RustCase, { input, options }: Run): Effect.Effect<Ended> =>
  Effect.provide(
    Effect.gen(function* () {
      const started = yield* Engine.start(job, input, options)
      const reader = yield* Effect.forkChild(Stream.runCount(started.events))
      const end = yield* Effect.match(started.result, {
        onSuccess: ended,
        onFailure: (error) => ended(error.partial)
      })
      return (yield* Fiber.join(reader)) > 0 ? end : { ...end, status: "without events" }
    }),
    engineInline
  ).pipe(Effect.orDie)

type Core = Awaited<ReturnType<typeof loadCore>>

const callPlain = ({ agent, view }: CoreTask): unknown => plain.get(agent.name)!(view)

const coreAlone = (core: Core, { job }: RustCase, { input, options }: Run): Ended => {
  const steps = core(job, input, options)
  let step = steps.next([])
  while (step.done !== true) step = steps.next(step.value.map(callPlain))
  return step.value
}

const runFiber = ({ agent, fact, view }: CoreTask) =>
  Effect.exit(agent.executeFiber!(fact, view) as Effect.Effect<unknown>)

type Report = (event: JobMachineEvent) => void

const coreWithEffect = (
  core: Core,
  { job }: RustCase,
  { input, options }: Run,
  report?: Report
): Effect.Effect<Ended> =>
  Effect.gen(function* () {
    const steps = core(job, input, options, report)
    let step = steps.next([])
    while (step.done !== true) {
      const exits = yield* Effect.forEach(step.value, runFiber, { concurrency: "unbounded" })
      step = steps.next(exits.map((exit) => (exit._tag === "Success" ? exit.value : undefined)))
    }
    return step.value
  })

/** Makes actors of the machine that the engine runs, whose driver does nothing. */
const loadActors = async () => {
  const [{ jobMachine }, { withQuickSteps }] = await Promise.all([internal.machine(), internal.quickSteps()])
  const machine = withQuickSteps(jobMachine)
  return (program: string) => createActor(machine, { input: { jobId: "job", program, version: 0, hash: "" } }).start()
}

type Actors = Awaited<ReturnType<typeof loadActors>>

const ends: Readonly<Record<string, string>> = { converged: "converged", budgetExhausted: "budget-exhausted" }

/** The same, with the machine told of every phase; it says how the job ended. */
const coreWithMachine = (core: Core, actors: Actors, it: RustCase, run: Run): Effect.Effect<Ended> =>
  Effect.suspend(() => {
    const actor = actors(it.name)
    actor.send({ type: "START" })
    return Effect.map(
      coreWithEffect(core, it, run, (event) => actor.send(event)),
      (end) => {
        const { value } = actor.getSnapshot()
        return { ...end, status: (typeof value === "string" ? ends[value] : undefined) ?? "not ended" }
      }
    )
  })

/** As many at once as the case wants; all of them have to end in the same way. */
const several = (engines: number, job: Effect.Effect<Ended>): Effect.Effect<Ended> =>
  engines === 1
    ? job
    : Effect.map(
        Effect.all(
          Array.from({ length: engines }, () => job),
          { concurrency: "unbounded" }
        ),
        (ends) => {
          const distinct = new Set(ends.map((end) => JSON.stringify(end)))
          return distinct.size === 1 ? ends[0]! : { status: "not all the same", cycles: 0, facts: 0 }
        }
      )

const layers = {
  core: "the pure core alone, driven by a plain loop",
  effect: "the pure core with its agents run by Effect",
  machine: "the same, and the machine told of every phase",
  engine: "the whole engine: machine, driver, log, store",
  events: "the whole engine, and a reader of its events"
} as const

type LayerName = keyof typeof layers

const bodyOf = (
  layer: LayerName,
  it: RustCase,
  run: Run,
  core: Core,
  actors: Actors
): (() => Ended | Promise<Ended>) => {
  const engines = it.engines ?? 1
  switch (layer) {
    case "core":
      return () => {
        let end = coreAlone(core, it, run)
        for (let i = 1; i < engines; i++) end = coreAlone(core, it, run)
        return end
      }
    case "effect":
      return () => Effect.runPromise(several(engines, coreWithEffect(core, it, run)))
    case "machine":
      return () => Effect.runPromise(several(engines, coreWithMachine(core, actors, it, run)))
    case "engine":
      return () => Effect.runPromise(several(engines, whole(it, run)))
    case "events":
      return () => Effect.runPromise(several(engines, withEvents(it, run)))
  }
}

const contender = (it: RustCase, layer: LayerName): Contender => ({
  name: `${it.name} ${layer}`,
  about: layer === "core" ? `${it.title}: ${layers[layer]}` : layers[layer],
  computes: it.name,
  start: async (isTiny) => {
    const body = bodyOf(layer, it, await runOf(it, isTiny), await loadCore(), await loadActors())
    const iterations = isTiny ? 1 : it.iterations
    return {
      round: async () => {
        let result: unknown
        const times: Array<number> = []
        for (let i = 0; i < iterations; i++) {
          const began = performance.now()
          const ending = body()
          result = ending instanceof Promise ? await ending : ending
          times.push((performance.now() - began) * 1_000)
        }
        return { values: { job: median(times) }, result }
      }
    }
  }
})

const figuresOf = ({ aimMs, coreBar, name, rustMs, title }: RustCase): ReadonlyArray<Figure> => [
  {
    name: `rust/${name}`,
    title: `${title}: ours (Rust: ${rustMs} ms)`,
    unit: "ms",
    better: "lower",
    ...(aimMs === undefined ? {} : { aim: aimMs }),
    ofRound: (round) => value(`${name} engine`, "job")(round) / 1_000
  },
  {
    name: `rust/${name}-core`,
    title: `${title}: the pure core alone / Rust`,
    unit: "ratio",
    better: "lower",
    bar: coreBar,
    ofRound: (round) => value(`${name} core`, "job")(round) / 1_000 / rustMs
  }
]

const { rustMs: chainMs } = cases.find(({ name }) => name === "chain")!

export const benchmark: Benchmark = {
  name: "rust",
  title: "The Rust engine's own benchmarks",
  measures: [
    "The benchmarks are ported as they are: every iteration builds a new engine, and results are checked by their status, cycles and facts.",
    `The Rust times are constants of the definition: medians from its unchanged source, on a machine like this one, with one runtime for all iterations. They are not of the same run, so compare with a wide margin. Its chain took ${chainMs} to 2.0 ms, of which the smaller is taken.`,
    "Each layer shows the cost of one more part:",
    "- the pure core: selection, validation, merge, hash and convergence in a plain loop",
    "- the same, with its agents run by Effect",
    "- the same, with the machine told of every phase",
    "- the whole engine, with its driver, log and store",
    "- the whole engine, with a reader of its events"
  ],
  notMeasured:
    "Parts that Rust's engine does not have: fibers with timeouts, a machine that can be paused and watched, an event log, a hash chain. Its first case takes 0.144 ms as its own bench runs it, with a new runtime each time.",
  missed: [
    "The chain is ported as the original has it. In every cycle, every agent of the chain checks whether its predecessor's fact is there: 9,900 checks with 15,000 lookups.",
    "- A plain loop over one Map that makes the same ids and looks them up takes 0.8 ms on the same machine, which is more than Rust's best for the whole.",
    "- A quarter of the core's time is `Map.get` on ids that were made a moment ago.",
    "- A hundred cycles without looks take 0.4 ms, an eighth of it SHA-256.",
    "The rest is some 50 ns for a look: a view of its own, which throws when it is used after its cycle; the check that the kind was declared; the option that it answers. Agents that read a kind each are not asked at all.",
    "The original's own figure for this case has a wide range, and the ratio is to its best. Since the Rust times are of another run, the ratio moves with the machine: quiet hours gave 2.9."
  ],
  rounds: 11,
  warmups: 3,
  metrics: { job: { title: "one iteration, median", unit: "us" } },
  contenders: cases.flatMap((it) =>
    (Object.keys(layers) as ReadonlyArray<LayerName>).map((layer) => contender(it, layer))
  ),
  expected: () => Object.fromEntries(cases.map(({ expected, name }) => [name, expected])),
  figures: cases.flatMap(figuresOf)
}
