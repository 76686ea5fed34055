/**
 * The jobs that a server knows: jobs that it started, jobs that its engine resumed, and jobs of the store.
 *
 * The server holds the handle of a live job. An ended job stays for a while, so that its clients can fetch the result; a
 * durable store gives it for as long as the store keeps it. `Limits` bounds the number of kept ended jobs, and about how much
 * memory they take together. One that alone takes more stays while it is asked for. Events are kept only for jobs without a
 * journal. If a job ended because the store refused its row, the server forgets it: in its journal it has not ended, and the
 * next client that asks for it resumes it.
 *
 * An id names a job for good, and so does an idempotency key, which is turned into an id. Starting it again with the same
 * body gives the same job; another body is refused. A durable store remembers that across restarts. Without one, the server
 * remembers it for as long as it keeps the job. Boundary: no HTTP.
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
import { Engine, type StartOptions } from "../engine/Engine.ts"
import { viewOf } from "../job/jobHandle.ts"
import type { JobView } from "../job/view.ts"
import { sha256 } from "../values/sha256.ts"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import type { Job } from "../job/Job.ts"
import type { JobError, StartError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import { isOfProcess } from "../outcome/Cause.ts"
import { Limits } from "../Limits.ts"
import { type Program } from "../program/Program.ts"
import { type Attributes, hasAttributes } from "../program/attributes.ts"
import type { JobStore, StoredJournal } from "../store/JobStore.ts"
import { cut, decode } from "./decoding.ts"
import { ofStart, ofStore, unknownCycle } from "./failures.ts"
import { heldBytes } from "./heldBytes.ts"
import { logConverged, logStart } from "./jobLog.ts"
import { LargeStay } from "./largeStay.ts"
import * as Problems from "./problems.ts"
import type * as Shapes from "./shapes.ts"
import { readHeader } from "../journal/parts.ts"
import { findJournal, refuseOther } from "../journal/find.ts"
import { Turns } from "../platform/turns.ts"
import { canonicalText } from "../values/Canonical.ts"
import { describeError } from "../values/panic.ts"
import { type CompiledProgram, compiledOf } from "../program/erased.ts"
import { resolvedNames, type ResolvedBudget, resolveBudget } from "../program/resolveBudget.ts"
import { type DeleteProblem, needed, ofRemoval } from "./deletion.ts"
import { durationMs } from "./durations.ts"
import { budgetOfHeader } from "../journal/header.ts"

/** The end of a job: its result, its error, or a defect of the engine. */
export type End = Exit.Exit<JobResult, JobError>

/** A job whose handle the server holds. */
export interface KnownJob {
  readonly job: Job<Program.Any>
  readonly view: JobView
  /** The hash of the program's name and the input that started it; undefined for a job that the server did not start. */
  readonly body: string | undefined
  end: End | undefined
  haltedAt: number | undefined
  /** Done when both are known: a moment after the job's machine has halted. */
  readonly ended: Deferred.Deferred<void>
  /** The number of clients that wait for its end, and whether the job must go on without any. */
  waiting: number
  isWanted: boolean
}

/** A job that is only in the store. */
export interface Stored {
  readonly journal: StoredJournal
}

export const isKnown = (found: KnownJob | Stored): found is KnownJob => "job" in found

export interface DirectoryOptions {
  readonly programs: ReadonlyArray<Program.Any>
  readonly engine: Engine["Service"]
  readonly store: JobStore["Service"]
  /** The scope of the fibers that watch jobs. */
  readonly scope: Scope.Scope
  /** The services that agents run with. */
  readonly services: Context.Context<never>
  /** Called with a job that has ended, and the time in milliseconds since the epoch. */
  readonly onEnd: (entry: KnownJob, nowMs: number) => void
  /** Runs with an ended job that was taken up from its journal, before its log is let go of. */
  readonly onTakenUp: (view: JobView) => Effect.Effect<void>
}

type NewJob = typeof Shapes.NewJob.Type

/** The number of jobs that were deleted, and those among them that the server held. */
export interface Deletion {
  readonly deleted: number
  readonly gone: ReadonlyArray<KnownJob>
}

