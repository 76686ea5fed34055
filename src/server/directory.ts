/**
 * The jobs that a server knows: those that it started, those that its engine resumed, and those of the store.
 *
 * A job that is live is held by its handle. One that has ended stays for a while, so that whoever started it can fetch its
 * result; from a durable store it can be had for as long as the store keeps it. How many are kept, and how much memory they
 * may take together, is limited; the events of those whose journals have them are not kept. One that ended because the store refused its row is left to its journal: there it has
 * not ended, and whoever asks for it goes on with it.
 *
 * An id, or an idempotency key, which is turned into one, names a job for good: starting it again with the same body gives
 * the same job, with another body it is refused. A durable store remembers that across restarts; without one, the server
 * does for as long as it keeps the job. Boundary: no HTTP.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { type Budget } from "../program/Budget.ts"
import { Engine } from "../engine/Engine.ts"
import { sessionOf } from "../job/jobHandle.ts"
import type { JobSession } from "../job/session.ts"
import { sha256 } from "../values/sha256.ts"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import type { Job } from "../job/Job.ts"
import { budgetOfHeader } from "../journal/extra.ts"
import type { JobError, StartError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import { Limits } from "../Limits.ts"
import { type Program } from "../program/Program.ts"
import type { JobStore, StoredJournal } from "../store/JobStore.ts"
import { cut, decode } from "./decoding.ts"
import { ofStart, ofStore } from "./failures.ts"
import { heldBytes } from "./heldBytes.ts"
import * as Problems from "./problems.ts"
import type * as Shapes from "./shapes.ts"
import { readHeader } from "../journal/parts.ts"
import { refuseOther } from "../journal/find.ts"
import { type CompiledProgram, compiledOf } from "../program/erased.ts"
import { type ResolvedBudget, resolveBudget } from "../program/resolveBudget.ts"

/** How a job ended: its result, its error, or a defect of the engine. */
export type End = Exit.Exit<JobResult, JobError>

/** A job that the server holds the handle of. */
export interface Entry {
  readonly job: Job<Program.Any>
  readonly session: JobSession
  /** The hash of what it was started with, program and input; undefined for one that the server did not start. */
  readonly body: string | undefined
  end: End | undefined
  haltedAt: number | undefined
  /** Clients that wait for its end, and whether it is wanted also when none is left. */
  waiting: number
  isWanted: boolean
}

/** A job that is in the store and nowhere else. */
export interface Stored {
  readonly journal: StoredJournal
}

export const isEntry = (found: Entry | Stored): found is Entry => "job" in found

export interface DirectoryOptions {
  readonly programs: ReadonlyArray<Program.Any>
  readonly engine: Engine["Service"]
  readonly store: JobStore["Service"]
  /** Where watchers of jobs live. */
  readonly scope: Scope.Scope
  /** What agents run with. */
  readonly services: Context.Context<never>
  readonly onEnd: (entry: Entry, end: End) => void
}

type NewJob = typeof Shapes.NewJob.Type

type StartProblem = ReturnType<typeof ofStart> | Problems.UnknownProgram | Problems.JobExists

export class Directory {
  readonly programs: ReadonlyMap<string, Program.Any>
  readonly #options: DirectoryOptions
  readonly #entries = new Map<string, Entry>()
  /** Entries that have ended, oldest first, and about how much memory they take. */
  readonly #ended = new Map<string, number>()
  #endedBytes = 0
  /** Named jobs that are being started: whoever starts one meanwhile waits. */
  readonly #starting = new Map<string, Deferred.Deferred<void>>()

  constructor(options: DirectoryOptions) {
    this.#options = options
    this.programs = new Map(options.programs.map((program) => [program.name, program]))
  }

  get isDurable(): boolean {
    return this.#options.store.isDurable
  }

  /** Entries that have not ended, and those that are kept. */
  get entries(): Iterable<Entry> {
    return this.#entries.values()
  }

