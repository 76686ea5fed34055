/**
 * Writes the extra of a row: what a replay needs beside the canonical text of rowText.ts, which the hash covers.
 *
 * An extra has the ids of the facts, the results of combining functions, causes with all their fields, traces, tokens, and
 * what the job had spent by then. Boundary: the pure core: committed cycles in, JSON out; decode.ts reads it.
 */
import type { Cause } from "../outcome/Cause.ts"
import type { CommittedCycle, MergedOutcome } from "../outcome/CommittedCycle.ts"
import type { OutcomeExtra, HaltExtra, RowExtra, BeginningExtra } from "./records.ts"
import { causeJson } from "./causes.ts"

/** What a canonical text does not say of an outcome. `textOf`: the committed text of a fact. */
const outcomeExtra = (
  { cause, effect, facts, proposals = 0 }: MergedOutcome,
  isSignal: boolean,
  textOf: (version: number) => string
): OutcomeExtra => {
  if (cause !== undefined) {
    return isSignal ? { cause: causeJson(cause), proposals } : { cause: causeJson(cause) }
  }
  if (effect === undefined) return 0
  const { facts: proposed, tokens, trace } = effect
  if (proposed.length === 0 && tokens === 0 && trace === undefined) return 0
  const combined: Array<readonly [number, string | null]> = []
  let committed = 0
  proposed.forEach((fact, place) => {
    const next = facts[committed]
    const isCommitted = next !== undefined && next.kind === fact.kind.name && next.id === fact.id
    if (isCommitted) committed++
    if (typeof fact.kind.conflict !== "function") return
    const text = isCommitted ? textOf(next.provenance.version) : null
    if (text !== fact.text) combined.push([place, text])
  })
  return {
    ...(proposed.length > 0 ? { ids: proposed.map(({ id }) => id) } : {}),
    ...(combined.length > 0 ? { combined } : {}),
    ...(trace === undefined ? {} : { trace }),
    ...(tokens > 0 ? { tokens } : {})
  }
}

const allEmpty = (extras: ReadonlyArray<OutcomeExtra>): boolean => extras.every((extra) => extra === 0)

/** Where the cause that halts the job stands. */
const haltExtra = (halt: Cause | undefined, row: CommittedCycle): HaltExtra | undefined => {
  if (halt === undefined) return undefined
  const signal = row.signals.findIndex(({ cause }) => cause === halt)
  if (signal >= 0) return ["signal", signal]
  const outcome = row.outcomes.findIndex(({ cause }) => cause === halt)
  return outcome >= 0 ? ["outcome", outcome] : { cause: causeJson(halt) }
}

/** The extra of a committed cycle. */
export const rowExtra = (
  row: CommittedCycle,
  halt: Cause | undefined,
  textOf: (version: number) => string,
  rest: Pick<RowExtra, "at" | "ranMs" | "cpuMs" | "before" | "handled">
): string => {
  const signals = row.signals.map((outcome) => outcomeExtra(outcome, true, textOf))
  const outcomes = row.outcomes.map((outcome) => outcomeExtra(outcome, false, textOf))
  const found = haltExtra(halt, row)
  const extra: RowExtra = {
    ...(allEmpty(signals) ? {} : { signals }),
    ...(allEmpty(outcomes) ? {} : { outcomes }),
    ...(rest.before === undefined || rest.before.length === 0 ? {} : { before: rest.before }),
    ...(found === undefined ? {} : { halt: found }),
    ...(rest.handled === undefined || rest.handled.length === 0 ? {} : { handled: rest.handled }),
    at: rest.at,
    ranMs: rest.ranMs,
    cpuMs: rest.cpuMs
  }
  return JSON.stringify(extra)
}

/** What a header says of cycle 0. */
export const beginningExtra = (
  row: CommittedCycle,
  halt: Cause | undefined,
  textOf: (version: number) => string
): BeginningExtra => {
  const found = haltExtra(halt, row)
  return {
    seeds: outcomeExtra(row.signals[0]!, true, textOf),
    violations: row.violations.map(({ value }) => value),
    ...(found === undefined ? {} : { halt: found })
  }
}
