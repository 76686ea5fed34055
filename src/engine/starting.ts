/**
 * The start of a job: its input is checked, its seeds are planted, and it gets a place or waits for one.
 *
 * A start with a given id over a durable store can be repeated after a crash. The second start takes up the job that the first
 * has begun, in this process or in another.
 *
 * Invariants: starts of one id over a durable store run one after the other; a start that fails or is interrupted leaves no
 * live job. Boundary: from a caller's program, input and options to an admitted session; startRequest.ts has the checks, and
 * genesis.ts commits cycle 0.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { JobIdentity } from "../context/jobIdentity.ts"
import { Ledger } from "../context/Ledger.ts"
import { JobSession } from "../job/session.ts"
import { findJournal } from "../journal/find.ts"
import { AdmissionRejected } from "../outcome/JobError.ts"
import { keptAttributes } from "../program/attributes.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import type { EngineState } from "./engineState.ts"
import { continueFrom, freshBeginning, type Genesis, plantSeeds } from "./genesis.ts"
import { abandon, giveActor } from "./launching.ts"
import { refuseStart } from "./optionRules.ts"
import type { StartOptions } from "./options.ts"
import { resumeStored } from "./resuming.ts"
import { leaveInJournal } from "./sessionMarks.ts"
import {
  budgetOf,
  compiledProgram,
  encodeInput,
  encodeSeeds,
  randomId,
  refuseOptions,
  unfitId
} from "./startRequest.ts"

/** A checked job, before its start. It is a child job if its genesis names a parent. */
export interface NewJob extends Genesis {
  readonly program: CompiledProgram
  readonly jobId: string
  /** The origin of the id. A start with an id that the caller gave can be repeated. */
  readonly id: "given" | "made"
  readonly budget: ResolvedBudget
}

/** Starts a new job. The start is synchronous except for the store, and for steps that take longer than a slice. */
export const startNew = Effect.fnUntraced(function* (engine: EngineState, job: NewJob) {
  const { admission, live, onFinished, runs } = engine
  const { beginning, budget, jobId, program } = job
  const isChild = beginning.parent !== undefined
  const services = yield* Effect.context<unknown>()
  const ledger = Ledger.make(program.name, program.triggers, beginning.context)
  const { handed } = beginning
  ledger.job = new JobIdentity(jobId, job.input, program.inputCodec)
  const session = new JobSession({ jobId, program, ledger, budget, handed, services, ...runs, onFinished })
  session.level = beginning.depth ?? 0
  session.attributes = beginning.attributes
  session.parent = beginning.parent
  session.forkOf = beginning.forkOf
  // The caller has asked before it encoded the input, and other jobs may have started meanwhile.
  const refused = live.refuseId(program, jobId) ?? admission.refuse(jobId, isChild)
  if (refused !== undefined) return yield* refused
  live.add(session)
  admission.beginPlanting(isChild)
  continueFrom(session, beginning)
  yield* Effect.onExit(plantSeeds(session, job), (exit) => {
    admission.endPlanting(isChild)
    return Exit.isFailure(exit) ? abandon(engine, session) : Effect.void
  })
  if (admission.isClosed) {
    // A job with a given id can be started again by it.
    if (engine.store.isDurable && job.id === "given") leaveInJournal(session)
    yield* abandon(engine, session)
    return yield* new AdmissionRejected({ reason: "shutting-down" })
  }
  giveActor(engine, session, beginning.parent)
  admission.place(session, isChild)
  return session
})

/** Starts a job, or takes up the stored job of a given id. The parameters are those of `Engine.start`. */
export const startJob = Effect.fnUntraced(function* (
  engine: EngineState,
  program: Program.Any,
  input: unknown,
  options: StartOptions
) {
  const { admission, live, store } = engine
  const compiled = yield* compiledProgram(program)
  const invalid = refuseOptions(compiled, refuseStart(options))
  if (invalid !== undefined) return yield* invalid
  const budget = yield* budgetOf(compiled, options.budget)
  const jobId = options.id ?? (yield* randomId)
  const id = options.id === undefined ? "made" : "given"
  const unfit = unfitId(compiled, jobId)
  // Earlier versions allowed such ids. A stored job with one can be taken up.
  if (unfit !== undefined && !(store.isDurable && typeof jobId === "string" && jobId.isWellFormed()))
    return yield* unfit
  const { context } = options
  const attributes = keptAttributes(options.attributes)
  const begin = Effect.gen(function* () {
    const encode = encodeInput(compiled, input)
    if (store.isDurable && id === "given") {
      const journal = yield* findJournal(store, jobId)
      if (journal !== undefined) {
        const { text } = yield* encode
        return yield* resumeStored(engine, { program: compiled, journal, input: text, isChild: false })
      }
    }
    const refused = unfit ?? admission.refuse(jobId, false) ?? live.refuseId(compiled, jobId)
    if (refused !== undefined) return yield* refused
    const encoded = yield* encode
    const seeds = yield* encodeSeeds(compiled, encoded.value)
    const beginning = { ...freshBeginning, context, attributes }
    return yield* startNew(engine, { program: compiled, jobId, id, budget, input: encoded.text, seeds, beginning })
  })
  if (!store.isDurable || id === "made") return yield* begin
  // Another process may have begun the job since the look at the store: then the second try takes it up.
  const again = Effect.catchTag(begin, "StoreError", (error) =>
    error.reason === "exists" ? begin : Effect.fail(error)
  )
  return yield* engine.turns.take(jobId, again)
})