  /** Starts a job, or gives the one that has its name. `key`: the idempotency key. */
  start(asked: NewJob, key: string | undefined): Effect.Effect<Entry, StartProblem> {
    return Effect.gen({ self: this }, function* () {
      const program = this.programs.get(asked.program)
      if (program === undefined) return yield* new Problems.UnknownProgram({ program: asked.program })
      const compiled = compiledOf(program)
      const input = yield* decodeInput(compiled, asked.input ?? {})
      const text = yield* encodeInput(compiled, input)
      const budget = yield* budgetOf(compiled, asked.budget)
      const id = key === undefined ? asked.id : idOfKey(key)
      const body = sha256(`${JSON.stringify(program.name)}\n${text}`)
      const start = this.#launch(program, input, { id, budget }, body)
      if (id === undefined) return yield* start
      return yield* this.#once(
        id,
        Effect.gen({ self: this }, function* () {
          const present = this.#entries.get(id)
          if (present?.body !== undefined) {
            const isOther = present.body !== body || isOtherBudget(compiled, budget, present.session.budget)
            return isOther ? yield* this.#taken(id) : present
          }
          const journal = this.isDurable ? yield* this.#load(id) : undefined
          if (journal !== undefined) {
            if (refuseOther(journal, compiled, text) !== undefined) return yield* this.#taken(id)
            const header = yield* Effect.mapError(readHeader(journal), (error) => ofStart(id, error))
            if (isOtherBudget(compiled, budget, budgetOfHeader(header))) return yield* this.#taken(id)
          } else if (present !== undefined) return yield* this.#taken(id)
          const entry = yield* start
          // Somebody else has started it, maybe without waiting for it.
          if (journal !== undefined) entry.isWanted = true
          return entry
        })
      )
    })
  }

  /** One start of a name at a time. */
  #once<A, E>(id: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      const before = this.#starting.get(id)
      if (before !== undefined) return Effect.andThen(Deferred.await(before), this.#once(id, effect))
      const done = Deferred.makeUnsafe<void>()
      this.#starting.set(id, done)
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          this.#starting.delete(id)
          Deferred.doneUnsafe(done, Effect.void)
        })
      )
    })
  }

  #taken(jobId: string): Problems.JobExists {
    const detail = "a job of that id, or of that idempotency key, was started with another body"
    return new Problems.JobExists({ jobId, detail })
  }

  #load(jobId: string): Effect.Effect<StoredJournal | undefined, ReturnType<typeof ofStore>> {
    return this.#options.store
      .load(jobId)
      .pipe(
        Effect.catch((error) =>
          error.reason === "missing" ? Effect.succeed(undefined) : Effect.fail(ofStore(jobId, error))
        )
      )
  }

  /**
   * Agents run with what the server was built with, and under the span of the request. The request itself is none of their
   * business, and would be kept for as long as the job.
   */
  #withServices<A, E>(effect: Effect.Effect<A, E, Engine | unknown>): Effect.Effect<A, E> {
    return Effect.contextWith((current: Context.Context<never>) => {
      const span = Context.getOrUndefined(current, Tracer.ParentSpan)
      const { services } = this.#options
      const provided = span === undefined ? services : Context.add(services, Tracer.ParentSpan, span)
      return Effect.updateContext(effect, () => provided as Context.Context<unknown>)
    })
  }

  /** What a program takes and needs is not known here: its input was decoded by its own schema, and its needs are the layer's. */
  #launch(
    program: Program.Any,
    input: unknown,
    options: { readonly id: string | undefined; readonly budget: Budget },
    body: string
  ): Effect.Effect<Entry, ReturnType<typeof ofStart>> {
    const started = this.#options.engine.start(program, input as never, options)
    return Effect.uninterruptibleMask((restore) =>
      restore(this.#withServices(started)).pipe(
        Effect.mapError((error: StartError | InvalidProgram) => ofStart(options.id ?? "", error)),
        Effect.flatMap((job) => this.#register(job, body))
      )
    )
  }

  #register(job: Job<Program.Any>, body: string | undefined, haltedAt?: number): Effect.Effect<Entry> {
    return Effect.suspend(() => {
      const present = this.#entries.get(job.id)
      const session = sessionOf(job)
      if (session === undefined) return Effect.die(new Error("the engine is of another copy of this package"))
      if (present !== undefined && present.session === session) return Effect.succeed(present)
      const isWanted = body === undefined
      const entry: Entry = { job, session, body, end: undefined, haltedAt, waiting: 0, isWanted }
      this.#entries.set(job.id, entry)
      const watched = Effect.flatMap(Effect.exit(job.result), (end) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          entry.end = end
          entry.haltedAt ??= now
          // One whose row the store refused has not ended in its journal, where it is found from now on.
          if (this.isDurable && isStoreFailure(end)) this.#forget(entry)
          else this.#keep(entry, end)
          this.#options.onEnd(entry, end)
        })
      )
      const forked = Effect.forkIn(watched, this.#options.scope, { startImmediately: true })
      // What watches a job would keep the request that started it, with its body.
      return Effect.as(
        Effect.updateContext(forked, () => this.#options.services),
        entry
      )
    })
  }

  #forget(entry: Entry): void {
    const { id } = entry.job
    if (this.#entries.get(id) !== entry) return
    this.#entries.delete(id)
    this.#endedBytes -= this.#ended.get(id) ?? 0
    this.#ended.delete(id)
  }

  /** Keeps an entry that has ended, and lets go of the oldest where there are too many. */
  #keep({ job, session }: Entry, end: End): void {
    if (this.isDurable && session.isEndStored) session.log.release()
    const bytes = heldBytes(session, Exit.isSuccess(end) ? end.value.output : undefined)
    // One that was taken up anew counts once, and is the newest.
    this.#endedBytes += bytes - (this.#ended.get(job.id) ?? 0)
    this.#ended.delete(job.id)
    this.#ended.set(job.id, bytes)
    for (const [id, size] of this.#ended) {
      if (this.#ended.size <= Limits.serverEndedJobs && this.#endedBytes <= Limits.serverEndedBytes) break
      this.#ended.delete(id)
      this.#entries.delete(id)
      this.#endedBytes -= size
    }
  }

  /** A job by its id. */
  find(jobId: string): Effect.Effect<Entry | Stored, ReturnType<typeof ofStart>> {
    return Effect.gen({ self: this }, function* () {
      const present = this.#entries.get(jobId)
      if (present !== undefined) return present
      const journal = this.isDurable ? yield* this.#load(jobId) : undefined
      const live = (yield* this.#options.engine.live).find((job) => job.jobId === jobId)
      const program = this.programs.get(live?.program ?? journal?.program ?? "")
      if (live === undefined && journal === undefined) return yield* new Problems.UnknownJob({ jobId })
      if (program === undefined || (live === undefined && journal?.status === undefined)) {
        return journal === undefined ? yield* new Problems.UnknownJob({ jobId }) : { journal }
      }
      const taken = this.#takeUp(program, jobId, journal)
      if (journal?.status === undefined) return yield* taken
      // What its program has become since is no reason not to say how it ended.
      return yield* Effect.catchTag(taken, "ProgramChanged", () => Effect.succeed({ journal }))
    })
  }

  /**
   * A job whose events are to be read. One that has ended, and that is not held here, is left in its journal: its events can
   * be read from there without its context and its log. One that rests is taken up, if nobody else holds it.
   */
  watch(jobId: string): Effect.Effect<Entry | Stored, ReturnType<typeof ofStart>> {
    return Effect.gen({ self: this }, function* () {
      const present = this.#entries.get(jobId)
      if (present !== undefined) return present
      const journal = this.isDurable ? yield* this.#load(jobId) : undefined
      if (journal?.status !== undefined) return { journal }
      return yield* Effect.catchTags(this.hold(jobId), {
        JobHeld: () => this.find(jobId),
        UnknownProgram: () => this.find(jobId)
      })
    })
  }

  /** A job by its id, taken up if it is nowhere live. */
  hold(jobId: string): Effect.Effect<Entry, ReturnType<typeof ofStart> | Problems.UnknownProgram> {
    return Effect.gen({ self: this }, function* () {
      const found = yield* this.find(jobId)
      if (isEntry(found)) return found
      const program = this.programs.get(found.journal.program)
      if (program === undefined) return yield* new Problems.UnknownProgram({ program: found.journal.program })
      return yield* this.#takeUp(program, jobId, found.journal)
    })
  }

  #takeUp(
    program: Program.Any,
    jobId: string,
    journal: StoredJournal | undefined
  ): Effect.Effect<Entry, ReturnType<typeof ofStart>> {
    return this.#once(
      jobId,
      Effect.gen({ self: this }, function* () {
        const present = this.#entries.get(jobId)
        if (present !== undefined) return present
        const job = yield* Effect.mapError(this.#withServices(this.#options.engine.resume(program, jobId)), (error) =>
          ofStart(jobId, error)
        )
        return yield* this.#register(job, undefined, journal?.haltedAt)
      })
    )
  }

  /** Takes note of jobs that are live and that the server did not start. Those that are being started it knows soon. */
  get lookAround(): Effect.Effect<void> {
    return Effect.flatMap(this.#options.engine.live, (live) =>
      Effect.forEach(
        live.filter(
          ({ jobId, program }) => !this.#entries.has(jobId) && !this.#starting.has(jobId) && this.programs.has(program)
        ),
        ({ jobId }) => Effect.ignore(this.find(jobId)),
        { discard: true }
      )
    )
  }
}

