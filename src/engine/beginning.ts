/**
 * How a job begins: what it is given is checked, and its seeds are planted.
 *
 * Boundary: from what an embedder passes to a session with its first facts, its first hash and its journal. Admission and
 * everything after the beginning is makeEngine.ts.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { canonicalText } from "../values/Canonical.ts"
import { type Budget } from "../program/Budget.ts"
import { InvalidProgram } from "../program/InvalidProgram.ts"
import { InvalidInput } from "../outcome/JobError.ts"
import { genesisText, lengthOfPieces, type TextPieces } from "../journal/rowText.ts"
import { Limits } from "../Limits.ts"
import { CycleMerge } from "../cycle/merge.ts"
import { isProgram } from "../program/Program.ts"
import { StoreError } from "../store/JobStore.ts"
import { EffectFault, encodeFacts, panicked, settled } from "../cycle/encodeEffect.ts"
import { openKind } from "../program/answerKinds.ts"
import { isInvalidValue } from "../values/InvalidValue.ts"
import { type Beginning, createJournal, storeFailed } from "../job/journaling.ts"
import { describePanic } from "../values/panic.ts"
import type { JobSession } from "../job/session.ts"
import { sha256Pieces } from "../values/sha256.ts"
import { inSlices } from "../platform/slices.ts"
import type { CommittedCycle } from "../outcome/CommittedCycle.ts"
import type { EncodedFact } from "../program/encoded.ts"
import { type CompiledProgram, compiledOf } from "../program/erased.ts"
import { type ResolvedBudget, resolveBudget } from "../program/resolveBudget.ts"

export const freshBeginning: Beginning = { context: undefined, executed: [], isForced: false }

export const refuseUnknown = (
  program: CompiledProgram,
  options: object,
  known: ReadonlyArray<string>
): Effect.Effect<void, InvalidInput> => {
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown === undefined) return Effect.void
  const message = `there is no start option ${JSON.stringify(unknown)}`
  return Effect.fail(new InvalidInput({ program: program.name, message }))
}

export const compiledProgram = (program: unknown): Effect.Effect<CompiledProgram, InvalidProgram> =>
  isProgram(program)
    ? Effect.succeed(compiledOf(program))
    : Effect.fail(new InvalidProgram({ program: "", message: "it was not made by Program.make" }))

export const budgetOf = (
  program: CompiledProgram,
  override: Budget | undefined
): Effect.Effect<ResolvedBudget, InvalidInput> =>
  Effect.try({
    try: () => resolveBudget(program.name, program.budget, override),
    catch: (error) =>
      new InvalidInput({ program: program.name, message: describePanic(error, Limits.errorTextLength).message })
  })

/** Validates an input; what the job is given is what decoding its canonical text gives. */
export const encodeInput = (program: CompiledProgram, input: unknown) =>
  Effect.try({
    try: () => program.inputCodec.encode(input),
    catch: (error) =>
      new InvalidInput({
        program: program.name,
        message: `input: ${isInvalidValue(error) ? error.message : String(error)}`
      })
  })

/** As `encodeInput`, of an input as its schema encodes it. */
export const encodeInputJson = (program: CompiledProgram, json: unknown) =>
  Effect.flatMap(
    Effect.try({
      try: () => program.inputCodec.decode(canonicalText(json)),
      catch: (error) => {
        const message = `input: ${isInvalidValue(error) ? error.message : String(error)}`
        return new InvalidInput({ program: program.name, message })
      }
    }),
    (input) => encodeInput(program, input)
  )

export const encodeSeeds = (
  program: CompiledProgram,
  input: unknown
): Effect.Effect<ReadonlyArray<EncodedFact>, InvalidInput> => encodeFactsOf(program, "seed", () => program.seed(input))

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.iterator in value

/** The values of an iterable of the program's own, whose throw is the program's fault. */
function* unbroken(values: Iterable<unknown>): Generator<unknown, void> {
  try {
    yield* values
  } catch (error) {
    panicked(error)
  }
}

/** Validates proposals that come from outside. `what` is what messages call them. */
export const encodeFactsOf = (
  program: CompiledProgram,
  what: string,
  make: () => unknown
): Effect.Effect<ReadonlyArray<EncodedFact>, InvalidInput> =>
  Effect.suspend(() => {
    const invalid = (message: string) =>
      Effect.fail(new InvalidInput({ program: program.name, message: `${what}: ${message}` }))
    let proposals: unknown
    try {
      proposals = make()
    } catch (error) {
      return invalid(describePanic(error, Limits.errorTextLength).message)
    }
    if (!isIterable(proposals)) return invalid("it must return an array of proposals, or another iterable of them")
    const steps = settled(
      encodeFacts(Array.isArray(proposals) ? proposals : unbroken(proposals), openKind(program.kinds))
    )
    return Effect.flatMap(inSlices(steps), (facts) =>
      facts instanceof EffectFault ? invalid(facts.message) : Effect.succeed(facts)
    )
  })

