/**
 * Cases: stored jobs that end the same way on any machine, as plain data.
 *
 * A case has the input or the seeds of a job, the answers of what reaches outside, and the end and the hash that it must have.
 * `minimized` drops seeds, signals and answers while the failure stays. Boundary: runs of a played program; `converge export` and
 * `converge run` read and write the files.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { isCauseJson } from "../journal/causes.ts"
import { InvalidInput, type InvalidProgram, type StartError, type StoreError } from "../outcome/JobError.ts"
import { ProgramTypeId } from "../program/typeIds.ts"
import { compiledOf } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import { describeError } from "../values/panic.ts"
import { play } from "./playing.ts"
import { proposalOf, type Unanswered } from "./recorded.ts"
import type { RecordedProposal, Recording } from "./recording.ts"
import type { RunRecord } from "./runs.ts"

/** The end of a job, as far as it is the same on any machine. */
export interface CaseEnd {
  readonly status: string
  /** The `_tag` of the error; "" for a job that converged. */
  readonly error: string
  /** The agent, the invariant or the budget that the error names; "" if it names none. */
  readonly of: string
}

/** A job as a file: what it begins with, what answers it, and how it ends. */
export interface Case {
  readonly format: "effect-converge/case/1"
  /** The module that exports the program: a path from the folder of the file, or a package's specifier. Left out if unknown. */
  readonly module?: string
  readonly recording: Omit<Recording, "facts">
  /** The seeds, if the case does not begin with those of the program. */
  readonly seeds?: ReadonlyArray<RecordedProposal>
  readonly end: CaseEnd
  readonly hash: string
}

/** The result of a case. */
export interface CaseRun {
  readonly isSame: boolean
  readonly end: CaseEnd
  readonly hash: string
  /** Tasks and intents for which the case has no answer. */
  readonly unanswered: ReadonlyArray<Unanswered>
  readonly result: JobResult
}

/** Makes a case of a recording. */
export const caseOf = (recording: Recording, module?: string): Case => ({
  format: "effect-converge/case/1",
  ...(module === undefined ? {} : { module }),
  recording: Struct.omit(recording, ["facts"]),
  end: { status: recording.status ?? "unfinished", error: recording.error ?? "", of: recording.blamed ?? "" },
  hash: recording.hash
})

/**
 * Runs a case, and tells whether it ends as it must, with the same hash. Fails with `InvalidInput` if it is of
 * another program.
 */
export const runCase = (
  program: Program.Any,
  given: Case
): Effect.Effect<CaseRun, StartError | InvalidProgram | StoreError> =>
  Effect.gen(function* () {
    const { end, hash, recording, seeds } = given
    const seeded = seeds === undefined ? program : yield* withSeeds(program, seeds)
    const { isCut, record, unanswered } = yield* play(seeded, recording)
    // The end came from outside of the job, so it is no part of what is run.
    const found = isCut ? end : endOf(record)
    const isSame = isSameEnd(found, end) && record.hash === hash
    return { isSame, end: found, hash: record.hash, unanswered, result: record.of }
  })

const isSameEnd = (one: CaseEnd, other: CaseEnd): boolean =>
  one.status === other.status && one.error === other.error && one.of === other.of

const endOf = ({ blamed, error, status }: RunRecord): CaseEnd => ({ status, error: error ?? "", of: blamed })

/** The program with these seeds in the place of its own. */
const withSeeds = (
  program: Program.Any,
  seeds: ReadonlyArray<RecordedProposal>
): Effect.Effect<Program.Any, InvalidInput> =>
  Effect.suspend(() => {
    const compiled = compiledOf(program)
    try {
      const proposals = seeds.map((seed) => proposalOf(seed, compiled.kinds))
      const changed = { ...compiled, seed: () => proposals }
      return Effect.succeed(
        Object.freeze({ [ProgramTypeId]: program[ProgramTypeId], name: program.name, compiled: changed })
      )
    } catch (error) {
      return Effect.fail(new InvalidInput({ program: program.name, message: `a seed: ${describeError(error)}` }))
    }
  })

/**
 * Drops seeds and signals of a case while its job ends in the same way, and then the answers that its run does not ask for, and
 * gives the smaller case, with its own hash. It makes at most `runs` runs to find it. A case that does not end as it must is
 * given back as it is. A case of a job that did not fail is refused: nothing says what of it is to stay.
 */
export const minimized = (
  program: Program.Any,
  given: Case,
  runs = 500
): Effect.Effect<Case, StartError | InvalidProgram | StoreError> =>
  Effect.gen(function* () {
    if (given.end.error === "") {
      const message = `Testing.minimized keeps a failure, and the job ${given.end.status}: keep the case as it is`
      return yield* new InvalidInput({ program: program.name, message })
    }
    let left = runs
    let best = given
    const attempt = Effect.fnUntraced(function* (smaller: Case) {
      if (left-- <= 0) return false
      const { end, hash } = yield* runCase(program, smaller)
      if (!isSameEnd(end, given.end)) return false
      best = { ...smaller, hash }
      return true
    })
    const { seeds, signals } = given.recording
    // The seeds of a job that began with the context of another one belong to its beginning, which is played whole.
    const isWhole = given.recording.base !== undefined
    if (!(yield* attempt(isWhole ? given : { ...given, seeds: given.seeds ?? seeds }))) return given
    if (!isWhole) yield* shrink(best.seeds ?? [], (fewer) => attempt({ ...best, seeds: fewer }))
    yield* shrink(signals, (fewer) => attempt({ ...best, recording: { ...best.recording, signals: fewer } }))
    left = 1
    yield* attempt(yield* withoutUnasked(program, best))
    return best
  })

