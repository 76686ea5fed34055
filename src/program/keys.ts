/**
 * The texts by which facts and intents are named: in maps, in messages, and outside as idempotency keys.
 *
 * Boundary: pure functions of names.
 */
import type { IntentRef } from "./AgentEffect.ts"
import type { FactRef } from "./Fact.ts"
import { Limits } from "../Limits.ts"
import { sha256 } from "../values/sha256.ts"

/** Matches a percent sign that would read as one of the escapes below, which are of slash, quote and percent sign. */
const escapes = "%(?=2[25F])"
const inNames = new RegExp(`[/"]|${escapes}`, "g")
const inIds = new RegExp(`/(?<=(?:^|/)\\d+/)|${escapes}`, "g")

/** A name as one part of a key: without slashes and quotes. */
export const namePart = (name: string): string => name.replace(inNames, encodeURIComponent)

/**
 * The idempotency key of an intent within its job: `cycle/agent/"kind"/id/index`, or `cycle/agent//index` where there is no
 * each-fact. With the job's id and a slash before it, it is the key everywhere.
 *
 * No two intents have the same key, of one job or of two, whatever is in ids and names. Slashes and quotes in the names of
 * agent and kind are percent-encoded (`%2F`, `%22`), and so is a slash after a number in the fact's id (`2024/a.md`), so that
 * no key ends with another one. `%` becomes `%25` where it would read as one of these three. All else stands as it is.
 */
export const intentKey = ({ agent, cycle, each, index }: Omit<IntentRef, "kind">): string => {
  const fact =
    each === undefined ? "" : refKey({ kind: namePart(each.kind), id: each.id.replace(inIds, encodeURIComponent) })
  return `${cycle}/${namePart(agent)}/${fact}/${index}`
}

/** The text that names a fact in maps and messages. The kind's name is quoted, so it cannot be confused with the id. */
export const refKey = (ref: FactRef): string => `${JSON.stringify(ref.kind)}/${ref.id}`

/**
 * Gives the ids of a job's children, by the keys of the intents that ask for them: the parent's id, a slash, and the key.
 *
 * A long id is shortened to the beginning of the parent's id and the hash of the whole, so that ids do not grow with the depth
 * of the tree. `mayShorten` is false for the jobs of a version that did not do so: their children are stored under whole ids.
 */
export const childIdsOf =
  (parent: string, mayShorten: boolean) =>
  (key: string): string => {
    const whole = `${parent}/${key}`
    if (!mayShorten || whole.length <= Limits.childIdLength) return whole
    return `${parent.slice(0, Limits.childIdPrefixLength).toWellFormed()}/~${sha256(whole).slice(0, 40)}`
  }
