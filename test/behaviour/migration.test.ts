/**
 * A job that another version of its program goes on with: refused where kinds have changed, unless the program declares
 * `migrate`; and readable, cycle by cycle, as it was and as it is.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agent, Budget, Engine, Fact, Job, JobStore, Journal, Program, Provenance } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { ended, eventsOf, failure } from "../support/behaviour/harness.ts"
import { openStore, withFile } from "../support/store/harness.ts"

type Store = JobStore.JobStore["Service"]

/* ---------------------------------------------------------------- two versions of a program */

const Step = Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Note = Fact.kind("Note", { schema: Schema.Struct({ about: Schema.Int }), id: ({ about }) => String(about) })
/** The name of a Step from version 2 on, with its field. */
const Stage = Fact.kind("Stage", { schema: Schema.Struct({ number: Schema.Int }), id: ({ number }) => `s${number}` })

const input = Schema.Struct({})
const last = 5

const version1 = Program.make("versioned", {
  input,
  version: "1",
  seed: () => [Step.of({ n: 0 })],
  agents: [
    Agent.make("step", {
      each: Step,
      writes: [Step, Note],
      execute: ({ id, value: { n } }) =>
        Effect.succeed({
          facts: n < last ? [Step.of({ n: n + 1 }), Note.of({ about: n })] : [],
          evaluations: [{ fact: { kind: "Step", id }, score: n / 10, reason: `step ${n}` }],
          trace: { from: n }
        })
    })
  ],
  output: (view) => view.size(Step)
})

const toStages: Program.Migration = ({ kind, value }, { version }) => {
  if (version !== "1") throw new Error(`unexpected version ${version}`)
  if (kind === "Note") return undefined
  return { kind: "Stage", value: { number: (value as { readonly n: number }).n } }
}

const makeVersion2 = (migrate: Program.Migration | undefined) =>
  Program.make("versioned", {
    input,
    version: "2",
    migrate,
    seed: () => [Stage.of({ number: 0 })],
    agents: [
      Agent.make("step", {
        each: Stage,
        writes: [Stage],
        execute: ({ value: { number } }) =>
          Effect.succeed({ facts: number < last ? [Stage.of({ number: number + 1 })] : [], trace: { after: number } })
      })
    ],
    output: (view) => view.all(Stage).map(({ id }) => id)
  })

const version2 = makeVersion2(toStages)
const stages = ["s0", "s1", "s2", "s3", "s4", "s5"]

/** Runs a job until its engine dies after so many cycles. */
const runFor = (store: Store, program: Program.Program.Any, cycles: number) =>
  ended(
    Effect.provide(
      Effect.flatMap(Engine.start(program as typeof version1, {}, { id: "job" }), (job) => job.result),
      engineOnStore(brokenOff(store, cycles))
    )
  )

const resumeOn = <P extends Program.Program.Any>(store: Store, program: P) =>
  Effect.provide(
    Effect.flatMap(Engine.resume(program, "job"), (job) => Effect.map(job.result, (result) => ({ result, job }))),
    engineOnStore(store)
  )

const looking = (store: Store) => Effect.provideService(JobStore.JobStore, store)

/* ---------------------------------------------------------------- the tests */

describe("a program whose kinds have changed, without migrate", () => {
  it.effect("is refused, and told which", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* runFor(store, version1, 2)
      const refused = yield* failure(resumeOn(store, makeVersion2(undefined)))
      expect(refused).toMatchObject({
        _tag: "ProgramChanged",
        jobId: "job",
        program: "versioned",
        kinds: ["Step", "Note"],
        from: "1",
        to: "2"
      })
      expect(refused.message).toContain('the kinds "Step", "Note" are not what they were')
      for (const look of [
        Effect.provide(Engine.fork(makeVersion2(undefined), "job", { at: 1 }), engineOnStore(store)),
        looking(store)(Journal.replay("job", { program: makeVersion2(undefined) }))
      ]) {
        expect(yield* failure(look as Effect.Effect<unknown, unknown>)).toMatchObject({ _tag: "ProgramChanged" })
      }
      // The job is left as it was: the old version goes on with it.
      expect(yield* store.load("job")).toMatchObject({ isHeld: false, cycle: 2, bases: [] })
      expect((yield* resumeOn(store, version1)).result.output).toBe(6)
    })
  )

  for (const [what, kind] of [
    [
      "a schema",
      Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int, x: Schema.String }), id: ({ n }) => `${n}` })
    ],
    ["a check", Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Number }), id: ({ n }) => String(n) })],
    [
      "a conflict rule",
      Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n), conflict: "keepLast" })
    ],
    [
      "a retention",
      Fact.kind("Step", {
        schema: Schema.Struct({ n: Schema.Int }),
        id: ({ n }) => String(n),
        retention: { latest: 100 }
      })
    ]
  ] as const) {
    it.effect(`is refused for ${what}`, () =>
      Effect.gen(function* () {
        const store = yield* journalStore
        yield* runFor(store, version1, 1)
        const changed = Program.make("versioned", { input, agents: [], kinds: [kind, Note] })
        expect(yield* failure(resumeOn(store, changed))).toMatchObject({ _tag: "ProgramChanged", kinds: ["Step"] })
      })
    )
  }
})

