/**
 * Another version of the program goes on with a job (decision 20): agents keep their marks by name, and if kinds have changed,
 * its `migrate` brings the facts over.
 *
 * Boundary: pure; the state of a job in, that of the next version out.
 */
import { builtInKinds, migrated } from "../behave.ts"
import type { ProgramSpec, Rule } from "../spec.ts"
import { textOf } from "./canonical.ts"
import { isFunction } from "./merge.ts"
import type { Context, Entry, Progress, Pruned } from "./state.ts"

/** A rule as a journal knows it: functions have no names there. */
const classOf = (rule: Rule): string => (isFunction(rule) ? "combine" : rule)

/** Whether a kind of the earlier version is another one in the next, or is gone. */
export const changesKinds = ({ kinds }: ProgramSpec, next: ProgramSpec): boolean =>
  kinds.some(({ latest, name, rule }) => {
    const now = next.kinds.find((kind) => kind.name === name)
    return now === undefined || now.latest !== latest || classOf(now.rule) !== classOf(rule)
  })

export interface Brought {
  readonly context: Context
  readonly pruned: ReadonlyArray<Pruned>
  readonly progress: ReadonlyMap<string, Progress>
}

/** Converts the facts of a job, each once. A position is that of the fact before. */
export const migrate = ({ context, progress, pruned }: Brought, { migration }: ProgramSpec): Brought => {
  if (migration === undefined) throw new Error("the kinds have changed, and the program has no migration")
  const isKept = ({ kind }: Entry) => kind === "Violation" || builtInKinds.includes(kind)
  const bring = (entry: Entry): ReadonlyArray<Entry> => {
    if (isKept(entry)) return [entry]
    const value = migrated(migration, entry.value)
    return value === undefined ? [] : [{ ...entry, value, text: textOf(value) }]
  }
  const brought = new Map<Entry, ReadonlyArray<Entry>>()
  const bringOnce = (entry: Entry): ReadonlyArray<Entry> => {
    const made = brought.get(entry) ?? bring(entry)
    brought.set(entry, made)
    return made
  }
  const next = [...progress].map(([name, own]): readonly [string, Progress] => [
    name,
    { ...own, seen: own.seen.flatMap(bringOnce) }
  ])
  return {
    context: { ...context, live: context.live.flatMap(bringOnce) },
    pruned,
    progress: new Map(next)
  }
}
