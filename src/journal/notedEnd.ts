/**
 * The end of a job that has child jobs, written down before the first of them is cancelled for it.
 *
 * A process may die between the ends of the children and that of their parent. The children are then cancelled, and nothing else
 * tells that their parent has cancelled them. So a store keeps the end beside the effects of tasks (kept.ts), until the job has
 * halted: an engine that takes the job up ends it in that way, and takes no cancelled child for an answer (CH13).
 *
 * Boundary: records to and from the texts of a store. A text that was changed is `JournalCorrupt`.
 */
import * as Effect from "effect/Effect"
import { JournalCorrupt } from "../outcome/JobError.ts"
import type { Kept } from "../store/JobStore.ts"
import { describeError } from "../values/panic.ts"
import { decodeEnd, seal, unseal } from "./edges.ts"
import { keptOf } from "./kept.ts"
import type { EndExtra } from "./records.ts"
import type { Replay } from "./replay.ts"

/** The key of the end among kept records. The key of a task begins with the name of its agent, and never with a slash. */
export const endKey = "/end"

/** The record that a store keeps of the end of a job. `hash` is that of the context after its last cycle. */
export const keptEnd = (cycle: number, hash: string, end: EndExtra): Kept => ({
  cycle: cycle + 1,
  key: endKey,
  text: seal(keptOf(hash, endKey), JSON.stringify(end)),
  isProgress: false
})

/** Returns the end among the kept records of a job, or undefined if the job was not about to end. */
export const notedEnd = (
  jobId: string,
  saved: ReadonlyArray<Kept>,
  { cycle, ledger }: Pick<Replay, "cycle" | "ledger">
): Effect.Effect<EndExtra | undefined, JournalCorrupt> =>
  Effect.suspend(() => {
    // The first one counts: nothing of the job runs after it.
    const kept = saved.find((one) => one.key === endKey && one.cycle === cycle + 1)
    if (kept === undefined) return Effect.succeed(undefined)
    const corrupt = (found: string) =>
      Effect.fail(
        new JournalCorrupt({ jobId, cycle: kept.cycle, part: "kept", expected: "an end that was written", found })
      )
    const text = unseal(keptOf(ledger.hash, endKey), kept.text)
    if (text === undefined) return corrupt(kept.text.slice(0, 64))
    try {
      return Effect.succeed(decodeEnd(text))
    } catch (error) {
      return corrupt(describeError(error))
    }
  })