describe("a job that was migrated", () => {
  it.effect("goes on with renamed kinds and fields, and without what was dropped, whenever it broke off", () =>
    Effect.gen(function* () {
      const whole = yield* Effect.provide(Engine.run(version1, {}, { id: "job" }), engineOnStore(yield* journalStore))
      for (let at = 0; at <= last; at++) {
        const store = yield* journalStore
        yield* runFor(store, version1, at)
        const { result } = yield* resumeOn(store, version2)
        expect(result.output, `after ${at} cycles`).toEqual(stages)
        expect(result.context.counts()).toEqual({ Stage: 6 })
        expect(result.usage.cycles).toBe(whole.usage.cycles)
        expect(result.context.facts().map(({ provenance }) => provenance.cycle)).toEqual([0, 1, 2, 3, 4, 5])
        // Evaluations and traces follow their facts.
        const [first] = result.context.evaluations({ kind: "Stage", id: "s0" })
        expect(first?.reason).toBe(at === 0 ? undefined : "step 0")
        const explained = Provenance.explain(result.context, { kind: "Stage", id: "s3" })!
        expect(Provenance.format(explained)).toBe(
          [
            "Stage/s3  (step, cycle 3)",
            `  trace: {"${at >= 3 ? "from" : "after"}":2}`,
            "└─ Stage/s2  (step, cycle 2)",
            `     trace: {"${at >= 2 ? "from" : "after"}":1}`,
            "   └─ Stage/s1  (step, cycle 1)",
            `        trace: {"${at >= 1 ? "from" : "after"}":0}`,
            "      └─ Stage/s0  (seed, cycle 0)"
          ].join("\n")
        )
      }
    })
  )

  it.effect("goes on when it breaks off again, as often as that happens, and ends in the same way", () =>
    Effect.gen(function* () {
      for (let at = 0; at < last; at++) {
        const undisturbed = yield* journalStore
        yield* runFor(undisturbed, version1, at)
        const once = yield* resumeOn(undisturbed, version2)
        const expected = JSON.stringify(yield* eventsOf(once.job))
        for (let then = 0; then <= last - at; then++) {
          const store = yield* journalStore
          yield* runFor(store, version1, at)
          const broken = yield* Effect.provide(
            Effect.flatMap(Engine.resume(version2, "job"), (job) => ended(job.result)),
            engineOnStore(brokenOff(store, then))
          )
          expect(broken).toMatchObject({ _tag: "StoreFailed", cycle: at + then + 1 })
          const again = yield* resumeOn(store, version2)
          expect(again.result.hash).toBe(once.result.hash)
          expect(again.result.context.encoded()).toEqual(once.result.context.encoded())
          expect(JSON.stringify(yield* eventsOf(again.job))).toBe(expected)
          const read = yield* resumeOn(store, version2)
          expect(read.result.output).toEqual(stages)
          expect(yield* looking(store)(Journal.verify("job"))).toMatchObject({
            isIntact: true,
            cycles: last + 1,
            hash: once.result.hash
          })
          const events = yield* looking(store)(Stream.runCollect(Stream.unwrap(Journal.events("job"))))
          expect(JSON.stringify(events)).toBe(expected)
        }
      }
    })
  )

  it.effect("can be looked at before and after the migration", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* runFor(store, version1, 3)
      yield* resumeOn(store, version2)
      const at = (cycle: number, program?: Program.Program.Any) =>
        looking(store)(Journal.replay("job", { at: cycle, program }))
      for (const cycle of [0, 1, 2, 3]) {
        const then = yield* at(cycle)
        expect(then).toMatchObject({ cycle, programVersion: "1" })
        expect(then.context.counts()).toEqual(cycle === 0 ? { Step: 1 } : { Note: cycle, Step: cycle + 1 })
        expect((yield* at(cycle, version1)).context.all(Step).map(({ value }) => value.n)).toHaveLength(cycle + 1)
        // The new version sees it as it would have gone on from it.
        const moved = yield* at(cycle, version2)
        expect(moved.context.all(Stage).map(({ value }) => value.number)).toHaveLength(cycle + 1)
        expect(moved.hash).toBe(then.hash)
      }
      const then = yield* at(4)
      expect(then).toMatchObject({ programVersion: "2" })
      expect(then.context.counts()).toEqual({ Stage: 5 })
      expect((yield* at(5, version2)).context.all(Stage).map(({ id }) => id)).toEqual(stages)
      expect(yield* failure(at(4, version1))).toMatchObject({ _tag: "ProgramChanged", kinds: ["Stage"] })
      const diff = yield* looking(store)(Journal.diff("job", 3, 4))
      expect(diff.added.map(({ id, kind }) => `${kind}/${id}`)).toEqual([
        ...["Stage/s0", "Stage/s1", "Stage/s2", "Stage/s3"],
        "Stage/s4"
      ])
      expect(diff.removed.map(({ kind }) => kind).filter((kind) => kind === "Step")).toHaveLength(4)
    })
  )

  it.effect("can be forked at a cycle of before", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* runFor(store, version1, 3)
      yield* resumeOn(store, version2)
      yield* Effect.gen(function* () {
        const fork = yield* Engine.fork(version2, "job", { at: 1, id: "fork" })
        const result = yield* fork.result
        expect(result.output).toEqual(stages)
        const read = yield* Effect.flatMap(Engine.resume(version2, "fork"), (job) => job.result)
        expect(read.hash).toBe(result.hash)
        expect(read.context.encoded()).toEqual(result.context.encoded())
      }).pipe(Effect.provide(engineOnStore(store)))
    })
  )

  it.effect("shows what it goes on from, as long as no cycle was added", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* runFor(store, version1, 2)
      yield* Effect.provide(
        Effect.flatMap(Engine.resume(version2, "job"), (job) => ended(job.result)),
        engineOnStore(brokenOff(store, 0))
      )
      const now = yield* looking(store)(Journal.replay("job"))
      expect(now).toMatchObject({ cycle: 2, programVersion: "2" })
      expect(now.context.counts()).toEqual({ Stage: 3 })
      expect(yield* failure(resumeOn(store, version1))).toMatchObject({ _tag: "ProgramChanged", kinds: ["Stage"] })
    })
  )
})

