/**
 * The texts by which facts, intents and executions are named: in maps, in messages, and outside as idempotency keys.
 *
 * Boundary: pure functions of names.
 */
import type { IntentRef } from "./AgentEffect.ts"
import type { FactRef } from "./Fact.ts"

/** Matches a percent sign that would read as one of the escapes below, which are of slash, quote and percent sign. */
const escapes = "%(?=2[25F])"
const inNames = new RegExp(`[/"]|${escapes}`, "g")
const inIds = new RegExp(`/(?<=(?:^|/)\\d+/)|${escapes}`, "g")

/** A name as one part of a key: without slashes and quotes. */
export const namePart = (name: string): string => name.replace(inNames, encodeURIComponent)

/** The name that a part of a key stands for. */
export const nameOfPart = (part: string): string => part.replaceAll(/%2[25F]/g, decodeURIComponent)

/**
 * The idempotency key of an intent within its job: `cycle/agent/"kind"/id/index`, or `cycle/agent//index` where there is no
 * each-fact, or `cycle/agent/part/index` for a further task of a join. With the job's id and a slash before it, it is the key
 * everywhere.
 *
 * No two intents have the same key, of one job or of two, whatever is in ids and names. Slashes and quotes in the names of
 * agent and kind are percent-encoded (`%2F`, `%22`), and so is a slash after a number in the fact's id (`2024/a.md`), so that
 * no key ends with another one. `%` becomes `%25` where it would read as one of these three. All else stands as it is.
 */
export const intentKey = ({ agent, cycle, each, index, part }: Omit<IntentRef, "kind">): string => {
  const fact =
    each === undefined
      ? String(part ?? "")
      : refKey({ kind: namePart(each.kind), id: each.id.replace(inIds, encodeURIComponent) })
  return `${cycle}/${namePart(agent)}/${fact}/${index}`
}

/** The text that names a fact in maps and messages. The kind's name is quoted, so it cannot be confused with the id. */
export const refKey = (ref: FactRef): string => `${JSON.stringify(ref.kind)}/${ref.id}`

/** The part of an execution's name that tells it from others of its cycle. */
export interface TracedTask {
  readonly agent: string
  readonly each: FactRef | undefined
  readonly part?: number
}

/** The name of an execution among the traces of one job. */
export const traceKey = (cycle: number, { agent, each, part }: TracedTask): string =>
  `${cycle}/${namePart(agent)}${each === undefined ? "" : `/${refKey(each)}`}${part === undefined ? "" : `/${part}`}`

/** The part of a task as a field, left out where there is none. */
export const partOf = (part: number | undefined): { readonly part?: number } => (part === undefined ? {} : { part })

/** The cycle and the agent of a key. */
const keyPattern = /^(\d+)\/([^/]*)\//

/**
 * The agent that asked for a child job, and its cycle. The child's id is its parent's, a slash, and the key of the intent.
 * Undefined if the id is shortened (intents/childIds.ts).
 */
export const askerIn = (
  parent: string,
  childId: string
): { readonly agent: string; readonly cycle: number } | undefined => {
  if (!childId.startsWith(`${parent}/`)) return undefined
  const [, cycle, part] = keyPattern.exec(childId.slice(parent.length + 1)) ?? []
  return cycle === undefined || part === undefined ? undefined : { agent: nameOfPart(part), cycle: Number(cycle) }
}