type StartProblem = ReturnType<typeof ofStart> | Problems.UnknownProgram | Problems.JobExists

export class Directory {
  readonly programs: ReadonlyMap<string, Program.Any>
  readonly #options: DirectoryOptions
  readonly #known = new Map<string, KnownJob>()
  /** Jobs that have ended, oldest first, and about how many bytes each takes. */
  readonly #ended = new Map<string, number>()
  #endedBytes = 0
  /** One start of an id at a time. */
  readonly #starting = new Turns()
  /** The ended job that takes more than all of them may. */
  readonly #large: LargeStay

  constructor(options: DirectoryOptions) {
    this.#options = options
    const { scope, services } = options
    this.#large = new LargeStay({ scope, services, forget: (id) => this.#letGo(id) })
    this.programs = new Map(options.programs.map((program) => [program.name, program]))
  }

  get isDurable(): boolean {
    return this.#options.store.isDurable
  }

  /** Live jobs, and ended ones that are kept. */
  get known(): Iterable<KnownJob> {
    return this.#known.values()
  }

  /** Starts a job, or returns the job that has its id. `key`: the idempotency key, which names the job if the body does not. */
  start(asked: NewJob, key: string | undefined): Effect.Effect<KnownJob, StartProblem> {
    return Effect.gen({ self: this }, function* () {
      const program = this.programs.get(asked.program)
      if (program === undefined) return yield* new Problems.UnknownProgram({ program: asked.program })
      const compiled = compiledOf(program)
      const input = yield* decodeInput(compiled, asked.input ?? {})
      const text = yield* encodeInput(compiled, input)
      const budget = yield* budgetOf(compiled, asked.budget)
      const id = asked.id ?? (key === undefined ? undefined : idOfKey(key))
      const body = sha256(`${JSON.stringify(program.name)}\n${text}`)
      const { attributes } = asked
      const start = this.#launch(program, input, { id, budget, attributes }, body)
      const isOther = (has: ResolvedBudget, own: Attributes | undefined): boolean =>
        isOtherBudget(compiled, budget, has) || !hasAttributes(own, attributes ?? {})
      if (id === undefined) return yield* start
      return yield* this.#starting.take(
        id,
        Effect.gen({ self: this }, function* () {
          const present = yield* this.#lasting(id)
          if (present?.body !== undefined) {
            const { view } = present
            return present.body !== body || isOther(view.budget, view.attributes) ? yield* this.#taken(id) : present
          }
          const journal = this.isDurable ? yield* this.#load(id) : undefined
          if (journal !== undefined) {
            if (refuseOther(journal, compiled, text) !== undefined) return yield* this.#taken(id)
            const header = yield* Effect.mapError(readHeader(journal), (error) => ofStart(id, error))
            if (isOther(budgetOfHeader(header), journal.attributes)) return yield* this.#taken(id)
          } else if (present !== undefined) return yield* this.#taken(id)
          const entry = yield* start
          // Another client started the job, maybe without waiting for it, so this client must not cancel it by leaving.
          if (journal !== undefined) entry.isWanted = true
          return entry
        })
      )
    })
  }

  /** The job of an id that the server holds. A job whose journal was deleted, such as by a retention, is forgotten first. */
  #lasting(jobId: string): Effect.Effect<KnownJob | undefined> {
    return Effect.andThen(
      this.forgetDeleted(({ job }) => job.id === jobId),
      Effect.sync(() => this.#known.get(jobId))
    )
  }

  /** Forgets jobs among some that have ended and whose journals are gone. Gives them. */
  forgetDeleted(isOne: (known: KnownJob) => boolean): Effect.Effect<ReadonlyArray<KnownJob>> {
    return Effect.gen({ self: this }, function* () {
      const gone: Array<KnownJob> = []
      for (const known of this.isDurable ? [...this.#known.values()] : []) {
        if (known.end === undefined || !known.view.isEndStored || !isOne(known)) continue
        // A journal that cannot be read now may be there.
        const isGone = Effect.match(findJournal(this.#options.store, known.job.id), {
          onFailure: () => false,
          onSuccess: (journal) => journal === undefined
        })
        if (!(yield* isGone)) continue
        this.#forget(known)
        gone.push(known)
      }
      return gone
    })
  }

  #taken(jobId: string): Problems.JobExists {
    const detail = "a job of that id, or of that idempotency key, was started with another body"
    return new Problems.JobExists({ jobId, detail })
  }

  #load(jobId: string): Effect.Effect<StoredJournal | undefined, ReturnType<typeof ofStore>> {
    return Effect.mapError(findJournal(this.#options.store, jobId), (error) => ofStore(jobId, error))
  }

  /**
   * Agents run with the services of the server's layer, under the span of the request. They do not get the request itself,
   * which would be kept for as long as the job.
   */
  #withServices<A, E>(effect: Effect.Effect<A, E, Engine | unknown>): Effect.Effect<A, E> {
    return Effect.contextWith((current: Context.Context<never>) => {
      const span = Context.getOrUndefined(current, Tracer.ParentSpan)
      const { services } = this.#options
      const provided = span === undefined ? services : Context.add(services, Tracer.ParentSpan, span)
      return Effect.updateContext(effect, () => provided as Context.Context<unknown>)
    })
  }

  /** The cast is safe: the program's own schema decoded the input, and the server's layer provides its services. */
  #launch(
    program: Program.Any,
    input: unknown,
    options: Pick<StartOptions, "id" | "attributes"> & { readonly budget: Budget },
    body: string
  ): Effect.Effect<KnownJob, ReturnType<typeof ofStart>> {
    const started = this.#options.engine.start(program, input as never, options)
    return Effect.uninterruptibleMask((restore) =>
      restore(this.#withServices(started)).pipe(
        Effect.mapError((error: StartError | InvalidProgram) => ofStart(options.id ?? "", error)),
        Effect.flatMap((job) => this.#register(job, body))
      )
    )
  }

  /** Starts a new job from a past cycle of a stored one, or returns the fork that has its id. */
  fork(
    name: string,
    jobId: string,
    asked: typeof Shapes.NewFork.Type,
    key: string | undefined
  ): Effect.Effect<KnownJob, StartProblem | Problems.UnknownCycle> {
    return Effect.gen({ self: this }, function* () {
      const program = this.programs.get(name)
      if (program === undefined) return yield* new Problems.UnknownProgram({ program: name })
      const compiled = compiledOf(program)
      const input = asked.input === undefined ? undefined : yield* decodeInput(compiled, asked.input)
      const facts = yield* Effect.forEach(asked.facts ?? [], (fact, index) => proposalOf(compiled, fact, index))
      const budget = yield* budgetOf(compiled, asked.budget)
      const { at, attributes, id = key === undefined ? undefined : idOfKey(key) } = asked
      const origin = at === undefined ? undefined : yield* this.#load(jobId)
      if (at !== undefined && origin !== undefined && at > origin.cycle) {
        return yield* unknownCycle(jobId, at, origin.cycle)
      }
      // The casts are safe: the program's own schemas decoded the input and the facts.
      const forked = this.#options.engine.fork(program, jobId, {
        at,
        id,
        budget,
        attributes,
        input: input as never,
        facts: facts as never
      })
      const launched = (haltedAt: number | undefined) =>
        Effect.uninterruptibleMask((restore) =>
          restore(this.#withServices(forked)).pipe(
            Effect.mapError((error: StartError | InvalidProgram) =>
              error._tag === "StoreError" && error.reason === "exists"
                ? new Problems.JobExists({ jobId: id ?? "", detail: error.message })
                : ofStart(jobId, error)
            ),
            Effect.flatMap((job) => this.#register(job, undefined, haltedAt))
          )
        )
      if (id === undefined) return yield* launched(undefined)
      return yield* this.#starting.take(
        id,
        Effect.gen({ self: this }, function* () {
          const journal = yield* this.#load(id)
          if (journal !== undefined) {
            const header = yield* Effect.mapError(readHeader(journal), (error) => ofStart(id, error))
            const isOther = isOtherBudget(compiled, budget, budgetOfHeader(header))
            if (isOther || (attributes !== undefined && !hasAttributes(journal.attributes, attributes))) {
              const detail = `there is a job ${id}, and it began with another budget or other attributes than this fork`
              return yield* new Problems.JobExists({ jobId: id, detail })
            }
          }
          return yield* launched(journal?.haltedAt)
        })
      )
    })
  }

  #register(job: Job<Program.Any>, body: string | undefined, haltedAt?: number): Effect.Effect<KnownJob> {
    return Effect.suspend(() => {
      const present = this.#known.get(job.id)
      const view = viewOf(job)
      if (view === undefined) return Effect.die(new Error("the engine is of another copy of this package"))
      if (present !== undefined && present.view === view) return Effect.succeed(present)
      const isWanted = body === undefined
      const ended = Deferred.makeUnsafe<void>()
      const entry: KnownJob = { job, view, body, end: undefined, haltedAt, ended, waiting: 0, isWanted }
      this.#known.set(job.id, entry)
      const watched = Effect.flatMap(Effect.exit(job.result), (end) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          entry.end = end
          entry.haltedAt ??= view.haltedAt ?? now
          Deferred.doneUnsafe(ended, Exit.void)
          // If the store refused its row, or there was no thread for its agents, the job
          // has not ended in its journal, and is found there from now on.
          const isLeft = this.isDurable && isLeftInStore(end)
          if (isLeft) this.#forget(entry)
          const kept = isLeft ? Effect.void : this.#keep(entry, end)
          this.#options.onEnd(entry, now)
          return Effect.andThen(kept, haltedAt === undefined ? logConverged(view, end) : Effect.void)
        }).pipe(Effect.flatten)
      )
      const forked = Effect.forkIn(watched, this.#options.scope, { startImmediately: true })
      // Without this, the fiber that watches a job would keep the request that started it, with its body.
      const watching: Effect.Effect<unknown> = Effect.updateContext(forked, () => this.#options.services)
      // A job that had ended before starts nothing, so the log has no line for it.
      const told = haltedAt === undefined ? logStart(view, body !== undefined) : Effect.void
      return told.pipe(Effect.andThen(watching), Effect.as(entry))
    })
  }

  /** Deletes a job that has ended, and the jobs below it. Gives their number, and those that this server held. */
  delete(jobId: string): Effect.Effect<Deletion, DeleteProblem> {
    return this.#starting.take(
      jobId,
      Effect.gen({ self: this }, function* () {
        yield* this.#refuseLive(jobId)
        if (!this.isDurable) return yield* this.#deleteOwn(jobId)
        const { store } = this.#options
        const deleted = yield* Effect.mapError(store.remove(jobId), (error) => ofRemoval(jobId, error))
        // The id of a child has a slash, and no other id does.
        const gone = yield* this.forgetDeleted(({ job: { id } }) => id === jobId || (deleted > 1 && id.includes("/")))
        return { deleted, gone }
      })
    )
  }

  /** Refuses a job that this server's engine runs, or that waits for something there. */
  #refuseLive(jobId: string): Effect.Effect<void, Problems.JobUnfinished> {
    return Effect.gen({ self: this }, function* () {
      const known = this.#known.get(jobId)
      const isLive = (yield* this.#options.engine.live).some((job) => job.jobId === jobId)
      if (!isLive && (known === undefined || known.end !== undefined)) return
      const state = known === undefined ? "running" : (yield* known.job.status).state
      const detail = `the job ${jobId} has not ended, it is ${state}: cancel it first`
      return yield* new Problems.JobUnfinished({ jobId, state, detail })
    })
  }

  /** Deletes a job, and those below it, on a server without a durable store. */
  #deleteOwn(jobId: string): Effect.Effect<Deletion, DeleteProblem> {
    return Effect.gen({ self: this }, function* () {
      const known = this.#known.get(jobId)
      if (known === undefined) return yield* new Problems.UnknownJob({ jobId })
      const { parent } = known.view
      const above = parent === undefined ? undefined : this.#known.get(parent)
      if (above !== undefined && above.end === undefined) return yield* needed(jobId)
      const gone = new Set([known])
      for (const { job } of gone) {
        for (const child of this.#known.values()) if (child.view.parent === job.id) gone.add(child)
      }
      for (const { job } of gone) yield* this.#refuseLive(job.id)
      for (const one of gone) this.#forget(one)
      return { deleted: gone.size, gone: [...gone] }
    })
  }

  #forget(entry: KnownJob): void {
    const { id } = entry.job
    if (this.#known.get(id) !== entry) return
    this.#known.delete(id)
    this.#endedBytes -= this.#ended.get(id) ?? 0
    this.#ended.delete(id)
  }

  /** Keeps a job that has ended, and lets go of the oldest ones if there are too many. */
  #keep({ job, view }: KnownJob, end: End): Effect.Effect<void> {
    if (this.isDurable && view.isEndStored) view.log.release()
    const bytes = heldBytes(view, Exit.isSuccess(end) ? end.value.output : undefined)
    // A job that was taken up again counts once, and is the newest.
    this.#endedBytes -= this.#ended.get(job.id) ?? 0
    this.#ended.delete(job.id)
    if (bytes > Limits.serverEndedBytes) return this.#large.take(job.id)
    this.#endedBytes += bytes
    this.#ended.set(job.id, bytes)
    for (const [id, size] of this.#ended) {
      if (this.#ended.size <= Limits.serverEndedJobs && this.#endedBytes <= Limits.serverEndedBytes) break
      this.#ended.delete(id)
      this.#known.delete(id)
      this.#endedBytes -= size
    }
    return Effect.void
  }

  /** Lets go of the large job. A later job may have its id. */
  #letGo(id: string): void {
    if (this.#known.get(id)?.end !== undefined && !this.#ended.has(id)) this.#known.delete(id)
  }

  /** A job that is held here. */
  #present(jobId: string): KnownJob | undefined {
    this.#large.ask(jobId)
    return this.#known.get(jobId)
  }

  /** The program of a job; undefined for an unknown job. The job is not taken up. */
  programOf(jobId: string): Effect.Effect<string | undefined, ReturnType<typeof ofStore>> {
    return Effect.gen({ self: this }, function* () {
      const present = this.#present(jobId)
      if (present !== undefined) return present.view.program.name
      const journal = this.isDurable ? yield* this.#load(jobId) : undefined
      return journal?.program ?? (yield* this.#options.engine.live).find((job) => job.jobId === jobId)?.program
    })
  }

  /** A job by its id. */
  find(jobId: string): Effect.Effect<KnownJob | Stored, ReturnType<typeof ofStart>> {
    return Effect.gen({ self: this }, function* () {
      const present = this.#present(jobId)
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
      // The program may have changed since; the client is still told how the job ended.
      return yield* Effect.catchTag(taken, "ProgramChanged", () => Effect.succeed({ journal }))
    })
  }

  /**
   * Finds a job to read its events. A job that has ended, and is not held here, stays in its journal: its events can be
   * read from there without its context and its log. An unfinished job is taken up, unless another engine holds it.
   */
  watch(jobId: string): Effect.Effect<KnownJob | Stored, ReturnType<typeof ofStart>> {
    return Effect.gen({ self: this }, function* () {
      const present = this.#present(jobId)
      if (present !== undefined) return present
      const journal = this.isDurable ? yield* this.#load(jobId) : undefined
      if (journal !== undefined && (journal.status !== undefined || isQuarantined(journal))) return { journal }
      return yield* Effect.catchTags(this.hold(jobId), {
        JobHeld: () => this.find(jobId),
        UnknownProgram: () => this.find(jobId)
      })
    })
  }

  /** As `find`, but an ended job that is not held here is only looked up in the store. */
  lookUp(jobId: string): Effect.Effect<KnownJob | Stored, ReturnType<typeof ofStart>> {
    return Effect.gen({ self: this }, function* () {
      const present = this.#present(jobId)
      if (present !== undefined) return present
      const journal = this.isDurable ? yield* this.#load(jobId) : undefined
      return journal?.status === undefined ? yield* this.find(jobId) : { journal }
    })
  }

  /** A job by its id, taken up if it is not live. `isByHand`: takes it up even if it is quarantined. */
  hold(jobId: string, isByHand = false): Effect.Effect<KnownJob, ReturnType<typeof ofStart> | Problems.UnknownProgram> {
    return Effect.gen({ self: this }, function* () {
      const found = yield* this.find(jobId)
      if (isKnown(found)) return found
      const program = this.programs.get(found.journal.program)
      if (program === undefined) return yield* new Problems.UnknownProgram({ program: found.journal.program })
      if (isQuarantined(found.journal) && !isByHand) return yield* quarantined(found.journal)
      return yield* this.#takeUp(program, jobId, found.journal)
    })
  }

  #takeUp(
    program: Program.Any,
    jobId: string,
    journal: StoredJournal | undefined
  ): Effect.Effect<KnownJob, ReturnType<typeof ofStart>> {
    return this.#starting.take(
      jobId,
      Effect.gen({ self: this }, function* () {
        const present = this.#known.get(jobId)
        if (present !== undefined) return present
        const job = yield* Effect.mapError(this.#withServices(this.#options.engine.resume(program, jobId)), (error) =>
          ofStart(jobId, error)
        )
        const view = journal?.status === undefined ? undefined : viewOf(job)
        if (view !== undefined) yield* this.#options.onTakenUp(view)
        return yield* this.#register(job, undefined, journal?.haltedAt)
      })
    )
  }

  /** Registers live jobs that the server did not start. Jobs that are being started register themselves soon. */
  get lookAround(): Effect.Effect<void> {
    return Effect.flatMap(this.#options.engine.live, (live) =>
      Effect.forEach(
        live.filter(
          ({ jobId, program }) => !this.#known.has(jobId) && !this.#starting.has(jobId) && this.programs.has(program)
        ),
        ({ jobId }) => Effect.ignore(this.find(jobId)),
        { discard: true }
      )
    )
  }
}