describe("a migrate that does not work", () => {
  for (const [what, migrate, reason] of [
    [
      "throws",
      () => {
        throw new Error("I do not know how")
      },
      "I do not know how"
    ],
    ["gives a value that does not fit", () => ({ kind: "Stage", value: { number: "one" } }), "does not fit"],
    ["gives a value that is no JSON", () => ({ kind: "Stage", value: { number: 1n } }), "Step/0"],
    ["gives a kind that there is not", () => ({ kind: "Stagge", value: {} }), 'the kind "Stagge"']
  ] as const) {
    it.effect(`and ${what} leaves the job as it was`, () =>
      Effect.gen(function* () {
        const store = yield* journalStore
        yield* runFor(store, version1, 2)
        const refused = yield* failure(resumeOn(store, makeVersion2(migrate)))
        expect(refused).toMatchObject({ _tag: "ProgramChanged", kinds: ["Step", "Note"] })
        expect(refused.message).toContain(reason)
        expect(yield* store.load("job")).toMatchObject({ isHeld: false, bases: [], cycle: 2 })
        expect((yield* resumeOn(store, version2)).result.output).toEqual(stages)
      })
    )
  }
})

/* ---------------------------------------------------------------- what needs no migration */

const Extra = Fact.kind("Extra", { schema: Schema.Struct({ of: Schema.String }), id: ({ of }) => of })

/** Version 1 with one agent more, which writes a kind that was not there, and looks at what was. */
const withExtra = (version: string) =>
  Program.make("versioned", {
    input,
    version,
    seed: () => [Step.of({ n: 0 })],
    agents: [
      Agent.make("step", {
        each: Step,
        writes: [Step, Note],
        execute: ({ id, value: { n } }) =>
          Effect.succeed({
            facts: n < last ? [Step.of({ n: n + 1 }), Note.of({ about: n })] : [],
            evaluations: [{ fact: { kind: "Step", id }, score: n / 10, reason: `step ${n}` }],
            trace: { from: n }
          })
      }),
      Agent.make("extra", {
        reads: [Note],
        writes: [Extra],
        execute: (view) =>
          Effect.succeed({
            facts: [
              Extra.of({
                of: view
                  .delta(Note)
                  .map(({ id }) => id)
                  .join()
              })
            ]
          })
      })
    ],
    output: (view) => view.all(Extra).map(({ id }) => id)
  })

