/**
 * An estimate of the memory that an ended job takes while the server holds it for its result.
 *
 * Canonical text is held twice, as text and as values. Facts, records and the like cost about the same each, so they are
 * counted. The estimate is for a limit on many jobs together. Boundary: reads a view of a job.
 */
import type { JobView } from "../job/view.ts"
import { Limits } from "../Limits.ts"
import { plainText } from "./json.ts"

/** An estimate of the bytes that an ended job takes. `output`: the output of a converged job; undefined for others. */
export const heldBytes = ({ holdings }: JobView, output: unknown): number => {
  const textLength = holdings.textLength + plainText(output).length + plainText(holdings.diagnostics).length
  return 2 * textLength + Limits.serverThingBytes * (1 + holdings.things)
}