/** Agents of the same program go on from where the earlier job's had come to; to others everything is new. */
export const continueFrom = (session: JobSession, { context, executed }: Beginning): void => {
  if (context === undefined || context.program !== session.program.name) return
  session.program.agents.forEach(({ name }, index) => {
    const progress = session.progress[index]!
    progress.mark = context.marks.get(name) ?? 0
    progress.executed = executed.includes(name)
  })
}

/** Cycle 0: the seeds, as one effect, the first hash of the chain, and the journal's beginning. */
export const plantSeeds = (
  session: JobSession,
  input: string,
  seeds: ReadonlyArray<EncodedFact>,
  beginning: Beginning
): Effect.Effect<void, StoreError> =>
  Effect.suspend(() =>
    Effect.flatMap(inSlices(plantSteps(session, input, seeds, beginning)), ({ pieces, row }) =>
      journalBegins(session, beginning, row, pieces)
    )
  )

interface Planted {
  readonly row: CommittedCycle
  readonly pieces: TextPieces
}

function* plantSteps(
  session: JobSession,
  input: string,
  seeds: ReadonlyArray<EncodedFact>,
  { context, isForced }: Beginning
): Generator<void, Planted> {
  const { budget, counters, ledger, program } = session
  const merge = new CycleMerge(0, program, ledger, budget, counters)
  const effect = { facts: seeds, intents: [], evaluations: [], trace: undefined, tokens: 0 }
  const planted = yield* isForced ? merge.override(effect) : merge.stage(effect, "seed")
  const row = yield* merge.finish(0, [])
  const pieces = yield* genesisText(program.name, input, seeds, context?.hash)
  ledger.setHash(yield* sha256Pieces("", pieces))
  session.haltCause = merge.halt ?? haltOfSeeds(program, planted.cause)
  yield* session.tracker.commit(row, ledger, yield* merge.commitSteps(), session.haltCause)
  session.version = ledger.version
  session.log.append({
    _tag: "Started",
    program: program.name,
    version: ledger.version,
    hash: ledger.hash,
    seeds: planted.facts,
    violations: row.violations,
    length: lengthOfPieces(pieces)
  })
  return { row, pieces }
}

const journalBegins = (
  session: JobSession,
  beginning: Beginning,
  row: CommittedCycle,
  pieces: TextPieces
): Effect.Effect<void, StoreError> =>
  Effect.matchCauseEffect(createJournal(session, beginning, row, pieces), {
    onSuccess: () => Effect.void,
    onFailure: (cause) => {
      const error = Cause.squash(cause)
      // There is a job of that id in a file: nothing of this one has begun.
      if (session.options.store.isDurable && error instanceof StoreError && error.reason === "exists") {
        return Effect.fail(error)
      }
      session.haltCause ??= storeFailed(session, 0, cause)
      return Effect.void
    }
  })

const haltOfSeeds = (program: CompiledProgram, cause: JobSession["haltCause"]): JobSession["haltCause"] => {
  if (cause?._tag !== "InvariantViolated") return cause
  const invariant = program.structural.find(({ name }) => name === cause.name)
  return invariant?.onViolation === "discard" ? undefined : cause
}

/** What no job can be called. A text that is not well-formed has no bytes of its own: two of them would be one in a file. */
export const unfitId = (program: CompiledProgram, jobId: unknown): InvalidInput | undefined => {
  const refuse = (message: string): InvalidInput => new InvalidInput({ program: program.name, message })
  if (typeof jobId !== "string" || jobId === "") return refuse("a job's id must be a string that is not empty")
  return jobId.isWellFormed() ? undefined : refuse("a job's id must be well-formed Unicode")
}

const randomWord = Random.nextIntBetween(0, 0xffffffff)

/** A new job's id: the time, and what makes it unlike others of that time. */
export const randomId: Effect.Effect<string> = Effect.flatMap(randomWord, (a) =>
  Effect.flatMap(randomWord, (b) =>
    Effect.map(
      Clock.currentTimeMillis,
      (at) => `${at.toString(36)}-${a.toString(36).padStart(7, "0")}${b.toString(36).padStart(7, "0")}`
    )
  )
)
