/**
 * The acts of killed jobs outside: their handler appends a line to the log, which is on the disk before it answers.
 * `examineActs` says whether each act was done that had to be, under its own key, and not after its answer was in the store.
 */
import * as Effect from "effect/Effect"
import { fsyncSync, openSync, writeSync } from "node:fs"
import type { AgentEffect, Engine, Job } from "../../../src/index.ts"
import type { Line } from "./log.ts"
import type { Point } from "./points.ts"
import { Receipt } from "./program.ts"
import { intentKey } from "../../../src/program/keys.ts"

/** The kind of the intents that are performed. */
export const measured = "measured"

/** The answer to an intent: it follows from the intent alone. */
export const answerTo = ({ agent, cycle, each, index, payload }: Engine.HandledIntent) => [
  Receipt.of({ of: intentKey({ agent, cycle, each, index }), n: (payload as { readonly n: number }).n })
]

/** Performs an intent. `comeTo` is told of the moments before and after the act. */
export const actingIn = (path: string, comeTo: (point: Point) => void) => {
  const file = openSync(path, "a")
  return (intent: Engine.HandledIntent) =>
    Effect.sync(() => {
      comeTo("before an act")
      const { cycle, idempotencyKey: key, jobId, payload } = intent
      const line: Line = { tag: "Acted", jobId, cycle, key, payload }
      writeSync(file, `${JSON.stringify(line)}\n`)
      fsyncSync(file)
      comeTo("after an act")
      return answerTo(intent)
    })
}

/** The keys of the intents that a row answers, from its canonical text. */
export const answeredBy = (jobId: string, text: string): ReadonlyArray<string> => {
  if (!text.includes('"answers":')) return []
  type Signal = {
    readonly answers?: Omit<AgentEffect.IntentRef, "each"> & { readonly each?: readonly [string, string] }
  }
  const { signals } = JSON.parse(text) as { readonly signals: ReadonlyArray<Signal> }
  return signals.flatMap(({ answers }) => {
    if (answers === undefined) return []
    const { each, ...ref } = answers
    const named = each === undefined ? undefined : { kind: each[0], id: each[1] }
    return [`${jobId}/${intentKey({ ...ref, each: named })}`]
  })
}

/**
 * Whether what the processes did outside is what the intents of an undisturbed run wish for. Gives how often something was
 * done again.
 */
export const examineActs = (
  lines: ReadonlyArray<Line>,
  intents: ReadonlyArray<Job.CommittedIntent>,
  processes: number,
  complain: (text: string) => void
): number => {
  const wished = new Map(
    intents.filter(({ kind }) => kind === measured).map(({ idempotencyKey, payload }) => [idempotencyKey, payload])
  )
  const acts = new Map<string, number>()
  const answered = new Set<string>()
  for (const line of lines) {
    if (line.tag === "Committed") for (const key of line.answers) answered.add(key)
    if (line.tag !== "Acted") continue
    const { key, payload } = line
    acts.set(key, (acts.get(key) ?? 0) + 1)
    if (!wished.has(key)) complain(`something was performed as ${key}, which is no intent`)
    else if (JSON.stringify(payload) !== JSON.stringify(wished.get(key)))
      complain(`${key} was performed as another act`)
    if (answered.has(key)) complain(`${key} was performed again after its answer was committed`)
  }
  for (const key of wished.keys()) if (!acts.has(key)) complain(`${key} was never performed`)
  for (const [key, times] of acts) {
    if (times > processes) complain(`${key} was performed ${times} times in ${processes} processes`)
  }
  return [...acts.values()].reduce((again, times) => again + times - 1, 0)
}