describe("a program to which agents and kinds were added", () => {
  it.effect("goes on without migrate, again and again, and can be looked at and explained", () =>
    Effect.gen(function* () {
      const added = withExtra("1.1")
      for (let at = 0; at < last; at++) {
        const undisturbed = yield* journalStore
        yield* runFor(undisturbed, version1, at)
        const once = yield* resumeOn(undisturbed, added)
        const facts = once.result.context.facts()
        const expected = facts.map((fact) => Provenance.format(Provenance.explain(once.result.context, fact)!))
        if (at > 1) {
          const news = Array.from({ length: at }, (_, n) => n).join()
          expect(once.result.output[0]).toBe(news)
          expect(expected.find((text) => text.startsWith(`Extra/${news}`))).toContain(`Note/${at - 1}`)
        }
        for (let then = 0; then <= last - at; then++) {
          const store = yield* journalStore
          yield* runFor(store, version1, at)
          yield* Effect.provide(
            Effect.flatMap(Engine.resume(added, "job"), (job) => ended(job.result)),
            engineOnStore(brokenOff(store, then))
          )
          // A third version, which differs in nothing but its name.
          const again = yield* resumeOn(store, withExtra("1.2"))
          expect(again.result.hash).toBe(once.result.hash)
          expect(again.result.context.facts()).toEqual(facts)
          for (const program of [undefined, added]) {
            const read = yield* looking(store)(Journal.replay("job", { program }))
            expect(read.context.encoded()).toEqual(once.result.context.encoded())
            expect(
              read.context.facts().map((fact) => Provenance.format(Provenance.explain(read.context, fact)!))
            ).toEqual(expected)
          }
          const events = yield* looking(store)(Stream.runCollect(Stream.unwrap(Journal.events("job"))))
          expect(JSON.stringify(events)).toBe(JSON.stringify(yield* eventsOf(again.job)))
        }
      }
    })
  )

  it.effect("and then changed is migrated, also where no cycle was added in between", () =>
    Effect.gen(function* () {
      for (const cycles of [0, 1]) {
        const store = yield* journalStore
        yield* runFor(store, version1, 2)
        yield* Effect.provide(
          Effect.flatMap(Engine.resume(withExtra("1"), "job"), (job) => ended(job.result)),
          engineOnStore(brokenOff(store, cycles))
        )
        const drop = makeVersion2((fact, from) => (fact.kind === "Extra" ? undefined : toStages(fact, from)))
        yield* Effect.provide(
          Effect.flatMap(Engine.resume(drop, "job"), (job) => ended(job.result)),
          engineOnStore(brokenOff(store, cycles))
        )
        const Other = Fact.kind("Other", { schema: Schema.Struct({}), id: () => "other" })
        const third = Program.make("versioned", {
          input,
          version: "3",
          kinds: [Other],
          agents: [
            Agent.make("step", {
              each: Stage,
              writes: [Stage],
              execute: ({ value: { number } }) =>
                Effect.succeed({ facts: number < last ? [Stage.of({ number: number + 1 })] : [] })
            })
          ],
          output: (view) => view.all(Stage).map(({ id }) => id)
        })
        expect((yield* resumeOn(store, third)).result.output).toEqual(stages)
        expect((yield* resumeOn(store, third)).result.output).toEqual(stages)
        expect(yield* looking(store)(Journal.verify("job"))).toMatchObject({ isIntact: true })
        const before = yield* looking(store)(Journal.replay("job", { at: 1 }))
        expect(before.context.counts()).toEqual({ Note: 1, Step: 2 })
      }
    })
  )
})

describe("in a file", () => {
  it.live("it is the same, from the first cycle on", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename, durability: "normal" })
        yield* runFor(store, version1, 0)
        for (const program of [withExtra("1"), makeVersion2((fact, from) => toStages(fact, from))]) {
          yield* Effect.provide(
            Effect.flatMap(Engine.resume(program, "job"), (job) => Effect.exit(job.result)),
            engineOnStore(brokenOff(store, 0))
          )
        }
        expect((yield* resumeOn(store, version2)).result.output).toEqual(stages)
        expect((yield* resumeOn(store, version2)).result.output).toEqual(stages)
        expect(yield* looking(store)(Journal.verify("job"))).toMatchObject({ isIntact: true, cycles: last + 1 })
        expect((yield* looking(store)(Journal.replay("job", { at: 0 }))).context.counts()).toEqual({ Step: 1 })
      })
    )
  )
})

