/**
 * Migrates a job to another version of its program.
 *
 * If kinds have changed, the program's `migrate` converts the live facts once, after the last row. The migrated context becomes
 * the base of the rows that follow. If only agents or kinds were added, only the header is new. The chain of hashes, the marks
 * of the agents and the commit positions continue in both cases.
 *
 * Boundary: a replayed journal and a program in, values out; the caller writes them to the store.
 */
import * as Effect from "effect/Effect"
import { canonicalText } from "../values/Canonical.ts"
import { type FactRef, type Provenance } from "../program/Fact.ts"
import { Violation } from "../program/Invariant.ts"
import { type JobContext } from "../context/JobContext.ts"
import { InvalidInput, type JournalCorrupt, type ProgramChanged } from "../outcome/JobError.ts"
import type { JobStore, StoredJournal, StoreError } from "../store/JobStore.ts"
import { dumpContext } from "./contextDump.ts"
import { isInvalidValue } from "../values/InvalidValue.ts"
import { plainly } from "../values/plainResult.ts"
import { parseJson } from "../values/parseJson.ts"
import { rawKind } from "./rawKind.ts"
import { JournalReader } from "./reader.ts"
import { described, type DescribedProgram, type ProgramHeader } from "./header.ts"
import { describeError } from "../values/panic.ts"
import { lastOf, partAt, programChanged } from "./parts.ts"
import { setMarks } from "./replay.ts"
import { type AgentMarks, Uncounted } from "./uncounted.ts"
import { Ledger } from "../context/Ledger.ts"
import type { Story } from "../context/stories.ts"
import { refKey, traceKey } from "../program/keys.ts"
import type { ErasedKind, CompiledProgram } from "../program/erased.ts"
import type { Migration } from "../program/migration.ts"
import type { EarlierHeader, JournalHeader } from "./records.ts"

/** The header and the base that the store must write before another version continues the job. */
export interface Rebase {
  readonly header: JournalHeader
  readonly pieces: ReadonlyArray<string>
  /** Whether the program has changed, and not only what this version of the package does with it. */
  readonly isOfOther: boolean
}

/** Switches a replay to another version of its program. The new ledger stands on `context`. */
const continueOn = (
  { replay }: JournalReader,
  program: CompiledProgram,
  context: JobContext,
  isMigrated: boolean
): Ledger => {
  const ledger = Ledger.make(program.name, program.triggers, context)
  const { kinds, name, retained, triggers } = program
  replay.continueOn({ name, kinds, retained, triggers, keepsNeeded: true }, ledger, isMigrated ? context : undefined)
  return ledger
}

/** Converts the facts of a replayed journal to the kinds of a program, and switches the replay to that program. */
export const migrate = (reader: JournalReader, program: CompiledProgram): Effect.Effect<JobContext, ProgramChanged> => {
  const { header, journal, part, replay } = reader
  const refuse = (reason?: string): ProgramChanged => programChanged(journal.jobId, part, program, reason)
  const declared = program.migrate
  if (declared === undefined) return Effect.fail(refuse())
  return Effect.try({
    try: () => {
      const context = migrated(replay.ledger, replay, header, program, declared)
      continueOn(reader, program, context, true)
      return context
    },
    catch: (error) => refuse(describeError(error))
  })
}

const migrated = (
  ledger: Ledger,
  marks: AgentMarks,
  header: JournalHeader,
  program: CompiledProgram,
  declared: Migration
): JobContext => {
  const moved = new Map<string, FactRef>()
  const renamed = new Map<string, Set<string>>()
  const from = { version: header.version }
  const uncounted = new Uncounted(program, ledger, marks)
  const brought = new Set<number>()
  const present = new Set<string>()
  const facts = [...ledger.history()].flatMap(({ fact, text }) => {
    const { version } = fact.provenance
    const isLive = ledger.find(fact.kind, fact.id)?.provenance.version === version
    if (!isLive && !uncounted.has(version)) return []
    const stored = { kind: fact.kind, id: fact.id, value: parseJson(text) }
    // Violations are of the engine's own kind, so `migrate` does not get them.
    const given = fact.kind === Violation.name ? stored : plainly("migrate", declared(stored, from))
    if (given === undefined) return []
    const kind = kindOf(program, header, given.kind, fact)
    const { text: encoded, value } = reEncoded(kind, given.value, fact)
    const id = program.kinds.has(kind.name) ? plainly(`id of ${kind.name}`, kind.id(value)) : fact.id
    const key = refKey({ kind: kind.name, id })
    // A fact that is gone may have got the id of one that is there.
    if (!isLive && present.has(key)) return []
    if (isLive) present.add(key)
    else brought.add(version)
    const names = renamed.get(fact.kind)
    if (names === undefined) renamed.set(fact.kind, new Set([kind.name]))
    else names.add(kind.name)
    moved.set(refKey(fact), { kind: kind.name, id })
    return [{ before: fact, kind, id, value, text: encoded }]
  })
  const refOf = (ref: FactRef): FactRef => moved.get(refKey(ref)) ?? ref
  const stories = ledger.knownStories().map(({ triggers, version }) => ({
    version,
    triggers: new Map(
      [...triggers].map(([agent, kinds]) => [agent, kinds.flatMap((name) => [...(renamed.get(name) ?? [name])])])
    ),
    traces: new Map<string, unknown>()
  }))
  const history = facts.map(({ before, id, kind, text, value }) => {
    const { provenance } = before
    const each = provenance.each === undefined ? undefined : refOf(provenance.each)
    const next: Provenance = Object.freeze({ ...provenance, each })
    const trace = ledger.traceOf(before)
    if (trace !== undefined) {
      const story = stories.find(({ version }) => provenance.version <= version)
      story?.traces.set(traceKey(next.cycle, next), trace)
    }
    return { kind, text, fact: Object.freeze({ kind: kind.name, id, value, provenance: next }) }
  })
  return Ledger.rebuild({
    program: program.name,
    triggers: program.triggers,
    hash: ledger.hash,
    version: ledger.version,
    history,
    evaluations: [...ledger.evaluationsAfter(0)].map((evaluation) => ({ ...evaluation, fact: refOf(evaluation.fact) })),
    isLive: () => true,
    marks: marks.marks,
    ...uncounted.pruningsOf(brought),
    stories: stories.map((story): Story => (story.traces.size === 0 ? { ...story, traces: undefined } : story))
  })
}

