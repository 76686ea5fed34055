/**
 * The fork of a stored job: a new job that begins with the context of a past cycle and with changed facts.
 *
 * Invariants: the stored job does not change; agents have in the new job the marks of that cycle, and the changed facts are new
 * to them. Boundary: from a journal to a new job for starting.ts.
 */
import * as Effect from "effect/Effect"
import { refuseOther } from "../journal/find.ts"
import { replayAt } from "../journal/migrate.ts"
import { setMarks } from "../journal/replay.ts"
import { keptAttributes } from "../program/attributes.ts"
import type { Kind } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import { canonicalText } from "../values/Canonical.ts"
import type { EngineState } from "./engineState.ts"
import { refuseFork } from "./optionRules.ts"
import { stayingAfter, warnOfStaying } from "./replaced.ts"
import type { ForkOptions } from "./options.ts"
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

/** Forks a stored job. The parameters are those of `Engine.fork`. */
export const forkJob = Effect.fnUntraced(function* (
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
  const refused = unfitId(compiled, ownId) ?? admission.refuse(ownId, false) ?? live.refuseId(compiled, ownId)
  if (refused !== undefined) return yield* refused
  const journal = yield* store.load(jobId)
  const other = refuseOther(journal, compiled, undefined)
  if (other !== undefined) return yield* other
  const given = options.input === undefined ? undefined : yield* encodeInput(compiled, options.input)
  const seeds = given === undefined ? [] : yield* encodeSeeds(compiled, given.value)
  const facts = yield* encodeFactsOf(compiled, "facts", () => options.facts ?? [])
  const { input, replay } = yield* replayAt(store, journal, compiled, options.at)
  setMarks(replay, replay.ledger)
  const staying = yield* stayingAfter(replay.ledger, [...seeds, ...facts])
  const context = replay.ledger.seal()
  const attributes = keptAttributes(options.attributes ?? journal.attributes)
  const started = yield* startNew(engine, {
    program: compiled,
    jobId: ownId,
    id: options.id === undefined ? "made" : "given",
    budget,
    input: given?.text ?? canonicalText(input),
    seeds: [...seeds, ...facts],
    beginning: { context, executed: [...replay.executed], isForced: true, attributes }
  })
  started.staying = staying
  if (staying !== undefined) yield* warnOfStaying(ownId, staying)
  return started
})
