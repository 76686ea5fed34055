/**
 * The facts that retention must not prune when a cycle commits: those that an agent has not consumed yet, and those about which
 * an intent waits for its answer (M5).
 *
 * Both follow from the journal: marks advance with the cycles, and rows say which intents are performed and which are answered.
 * So a replay prunes what the job pruned (G3). Boundary: the pure core.
 */
import type { FactEntry } from "../context/factTable.ts"
import type { Ledger, Needed } from "../context/Ledger.ts"
import type { CommittedCycle } from "../outcome/CommittedCycle.ts"
import { approvalKind, Decision } from "../program/answerKinds.ts"
import type { FactRef } from "../program/Fact.ts"
import { refKey } from "../program/keys.ts"

/** An intent that is performed and has no answer. */
export interface WaitingIntent {
  readonly kind: string
  readonly payload: unknown
  /** The fact that the task of the intent was about. */
  readonly each: FactRef | undefined
}

/** The state of a job after a cycle. */
export interface Progress {
  /** The kinds that trigger each agent, by the agent's name. */
  readonly triggers: ReadonlyMap<string, ReadonlyArray<string>>
  /** The mark of an agent after the cycle. */
  readonly markOf: (agent: string) => number
  readonly waiting: Iterable<WaitingIntent>
  readonly ledger: Ledger
}

/** Gives the facts that a job still needs after a cycle. */
export const neededAfter = ({ ledger, markOf, triggers, waiting }: Progress): Needed => {
  let held: Set<string> | undefined
  const heldNow = (): Set<string> => {
    const keys = new Set<string>()
    for (const intent of waiting)
      if (intent.each !== undefined && !isDecided(intent, ledger)) keys.add(refKey(intent.each))
    return keys
  }
  return {
    readUpTo: (kind) => {
      let lowest = Infinity
      for (const [agent, kinds] of triggers) if (kinds.includes(kind)) lowest = Math.min(lowest, markOf(agent))
      return lowest
    },
    isHeld: ({ fact }: FactEntry) => (held ??= heldNow()).has(refKey(fact))
  }
}

/** The intents of a cycle's row that somebody performs. */
export function* performedIn(
  { outcomes }: CommittedCycle,
  performed: ReadonlyArray<string>
): Generator<WaitingIntent, void> {
  if (performed.length === 0) return
  for (const { each, effect } of outcomes) {
    for (const { kind, payload } of effect?.intents ?? []) if (performed.includes(kind)) yield { kind, payload, each }
  }
}

/** Whether an approval has its decision: it is then closed, also if the decision came before the approval. */
const isDecided = ({ kind, payload }: WaitingIntent, ledger: Ledger): boolean =>
  kind === approvalKind &&
  typeof payload === "object" &&
  payload !== null &&
  "id" in payload &&
  typeof payload.id === "string" &&
  ledger.find(Decision.name, payload.id) !== undefined