const isQuarantined = ({ attempts }: StoredJournal): boolean => attempts?.quarantine !== undefined

const quarantined = ({ attempts, jobId }: StoredJournal): Problems.JobQuarantined => {
  const detail = `${attempts?.quarantine ?? ""}: POST /jobs/${encodeURIComponent(jobId.toWellFormed())}/resume tries again, /cancel ends it`
  return new Problems.JobQuarantined({ jobId, detail })
}

/** Whether a job has ended in this process, but not in its journal. */
const isLeftInStore = (end: End): boolean => {
  const error = Exit.isFailure(end) ? Option.getOrUndefined(Cause.findErrorOption(end.cause)) : undefined
  return isOfProcess(error)
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
        detail: `input: ${describeError(error)}`
      })
  })

/** A fact of a request as a proposal. */
const proposalOf = (
  { kinds, name }: CompiledProgram,
  { kind, value }: { readonly kind: string; readonly value: Schema.Json },
  index: number
): Effect.Effect<unknown, Problems.InvalidInput> =>
  Effect.try({
    try: () => {
      const known = kinds.get(kind)
      if (known === undefined) throw new Error(`there is no kind ${JSON.stringify(kind)}`)
      return known.of(known.codec.decode(canonicalText(value)))
    },
    catch: (error) =>
      new Problems.InvalidInput({ program: name, detail: cut(`facts.${index}: ${describeError(error)}`) })
  })

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
          .map(([field, value]) => {
            if (value === "unlimited") return [field, Infinity]
            return [field, typeof value === "string" ? (durationMs(value) ?? value) : value]
          })
      )
      // `resolveBudget` refuses a value that no budget takes, such as a text that is no duration.
      resolveBudget(program.name, budget)
      return budget
    },
    catch: (error) => new Problems.InvalidInput({ program: program.name, detail: describeError(error) })
  })

/** Whether a job's budget differs from the asked one. Only asked fields count: the program's own may have changed since. */
const isOtherBudget = (program: CompiledProgram, asked: Budget, has: ResolvedBudget): boolean => {
  const now = resolveBudget(program.name, program.budget, asked)
  return Object.keys(asked).some((field) => {
    const name = resolvedNames[field as keyof Budget]
    return has[name] !== now[name]
  })
}

/** The id of the job that an idempotency key names. */
export const idOfKey = (key: string): string => `key-${sha256(key).slice(0, 40)}`
