/**
 * The fork of a stored job: a new job that begins with the context of a past cycle and with changed facts.
 *
 * A fork with a given id can be repeated, as a start can: the second one takes up the job that the first has begun. The text of
 * its beginning tells whether it is the same, since that names the context, the input and the facts (docs/decisions/0018).
 *
 * Invariants: the stored job does not change; agents have in the new job the marks of that cycle, and the changed facts are new
 * to them. Boundary: from a journal to a new job for starting.ts.
 */
import * as Effect from "effect/Effect"
import type { JobContext } from "../context/JobContext.ts"
import { findJournal, refuseOther } from "../journal/find.ts"
import { replayAt } from "../journal/migrate.ts"
import { setMarks } from "../journal/replay.ts"
import { genesisText } from "../journal/rowText.ts"
import { StoreError } from "../outcome/StoreError.ts"
import { inSlices } from "../platform/slices.ts"
import { keptAttributes } from "../program/attributes.ts"
import type { Kind } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { EncodedFact } from "../program/encoded.ts"
import type { StoredJournal } from "../store/JobStore.ts"
import { canonicalText } from "../values/Canonical.ts"
import { sha256Pieces } from "../values/sha256.ts"
import type { EngineState } from "./engineState.ts"
import { refuseFork } from "./optionRules.ts"
import { stayingAfter, warnOfStaying } from "./replaced.ts"
import { unaskedIn, warnOfUnasked } from "./unasked.ts"
import type { ForkOptions } from "./options.ts"
import { resumeStored } from "./resuming.ts"
import { startNew } from "./starting.ts"
import {
  budgetOf,
  compiledProgram,
  encodeFactsOf,
  encodeInput,
  encodeSeeds,
  randomId,
  refuseOptions,
  unfitId
} from "./startRequest.ts"

interface Beginning {
  readonly program: CompiledProgram
  readonly input: string
  readonly seeds: ReadonlyArray<EncodedFact>
  readonly context: JobContext
}

/** Refuses the job that has the id of a fork if it began in another way. */
const refuseOtherFork = Effect.fnUntraced(function* (
  { genesisHash, jobId }: StoredJournal,
  origin: string,
  { context, input, program, seeds }: Beginning
) {
  const pieces = yield* inSlices(genesisText(program.name, input, seeds, context.hash))
  if ((yield* inSlices(sha256Pieces("", pieces))) === genesisHash) return
  const message =
    `there is a job ${jobId}, and it is another one than this fork of ${origin}: ` +
    "it began with another context, other facts or another input"
  return yield* new StoreError({ reason: "exists", message })
})

/** Forks a stored job, or takes up the fork of a given id. The parameters are those of `Engine.fork`. */
export const forkJob = (
  engine: EngineState,
  program: Program.Any,
  jobId: string,
  options: ForkOptions<Kind.Any, unknown>
) => {
  const begin = beginFork(engine, program, jobId, options)
  if (!engine.store.isDurable || refuseFork(options) !== undefined || options.id === undefined) return begin
  // Another process may have begun the fork since the look at the store: then the second try takes it up.
  const again = Effect.catchTag(begin, "StoreError", (error) =>
    error.reason === "exists" ? begin : Effect.fail(error)
  )
  return engine.turns.take(options.id, again)
}

const beginFork = Effect.fnUntraced(function* (
  engine: EngineState,
  program: Program.Any,
  jobId: string,
  options: ForkOptions<Kind.Any, unknown>
) {
  const { admission, live, store } = engine
  const compiled = yield* compiledProgram(program)
  const invalid = refuseOptions(compiled, refuseFork(options))
  if (invalid !== undefined) return yield* invalid
  const budget = yield* budgetOf(compiled, options.budget)
  const ownId = options.id ?? (yield* randomId)
  const unfit = unfitId(compiled, ownId)
  if (unfit !== undefined) return yield* unfit
  const present = options.id === undefined ? undefined : yield* findJournal(store, ownId)
  const refused = present === undefined ? (admission.refuse(ownId, false) ?? live.refuseId(compiled, ownId)) : undefined
  if (refused !== undefined) return yield* refused
  const journal = yield* store.load(jobId)
  const other = refuseOther(journal, compiled, undefined)
  if (other !== undefined) return yield* other
  const given = options.input === undefined ? undefined : yield* encodeInput(compiled, options.input)
  const seeds = given === undefined ? [] : yield* encodeSeeds(compiled, given.value)
  const facts = yield* encodeFactsOf(compiled, "facts", () => options.facts ?? [])
  const { input, replay } = yield* replayAt(store, journal, compiled, options.at)
  setMarks(replay, replay.ledger)
  const changed = [...seeds, ...facts]
  const staying = yield* stayingAfter(replay.ledger, changed)
  const unasked = unaskedIn(replay, changed)
  const context = replay.ledger.seal()
  const attributes = keptAttributes(options.attributes ?? journal.attributes)
  const text = given?.text ?? canonicalText(input)
  if (present !== undefined) {
    yield* refuseOtherFork(present, jobId, { program: compiled, input: text, seeds: changed, context })
    const taken = yield* resumeStored(engine, { program: compiled, journal: present, input: text, isChild: false })
    taken.staying = staying
    taken.unasked = unasked
    return taken
  }
  const started = yield* startNew(engine, {
    program: compiled,
    jobId: ownId,
    id: options.id === undefined ? "made" : "given",
    budget,
    input: text,
    seeds: changed,
    beginning: {
      context,
      executed: [...replay.executed],
      isForced: true,
      forkOf: { jobId, cycle: replay.cycle },
      attributes
    }
  })
  started.staying = staying
  started.unasked = unasked
  if (staying !== undefined) yield* warnOfStaying(ownId, staying)
  if (unasked !== undefined) yield* warnOfUnasked(ownId, unasked)
  return started
})
