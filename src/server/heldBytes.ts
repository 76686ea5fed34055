/**
 * About how much memory a job takes that has ended and is held for its result.
 *
 * What grows with what a program says is counted by its canonical text, which is there as text and once more as values; what
 * comes in numbers, by the number. It is an estimate, so that many jobs together stay near a limit. Boundary: reads a session.
 */
import type { JobSession } from "../job/session.ts"
import { Limits } from "../Limits.ts"
import { plain } from "./json.ts"

/** Characters of a value as JSON. */
const lengthOf = (value: unknown): number => {
  try {
    return JSON.stringify(value)?.length ?? 0
  } catch {
    return JSON.stringify(plain(value)).length
  }
}

export const heldBytes = ({ ledger, log, tracker }: JobSession, output: unknown): number => {
  // What was said is in the context, in the log and among intents: the same texts and values.
  const said = Math.max(ledger.historyBytes, log.written) + lengthOf(output) + lengthOf(tracker.diagnostics)
  const things = ledger.version + log.records + tracker.intents.length + tracker.diagnostics.length
  return 2 * said + Limits.serverThingBytes * (1 + things)
}