/** The case without the seeds of the recording that it replaces, and without the answers that its run does not ask for. */
const withoutUnasked = (
  program: Program.Any,
  given: Case
): Effect.Effect<Case, StartError | InvalidProgram | StoreError> =>
  Effect.gen(function* () {
    const { recording, seeds } = given
    const seeded = seeds === undefined ? program : yield* withSeeds(program, seeds)
    const { used } = yield* play(seeded, recording)
    const tasks = recording.tasks.filter((task) => used.has(task))
    const answers = recording.answers.filter((answer) => used.has(answer))
    return { ...given, recording: { ...recording, tasks, answers, seeds: seeds ?? recording.seeds } }
  })

/** Leaves out halves, quarters and so on of a list, down to single items, as long as the rest still does. */
const shrink = <A, E>(
  items: ReadonlyArray<A>,
  isEnough: (fewer: ReadonlyArray<A>) => Effect.Effect<boolean, E>
): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    let kept = items
    for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < kept.length;) {
        const fewer = [...kept.slice(0, at), ...kept.slice(at + size)]
        if (yield* isEnough(fewer)) kept = fewer
        else at += size
      }
    }
  })

const Ref = Schema.Struct({ kind: Schema.String, id: Schema.String })
const Proposal = Schema.Struct({
  kind: Schema.String,
  value: Schema.Unknown,
  because: Schema.optionalKey(Schema.Array(Schema.Number))
})
const Failure = Schema.declare(isCauseJson)
const Limit = Schema.optionalKey(Schema.NullOr(Schema.Number))
const Limits = Schema.Struct({
  ...{ cycles: Limit, facts: Limit, agents: Limit, duration: Limit },
  ...{ cpuTime: Limit, contextBytes: Limit, tokens: Limit, cost: Limit }
})

const CaseJson = Schema.Struct({
  format: Schema.Literal("effect-converge/case/1"),
  module: Schema.optionalKey(Schema.String),
  seeds: Schema.optionalKey(Schema.Array(Proposal)),
  end: Schema.Struct({ status: Schema.String, error: Schema.String, of: Schema.String }),
  hash: Schema.String,
  recording: Schema.Struct({
    format: Schema.Literal(1),
    jobId: Schema.String,
    program: Schema.String,
    input: Schema.Unknown,
    cycles: Schema.Number,
    hash: Schema.String,
    status: Schema.optionalKey(Schema.String),
    error: Schema.optionalKey(Schema.String),
    blamed: Schema.optionalKey(Schema.String),
    context: Schema.optionalKey(Schema.String),
    base: Schema.optionalKey(
      Schema.Struct({ header: Schema.String, text: Schema.String, pieces: Schema.Array(Schema.String) })
    ),
    budget: Schema.optionalKey(Limits),
    version: Schema.optionalKey(Schema.String),
    earlier: Schema.optionalKey(Schema.Array(Schema.Struct({ version: Schema.String, until: Schema.Number }))),
    quarantine: Schema.optionalKey(Schema.String),
    seeds: Schema.Array(Proposal),
    tasks: Schema.Array(
      Schema.Struct({
        agent: Schema.String,
        cycle: Schema.Number,
        each: Schema.optionalKey(Ref),
        part: Schema.optionalKey(Schema.Number),
        effect: Schema.optionalKey(
          Schema.Struct({
            facts: Schema.Array(Proposal),
            intents: Schema.Array(Schema.Struct({ kind: Schema.String, payload: Schema.Unknown })),
            evaluations: Schema.Array(Schema.Struct({ fact: Ref, score: Schema.Number, reason: Schema.String })),
            trace: Schema.optionalKey(Schema.Unknown),
            tokens: Schema.Number
          })
        ),
        failure: Schema.optionalKey(Failure)
      })
    ),
    answers: Schema.Array(
      Schema.Struct({
        intent: Schema.Struct({
          kind: Schema.String,
          cycle: Schema.Number,
          agent: Schema.String,
          each: Schema.UndefinedOr(Ref).pipe(Schema.withDecodingDefaultKey(Effect.succeed(undefined))),
          part: Schema.optionalKey(Schema.Number),
          index: Schema.Number
        }),
        facts: Schema.Array(Proposal),
        failure: Schema.optionalKey(Failure)
      })
    ),
    signals: Schema.Array(Schema.Struct({ cycle: Schema.Number, facts: Schema.Array(Proposal) })),
    handled: Schema.Array(Schema.String)
  })
})

const decode = Schema.decodeUnknownEffect(CaseJson)

/** Reads a case from JSON. Fails with `InvalidInput`, which says what is wrong with it. */
export const decodeCase = (json: unknown): Effect.Effect<Case, InvalidInput> =>
  Effect.mapError(
    decode(json),
    ({ message }) => new InvalidInput({ program: "", message: `this is no case: ${message}` })
  )