const isStoreFailure = (end: End): boolean => {
  const error = Exit.isFailure(end) ? Option.getOrUndefined(Cause.findErrorOption(end.cause)) : undefined
  return error?._tag === "StoreFailed"
}

const decodeInput = (program: CompiledProgram, json: Schema.Json): Effect.Effect<unknown, Problems.InvalidInput> =>
  Effect.mapError(
    decode(Schema.toCodecJson(program.input), json),
    (error) => new Problems.InvalidInput({ program: program.name, detail: cut(`input: ${error.message}`) })
  )

const encodeInput = (program: CompiledProgram, input: unknown): Effect.Effect<string, Problems.InvalidInput> =>
  Effect.try({
    try: () => program.inputCodec.encode(input).text,
    catch: (error) =>
      new Problems.InvalidInput({
        program: program.name,
        detail: `input: ${error instanceof Error ? error.message : "it cannot be encoded"}`
      })
  })

/** Where a field of a budget is in a resolved one. */
const budgetFields: Readonly<Record<string, keyof ResolvedBudget>> = {
  maxCycles: "cycles",
  maxFacts: "facts",
  maxAgents: "agents",
  maxDuration: "duration",
  maxCpuTime: "cpuTime",
  maxContextBytes: "contextBytes",
  maxTokens: "tokens"
}

/** A budget as the engine takes it. */
const budgetOf = (
  program: CompiledProgram,
  asked: typeof Shapes.Budget.Type | undefined
): Effect.Effect<Budget, Problems.InvalidInput> =>
  Effect.try({
    try: () => {
      const budget = Object.fromEntries(
        Object.entries(asked ?? {})
          .filter(([, value]) => value !== undefined)
          .map(([field, value]) => [field, value === "unlimited" ? Infinity : value])
      )
      // `resolve` refuses what no budget takes, such as a text that is no duration.
      resolveBudget(program.name, budget)
      return budget
    },
    catch: (error) =>
      new Problems.InvalidInput({ program: program.name, detail: error instanceof Error ? error.message : "budget" })
  })

/** Whether a job's budget is not what was asked for. What was not asked for may have changed since: the program's own. */
const isOtherBudget = (program: CompiledProgram, asked: Budget, has: ResolvedBudget): boolean => {
  const now = resolveBudget(program.name, program.budget, asked)
  return Object.keys(asked).some((field) => {
    const name = budgetFields[field]
    return name !== undefined && has[name] !== now[name]
  })
}

/** The id of the job that an idempotency key names. */
export const idOfKey = (key: string): string => `key-${sha256(key).slice(0, 40)}`