/** Returns the kind that `migrate` named. Facts of a kind that only an earlier job declared may keep that kind. */
const kindOf = (program: CompiledProgram, header: JournalHeader, name: string, { id, kind }: FactRef): ErasedKind => {
  const declared = program.kinds.get(name)
  if (declared !== undefined) return declared
  const isForeign = name === kind && header.kinds.every((known) => known.name !== name)
  if (isForeign) return rawKind({ name, latest: null, conflict: "reject" })
  throw new Error(`migrate gave ${kind}/${id} the kind ${JSON.stringify(name)}, which the program does not have`)
}

/** Encodes a JSON value from `migrate` with its kind. Throws if the value does not fit. */
const reEncoded = (kind: ErasedKind, json: unknown, { id, kind: name }: FactRef) => {
  try {
    return kind.codec.encode(kind.codec.decode(canonicalText(json)))
  } catch (error) {
    const why = isInvalidValue(error) ? error.message : describeError(error)
    throw new Error(`migrate gave ${name}/${id} a value that does not fit: ${why}`, { cause: error })
  }
}

/** Continues a replayed journal with a program. Returns the rebase to write, or undefined if nothing has changed. */
export const goOn = (
  reader: JournalReader,
  { header: now, program }: DescribedProgram
): Effect.Effect<Rebase | undefined, ProgramChanged> =>
  Effect.gen(function* () {
    const { header, part, replay } = reader
    if (part.changed.length > 0) {
      const context = yield* migrate(reader, program)
      return { header: nextHeader(header, now, replay.cycle, true), pieces: [...dumpContext(context)], isOfOther: true }
    }
    const isOfOther = !isSameProgram(header, now)
    if (!isOfOther && header.keepsNeeded === now.keepsNeeded) return undefined
    const { earlier } = header
    const last = earlier[earlier.length - 1]
    const isMigrated = last !== undefined && last.until === replay.cycle && last.isMigrated
    const ledger = continueOn(reader, program, replay.ledger.seal(), false)
    setMarks(replay, ledger)
    return {
      header: nextHeader(header, now, replay.cycle, isMigrated),
      // If no cycle was added since the last migration, write its context again.
      pieces: isMigrated ? [...dumpContext(ledger)] : [],
      isOfOther
    }
  })

const isSameProgram = ({ kinds, triggers, version }: JournalHeader, now: ProgramHeader): boolean =>
  JSON.stringify([kinds, triggers, version]) === JSON.stringify([now.kinds, now.triggers, now.version])

const nextHeader = (header: JournalHeader, now: ProgramHeader, cycle: number, isMigrated: boolean): JournalHeader => {
  const { earlier, ...before } = header
  const last = earlier[earlier.length - 1]
  // A version that committed no cycle gets no entry in the list.
  const rest: ReadonlyArray<EarlierHeader> =
    last !== undefined && last.until === cycle
      ? [...earlier.slice(0, -1), { ...last, isMigrated }]
      : [...earlier, { until: cycle, isMigrated, header: { ...before, earlier: [] } }]
  // The first header has the beginning of the job.
  return {
    ...before,
    ...now,
    executed: [],
    isForced: false,
    beginning: { seeds: 0, violations: [] },
    earlier: rest
  }
}

/** Refuses a cycle that a job does not have. */
export const checkCycle = ({ cycle, jobId, program }: StoredJournal, at: number): Effect.Effect<void, InvalidInput> => {
  if (Number.isSafeInteger(at) && at >= 0 && at <= cycle) return Effect.void
  const message = `the job ${JSON.stringify(jobId)} has the cycles 0 to ${cycle}, not ${String(at)}`
  return Effect.fail(new InvalidInput({ program, message }))
}

/**
 * Replays a journal up to a cycle. Fails with `InvalidInput` if the job has no such cycle. With a program, facts have the types
 * of its kinds. If these kinds have changed since the cycle, the program's `migrate` converts the facts; without `migrate`, the
 * replay fails with `ProgramChanged`.
 */
export const replayAt = (
  store: JobStore["Service"],
  journal: StoredJournal,
  program: CompiledProgram | undefined,
  at: number | undefined
): Effect.Effect<JournalReader, StoreError | JournalCorrupt | ProgramChanged | InvalidInput> =>
  Effect.gen(function* () {
    if (at !== undefined) yield* checkCycle(journal, at)
    const reader = yield* JournalReader.begun(store, journal, program === undefined ? undefined : described(program))
    yield* reader.readTo(at ?? lastOf(journal), partAt(reader.parts, at ?? Infinity, journal.cycle))
    if (program !== undefined && reader.part.changed.length > 0) yield* migrate(reader, program)
    return reader
  })