describe("a job that has ended", () => {
  it.effect("is read by a version that migrates, and its journal is left as it was", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const whole = yield* Effect.provide(Engine.run(version1, {}, { id: "job" }), engineOnStore(store))
      const before = yield* store.load("job")
      const { result } = yield* resumeOn(store, version2)
      expect(result).toMatchObject({ status: "converged", hash: whole.hash, output: stages })
      expect(Job.toJson(result)).toMatchObject({ facts: { Stage: 6 }, cycles: whole.cycles })
      expect(yield* store.load("job")).toEqual(before)
      expect(yield* failure(resumeOn(store, makeVersion2(undefined)))).toMatchObject({ _tag: "ProgramChanged" })
      expect((yield* resumeOn(store, version1)).result.output).toBe(6)
    })
  )
})

describe("a cycle that broke off under the old version", () => {
  /** A version of a program whose agent pays and says by which version it was executed. Its effects are kept. */
  const makeVersion = (version: string, executed: Array<string>, renamed = false) => {
    const trigger = renamed ? Stage : Step
    return Program.make("versioned", {
      input,
      version,
      migrate: renamed
        ? ({ value }) => ({ kind: "Stage", value: { number: (value as { readonly n: number }).n } })
        : undefined,
      seed: () =>
        renamed ? [Stage.of({ number: 0 }), Stage.of({ number: 1 })] : [Step.of({ n: 0 }), Step.of({ n: 1 })],
      agents: [
        Agent.make("pays", {
          each: trigger,
          writes: [Told],
          memoize: true,
          execute: ({ id }) =>
            Effect.gen(function* () {
              executed.push(`${version}: ${id}`)
              yield* Budget.reserve({ tokens: 50 })
              yield* Budget.spend({ tokens: 10, cost: 1 })
              return { facts: [Told.of({ id, by: version })] }
            })
        })
      ],
      output: (view) => view.all(Told).map(({ value: { by } }) => by)
    })
  }
  const Told = Fact.kind("Told", {
    schema: Schema.Struct({ id: Schema.String, by: Schema.String }),
    id: ({ id }) => id
  })
  type Version = ReturnType<typeof makeVersion>

  /** Resumes the job on an engine that dies when its agents have paid, before it keeps their effects. */
  const resumedAndKilled = (store: Store, program: Version) => {
    const keep: Store["keep"] = (jobId, fence, kept) =>
      kept.key === "/paid" ? store.keep(jobId, fence, kept) : Effect.void
    return Effect.provide(
      Effect.flatMap(Engine.resume(program, "job"), (job) => ended(job.result)),
      engineOnStore(brokenOff({ ...store, keep }, 0))
    )
  }

  it.effect("leaves no effect to the new one, also where that is resumed again, and every payment", () =>
    Effect.gen(function* () {
      const executed: Array<string> = []
      const store = yield* journalStore
      yield* runFor(store, makeVersion("1", executed), 0)
      yield* resumedAndKilled(store, makeVersion("2", executed))
      const { result } = yield* resumeOn(store, makeVersion("2", executed))
      expect(result.output).toEqual(["2", "2"])
      expect(executed).toEqual(["1: 0", "1: 1", "2: 0", "2: 1", "2: 0", "2: 1"])
      expect(result.usage).toMatchObject({ tokens: 60, cost: 6 })
    })
  )

  it.effect("leaves none to the old one either, when that goes on after all", () =>
    Effect.gen(function* () {
      const executed: Array<string> = []
      const store = yield* journalStore
      yield* runFor(store, makeVersion("1", executed), 0)
      yield* resumedAndKilled(store, makeVersion("2", executed))
      const { result } = yield* resumeOn(store, makeVersion("1", executed))
      expect(result.output).toEqual(["1", "1"])
      expect(result.usage).toMatchObject({ tokens: 60, cost: 6 })
    })
  )

  it.effect("keeps its payments through a migration, and none of its effects", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const executed: Array<string> = []
        const { store } = yield* openStore({ filename })
        yield* runFor(store, makeVersion("1", executed), 0)
        yield* resumedAndKilled(store, makeVersion("2", executed, true))
        expect(new Set((yield* store.kept("job")).map(({ key }) => key))).toEqual(new Set(["/paid"]))
        const { result } = yield* resumeOn(store, makeVersion("2", executed, true))
        expect(result.output).toEqual(["2", "2"])
        expect(executed).toEqual(["1: 0", "1: 1", "2: s0", "2: s1", "2: s0", "2: s1"])
        expect(result.usage).toMatchObject({ tokens: 60, cost: 6, byAgent: { pays: { tokens: 60, cost: 6 } } })
      })
    )
  )
})
