/**
 * Checks the request to start a job: its program, options, budget, input, seeds, facts and id.
 *
 * Boundary: from an embedder's arguments to values that fit the program, or to the typed error of the first that does not fit.
 * The job does not exist yet.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { EncodedFact } from "../program/encoded.ts"
import { canonicalText } from "../values/Canonical.ts"
import type { Budget } from "../program/Budget.ts"
import { type Amounts, handDown, type ResolvedBudget } from "../program/resolveBudget.ts"
import { InvalidProgram } from "../program/InvalidProgram.ts"
import { InvalidInput } from "../outcome/JobError.ts"
import { refusalOfJobId } from "../program/jobId.ts"
import { isProgram } from "../program/Program.ts"
import { EffectFault, encodeFacts, panicked, settled } from "../cycle/encodeEffect.ts"
import { openKind } from "../program/answerKinds.ts"
import { isInvalidValue } from "../values/InvalidValue.ts"
import { describeError } from "../values/panic.ts"
import { refusalOf } from "../values/plainResult.ts"
import { inSlices } from "../platform/slices.ts"
import { type CompiledProgram, compiledOf } from "../program/erased.ts"

/** The refusal of options about which there is a complaint. */
export const refuseOptions = (program: CompiledProgram, complaint: string | undefined): InvalidInput | undefined =>
  complaint === undefined ? undefined : new InvalidInput({ program: program.name, message: complaint })

export const compiledProgram = (program: unknown): Effect.Effect<CompiledProgram, InvalidProgram> =>
  isProgram(program)
    ? Effect.succeed(compiledOf(program))
    : Effect.fail(new InvalidProgram({ program: "", message: "it was not made by Program.make" }))

/** The budget of a job. `share` is the part of its parent's budget that is handed down to it. */
export const budgetOf = (
  program: CompiledProgram,
  override: Budget | undefined,
  share: Amounts = {}
): Effect.Effect<ResolvedBudget, InvalidInput> =>
  Effect.try({
    try: () => handDown(program.name, share, program.budget, override),
    catch: (error) => new InvalidInput({ program: program.name, message: describeError(error) })
  })

const unfitInput = (program: CompiledProgram, error: unknown): InvalidInput => {
  const message = `input: ${isInvalidValue(error) ? error.message : describeError(error)}`
  return new InvalidInput({ program: program.name, message })
}

/** Validates an input. The job gets the value that its canonical text decodes to, and not the caller's own. */
export const encodeInput = (program: CompiledProgram, input: unknown) =>
  Effect.try({
    try: () => program.inputCodec.encode(input),
    catch: (error) => unfitInput(program, error)
  })

/** Does the same as `encodeInput` for an input in the JSON of its schema. */
export const encodeInputJson = (program: CompiledProgram, json: unknown) =>
  Effect.flatMap(
    Effect.try({
      try: () => program.inputCodec.decode(canonicalText(json)),
      catch: (error) => unfitInput(program, error)
    }),
    (input) => encodeInput(program, input)
  )

/** The validated seeds of an encoded input. */
export const encodeSeeds = (
  program: CompiledProgram,
  input: unknown
): Effect.Effect<ReadonlyArray<EncodedFact>, InvalidInput> => encodeFactsOf(program, "seed", () => program.seed(input))

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.iterator in value

/** Whether a value is a generator, whose proposals are taken one after the other like those of any iterable. */
const isSyncGenerator = (value: unknown): boolean =>
  isIterable(value) && Object.prototype.toString.call(value) === "[object Generator]"

/** Gives the values of a program's iterable. An error that it throws is the program's panic. */
function* unbroken(values: Iterable<unknown>): Generator<unknown, void> {
  try {
    yield* values
  } catch (error) {
    panicked(error)
  }
}

/** Why a fact may not come with a start, by its kind. */
const absent =
  ({ kinds, name }: CompiledProgram) =>
  (kind: string): string =>
    kinds.has(kind)
      ? "which only the engine writes"
      : `which the program ${JSON.stringify(name)} does not have: add it to \`kinds\``

/** Validates proposals that come from outside. Messages call them `what`. */
export const encodeFactsOf = (
  program: CompiledProgram,
  what: string,
  make: () => unknown
): Effect.Effect<ReadonlyArray<EncodedFact>, InvalidInput> =>
  Effect.suspend(() => {
    const refusal = (message: string) => new InvalidInput({ program: program.name, message: `${what}: ${message}` })
    const invalid = (message: string) => Effect.fail(refusal(message))
    let proposals: unknown
    try {
      proposals = make()
    } catch (error) {
      return Effect.fail(Object.defineProperty(refusal(describeError(error)), "cause", { value: error }))
    }
    const later = isSyncGenerator(proposals) ? undefined : refusalOf(proposals)
    if (later !== undefined) return invalid(`it ${later}`)
    if (!isIterable(proposals)) return invalid("it must return an array of proposals, or another iterable of them")
    const steps = settled(
      encodeFacts(Array.isArray(proposals) ? proposals : unbroken(proposals), openKind(program.kinds), absent(program))
    )
    return Effect.flatMap(inSlices(steps), (facts) =>
      facts instanceof EffectFault ? invalid(facts.message) : Effect.succeed(facts)
    )
  })

/** Returns the refusal of an invalid job id, or undefined if the id is valid. */
export const unfitId = (program: CompiledProgram, jobId: unknown): InvalidInput | undefined => {
  const message = refusalOfJobId(jobId)
  return message === undefined ? undefined : new InvalidInput({ program: program.name, message })
}

const randomWord = Random.nextIntBetween(0, 0xffffffff)

/** Makes a new job's id from the time, and from randomness that distinguishes jobs of the same time. */
export const randomId: Effect.Effect<string> = Effect.flatMap(randomWord, (a) =>
  Effect.flatMap(randomWord, (b) =>
    Effect.map(
      Clock.currentTimeMillis,
      (at) => `${at.toString(36)}-${a.toString(36).padStart(7, "0")}${b.toString(36).padStart(7, "0")}`
    )
  )
)
